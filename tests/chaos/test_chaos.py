"""The short form of `make chaos`: a few hundred tasks and a handful of kills, each time by another seed."""

import subprocess
import sys
import time

import pytest

from tests.chaos.stack import ROOT

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(400)]


def test_nothing_is_lost_doubled_or_drifts() -> None:
    seed = str(int(time.time()))
    command = [sys.executable, "-m", "scripts.chaos", "--short", "--seed", seed]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=390)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nothing lost, nothing doubled, no drift" in ran.stdout
