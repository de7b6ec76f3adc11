"""Why a batch cannot be ordered, found or canceled."""

from app.core.problems import Problem


class NoValidItems(Problem):
    """None of the items can be done.

    `errors` names what is wrong with each. Nothing was held and there is no batch: mend the items and send them again.
    """

    status = 422


class BatchNotFound(Problem):
    """There is no such batch in this workspace."""

    status = 404


class BatchEnded(Problem):
    """Every task of the batch has ended, so there is nothing to cancel."""

    status = 409
