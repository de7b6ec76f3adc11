"""Public ids."""

from uuid import UUID

import pytest

from app.core.ids import decode, encode


@pytest.mark.parametrize("value", [UUID(int=0), UUID(int=2**128 - 1)])
def test_an_id_leads_back_to_its_uuid(value: UUID) -> None:
    text = encode("task", value)
    assert decode("task", text) == value
    assert len(text) == len(GOOD)


GOOD = "task_01m7zmanbde58atwgf0javw7ae"


@pytest.mark.parametrize(
    "text",
    [
        *("", "_", "task", "task_", GOOD[:-1], GOOD + "0", GOOD[5:], f"_{GOOD[5:]}", f"asset_{GOOD[5:]}"),
        *(f" {GOOD}", f"{GOOD}\n", GOOD.upper(), f"TASK_{GOOD[5:]}", f"x_{GOOD}", GOOD.replace("_", "-")),
        *(
            f"task_8{'0' * 25}",
            f"task_{'0' * 25}i",
            f"task_{'0' * 25}é",
            f"task_{'0' * 25}\x00",
            "task_" + "\ud800" * 26,
        ),
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid id"):
        decode("task", text)
