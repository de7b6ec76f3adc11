"""API keys as the outside sees them."""

from datetime import datetime

from app.accounts.keys import budgets
from app.accounts.keys.schemas import ApiKeyRead, BudgetRead
from app.accounts.models import ApiKey, KeyBudget
from app.core import clock


def shown(key: ApiKey, budget: KeyBudget | None) -> ApiKeyRead:
    """The key without its secret, and the budget it spends from as it is now."""
    now = clock.now()
    return ApiKeyRead.model_validate(
        {
            "id": key.id,
            "name": key.name,
            "mode": key.mode,
            "hint": key.hint,
            "scopes": key.scopes,
            "allowed_ips": key.allowed_ips,
            "allowed_operations": key.allowed_operations,
            "rate_limit": key.rate_limit,
            "budget": _budget(budget, now),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "last_used_at": key.last_used_at,
            "last_used_ip": key.last_used_ip,
            "rotated_at": key.rotated_at,
            "old_secret_until": key.previous_until if key.previous_until and key.previous_until > now else None,
            "revoked_at": key.revoked_at,
        }
    )


def _budget(budget: KeyBudget | None, now: datetime) -> BudgetRead | None:
    if budget is None or budget.credits is None:
        return None
    return BudgetRead.model_validate(
        {
            "credits": budget.credits,
            "period": budget.period,
            "spent": budgets.spent(budget, now),
            "resets_at": budgets.resets_at(budget.period, now),
        }
    )
