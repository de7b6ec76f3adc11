"""Why an administrator cannot do something."""

from app.core.problems import Problem


class UserNotFound(Problem):
    """There is no such user."""

    status = 404


class OwnAccount(Problem):
    """Nobody suspends or deletes themselves here.

    Ask another admin, or the operator.
    """

    status = 409


class LastAdmin(Problem):
    """There would be no admin left.

    Make somebody else an admin first: `backlot admins add --email …`.
    """

    status = 409


class AccountErased(Problem):
    """The account was erased, or is being erased."""

    status = 409


class CheckTooLong(Problem):
    """The check takes longer than a request may.

    Run `backlot ledger verify` or `backlot audit verify` on the command line.
    """

    status = 503
