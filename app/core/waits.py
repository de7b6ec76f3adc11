"""`?wait=` and `Prefer: wait=n`: how long a client lets an answer be held."""

import re
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Query

from app.core.dependencies import SettingsDep

_PREFERRED = re.compile(r"(?:^|[,;\s])wait=(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Wait:
    """For how long, and the headers that say so."""

    seconds: float
    headers: dict[str, str] = field(default_factory=dict)


def _wait(
    settings: SettingsDep,
    wait: Annotated[
        float, Query(ge=0, le=60, allow_inf_nan=False, description="Hold the answer until the end, for so long.")
    ] = 0,
    prefer: Annotated[str | None, Header(description="`wait=n` does as `?wait=n`.")] = None,
) -> Wait:
    if not wait and prefer and (wished := _PREFERRED.search(prefer)):
        return Wait(min(float(wished[1]), settings.tasks.max_wait_seconds), {"Preference-Applied": f"wait={wished[1]}"})
    return Wait(wait)


WaitDep = Annotated[Wait, Depends(_wait)]
