"""Why a session does not begin, or does not go on."""

from app.core.problems import Problem


class InvalidRefreshToken(Problem):
    """The refresh token is malformed or unknown.

    Sign in again.
    """

    status = 401


class SessionNotFound(Problem):
    """There is no such session of yours.

    `GET /v1/me/sessions` lists those that are open.
    """

    status = 404
