"""Images that items of a batch name by URL: a worker brings them in before the first step.

A single order is answered when its URLs are imported. For hundreds that would take too long, so each item's task does
it for itself, and fails for itself. What was fetched is published with a note of the URL, in one transaction: a task
that is taken up again after a crash, and others of the batch with the same URL, find it.
"""

import asyncio
from collections import OrderedDict
from functools import partial
from hashlib import sha256
from time import monotonic
from uuid import UUID
from weakref import WeakValueDictionary

from app.assets import service as assets
from app.assets.errors import UPLOAD_PROBLEMS, UrlNotAllowed, UrlUnreachable
from app.assets.facts import AssetFacts
from app.assets.service import Upload
from app.assets.tools import AssetTools
from app.core.db import Database
from app.core.ids import encode
from app.generation import queries
from app.generation.history import size_class
from app.generation.models import Task
from app.generation.operations import OPERATIONS
from app.generation.recording import patiently
from app.providers.base import ErrorCode

TRIES = 3
PAUSE_SECONDS = 1.0
AT_ONCE = 32
"""Each may have a file in memory."""
REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 1000
_CODES = {UrlNotAllowed: ErrorCode.URL_NOT_ALLOWED, UrlUnreachable: ErrorCode.URL_UNREACHABLE}


Key = tuple[UUID, bytes, int]
"""A batch, the digest of a URL, and a task's run: who orders again wants it fetched again."""


class ImportFailed(Exception):
    """An image cannot be had, or does not fit: the end of its task."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def urls(task: Task) -> dict[str, str]:
    """The fields of the input that are still URLs."""
    images = OPERATIONS[task.operation].input.images
    return {name: task.input[name] for name in images if "://" in task.input[name]}


class Imports:
    """One per process: tasks of one batch with the same URL take turns, so that it is fetched once."""

    def __init__(self, tools: AssetTools, database: Database) -> None:
        self._tools = tools
        self._database = database
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._failed: OrderedDict[Key, tuple[float, ImportFailed]] = OrderedDict()

    async def bring(self, task: Task) -> tuple[dict[str, str], int]:
        """The assets of the task's URLs, by field, and the size class of a result now. Raises ImportFailed."""
        facts = {name: await self._bring_one(task, url) for name, url in urls(task).items()}
        found = {name: encode("asset", fact.id) for name, fact in facts.items()}
        checked = OPERATIONS[task.operation].input.model_validate(task.input | found)
        size = task.size_class
        for name, fact in facts.items():
            if fault := checked.fault_with(name, fact.width, fact.height):
                raise ImportFailed(ErrorCode.INVALID_IMAGE, fault[1])
            if name == checked.images[0]:
                size = size_class(checked.pixels(fact.width, fact.height))
        return found, size

    async def _bring_one(self, task: Task, url: str) -> AssetFacts:
        assert task.batch_id is not None
        digest = sha256(url.encode()).digest()
        key = (task.batch_id, digest, task.run)
        async with self._turns.setdefault(key, asyncio.Lock()):
            when, failure = self._failed.get(key, (0.0, None))
            if failure is not None and monotonic() - when < REMEMBERED_SECONDS:
                # Hundreds may name it: they do not all wait for a server that is silent.
                raise ImportFailed(failure.code, failure.message)
            find = partial(self._find, task.batch_id, digest)
            known = await patiently(find)
            while known is None:
                try:
                    asset_id = await patiently(partial(self._fetch, task, url))
                except ImportFailed as fault:
                    self._remember(key, fault)
                    raise
                is_first = await patiently(partial(self._publish, task.batch_id, digest, asset_id))
                if not is_first:  # another process was quicker
                    await assets.discard(self._tools, self._database, [asset_id])
                known = await patiently(find)
            return known

    def _remember(self, key: Key, failure: ImportFailed) -> None:
        self._failed[key] = (monotonic(), failure)
        self._failed.move_to_end(key)
        if len(self._failed) > MOST_REMEMBERED:
            self._failed.popitem(last=False)

    async def _fetch(self, task: Task, url: str) -> UUID:
        for again in range(TRIES):
            try:
                sent = Upload("/input", url=url)
                async with self._at_once:
                    return await assets.take(
                        self._tools, self._database, sent, workspace_id=task.workspace_id, mode=task.mode
                    )
            except UPLOAD_PROBLEMS as problem:
                if not isinstance(problem, UrlUnreachable) or again == TRIES - 1:
                    raise ImportFailed(_CODES.get(type(problem), ErrorCode.INVALID_IMAGE), problem.detail) from problem
            await asyncio.sleep(PAUSE_SECONDS * 2**again)
        raise AssertionError

    async def _find(self, batch_id: UUID, digest: bytes) -> AssetFacts | None:
        row = await self._database.fetchrow(queries.IMPORTED, batch_id, digest)
        return AssetFacts(row["id"], row["kind"], row["width"] or 0, row["height"] or 0) if row else None

    async def _publish(self, batch_id: UUID, digest: bytes, asset_id: UUID) -> bool:
        """Whether this one is what the URL stands for in the batch. It may be done again."""
        row = await self._database.fetchrow(queries.KEEP_IMPORT, batch_id, digest, asset_id)
        return bool(row and row["is_kept"])
