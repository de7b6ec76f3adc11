"""The vendor of the chaos suite: flaky by a seed, and an independent witness of what it was asked and has accepted."""

import asyncio
import base64
import hashlib
import io
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from aiohttp import web
from PIL import Image

SIZE = (48, 32)
HANG_SECONDS = 30.0
LATE_SECONDS = 3.0

# How it takes a submit, and how often. The first five accept nothing.
SUBMITS = {
    "error-500": 3,
    "error-503": 3,
    "error-429": 3,
    "hang-before": 1,
    "reject": 2,
    "hang-after": 2,
    "cut-after": 2,
    "gateway-timeout-after": 1,
    "html-after": 2,
    "truncated-after": 1,
    "slow": 4,
    "fine": 76,
}
NEVER_ACCEPTED = ("error-500", "error-503", "error-429", "hang-before", "reject")
# What becomes of a job it has accepted.
ENDS = {"fine": 82, "truncated-once": 4, "truncated": 2, "wrong-type": 2, "failed": 3, "slow-job": 5, "stuck": 2}
WHOLE = ("fine", "truncated-once", "slow-job")
# What a poll meets.
POLLS = {"fine": 86, "error-500": 5, "error-404": 4, "hang": 1, "cut": 2, "html": 2}
# What the question meets whether it knows a job.
FINDS = {"fine": 90, "error-500": 5, "html": 5}


def colour(reference: str) -> tuple[int, int, int]:
    """Of the picture made for that call: whose it is can be seen."""
    red, green, blue, *_ = hashlib.sha256(reference.encode()).digest()
    return red, green, blue


def picture(reference: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", SIZE, colour(reference)).save(file, "PNG")
    return file.getvalue()


@dataclass(slots=True)
class Job:
    """A call it has accepted, and would bill."""

    id: str
    reference: str
    model: str
    end: str
    accepted_at: float
    done_at: float
    callback_url: str | None
    told_failed: bool = False
    """The caller was told, or could see, that nothing comes of this job."""
    downloads: int = 0
    is_canceled: bool = False


@dataclass
class Vendor:
    """Served on loopback by the process of the suite; `calm` ends the mischief."""

    random: Random
    calm: bool = False
    jobs: dict[str, Job] = field(default_factory=dict)
    by_reference: dict[str, list[Job]] = field(default_factory=dict)
    received: dict[str, list[float]] = field(default_factory=dict)
    """When it was asked to do the job of a reference, whether it took it or not."""
    in_progress: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    callbacks: Counter[str] = field(default_factory=Counter)
    url: str = ""
    seconds: tuple[float, float] = (0.1, 2.0)
    """How long a job takes that is done later."""
    polls: tuple[float, float] = (0.2, 1.0)
    """How soon it wants to be asked (again) about one."""
    urls: float = 0.5
    """How many of the results are to be downloaded; the others come with the answer."""
    host: str = "127.0.0.1"
    retry_after: float = 1
    scripts: dict[str, deque[str]] = field(default_factory=dict)
    """By prompt: how it takes the calls for that picture, one after another; then as it likes."""
    ends: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/jobs", self._submit)
        app.router.add_get("/jobs", self._find)
        app.router.add_get("/jobs/{job}", self._poll)
        app.router.add_post("/jobs/{job}/cancel", self._cancel)
        app.router.add_get("/files/{job}", self._download)
        app.router.add_get("/pictures/{name}", self._show)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._calls: set[asyncio.Task[None]] = set()
        self._caller = httpx.AsyncClient(timeout=5)

    async def stop(self) -> None:
        for call in self._calls:
            call.cancel()
        await self._caller.aclose()
        await self._runner.cleanup()

    def _choose(self, ways: dict[str, int]) -> str:
        if self.calm:
            return "fine"
        return self.random.choices(list(ways), list(ways.values()))[0]

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        try:
            order = await request.json()
        except ConnectionResetError:  # whoever asked was killed
            return web.Response(status=400)
        script = self.scripts.get(order["params"].get("prompt"))
        how = script.popleft() if script else self._choose(SUBMITS)
        self.counts[f"submit {how}"] += 1
        self.received.setdefault(order["reference"], []).append(time.time())
        self.in_progress[order["reference"]] += 1
        try:
            return await self._take(request, order, how)
        finally:
            self.in_progress[order["reference"]] -= 1

    async def _take(self, request: web.Request, order: dict[str, Any], how: str) -> web.StreamResponse:
        match how:
            case "error-500" | "error-503":
                return web.Response(status=int(how[-3:]))
            case "error-429":
                return web.Response(status=429, headers={"Retry-After": str(self.retry_after)})
            case "reject":
                return web.json_response({"error": "not with us"}, status=422)
            case "hang-before":
                await asyncio.sleep(HANG_SECONDS)
                return web.Response(status=500)
            case "slow":
                await asyncio.sleep(self.random.uniform(0.3, 1.5))
        job = self._accept(order)
        match how:
            case "hang-after":
                await asyncio.sleep(HANG_SECONDS)
                return web.Response(status=500)
            case "cut-after":
                return _cut(request)
            case "gateway-timeout-after":
                return web.Response(status=504)
            case "html-after":
                return _web_page()
            case "truncated-after":
                return web.Response(text='{"job": "job-', content_type="application/json")
        if job.model.startswith("now"):
            if job.end == "failed":
                job.told_failed = True
                return web.Response(status=500)
            return web.json_response({"outputs": [self._output(job)]})
        return web.json_response({"job": job.id, "poll_after": self.random.uniform(*self.polls)}, status=202)

    def _accept(self, order: dict[str, Any]) -> Job:
        end = self.ends.get(order["params"].get("prompt")) or self._choose(ENDS)
        now = time.time()
        is_later = order["model"].startswith("later")
        if end == "stuck" and not is_later:
            end = "fine"
        seconds = {"slow-job": self.random.uniform(3, 8), "stuck": 1e9}.get(end) or self.random.uniform(*self.seconds)
        job = Job(
            id=f"job-{len(self.jobs) + 1}",
            reference=order["reference"],
            model=order["model"],
            end=end,
            accepted_at=now,
            done_at=now + (seconds if is_later else 0),
            callback_url=order.get("callback_url"),
        )
        self.jobs[job.id] = job
        self.by_reference.setdefault(job.reference, []).append(job)
        self.counts[f"end {end}"] += 1
        if is_later and job.callback_url:
            call = asyncio.create_task(self._call_back(job))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return job

    def _output(self, job: Job) -> dict[str, str]:
        if job.end in ("truncated", "truncated-once", "wrong-type") or self.random.random() < self.urls:
            return {"url": f"{self.url}/files/{job.id}"}
        return {"content": base64.b64encode(picture(job.reference)).decode()}

    async def _find(self, request: web.Request) -> web.Response:
        reference = request.query["reference"]
        how = self._choose(FINDS)
        self.counts[f"find {how}"] += 1
        match how:
            case "error-500":
                return web.Response(status=500)
            case "html":
                return _web_page()
        if jobs := self.by_reference.get(reference):
            return web.json_response({"job": jobs[0].id})
        return web.Response(status=409 if self.in_progress[reference] else 404)

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        how = self._choose(POLLS)
        self.counts[f"poll {how}"] += 1
        match how:
            case "error-500" | "error-404":
                return web.Response(status=int(how[-3:]))
            case "hang":
                await asyncio.sleep(HANG_SECONDS)
                return web.Response(status=500)
            case "cut":
                return _cut(request)
            case "html":
                return _web_page()
        job = self.jobs[request.match_info["job"]]
        if time.time() < job.done_at:
            return web.json_response({"status": "running", "poll_after": self.random.uniform(*self.polls)})
        if job.end == "failed":
            job.told_failed = True
            return web.json_response({"status": "failed"})
        return web.json_response({"status": "done", "outputs": [self._output(job)]})

    async def _cancel(self, request: web.Request) -> web.Response:
        self.counts["cancel"] += 1
        self.jobs[request.match_info["job"]].is_canceled = True
        return web.Response(status=204)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        job = self.jobs[request.match_info["job"]]
        job.downloads += 1
        if job.end == "wrong-type":
            job.told_failed = True
            return _web_page()
        whole = picture(job.reference)
        if job.end == "truncated" or (job.end == "truncated-once" and job.downloads == 1):
            job.told_failed = True
            answer = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": str(len(whole))})
            await answer.prepare(request)
            await answer.write(whole[: len(whole) // 2])
            return _cut(request, answer)
        return web.Response(body=whole, content_type="image/png")

    async def _show(self, request: web.Request) -> web.Response:
        """Somebody's picture, which an order may name."""
        return web.Response(body=picture(request.match_info["name"]), content_type="image/png")

    async def _call_back(self, job: Job) -> None:
        """Too early, once, twice, forged: whoever believes a callback's body is lost."""
        lie = "failed" if self.random.random() < 0.5 else "done"
        if self.random.random() < 0.3:
            await self._post(job, "early", lie)
        await asyncio.sleep(max(0, min(job.done_at - time.time(), LATE_SECONDS)))
        if self.random.random() < 0.2:
            await self._post(job, "forged", "failed", forged=True)
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 5))):
            await self._post(job, "due", lie)

    async def _post(self, job: Job, kind: str, status: str, *, forged: bool = False) -> None:
        url = job.callback_url or ""
        if forged:
            url = url[:-4] + "AAAA"
        with suppress(httpx.HTTPError):
            answer = await self._caller.post(url, json={"id": job.id, "event": kind, "status": status})
            self.callbacks[f"{kind} {answer.status_code}"] += 1


def _web_page() -> web.Response:
    """Of somebody between us and the vendor, who thinks that all is well."""
    return web.Response(text="<html>We will be back soon!</html>", content_type="text/html")


def _cut(request: web.Request, begun: web.StreamResponse | None = None) -> web.StreamResponse:
    """End the connection in the middle."""
    if request.transport is not None:
        request.transport.abort() if begun is None else request.transport.close()
    return begun or web.Response(status=500)
