"""`backlot demo`: what a front-end developer would write against the API, and nothing that they could not."""

import json
import mimetypes
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

EXAMPLE = Path("examples/photos/coffee.jpg")
ENDED = frozenset({"succeeded", "failed", "canceled"})
WAIT_SECONDS = 300.0


class DemoFailed(Exception):
    """The demo could not show what it is to show; the message says why."""


@dataclass(frozen=True, slots=True)
class Order:
    photo: Path
    preset: str
    num_images: int


def find_photo(given: Path | None) -> Path:
    """The photo asked for, or the example beside the code or in the working directory. Raises DemoFailed."""
    here = Path(__file__).parents[1]
    for photo in [given] if given else [EXAMPLE, here / EXAMPLE]:
        if photo.is_file():
            return photo
    raise DemoFailed(f"there is no photo at {given or EXAMPLE}; name one with --photo")


def run(url: str, keys: Iterable[str], order: Order) -> None:
    """Upload, quote, submit, wait, download. `keys` are tried until one has the credits. Raises DemoFailed."""
    began = monotonic()
    for key in keys:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=httpx.Timeout(30)) as api:
            if api.get("/v1/credits").status_code == httpx.codes.UNAUTHORIZED:
                continue  # a key of an earlier database
            asset = _upload(api, order.photo)
            body = {
                "operation": "replace_background",
                "input": {"image": asset["id"], "preset": order.preset, "num_images": order.num_images},
            }
            price = _ask(api, "POST", "/v1/tasks/quote", json=body)["credits"]["quoted"]
            if _ask(api, "GET", "/v1/credits")["balance"] < price:
                continue
            _make(api, order, asset, body, price)
            print(f"\nDone in {monotonic() - began:.1f} s.")
            return
    raise DemoFailed("no account with enough credits")


def _make(api: httpx.Client, order: Order, asset: dict[str, Any], body: dict[str, Any], price: float) -> None:
    print(f"\nUploaded   {order.photo}: {asset['width']}×{asset['height']}, {asset['bytes']:,} bytes → {asset['id']}")
    print(f"Quoted     {_credits(price)} for {order.num_images} × {order.preset}")
    _show_ledger(api, "before")
    task = _ask(api, "POST", "/v1/tasks", json=body)
    print(f"\nSubmitted  {task['id']}")
    task = _follow(api, task)
    if task["status"] != "succeeded":
        error = task["error"] or {"code": task["status"], "message": "no result"}
        raise DemoFailed(f"the task {task['status']}: {error['message']} ({error['code']})")
    pictures = [_download(api, output, order.photo, number) for number, output in enumerate(task["outputs"], 1)]
    _show_ledger(api, "after")
    print("\nYour pictures:")
    for picture in pictures:
        print(f"  {picture}")


def _upload(api: httpx.Client, photo: Path) -> dict[str, Any]:
    content_type = mimetypes.guess_type(photo.name)[0] or "application/octet-stream"
    return _ask(api, "POST", "/v1/assets", files={"file": (photo.name, photo.read_bytes(), content_type)})


def _follow(api: httpx.Client, task: dict[str, Any]) -> dict[str, Any]:
    """Show the task's progress until it has ended."""
    is_terminal = sys.stdout.isatty()
    shown = ""
    for now in _states(api, task["id"]):
        task = now
        steps = "  ".join(f"{step['name']} {_mark(step['status'])}" for step in task["steps"])
        line = f"  {task['progress']:4.0%}  {task['status']:<11} {steps}"
        if line != shown:
            print(f"\r\x1b[K{line}" if is_terminal else line, end="" if is_terminal else "\n", flush=True)
        shown = line
    if is_terminal:
        print()
    return task


def _states(api: httpx.Client, task_id: str) -> Iterator[dict[str, Any]]:
    """The task at each of its server-sent events, until it has ended; a broken stream is resumed by the last id."""
    path, headers = f"/v1/tasks/{task_id}/events", {"Accept": "text/event-stream"}
    until = monotonic() + WAIT_SECONDS
    while monotonic() < until:
        with suppress(httpx.TransportError), api.stream("GET", path, headers=headers) as stream:
            if stream.is_error:
                stream.read()
                _check(stream)
            for event_id, data in _events(stream.iter_lines()):
                if event_id:
                    headers["Last-Event-ID"] = event_id
                task: dict[str, Any] = json.loads(data)
                yield task
                if task["status"] in ENDED:
                    return
        sleep(0.5)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Id and data of each event of a stream."""
    event_id, data = "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        if field == "id":
            event_id = value.strip()
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield event_id, "\n".join(data)
            data = []


def _download(api: httpx.Client, output: dict[str, Any], photo: Path, number: int) -> Path:
    kind = output["content_type"]
    suffix = ".jpg" if kind == "image/jpeg" else mimetypes.guess_extension(kind) or ".bin"
    target = photo.with_name(f"{photo.stem}-result-{number}{suffix}")
    answer = httpx.get(output["urls"]["full"], follow_redirects=True, timeout=30)  # signed: needs no key
    _check(answer)
    target.write_bytes(answer.content)
    return target


def _show_ledger(api: httpx.Client, when: str) -> None:
    account = _ask(api, "GET", "/v1/credits")
    now = f"balance {account['balance']:g}, held {account['held']:g}, spent {account['total_spent']:g}"
    print(f"\nLedger {when}: {now}")
    for entry in _ask(api, "GET", "/v1/credits/transactions?limit=5")["data"]:
        print(f"  {entry['created_at'][:19]}  {entry['amount']:+8g}  {entry['kind']:<8} {entry['reason']}")


def _ask(api: httpx.Client, method: str, path: str, **given: Any) -> dict[str, Any]:
    answer = api.request(method, path, **given)
    _check(answer)
    body: dict[str, Any] = answer.json()
    return body


def _check(answer: httpx.Response) -> None:
    """Raise DemoFailed with what the API says is wrong."""
    if not answer.is_error:
        return
    try:
        problem = answer.json()
        faults = [one["detail"] for one in problem.get("errors") or ()]
        text = " ".join(faults) or problem.get("detail") or problem["title"]
    except (ValueError, LookupError):
        text = answer.text[:200]
    raise DemoFailed(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {text}")


def _credits(amount: float) -> str:
    return f"{amount:g} credit{'' if amount == 1 else 's'}"


def _mark(status: str) -> str:
    return {"succeeded": "✓", "processing": "…", "failed": "✗", "pending": "·"}.get(status, status)
