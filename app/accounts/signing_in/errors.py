"""Why somebody is not signed up, or in."""

from app.core.problems import Problem


class InvalidCredentials(Problem):
    """The address or the password is wrong.

    Or there is no account with this address. A forgotten password is set anew by `POST /v1/auth/forgot-password`.
    """

    status = 401


class WeakPassword(Problem):
    """The password is too easy to guess.

    Take a longer one: four words that have nothing to do with each other are good.
    """

    status = 422


class WrongPassword(Problem):
    """The current password is not this.

    A forgotten one is set anew by `POST /v1/auth/forgot-password`.
    """

    status = 403


class PasswordNeeded(Problem):
    """Somebody else may have signed up with this address too: give the password that you chose.

    Send the link's token again, with `password`. If none fits, `POST /v1/auth/forgot-password` sets a new one and
    drops whatever others set up.
    """

    status = 422


class DisposableAddress(Problem):
    """Addresses of this provider are not taken.

    It gives out addresses for a few minutes only. Use one where mail reaches you later too.
    """

    status = 422


class EmailTaken(Problem):
    """The address belongs to another account by now.

    Sign in there, or choose another address.
    """

    status = 409


class CaptchaRequired(Problem):
    """This needs a solved captcha.

    Send the token of the widget as `captcha_token`.
    """

    status = 422


class CaptchaFailed(Problem):
    """The captcha was not solved, or its token was used already.

    Let the widget make a new token.
    """

    status = 422


class TooManySignIns(Problem):
    """More sign in at once than can be served just now.

    Nothing was counted. Try again after the seconds in `Retry-After`.
    """

    status = 503
