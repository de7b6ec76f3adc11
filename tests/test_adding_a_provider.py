"""docs/adding-a-provider.md tells what is so: its code is the example's, its tables are the code's."""

import re
from pathlib import Path

import pytest

from app.generation.operations import OPERATIONS
from app.providers import base
from app.providers.base import ProviderError, UnknownScenario
from app.providers.limits import Limits
from app.providers.model_rows import ModelRow
from app.providers.vendor import Vendor

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding-a-provider.md").read_text()
EXAMPLE = ROOT / "examples" / "backlot-easel"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def table(head: str) -> dict[str, str]:
    """The rows of the table that begins so: the rest by the first cell."""
    _, _, rest = PAGE.partition(f"| {head} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    assert lines, head
    return {cells[1].strip(): "|".join(cells[2:]) for cells in (line.split("|") for line in lines)}


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(("kind", "code"), BLOCKS, ids=lambda text: text.splitlines()[0])
def test_its_code_is_the_examples(kind: str, code: str) -> None:
    files = [path for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".toml", ".md")]
    assert any(code in path.read_text() for path in files), f"no file of the example has this {kind}"


def test_the_whole_adapter_is_shown() -> None:
    shown = "".join(code for kind, code in BLOCKS if kind == "python")
    methods = re.findall(r"def (\w+)\(self", (EXAMPLE / "backlot_easel" / "__init__.py").read_text())
    assert [name for name in methods if f"def {name}(self" not in shown] == []
    assert set(methods) <= set(dir(Vendor))


def test_every_field_of_a_row_is_told() -> None:
    assert sorted(named(field)[0] for field in table("field")) == sorted(ModelRow.model_fields)
    for name, field in ModelRow.model_fields.items():
        default = table("field")[f"`{name}`"].split("|")[0].strip()
        assert (default == "required") == field.is_required(), name
        if isinstance(field.default, int | float):
            assert float(default) == field.default, name


def test_every_limit_is_told() -> None:
    told = [name for cell in table("field of `limits`") for name in named(cell)]
    assert told == list(Limits.__dataclass_fields__)


def test_every_operation_is_told_with_what_it_takes() -> None:
    told = table("operation")
    assert {named(cell)[0] for cell in told} == {name for name, one in OPERATIONS.items() if not one.is_in_house}
    sizes = {"width", "height"}
    for cell, rest in told.items():
        schema = OPERATIONS[named(cell)[0]].input
        files, params = rest.split("|")[:2]
        assert set(named(files)) == set(schema.images)
        assert {name for name in named(params) if name.isidentifier()} <= set(schema.model_fields) | sizes


def test_every_way_to_fail_is_told() -> None:
    classes = [kind for kind in vars(base).values() if isinstance(kind, type) and issubclass(kind, ProviderError)]
    wanted = {kind.__name__ for kind in classes} - {ProviderError.__name__, UnknownScenario.__name__}
    assert {named(cell)[0] for cell in table("| when")} == wanted
