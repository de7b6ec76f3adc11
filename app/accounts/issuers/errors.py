"""Why the user of another issuer is not let in, or not linked."""

from app.core.problems import Problem


class AccountExists(Problem):
    """There is an account with the e-mail address of this token already.

    If it is yours, sign in to it, and link the token's user with `POST /v1/me/identities`. If you never made it,
    `POST /v1/auth/forgot-password` gives it to whoever reads that mailbox: to you.
    """

    status = 409
