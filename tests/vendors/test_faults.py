"""Whatever a vendor does to an order: no task is lost, none is bought or charged twice, and all say what happened."""

import asyncio
from typing import Any

import pytest

from tests.core.site import listening
from tests.vendors import faults
from tests.vendors.faults import DOWN, GONE, LIMITED, SPOILED
from tests.vendors.roster import VENDORS
from tests.vendors.studio import Studio

PROMPT = {"prompt": "a red bicycle", "width": 640, "height": 640}
ROUTE = ("replicate", "fal", "runware", "leonardo", "together")
"""Who sells flux-schnell, in the order they are asked."""
JOBS = ("replicate", "fal", "runware", "leonardo", "midjourney")
"""Who gives links to what has been made."""
CAN_BE_ASKED = ("runware", "midjourney")
"""Whether they know a reference of ours."""
SIGNING = ("replicate", "fal")
AT_ONCE = tuple(name for name in VENDORS if name not in JOBS)

every = pytest.mark.parametrize("vendor", list(VENDORS))
of_jobs = pytest.mark.parametrize("vendor", JOBS)


async def order(backlot: Studio, vendor: str | None) -> str:
    named = {"provider": vendor} if vendor else {"model": "flux-schnell"}
    return await backlot.order("text_to_image", PROMPT, **named, routing={"fallback": vendor is None})


async def do(backlot: Studio, vendor: str | None) -> dict[str, Any]:
    return await backlot.finish(await order(backlot, vendor))


def outcome(task: dict[str, Any]) -> tuple[str, str | None, float]:
    return task["status"], (task["error"] or {}).get("code"), task["credits"]["charged"]


def bought(backlot: Studio) -> dict[str, int]:
    return {name: len(peer.orders) for name, peer in backlot.peers.items() if peer.orders}


def tries(task: dict[str, Any]) -> list[tuple[str, str]]:
    return [(attempt["provider"], attempt["status"]) for attempt in task["attempts"]]


# --- calls that are not taken


@every
async def test_down_for_good(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].fail("order", DOWN)
    task = await do(backlot, vendor)
    assert outcome(task) == ("failed", "provider_unavailable", 0)
    assert tries(task) == [(vendor, "failed")] * 3
    assert (bought(backlot), await backlot.spent()) == ({}, (0, 0))


@every
async def test_down_for_a_moment(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].fail("order", DOWN, times=2)
    task = await do(backlot, vendor)
    assert outcome(task) == ("succeeded", None, 1)
    assert (bought(backlot), await backlot.spent()) == ({vendor: 1}, (1, 0))


@every
async def test_asked_too_often(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].fail("order", LIMITED, times=1)
    task = await do(backlot, vendor)
    assert outcome(task) == ("succeeded", None, 1)
    assert bought(backlot) == {vendor: 1}


@every
async def test_one_key_of_two_is_refused(backlot: Studio, vendor: str) -> None:
    """It is not asked with again, and the order is made with the other."""
    peer = backlot.peers[vendor]
    peer.refused.add(peer.keys[0])
    for _ in range(3):
        assert outcome(await do(backlot, vendor)) == ("succeeded", None, 1)
    assert {made.key for made in peer.orders} == {peer.keys[1]}
    assert (len(peer.orders), peer.asked["order"] <= 4) == (3, True)


@pytest.mark.parametrize("kind", ["refused", "broke"])
@every
async def test_no_key_is_good(backlot: Studio, vendor: str, kind: str) -> None:
    if (vendor, kind) == ("midjourney", "broke"):
        return  # nobody pays there
    peer = backlot.peers[vendor]
    getattr(peer, kind).update(peer.keys)
    task = await do(backlot, vendor)
    assert outcome(task) == ("failed", "provider_quota", 0)
    assert tries(task) == [(vendor, "failed")]
    assert (bought(backlot), await backlot.spent()) == ({}, (0, 0))


async def test_another_vendor_does_it_when_no_key_is_good(backlot: Studio) -> None:
    first, second, *_ = ROUTE
    backlot.peers[first].refused.update(backlot.peers[first].keys)
    task = await do(backlot, None)
    assert tries(task) == [(first, "failed"), (second, "succeeded")]
    assert (outcome(task), bought(backlot)) == (("succeeded", None, 1), {second: 1})


# --- answers that leave it open


@pytest.mark.parametrize("spoiled", SPOILED)
@every
async def test_an_answer_to_an_order_that_makes_no_sense(backlot: Studio, vendor: str, spoiled: str) -> None:
    """It may have been bought: it is asked for where that can be done, and never bought again."""
    peer = backlot.peers[vendor]
    peer.fail("order", SPOILED[spoiled], times=1)
    task_id = await order(backlot, vendor)
    task = await backlot.advance(task_id)
    assert task["status"] == "reconciling"
    if vendor in CAN_BE_ASKED:
        assert outcome(await backlot.finish(task_id)) == ("succeeded", None, 1)
    else:
        for _ in range(2):
            assert (await backlot.advance(task_id))["status"] == "reconciling"
        assert outcome(await backlot.run_out(task_id)) == ("failed", "provider_timeout", 0)
    assert bought(backlot) == {vendor: 1}
    assert (await backlot.spent())[1] == 0


async def test_no_answer_in_time(backlot: Studio) -> None:
    vendors = ("replicate", "openai", "runware")
    backlot.wait_for_answers(seconds=1)
    for vendor in vendors:
        backlot.peers[vendor].fail("order", faults.slow(2), times=1)
    task_ids = [await order(backlot, vendor) for vendor in vendors]
    tasks = await asyncio.gather(*map(backlot.advance, task_ids))
    assert [task["status"] for task in tasks] == ["reconciling"] * 3
    assert bought(backlot) == dict.fromkeys(vendors, 1)
    await asyncio.sleep(1)
    assert outcome(await backlot.finish(task_ids[2])) == ("succeeded", None, 1)
    assert bought(backlot) == dict.fromkeys(vendors, 1)


@of_jobs
async def test_polls_that_fail(backlot: Studio, vendor: str) -> None:
    """The job goes on, whatever is answered to the question how it is."""
    spoiled = [*SPOILED.values(), DOWN, LIMITED, GONE]
    for fault in spoiled:
        backlot.peers[vendor].fail("poll", fault, times=1)
    task = await do(backlot, vendor)
    assert outcome(task) == ("succeeded", None, 1)
    assert tries(task) == [(vendor, "succeeded")]
    assert backlot.peers[vendor].asked["poll"] > len(spoiled)
    assert bought(backlot) == {vendor: 1}


@of_jobs
async def test_a_job_it_knows_no_more(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].fail("poll", GONE)
    task_id = await order(backlot, vendor)
    for _ in range(4):
        assert (await backlot.advance(task_id))["status"] == "processing"
    assert outcome(await backlot.run_out(task_id)) == ("failed", "deadline_exceeded", 0)
    assert (bought(backlot), await backlot.spent()) == ({vendor: 1}, (0, 0))


# --- what comes out


@every
async def test_content_that_is_refused(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].endings.append("refused")
    task = await do(backlot, vendor)
    assert outcome(task) == ("failed", "content_rejected", 0)
    assert tries(task) == [(vendor, "failed")]
    assert await backlot.spent() == (0, 0)


async def test_refused_content_is_not_taken_elsewhere(backlot: Studio) -> None:
    backlot.peers[ROUTE[0]].endings.append("refused")
    assert outcome(await do(backlot, None)) == ("failed", "content_rejected", 0)
    assert set(bought(backlot)) <= {ROUTE[0]}


@pytest.mark.parametrize("vendor", ["replicate", "fal", "runware", "stability", "gemini", "leonardo", "midjourney"])
async def test_a_result_not_fit_to_be_shown(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].endings.append("nsfw")
    task = await do(backlot, vendor)
    assert outcome(task) == ("failed", "content_rejected", 0)
    assert (task["outputs"], bought(backlot), await backlot.spent()) == ([], {vendor: 1}, (0, 0))


async def test_jobs_that_fail_are_done_by_others(backlot: Studio) -> None:
    for vendor in ROUTE[:-1]:
        backlot.peers[vendor].endings.append("failed")
    task = await do(backlot, None)
    assert tries(task) == [*((vendor, "failed") for vendor in ROUTE[:-1]), (ROUTE[-1], "succeeded")]
    assert (outcome(task), await backlot.spent()) == (("succeeded", None, 1), (1, 0))
    assert bought(backlot) == dict.fromkeys(ROUTE, 1)


@pytest.mark.parametrize("ending", ["junk", "half", "huge"])
@every
async def test_a_result_that_is_no_picture(backlot: Studio, vendor: str, ending: str) -> None:
    """It was bought, and is not bought there again."""
    if ending == "huge" and vendor not in ("fal", "openai"):
        return  # one that gives a link and one that gives it at once
    backlot.peers[vendor].endings.append(ending)
    task = await do(backlot, vendor)
    assert outcome(task) == ("failed", "provider_unavailable", 0)
    assert (bought(backlot), await backlot.spent()) == ({vendor: 1}, (0, 0))


@pytest.mark.parametrize("ending", ["junk", "half"])
async def test_another_vendor_does_it_when_the_result_is_no_picture(backlot: Studio, ending: str) -> None:
    for vendor in ROUTE[:-1]:
        backlot.peers[vendor].endings.append(ending)
    task = await do(backlot, None)
    assert (outcome(task), task["provider"], await backlot.spent()) == (("succeeded", None, 1), ROUTE[-1], (1, 0))
    assert bought(backlot) == dict.fromkeys(ROUTE, 1)
    assert len(await backlot.pictures(task)) == 1


@pytest.mark.parametrize("vendor", ["replicate", "fal", *AT_ONCE])
async def test_an_answer_without_a_result(backlot: Studio, vendor: str) -> None:
    backlot.peers[vendor].endings.append("empty")
    task_id = await order(backlot, vendor)
    task = await backlot.finish(task_id, until=("failed", "reconciling"))
    if task["status"] == "reconciling":
        task = await backlot.run_out(task_id)
    assert outcome(task)[::2] == ("failed", 0)
    assert (bought(backlot), await backlot.spent()) == ({vendor: 1}, (0, 0))


# --- links


@of_jobs
async def test_a_link_that_has_expired_is_asked_for_again(backlot: Studio, vendor: str) -> None:
    peer = backlot.peers[vendor]
    peer.dead_links, peer.repeats = 1, 0
    task = await do(backlot, vendor)
    assert (outcome(task), tries(task)) == (("succeeded", None, 1), [(vendor, "succeeded")])
    assert bought(backlot) == {vendor: 1}
    assert peer.asked["poll"] + peer.asked["result"] >= 2


async def test_another_vendor_does_it_when_links_stay_dead(backlot: Studio) -> None:
    for vendor in ROUTE[:-1]:
        backlot.peers[vendor].fail("file", faults.FILE_GONE)
    task = await do(backlot, None)
    assert tries(task) == [*((vendor, "failed") for vendor in ROUTE[:-1]), (ROUTE[-1], "succeeded")]
    assert (outcome(task), await backlot.spent()) == (("succeeded", None, 1), (1, 0))
    assert bought(backlot) == dict.fromkeys(ROUTE, 1)


async def test_a_result_that_leads_into_the_private_net_is_not_followed(backlot: Studio) -> None:
    async with listening("127.0.0.1") as inside:
        secret = inside.page("/secret", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        for vendor, target in zip(
            ROUTE,
            [secret, "http://169.254.169.254/latest/meta-data/", "http://[::1]:80/", "https://10.0.0.1/x.png"],
            strict=False,
        ):
            backlot.peers[vendor].fail("file", faults.moved(target))
        task = await do(backlot, None)
        assert inside.visits == []
    assert (outcome(task), task["provider"]) == (("succeeded", None, 1), ROUTE[-1])
    assert bought(backlot) == dict.fromkeys(ROUTE, 1)
    messages = [attempt["error"]["message"] for attempt in task["attempts"] if attempt["error"]]
    assert set(messages) == {"The provider's result could not be downloaded."}


# --- calls from them


@pytest.mark.parametrize("vendor", [*SIGNING, "runware", "midjourney"])
async def test_calls_that_come_more_than_once(backlot: Studio, vendor: str) -> None:
    peer = backlot.peers[vendor]
    peer.repeats = 4
    task_id = await order(backlot, vendor)
    await backlot.advance(task_id)
    await peer.called()
    task = await backlot.finish(task_id)
    await peer.called()
    assert peer.heard == [204] * 4
    assert (outcome(task), bought(backlot), await backlot.spent()) == (("succeeded", None, 1), {vendor: 1}, (1, 0))


@pytest.mark.parametrize("vendor", SIGNING)
async def test_calls_signed_by_somebody_else(backlot: Studio, vendor: str) -> None:
    """They are refused, and the task is polled to its end all the same."""
    peer = backlot.peers[vendor]
    peer.forges = True
    task_id = await order(backlot, vendor)
    await backlot.advance(task_id)
    await peer.called()
    assert peer.heard == [403]
    assert outcome(await backlot.finish(task_id)) == ("succeeded", None, 1)
