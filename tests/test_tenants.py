"""Nobody gets at what is another's: every route of the OpenAPI document, by everybody who has no business there.

The requests are made from the document, so a new route is tried without being named here; who may call it stands in
`app/accounts/permissions.py`. A new kind of id wants one of the victim's in `tests/tenants/victim.py`.
"""

import io
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.settings import Settings
from tests.tenants.attackers import ATTACKERS, CHANGING, Attacker, Scene
from tests.tenants.requests import ALL, Request
from tests.tenants.victim import CANARY, Victim, all_of, make_victim

# Who has the link of an invitation may see what it is about: it is the only secret there is.
SHOWN_TO_ANYBODY = frozenset({"show_invitation"})


@pytest.fixture(scope="module")
async def victim(settings: Settings, database: Database, server: FastAPI) -> AsyncIterator[Victim]:
    made = await make_victim(settings, database)
    yield made
    await made.person.http.aclose()
    await made.mate.http.aclose()


@pytest.fixture
def logged(server: FastAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, a line for each request too."""
    monkeypatch.setattr(server.state.access_log, "_is_on", True)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


async def send(http: httpx.AsyncClient, request: Request, headers: dict[str, str]) -> httpx.Response:
    """The answer; of one without an end only its head."""
    arguments = request.arguments()
    sent = http.build_request(
        request.operation.method, request.path, **arguments | {"headers": arguments.get("headers", {}) | headers}
    )
    answer = await http.send(sent, stream=True)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        answer._content = b""
    else:
        await answer.aread()
    await answer.aclose()
    return answer


def judge(attacker: Attacker, victim: Victim, request: Request, answer: httpx.Response) -> str | None:
    if answer.status_code >= 500 and request.operation.id != "get_ready":
        return f"{answer.status_code}: {answer.text[:200]}"
    if fault := attacker.judge(request, answer):
        return fault
    if attacker.may_read or request.operation.id in SHOWN_TO_ANYBODY | attacker.told:
        return None
    said = answer.text + repr(answer.headers)
    if seen := victim.seen_in(said, request.text):
        return f"tells {seen}"
    return None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda attacker: attacker.name)
async def test_nobody_gets_at_what_is_anothers(
    attacker: Attacker, victim: Victim, settings: Settings, database: Database, server: FastAPI, logged: io.StringIO
) -> None:
    scene, before, faults, count = Scene(settings, database, victim), await all_of(database, victim), [], 0
    async with httpx.AsyncClient(base_url=settings.api.public_url, timeout=30) as http:
        attack = None
        for operation in filter(attacker.concerns, ALL):
            if attack is None or attacker.is_of_one_operation:
                attack = await attacker.begin(scene, operation)
            for request in victim.maker.requests(operation, attack.own_team):
                answer = await send(http, request, attack.headers)
                if answer.is_success and operation.method in CHANGING:
                    attack = await attacker.begin(scene, operation)
                count += not request.path.startswith("/health/")
                if fault := judge(attacker, victim, request, answer):
                    faults.append(f"{request}\n    {fault}")
    server.state.access_log.flush()
    assert not faults, f"{len(faults)} of {count} requests:\n" + "\n".join(faults)
    after = await all_of(database, victim)
    assert {table: rows ^ after[table] for table, rows in before.items() if rows != after[table]} == {}
    log = logged.getvalue()
    assert log.count('"event":"request"') >= count
    assert [secret for secret in [CANARY, *victim.secrets] if secret in log] == []
