"""Why an account cannot be erased, kept or exported."""

from app.core.problems import Problem


class AdminsStay(Problem):
    """Administrators of the installation do not delete their own account.

    Have the operator take the role first: `backlot admins remove --email …`.
    """

    status = 409


class DeletionNotScheduled(Problem):
    """No deletion of this account is scheduled."""

    status = 409


class DeletionBegun(Problem):
    """The deletion has begun and cannot be taken back."""

    status = 409
