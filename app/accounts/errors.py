"""Why a caller is not let in."""

from app.core.problems import Problem


class MissingCredentials(Problem):
    """This needs an API key.

    Send it as `Authorization: Bearer bk_live_…` or `X-API-Key: bk_live_…`.
    """

    status = 401


class InvalidApiKey(Problem):
    """The API key is malformed, unknown, expired or revoked.

    Check that it was copied whole, or make a new one.
    """

    status = 401


class MissingScope(Problem):
    """The API key lacks the scope this needs."""

    status = 403


class AccountSuspended(Problem):
    """The account is suspended."""

    status = 403


class ApiKeyNotFound(Problem):
    """There is no such API key in this workspace."""

    status = 404


class ForbiddenGrant(Problem):
    """A key cannot make a key that may do more than itself."""

    status = 403


class EmailUnverified(Problem):
    """The e-mail address is not verified yet.

    Open the link in the mail that was sent to it, or ask for another with `POST /v1/auth/resend-verification`.
    """

    status = 403
