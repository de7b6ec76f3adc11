"""What is known of providers from their files and from their adapters."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.settings import Settings
from app.providers import model_rows
from app.providers.adapters.stability import Stability
from app.providers.catalog import Catalog
from app.providers.limits import Traffic
from tests.generation.scripted import Scripted


def test_a_file_tells_how_much_a_vendor_takes() -> None:
    catalog = Catalog({"stability": Stability(Settings()), "scripted": Scripted()}, ["stability", "scripted"])
    assert catalog.traffic("stability") == Traffic(requests_per_minute=900)
    assert catalog.traffic("scripted") == catalog.traffic("nobody") == Traffic()


@pytest.mark.parametrize("line", ["jobs_at_once = 0", "requests_per_second = 3"])
def test_limits_that_make_no_sense_are_refused(line: str, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(f"models = []\n[traffic]\n{line}\n")
    with pytest.raises(ValidationError, match=rf"traffic\.{line.split()[0]}"):
        model_rows.traffic_of("acme", tmp_path / "acme.py")
