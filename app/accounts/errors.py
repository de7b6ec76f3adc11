"""Why a caller is not let in."""

from app.core.problems import Problem


class MissingCredentials(Problem):
    """This needs an API key, or a user who is signed in.

    Send `Authorization: Bearer` with an access token or an API key, or the key as `X-API-Key: bk_live_…`.
    """

    status = 401


class InvalidApiKey(Problem):
    """The API key is malformed, unknown, expired or revoked.

    Check that it was copied whole, or make a new one.
    """

    status = 401


class InvalidToken(Problem):
    """The access token is malformed, expired, or none of ours.

    Get another with `POST /v1/auth/refresh`, or sign in again.
    """

    status = 401


class InvalidTicket(Problem):
    """The ticket is unknown, or its minute is over.

    Get another with `POST /v1/events/stream/tickets`, and give `last_event_id` to go on where the stream ended.
    """

    status = 401


class SessionRevoked(Problem):
    """The session has ended.

    It was signed out, its time was up, the password was changed, or its refresh token was used twice. Sign in again.
    """

    status = 401


class SessionRequired(Problem):
    """This is for users who are signed in, not for API keys.

    Sign in with `POST /v1/auth/login`, and send the access token.
    """

    status = 403


class ConfirmationRequired(Problem):
    """This needs a fresh proof that it is you.

    Send `POST /v1/auth/confirm` and repeat the request within ten minutes.
    """

    status = 403


class AdminRequired(Problem):
    """This is for admins of the installation."""

    status = 403


class CsrfFailed(Problem):
    """A request with a session cookie has to show that a page of ours sent it.

    Send the value of the cookie `backlot_csrf` as the header `X-CSRF-Token`, from an origin that is allowed.
    """

    status = 403


class WorkspaceNotFound(Problem):
    """There is no such workspace, or you are not in it.

    `GET /v1/workspaces` lists those you are in.
    """

    status = 404


class MissingScope(Problem):
    """The API key, or your role in the workspace, lacks the scope this needs."""

    status = 403


class AccountSuspended(Problem):
    """The account is suspended."""

    status = 403


class DeletionScheduled(Problem):
    """The account is to be deleted, and locked until then.

    Sign in and send `POST /v1/me/restore` to keep it.
    """

    status = 403


class EmailUnverified(Problem):
    """The e-mail address is not verified yet.

    Open the link in the mail that was sent to it, or ask for another with `POST /v1/auth/resend-verification`.
    """

    status = 403
