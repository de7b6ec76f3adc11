"""Easel, a vendor that does not exist: pictures from words and from sketches, each a job that is asked after."""

from contextlib import suppress

from app.providers import encoding
from app.providers.base import (
    Accepted,
    Call,
    Done,
    ErrorCode,
    JobFailed,
    KeyRefused,
    Offer,
    Output,
    ProviderError,
    Rejected,
    Running,
)
from app.providers.vendor import Api, Reply, Vendor


class Easel(Vendor):
    name = "easel"
    default_url = "https://api.easel.example/v1"

    def sign_in(self, key: str) -> dict[str, str]:
        return {"X-Easel-Key": key}

    async def start(self, call: Call, offer: Offer, api: Api) -> Done | Accepted:
        files = {role: encoding.data_uri(content) for role, content in call.files.items()}
        width, height = offer.limits.fit(call.params["width"], call.params["height"])
        body = offer.body({**call.params, **files})
        body |= {"medium": offer.path, "canvas": f"{width}x{height}", "reference": call.reference}
        if call.callback_url:
            body["ring"] = call.callback_url
        reply = await api.order(call, "jobs", json=body)
        match reply.json():
            case {"job": str(job)} if job.isalnum():  # it becomes part of a path
                return Accepted(job)
            case {"refused": str()}:  # with status 200
                raise _refused()
        raise reply.unreadable()

    async def check(self, reference: str, api: Api) -> Done | Running:
        reply = await api.ask("GET", f"jobs/{reference}")
        match reply.json():
            case {"state": "framed", "pictures": [_, *_] as pictures, **rest}:
                return Done([_output(picture, reply) for picture in pictures], _microusd(rest.get("cents")))
            case {"state": "torn"}:
                raise JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider failed to make it.")
            case {"state": "covered"}:
                raise _refused()
            case {"state": str(state)} if state != "framed":
                return Running()
        raise reply.unreadable()

    async def look_up(self, reference: str, model: str, api: Api) -> Done | Accepted | None:
        reply = await api.ask("GET", "jobs", params={"reference": reference})
        match reply.json():
            case {"jobs": [{"job": str(job)}, *_]} if job.isalnum():
                return Accepted(job)
        return None

    async def stop(self, reference: str, api: Api) -> None:
        with suppress(Rejected, JobFailed):  # it has ended
            await api.ask("DELETE", f"jobs/{reference}")

    async def greet(self, api: Api) -> str:
        match (await api.ask("GET", "purse")).json():
            case {"cents": int(cents)}:
                return f"{cents / 100:.2f} dollars left"
        return ""

    def fault(self, reply: Reply) -> ProviderError | None:
        match reply.find_json():
            case {"trouble": "indecent"}:
                return _refused()
            case {"trouble": "purse_empty"}:  # with status 403, as a wrong key
                return KeyRefused("This installation has nothing left to spend at the provider.", is_broke=True)
            case {"trouble": "bad_field", "field": str(field)} if field.isidentifier() and len(field) <= 50:
                return Rejected(ErrorCode.PROVIDER_REJECTED, f"The provider refused the request ({field}).")
            case {"trouble": "no_such_job"} if not reply.is_order:
                return JobFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The provider does not know the job any more.")
        return None


def _refused() -> Rejected:
    return Rejected(ErrorCode.CONTENT_REJECTED, "The provider refuses this content.")


def _output(picture: object, reply: Reply) -> Output:
    match picture:
        case {"url": str(url), "seed": int(seed)}:
            return encoding.output(url, reply, seed=seed)
    raise reply.unreadable()


def _microusd(cents: object) -> int | None:
    return cents * 10_000 if type(cents) is int and 0 <= cents < 100_000 else None
