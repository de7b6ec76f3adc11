"""Why somebody is not let in by a provider, or an identity is not linked."""

from app.core.problems import Problem


class OauthNotConfigured(Problem):
    """This installation does not offer to sign in with that provider.

    `GET /v1/auth/oauth` lists those it does.
    """

    status = 404


class InvalidOauthAttempt(Problem):
    """This sign-in was not begun in this browser, took longer than ten minutes, or is over already.

    Begin again at `GET /v1/auth/oauth/{provider}/authorize`, with cookies allowed.
    """

    status = 400


class AccessDenied(Problem):
    """The sign-in was declined at the provider."""

    status = 403


class OauthRefused(Problem):
    """What the provider said of who signs in cannot be believed.

    Begin again. If it stays, the operator finds the reason in the log.
    """

    status = 401


class OauthProviderUnavailable(Problem):
    """The provider does not answer as it should just now.

    Try again after the seconds in `Retry-After`, or sign in another way.
    """

    status = 503


class OauthEmailUnverified(Problem):
    """The provider knows no e-mail address of yours that was verified there.

    Verify your primary address at the provider, allow us to see it, and begin again.
    """

    status = 403


class LinkRequired(Problem):
    """There is an account with this e-mail address, and the provider cannot vouch that the address is yours now.

    Open the link in the mail that was sent to the address; or sign in the way you did before, and link the provider
    there.
    """

    status = 409


class InvalidOauthCode(Problem):
    """This code was used, is older than a minute, is for something else, or was begun by another client.

    Begin again at `GET /v1/auth/oauth/{provider}/authorize`.
    """

    status = 400


class IdentityTaken(Problem):
    """This identity signs in to another account.

    Unlink it there first.
    """

    status = 409


class IdentityNotFound(Problem):
    """No such identity is linked to your account."""

    status = 404


class LastWayIn(Problem):
    """Without this identity nobody could sign in to the account any more.

    Set a password first (`POST /v1/auth/forgot-password`), or link another identity.
    """

    status = 409
