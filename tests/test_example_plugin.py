"""The example plug-in, installed as others would, and Backlot with it."""

import asyncio
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from PIL import Image

from app.core.ids import decode
from tests.dev_stack import BACKLOT, Stack
from tests.easel import KEY, open_studio
from tests.embedded.dev import clean_environment

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "backlot-easel"
ADAPTER = "backlot_easel/__init__.py"
pytestmark = pytest.mark.xdist_group("plugin")


def run(*command: Any, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = clean_environment() | environment
    return subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, away from the repository: nothing of it is in reach but what is installed."""
    copy = tmp_path_factory.mktemp("example") / "backlot-easel"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return copy


@pytest.fixture(scope="module")
def installed(example: Path) -> dict[str, str]:
    """The environment in which the package is installed: built by its own pyproject.toml, without a network."""
    target = example.parent / "site"
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    done = run(sys.executable, "-m", "pip", "install", *options, "--target", target, example, cwd=example.parent)
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": str(target)}


def check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(BACKLOT, "providers", "check", "easel", cwd=folder, **environment)


def test_a_provider_is_an_adapter_a_catalogue_entry_and_its_replies() -> None:
    packaging = {"pyproject.toml", "README.md"}
    found = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*") if path.is_file()}
    made = {name for name in found if "__pycache__" not in name and not name.startswith(".")}
    assert made - packaging == {ADAPTER, "backlot_easel/easel.toml", "tests/test_easel.py"}
    assert len((EXAMPLE / ADAPTER).read_text().splitlines()) <= 100


def test_its_wheel_brings_its_rows(installed: dict[str, str]) -> None:
    site = Path(installed["PYTHONPATH"])
    assert (site / "backlot_easel" / "easel.toml").read_text() == (EXAMPLE / "backlot_easel" / "easel.toml").read_text()


def test_its_tests_pass_wherever_it_is_installed(example: Path, installed: dict[str, str]) -> None:
    ran = run(sys.executable, "-m", "pytest", "-q", "-W", "error", "tests", cwd=example, **installed)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(ran.stdout.split(" passed")[0].split()[-1]) > 50


def test_its_key_is_tried_at_the_vendor(installed: dict[str, str], tmp_path: Path) -> None:
    with open_studio() as studio:
        given = installed | {"BACKLOT_PROVIDERS_URLS": f"easel={studio.url}/v1"}
        good = check(tmp_path, **given, BACKLOT_PROVIDERS_KEYS=f"easel={KEY}")
        bad = check(tmp_path, **given, BACKLOT_PROVIDERS_KEYS="easel=other")
        none = check(tmp_path, **given)
    assert good.returncode == 0, good.stderr
    assert good.stdout.split()[::2][:2] == ["easel", "works"]
    assert "12.50 dollars left; text_to_image, image_to_image" in good.stdout
    assert (bad.returncode, "FAILS" in bad.stdout) == (1, True)
    assert "set BACKLOT_PROVIDERS_KEYS=easel=<key>" in none.stdout


def test_the_readme_works_as_pasted(example: Path, tmp_path: Path) -> None:
    """But for the network: what pip would fetch is here already."""
    [script] = re.findall(r"```sh\n(.*?)```", (example / "README.md").read_text(), re.DOTALL)
    (tmp_path / "examples").symlink_to(example.parent)
    given = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_TARGET": "site"}
    with open_studio() as studio:
        given |= {"BACKLOT_PROVIDERS_URLS": f"easel={studio.url}/v1", "PYTHONPATH": str(tmp_path / "site")}
        path = f"{BACKLOT.parent}:{clean_environment()['PATH']}"
        script = script.replace("your-key", KEY)
        ran = run("bash", "-euo", "pipefail", "-c", script, cwd=tmp_path, PATH=path, **given)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "works" in ran.stdout


def attempts(stack: Stack, task_id: str) -> list[tuple[Any, ...]]:
    """With what the vendor charged us, which no customer is told."""

    async def read() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(stack.ready["database_url"])
        try:
            sql = "select provider, model, status, cost_microusd from task_attempts where task_id = $1"
            return [tuple(row) for row in await connection.fetch(sql, decode("task", task_id))]
        finally:
            await connection.close()

    return asyncio.run(read())


def test_a_task_is_done_by_it_and_paid(installed: dict[str, str], tmp_path: Path) -> None:
    with open_studio() as studio:
        stack = Stack(
            tmp_path / "data",
            **installed,
            BACKLOT_PROVIDERS_ENABLED="easel,local",
            BACKLOT_PROVIDERS_KEYS=f"easel={KEY}",
            BACKLOT_PROVIDERS_URLS=f"easel={studio.url}/v1",
            BACKLOT_EGRESS_ALLOW="127.0.0.0/8",
        )
        try:
            order = {"operation": "text_to_image", "model": "easel-oil", "input": {"prompt": "a lighthouse", "seed": 7}}
            answer = stack.api.post("/v1/tasks", json=order)
            assert answer.status_code == 202, answer.text
            task, _ = stack.end_of(answer.json()["id"])
            assert task["status"] == "succeeded", task
            assert stack.charges(task["id"]) == [-2]
            assert attempts(stack, task["id"]) == [("easel", "easel-oil", "succeeded", 40_000)]
            [output] = task["outputs"]
            with Image.open(io.BytesIO(stack.api.get(output["urls"]["full"]).content)) as picture:
                assert picture.size == (1024, 1024)
            assert stack.verify().returncode == 0
        finally:
            stack.stop()
    [body] = studio.orders
    assert (body["medium"], body["words"], body["canvas"], body["seed"]) == ("oil-2", "a lighthouse", "1024x1024", 7)
    assert body["reference"].startswith("att_")
    assert studio.seen.count("POST /v1/jobs") == 1


MISTAKES = [
    ('await api.order(call, "jobs", json=body)', 'await api.ask("POST", "jobs", json=body)', "not as Unknown"),
    ('case {"refused": str()}', 'case {"refuses": str()}', "not as Rejected (content_rejected)"),
    ('if state != "framed":', "if state:", "no fault was raised: it gave Running("),
    (
        '"job": str(job)} if job.isalnum():  #',
        '"job": job} if job.isalnum():  #',
        "raise reply.unreadable() for any other",
    ),
    ('"reference": call.reference', '"reference": id(body), "at": __import__("time").time()', "use `call.reference`"),
    ('return {"X-Easel-Key": key}', "return {}", "see `sign_in`"),
    ('case {"trouble": "purse_empty"}', 'case {"trouble": "empty"}', "is_broke is False"),
    ('"The provider refuses this content."', '"See https://easel.example"', "an address is in a customer's message"),
]
"""A line of the adapter, what somebody might have written instead, and what the kit says to that."""


@pytest.fixture(scope="module")
def failures(example: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest tells of copies of the example, each with one mistake."""
    folder = tmp_path_factory.mktemp("mistakes")
    shutil.copy(example / "backlot_easel" / "easel.toml", folder)
    adapter, tests = (example / ADAPTER).read_text(), (example / "tests" / "test_easel.py").read_text()
    for number, (line, mistake, _) in enumerate(MISTAKES):
        assert line in adapter
        (folder / f"easel_{number}.py").write_text(adapter.replace(line, mistake))
        (folder / f"test_{number}.py").write_text(tests.replace("from backlot_easel", f"from easel_{number}"))
    options = ["-q", "--tb", "no", "-k", "not image_to_image", "-o", "asyncio_mode=auto", "--rootdir", folder]
    ran = run(sys.executable, "-m", "pytest", *options, folder, cwd=folder, COLUMNS="500")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=lambda number: MISTAKES[number][2])
def test_the_kit_tells_an_author_what_is_wrong(failures: str, number: int) -> None:
    told = [line for line in failures.splitlines() if line.startswith(f"FAILED test_{number}.py")]
    assert any(MISTAKES[number][2] in line for line in told), told


@pytest.mark.parametrize(
    ("file", "line", "mistake", "told"),
    [
        ("backlot_easel/__init__.py", 'name = "easel"', 'name = "esel"', "calls itself 'esel'"),
        ("backlot_easel/__init__.py", "from contextlib", "from nosuch", "cannot be loaded: ModuleNotFoundError"),
        ("backlot_easel/__init__.py", "class Easel(Vendor):", "class Easel:", "cannot be loaded"),
        ("backlot_easel/easel.toml", "credits = 2", "credit = 2", "models.0.credit"),
    ],
)
def test_a_plug_in_that_is_broken_is_one_line(
    installed: dict[str, str], tmp_path: Path, file: str, line: str, mistake: str, told: str
) -> None:
    shutil.copytree(installed["PYTHONPATH"], tmp_path / "site")
    broken = tmp_path / "site" / file
    assert line in broken.read_text()
    broken.write_text(broken.read_text().replace(line, mistake, 1))
    failed = check(tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert failed.returncode == 1
    assert failed.stderr.startswith("backlot: provider 'easel' of backlot-easel 1.0.0 ")
    assert told in failed.stderr
    assert failed.stderr.count("\n") == 1


def test_one_name_is_offered_by_one_package(installed: dict[str, str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed["PYTHONPATH"], site)
    other = site / "other_easel-2.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other-easel\nVersion: 2.0\n")
    (other / "entry_points.txt").write_text("[backlot.providers]\neasel = backlot_easel:Easel\n")
    failed = check(tmp_path, PYTHONPATH=str(site))
    assert "is offered by backlot-easel 1.0.0 and other-easel 2.0: uninstall all but one" in failed.stderr
