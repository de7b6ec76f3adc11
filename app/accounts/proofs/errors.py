"""Why a link is not taken."""

from app.core.problems import Problem


class InvalidLink(Problem):
    """The link is not valid any more.

    It was used already, is too old, was followed by a newer one, or was not copied whole. Ask for another mail.
    """

    status = 422
