"""The examples and the page about waiting do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.proxy import Fault, Proxy
from tests.clients.test_typescript import NODE, run
from tests.dev_stack import Stack

ROOT = Path(__file__).parents[2]
PLAIN = ROOT / "examples" / "plain-fetch"
PAGE = ROOT / "docs" / "waiting-for-results.md"
pytestmark = [pytest.mark.db, pytest.mark.xdist_group("clients")]


def blocks(kind: str, *, of: Path = PAGE) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", of.read_text(), re.DOTALL)


def test_plain_fetch_orders_and_waits_in_both_ways(stack: Stack, proxy: Proxy) -> None:
    proxy.plan("POST /v1/tasks", Fault(lose=True))
    proxy.plan("GET /v1/tasks/.*/events", Fault(cut=1))
    told = run(PLAIN / "run.mjs", "a cat", BACKLOT_URL=proxy.url, BACKLOT_KEY=stack.ready["test_api_key"])
    assert told.split()[:2] == ["task.created", "0"]
    assert told.count("task.succeeded 1\n") == 1
    assert len(re.findall(r"^task_\w+ succeeded", told, re.MULTILINE)) == 2
    assert len({headers["idempotency-key"] for headers in proxy.of("POST")}) == 2
    assert len(proxy.of("POST")) == 3


PAGE_IN_NODE = """
const parts = Object.fromEntries(["form", "progress", "status", "results"].map((id) => {
  const part = Object.assign(new EventTarget(), { replaceChildren: (...images) => { part.images = images; } });
  return [id, part];
}));
globalThis.document = { getElementById: (id) => parts[id], createElement: (tag) => ({ tag }) };
globalThis.FormData = class extends Map {
  constructor(form) { super(Object.entries(form.values)); }
};
await import(process.env.PAGE);
for (const [prompt, status] of [["a cat", "succeeded"], ["sandbox:reject", undefined], ["", undefined]]) {
  parts.status.textContent = undefined;
  parts.form.values = { url: process.env.BACKLOT_URL, key: process.env.BACKLOT_KEY, prompt };
  parts.form.dispatchEvent(Object.assign(new Event("submit", { cancelable: true })));
  const last = () => parts.status.textContent;
  while (!last() || last().startsWith("task.")) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify([prompt, last(), parts.results.images.map((image) => image.src)]));
}
"""


def test_the_plain_page_shows_what_comes_of_an_order(stack: Stack) -> None:
    """Without a browser: what the page asks of one is played."""
    given = {"BACKLOT_URL": stack.ready["url"], "BACKLOT_KEY": stack.ready["test_api_key"]}
    told = run("--input-type=module", "-e", PAGE_IN_NODE, PAGE=(PLAIN / "page.mjs").as_uri(), **given)
    made, rejected, refused = told.splitlines()
    assert made.startswith('["a cat","succeeded",["http')
    assert rejected.endswith(",[]]")
    assert "is not valid" in refused
    wanted = set(re.findall(r'part\("(\w+)"\)', (PLAIN / "page.mjs").read_text()))
    assert wanted == set(re.findall(r'id="(\w+)"', (PLAIN / "index.html").read_text()))


def test_the_curls_of_the_page_work_as_pasted(stack: Stack, tmp_path: Path) -> None:
    script = "".join(blocks("sh")).replace("http://127.0.0.1:8000", stack.ready["url"])
    script = re.sub(r"\bKEY=\S.*", f"KEY={stack.ready['test_api_key']}", script)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "304" in ran.stdout
    assert "event: task.succeeded" in ran.stdout
    assert ran.stdout.count('"status":"succeeded"') >= 2


def test_the_python_of_the_page_works_as_pasted(stack: Stack) -> None:
    given = {"PYTHONPATH": str(ROOT / "clients" / "python"), "BACKLOT_KEY": stack.ready["test_api_key"]}
    for code in blocks("python"):
        script = code.replace("http://127.0.0.1:8000", stack.ready["url"])
        ran = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        assert "succeeded" in ran.stdout


def test_the_typescript_of_the_page_works_as_pasted(stack: Stack, tmp_path: Path) -> None:
    client = (ROOT / "clients" / "typescript" / "src" / "index.ts").as_uri()
    for number, code in enumerate(blocks("ts")):
        script = code.replace("http://127.0.0.1:8000", stack.ready["url"]).replace('"@backlot/client"', f'"{client}"')
        (tmp_path / f"{number}.ts").write_text(script)
        ran = subprocess.run(
            [NODE, tmp_path / f"{number}.ts"],
            env={"BACKLOT_KEY": stack.ready["test_api_key"], "NODE_NO_WARNINGS": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert "succeeded" in ran.stdout
