import httpx

from .... import _calls
from ...models.problem_kinds import ProblemKinds


def _parse(response: httpx.Response) -> ProblemKinds:
    response_200 = ProblemKinds.from_dict(response.json())

    return response_200


def list_problems() -> _calls.Call[ProblemKinds]:
    """List every error code, its status, and what to do about it."""

    return _calls.Call(
        "GET",
        "/v1/problems",
        _parse,
        is_safe_twice=True,
    )
