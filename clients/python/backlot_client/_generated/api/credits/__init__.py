from .export_credit_transactions import export_credit_transactions
from .get_credits import get_credits
from .list_credit_grants import list_credit_grants
from .list_credit_transactions import list_credit_transactions
from .update_credits import update_credits

__all__ = [
    "export_credit_transactions",
    "get_credits",
    "list_credit_grants",
    "list_credit_transactions",
    "update_credits",
]
