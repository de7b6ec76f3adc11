"""The limit of open files, in a process of its own."""

import resource
import subprocess
import sys

TELL = """
import resource
from app.core import open_files
limit = open_files.allow_many()
assert limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(limit, open_files.allow_many())
"""


def told(soft: int, hard: int) -> list[int]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    output = subprocess.run([sys.executable, "-c", TELL], preexec_fn=limit, capture_output=True, check=True).stdout
    return [int(part) for part in output.split()]


def test_it_is_raised_as_far_as_the_system_lets() -> None:
    assert told(256, 3000) == [3000, 3000]


def test_it_is_never_lowered() -> None:
    assert told(3000, 3000) == [3000, 3000]
