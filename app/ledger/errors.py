"""Failures of money."""

from app.core.problems import Problem


class InsufficientCredits(Problem):
    """The balance does not cover the price.

    `price` and `balance` are in credits. Nothing was started. Buy credits, or ask for less.
    """

    status = 402


class NotSellable(Problem):
    """There is no price for this, so it cannot be ordered.

    An operator adds a row to the price table to offer it.
    """

    status = 422


class ReferenceTaken(Exception):
    """The reference stands for another movement of credits: a different amount, task, workspace or mode."""


class NotRefundable(Exception):
    """Less than that is left of what was captured for the task."""
