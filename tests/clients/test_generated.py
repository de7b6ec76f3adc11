"""What is generated for the clients is up to date, and what is not is noticed without a network."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import clients

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text())
CONTRACT = clients.contract(DOCUMENT)


def test_it_is_up_to_date() -> None:
    assert subprocess.run([sys.executable, "-m", "scripts.clients", "--check"], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("stamp", ["contract", "tools", "generated"])
def test_what_is_out_of_date_is_named(
    stamp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = json.loads(clients.KEPT.read_text()) | {stamp: "0"}
    monkeypatch.setattr(clients, "KEPT", tmp_path / "generated.json")
    (tmp_path / "generated.json").write_text(json.dumps(kept))
    monkeypatch.setattr(sys, "argv", ["clients", "--check"])
    assert clients.main() == 1
    assert capsys.readouterr().out == f"clients/ is out of date: {clients.REASONS[stamp]}\n\nmake clients\n"


def test_examples_and_problems_are_no_part_of_the_contract() -> None:
    changed = json.loads(json.dumps(DOCUMENT))
    order = changed["paths"]["/v1/tasks"]["post"]
    order["responses"]["202"]["content"]["application/json"]["example"] = {}
    del order["responses"]["402"]
    assert clients.stamps(clients.contract(changed)) == clients.stamps(CONTRACT)
    order["description"] = "Otherwise."
    assert clients.stamps(clients.contract(changed))["contract"] != clients.stamps(CONTRACT)["contract"]


def test_each_operation_has_its_function_in_python() -> None:
    folders = {path.stem for path in (clients.PYTHON / "api").glob("*/*.py")}
    made = {operation["operationId"] for methods in CONTRACT["paths"].values() for operation in methods.values()}
    assert made - clients.BY_HAND_IN_PYTHON == folders - {"__init__"}


def test_each_tag_is_exported_in_python() -> None:
    from backlot_client import api

    tags = {path.name for path in (clients.PYTHON / "api").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert set(api.__all__) == tags


def test_both_know_which_posts_are_sent_once_only() -> None:
    told = (clients.TYPESCRIPT / "once-only.ts").read_text()
    listed = [line.strip(' ,"') for line in told.splitlines() if line.startswith('  "')]
    assert listed == clients.once_only(CONTRACT)
    assert "/v1/auth/login" in listed
    assert "/v1/tasks" not in listed
    log_in = (clients.PYTHON / "api" / "signing_in" / "log_in.py").read_text()
    create = (clients.PYTHON / "api" / "tasks" / "create_task.py").read_text()
    assert ("is_safe_twice=False" in log_in, "is_safe_twice=True" in create) == (True, True)


def test_the_lock_of_the_generators_names_no_registry() -> None:
    lock = json.loads((ROOT / "clients" / "typescript" / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 20
    assert all("integrity" in one and "resolved" not in one for one in packages.values())
