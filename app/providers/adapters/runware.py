"""Runware: pictures, cut-outs and upscales by one endpoint that takes a list of tasks."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.providers import encoding
from app.providers.base import (
    Accepted,
    Busy,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    KeyRefused,
    Offer,
    ProviderError,
    Rejected,
    Running,
    Transient,
)
from app.providers.vendor import Api, Reply, Vendor

Item = Mapping[str, Any]
_POLL_SECONDS = 1.5
_TASKS = {"remove_background": "removeBackground", "upscale": "upscale"}
_FORMATS = {"jpeg": "JPG", "png": "PNG", "webp": "WEBP"}
_FIELDS = {"image": "seedImage", "mask": "maskImage"}
_QUALITY = (20, 99)
_SIDES = ("top", "right", "bottom", "left")
_RESULTS = ("imageURL", "imageBase64Data", "imageDataURI")
# Its error codes are many and change: what they contain tells their kind.
_REFUSED = ("contentpolicy", "nsfw", "promptblocked", "sensitivecontent")
_BROKE = ("credit", "quota", "balance", "paymentrequired")
_KEY = ("apikey", "authent", "authoriz", "unauthorized")
_NOT_NOW = ("timeout", "inferenceerror", "noavailableserver", "modelnotready")


class Runware(Vendor):
    name = "runware"
    default_url = "https://api.runware.ai/v1"

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        task_id = _task_id(call.reference)
        task = _task(call, offer) | {"taskUUID": task_id, "outputType": "URL", "deliveryMethod": "async"}
        if call.callback_url:
            task["webhookURL"] = call.callback_url
        reply = await api.order(call, "", json=[task | {"includeCost": True}])
        return _done(_items(reply), reply) or Accepted(task_id, _POLL_SECONDS)

    async def check(self, reference: str, api: Api) -> Done | Running:
        reply = await api.ask("POST", "", json=[{"taskType": "getResponse", "taskUUID": reference}])
        items = _items(reply)
        return _done(items, reply) or Running(next(iter(_numbers(items, "progress", share=100)), None))

    async def look_up(self, reference: str, model: str, api: Api) -> Done | Accepted | None:
        task_id = _task_id(reference)
        try:
            answer = await self.check(task_id, api)
        except Rejected:
            return None  # it may not have come yet
        return answer if isinstance(answer, Done) else Accepted(task_id, _POLL_SECONDS)

    async def greet(self, api: Api) -> str:
        task = {"taskType": "accountManagement", "taskUUID": _task_id("greet"), "operation": "getDetails"}
        [details, *_] = _items(await api.ask("POST", "", json=[task])) or [{}]
        return f"balance {details['balance']}" if "balance" in details else ""

    def fault(self, reply: Reply) -> ProviderError | None:
        errors = _errors(reply.find_json())
        return _fault(errors[0], reply) if errors else None


def _task_id(reference: str) -> str:
    """It takes UUIDs of version 4 only; the same for the same reference."""
    return str(UUID(bytes=sha256(reference.encode()).digest()[:16], version=4))


def _task(call: Call, offer: Offer) -> dict[str, Any]:
    params = call.params
    files = {role: encoding.data_uri(content) for role, content in call.files.items()}
    task: dict[str, Any] = {
        "taskType": _TASKS.get(call.operation, "imageInference"),
        "model": offer.path,
        "outputFormat": _FORMATS[params.get("output_format") or "png"],
    }
    named = offer.body(params)
    if "outputQuality" in named:
        named["outputQuality"] = min(max(named["outputQuality"], _QUALITY[0]), _QUALITY[1])
    match call.operation:
        case "remove_background":
            return task | {"inputs": {"image": files["image"]}} | ({"settings": named} if named else {})
        case "upscale":
            return task | named | {"inputs": {"image": files["image"]}}
    width, height = offer.limits.fit(params["width"], params["height"])
    task |= named | {"width": width, "height": height, "numberResults": params.get("num_images", 1)}
    task |= {field: files[role] for role, field in _FIELDS.items() if role in files}
    if call.operation == "outpaint":
        task["outpaint"] = {side: params[side] for side in _SIDES}
    return task


def _items(reply: Reply) -> Sequence[Item]:
    body = reply.json()
    items = body.get("data") if isinstance(body, dict) else None
    if items and isinstance(items, list) and all(isinstance(item, dict) for item in items):
        return items
    if errors := _errors(body):
        raise _fault(errors[0], reply)
    raise reply.unreadable()


def _errors(body: Any) -> list[Item]:
    match body:
        case {"errors": [_, *_] as found} | [*found]:
            pass
        case {"error": error}:
            found = [error]
        case _:
            found = []
    return [error for error in found if isinstance(error, dict) and "code" in error]


def _done(items: Sequence[Item], reply: Reply) -> Done | None:
    """The results there are, when none is awaited any more. Raises what the vendor says went wrong with all of them."""
    if any(item.get("status") == "processing" for item in items):
        return None
    made = [item for item in items if _result(item)]
    clean = [item for item in made if not item.get("NSFWContent")]
    if made and not clean:
        raise Rejected(ErrorCode.CONTENT_REJECTED, "The provider found the result not fit to be shown.")
    if not made:
        errors = [item["error"] for item in items if isinstance(item.get("error"), dict)]
        if errors:
            fault = _fault(errors[0])
            raise JobFailed(fault.code, fault.message) if isinstance(fault, Transient) else fault
        return None
    costs = _numbers(made, "cost")
    outputs = [encoding.output(_result(item), reply, seed=_seed(item)) for item in clean]
    return Done(outputs, round(sum(costs) * 1_000_000) if costs else None)


def _result(item: Item) -> str:
    """Where it is, or itself; empty where there is none."""
    return next((found for name in _RESULTS if isinstance(found := item.get(name), str)), "")


def _seed(item: Item) -> int | None:
    seed = item.get("seed")
    return seed if isinstance(seed, int) else None


def _numbers(items: Sequence[Item], name: str, *, share: int = 1) -> list[float]:
    return [found / share for item in items if isinstance(found := item.get(name), int | float)]


def _fault(error: Item, reply: Reply | None = None) -> ProviderError:
    code = str(error.get("code", "")).lower().replace("_", "").replace("-", "")
    if any(part in code for part in _REFUSED):
        return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")
    if any(part in code for part in _BROKE):
        return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
    if any(part in code for part in _KEY):
        return KeyRefused("The provider does not accept the key of this installation.")
    if "ratelimit" in code:
        return Busy(retry_after=reply.retry_after() if reply else None)
    if any(part in code for part in _NOT_NOW) or code.startswith("provider"):
        retry_after = reply.retry_after() if reply else None
        return Transient(ErrorCode.PROVIDER_UNAVAILABLE, "The provider cannot do it now.", retry_after=retry_after)
    field = error.get("parameter")
    about = f" ({field})" if isinstance(field, str) and len(field) <= 50 else ""
    return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request{about}.")
