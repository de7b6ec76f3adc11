"""The files of a step: what goes into its calls, and what comes out of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from io import FileIO
from tempfile import TemporaryFile
from uuid import UUID

import structlog

from app.assets.errors import AssetNotFound, InvalidImage
from app.assets.imaging import Form, sniff
from app.assets.outputs import Outputs, Source
from app.core.egress import Egress, EgressError, WrongType
from app.core.ids import decode
from app.core.settings import Settings
from app.generation import steps, ways
from app.generation.models import StepStatus, Task, TaskStep
from app.generation.operations import OPERATIONS
from app.generation.recording import patiently
from app.generation.steps import Made, StepCall
from app.providers.base import Done, Offer, Output, Provider

log = structlog.get_logger()
TRIES = 3
PAUSE_SECONDS = 1.0


class Unusable(Exception):
    """A provider's result that is none: it cannot be downloaded, is no whole image, or is not there."""


def made_before(task: Task) -> Made:
    """What the steps that are done have made, by step name."""
    return {step.name: step.asset_ids for step in task.steps if step.status == StepStatus.SUCCEEDED}


class Files:
    """One per process."""

    def __init__(self, settings: Settings, egress: Egress, outputs: Outputs) -> None:
        self._max_bytes = settings.assets.max_output_bytes
        self._egress = egress
        self._outputs = outputs

    async def plan(self, task: Task, step: TaskStep) -> list[StepCall]:
        """The calls of a step. Raises AssetNotFound when an input was deleted."""
        images = {name: decode("asset", task.input[name]) for name in OPERATIONS[task.operation].input.images}
        first = list(images.values())[:1]
        found = await self._outputs.find_inputs(first, workspace_id=task.workspace_id, mode=task.mode)
        size = next(((one.width, one.height) for one in found.values()), (0, 0))
        parts = [ways.of(task, position) for position in range(step.position + 1)]
        return steps.calls(task.operation, step.name, task.input, images, size, made_before(task), parts)

    async def read(self, task: Task, call: StepCall) -> Mapping[str, bytes]:
        """The contents of a call's files by role, a customer's mask as `Call` promises it.

        Waits for a storage that is down. Raises AssetNotFound.
        """
        found = await self._outputs.find_inputs(
            set(call.files.values()), workspace_id=task.workspace_id, mode=task.mode
        )
        contents = {asset.id: await patiently(partial(self._outputs.read, asset)) for asset in found.values()}
        files = {role: contents[asset] for role, asset in call.files.items()}
        if "mask" in files and "mask" in OPERATIONS[task.operation].input.images:
            try:
                files["mask"] = await self._outputs.read_mask(files["mask"])
            except InvalidImage as fault:  # it could be read when it was uploaded
                raise AssetNotFound("The mask's file is damaged.") from fault
        return files

    async def store(
        self,
        task: Task,
        step: TaskStep,
        done: Done,
        provider: Provider,
        offer: Offer | None,
        *,
        first: int,
        tries: int = TRIES,
    ) -> list[UUID]:
        """Keep all outputs, as pending, or none; waits for what is down. `first` is the number of the first of them.

        Those of the last step get the form that was ordered. A link is followed up to `tries` times. Raises Unusable.
        """
        if not done.outputs:
            raise Unusable("The provider answered without a result.")
        stored: list[UUID] = []
        form = await self._form(task, step, provider, offer)
        try:
            for number, output in enumerate(done.outputs, first):
                stored.append(
                    await self._store(task, step, output, form, number, tries if output.content is None else 1)
                )
        except BaseException:
            await self.discard(stored)
            raise
        return stored

    async def pause(self, tries: int) -> None:
        """Before a provider is asked for a fresh link."""
        await asyncio.sleep(PAUSE_SECONDS * tries)

    async def discard(self, stored: list[UUID]) -> None:
        await asyncio.shield(self._outputs.discard(stored))

    async def _form(self, task: Task, step: TaskStep, provider: Provider, offer: Offer | None) -> Form | None:
        """What was ordered; None where the results stay as they come."""
        if step.position < len(task.steps) - 1 or getattr(provider, "keeps_form", False):
            return None
        is_told = offer is None or offer.honours("output_quality")
        size = await self._size(task) if steps.follows_image(task.operation) else (0, 0)
        return steps.form(task.operation, task.input, size, is_quality_given=is_told)

    async def _size(self, task: Task) -> tuple[int, int] | None:
        """Of the first input image; None where it was deleted meanwhile."""
        name = OPERATIONS[task.operation].input.images[0]
        asset_id = decode("asset", task.input[name])
        find = partial(self._outputs.find_inputs, [asset_id], workspace_id=task.workspace_id, mode=task.mode)
        try:
            found = (await patiently(find))[asset_id]
        except AssetNotFound:
            return None
        return found.width, found.height

    @asynccontextmanager
    async def _source(self, output: Output) -> AsyncIterator[Source]:
        """What was made; a link's file is on disk until its turn comes. Raises EgressError."""
        if output.content is not None:
            yield Source.of(output.content)
            return
        with TemporaryFile(buffering=0) as file:
            size: int = await patiently(partial(self._download, output.url or "", file))
            yield Source(size, partial(_whole, file))

    async def _download(self, url: str, file: FileIO) -> int:
        file.seek(0)
        file.truncate()
        return await self._egress.download(url, file, max_bytes=self._max_bytes, accepts=_is_picture)

    async def _store(
        self, task: Task, step: TaskStep, output: Output, form: Form | None, number: int, tries: int
    ) -> UUID:
        is_last = step.position == len(task.steps) - 1
        for again in range(tries):
            if again:
                await asyncio.sleep(PAUSE_SECONDS * 2 ** (again - 1))
            try:
                async with self._source(output) as source:
                    keep = partial(
                        self._outputs.store,
                        source,
                        workspace_id=task.workspace_id,
                        mode=task.mode,
                        task_id=task.id,
                        is_intermediate=not is_last,
                        filename=f"{task.operation if is_last else step.name}-{number}",
                        form=form,
                    )
                    stored: UUID = await patiently(keep)
            except InvalidImage as fault:
                log.warning("result_not_whole", provider_said=str(fault))
                reason = "The provider's result was not a whole image."
            except WrongType as fault:
                log.warning("result_of_wrong_type", error=repr(fault))
                reason = "The provider's result was not a whole image."
            except EgressError as fault:
                log.warning("result_not_downloaded", error=repr(fault))
                reason = "The provider's result could not be downloaded."
            else:
                return stored
        raise Unusable(reason)


def _is_picture(head: bytes) -> bool:
    return sniff(head) is not None


async def _whole(file: FileIO) -> bytes:
    def read() -> bytes:
        file.seek(0)
        return file.read()

    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        await asyncio.wait([reading])  # who closes the file must come after it
        raise
