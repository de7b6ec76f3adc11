"""What can go wrong with events."""

from app.core.problems import Problem


class EventNotFound(Problem):
    """There is no such event in this workspace, or not any more.

    Events are kept for some weeks; what they told of is still there.
    """

    status = 404
