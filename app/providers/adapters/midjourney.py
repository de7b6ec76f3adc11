"""Midjourney, by a proxy of the operator's own (midjourney-proxy): it has no public API."""

import re
from collections.abc import Mapping
from typing import Any

from app.core.settings import Settings
from app.providers import encoding
from app.providers.base import (
    Accepted,
    Busy,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    Offer,
    Output,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.vendor import Api, Reply, Vendor

_POLL_SECONDS = 4.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED = ("banned", "moderat", "sensitive", "nsfw")
_INVALID = ("invalid",)
_BRACES = str.maketrans("{}", "()")


class Midjourney(Vendor):
    """Off until the operator sets BACKLOT_PROVIDERS_URLS=midjourney=<the proxy's base URL>, and a key where it has one.

    Its terms forbid automation: accounts are banned for it. A job makes one picture of four candidates, two by two; as
    many as were ordered are delivered, each taken out by an UPSCALE change, which is made once however often it is
    asked for. `state` is our reference and how many those are.
    """

    name = "midjourney"
    default_url = "http://midjourney.invalid/mj"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        count = call.params.get("num_images", 1)
        body: dict[str, Any] = {"prompt": _prompt(call, offer), "state": f"{call.reference} {count}"}
        if "image" in call.files:
            body["base64Array"] = [encoding.data_uri(call.files["image"])]
        if call.callback_url:
            body["notifyHook"] = call.callback_url
        grid_id = _task_id(await api.order(call, "submit/imagine", json=body))
        return Accepted(f"{grid_id} {count}", _POLL_SECONDS)

    async def check(self, reference: str, api: Api) -> Done | Running:
        grid_id, _, count = reference.partition(" ")
        grid = await self._picture(grid_id, api)
        if isinstance(grid, Running):
            return grid
        changes = [{"taskId": grid_id, "action": "UPSCALE", "index": number + 1} for number in range(int(count))]
        ids = [_task_id(await api.ask("POST", "submit/change", json=change)) for change in changes]
        pictures = [await self._picture(task_id, api) for task_id in ids]
        outputs = [picture for picture in pictures if isinstance(picture, Output)]
        return Done(outputs) if len(outputs) == len(pictures) else Running()

    async def look_up(self, reference: str, model: str, api: Api) -> Done | Accepted | None:
        tasks = (await api.ask("GET", "task/list")).json()
        for task in tasks if isinstance(tasks, list) else ():
            match task:
                case {"id": str(grid_id), "state": str(state)} if re.fullmatch(f"{reference} [1-9]", state):
                    return Accepted(f"{grid_id} {state.partition(' ')[2]}", _POLL_SECONDS)
        return None

    async def stop(self, reference: str, api: Api) -> None:
        try:
            await api.ask("POST", f"task/{reference.partition(' ')[0]}/cancel")
        except Transient as fault:
            if fault.code is not ErrorCode.NO_ROUTE:  # the older proxy cannot
                raise

    async def greet(self, api: Api) -> str:
        tasks = (await api.ask("GET", "task/queue")).json()
        return f"{len(tasks)} tasks in its queue" if isinstance(tasks, list) else ""

    def sign_in(self, key: str) -> Mapping[str, str]:
        return {"mj-api-secret": key} if key else {}

    def _missing(self, settings: Settings) -> str | None:
        return None if self.name in settings.providers.urls else "BACKLOT_PROVIDERS_URLS=midjourney=<base URL>"

    async def _picture(self, task_id: str, api: Api) -> Output | Running:
        """What the task has made. Raises what went wrong with it."""
        reply = await api.ask("GET", f"task/{task_id}/fetch")
        match reply.json():
            case {"status": "SUCCESS", "imageUrl": str(url)} if url.startswith(("https://", "http://")):
                return Output(url=url)
            case {"status": "FAILURE", **rest}:
                raise _failure(str(rest.get("failReason")).lower())
            case {"status": "CANCEL"}:
                raise JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider's job was canceled.")
            case {"status": str(status), **rest} if status != "SUCCESS":
                return Running(_share(rest.get("progress")))
        raise reply.unreadable()


def _prompt(call: Call, offer: Offer) -> str:
    """The customer's text, then the flags: the model's, and those its row names."""
    said = {name: _plain(value) for name, value in offer.body(call.params).items()}
    width, height = offer.limits.ratio(call.params["width"], call.params["height"])
    flags = [f"{name} {value}" for name, value in said.items() if name.startswith("--") and value]
    return " ".join([said["prompt"], offer.path, f"--ar {width}:{height}", *flags])


def _plain(value: Any) -> str:
    """Without what is no words to Midjourney: flags by two dashes or a long one, and `{a, b}`, which orders several."""
    return re.sub("[-–—]+", "-", " ".join(str(value).split())).translate(_BRACES)


def _task_id(reply: Reply) -> str:
    """Of the task that was accepted, waits in the queue, or is there already. Refusals have status 200 as well."""
    match reply.json():
        case {"code": 1 | 21 | 22, "result": str(task_id)} if _ID.fullmatch(task_id):
            return task_id
        case {"code": 3 | 4}:
            raise Rejected(ErrorCode.PROVIDER_REJECTED, "The provider refused the request.")
        case {"code": 24}:
            raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
        case {"code": 23}:
            raise Busy("The provider's queue is full.")
        case {"code": 9}:
            raise Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider cannot do it now.")
    raise reply.unreadable()


def _failure(reason: str) -> ProviderError:
    if any(word in reason for word in _REFUSED):
        return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
    if any(word in reason for word in _INVALID):
        return Rejected(ErrorCode.PROVIDER_REJECTED, "The provider refused the request.")
    return JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider failed to make it.")


def _share(progress: Any) -> float | None:
    """Of `62%`."""
    found = re.fullmatch(r"(\d{1,2}|100)%", progress) if isinstance(progress, str) else None
    return int(found[1]) / 100 if found else None
