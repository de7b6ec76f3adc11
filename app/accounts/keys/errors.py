"""What a key is held back by."""

from app.core.problems import Problem


class ApiKeyNotFound(Problem):
    """There is no such API key in this workspace."""

    status = 404


class ApiKeyRevoked(Problem):
    """The API key was revoked, for good.

    Make a new one.
    """

    status = 409


class ForbiddenGrant(Problem):
    """Nobody can give a key more than they have themselves.

    `errors` names the field that goes too far. Ask for less, or let somebody do it who may.
    """

    status = 403


class IpNotAllowed(Problem):
    """The API key may not be used from this address.

    Whoever manages the keys of the workspace can change its `allowed_ips`.
    """

    status = 403


class OperationNotAllowed(Problem):
    """The API key may not order this operation.

    Whoever manages the keys of the workspace can change its `allowed_operations`.
    """

    status = 403


class RateLimited(Problem):
    """The API key has used up its requests for the moment.

    Wait for the seconds in `Retry-After`. `RateLimit` tells with each answer how many are left.
    """

    status = 429


class KeyBudgetExceeded(Problem):
    """The budget of the API key does not cover the price.

    `budget`, `spent` and `price` are in credits; open orders count as spent. Nothing was started. Wait until
    `resets_at`, if it is not null, use another key, or raise the budget with `PATCH /v1/api-keys/{key_id}`.
    """

    status = 402
