from urllib.parse import quote

import httpx

from .... import _calls


def _parse(response: httpx.Response) -> None:
    return None


def delete_task(
    task_id: str,
) -> _calls.Call[None]:
    """Delete an ended task. Its results stay in the gallery."""

    return _calls.Call(
        "DELETE",
        "/v1/tasks/{task_id}".format(
            task_id=quote(str(task_id), safe=""),
        ),
        _parse,
        is_safe_twice=True,
    )
