"""A purse, as the tests of the ledger have it."""

from tests.ledger.conftest import purse

__all__ = ["purse"]
