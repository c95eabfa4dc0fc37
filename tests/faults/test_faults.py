"""The promises under fault injection, in their short form; `scripts/faults` runs the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.breakage.runs import RUNS

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize("name", RUNS)
def test_nothing_acknowledged_is_lost(name: str, tmp_path: Path) -> None:
    report = RUNS[name](tmp_path, True)
    assert report.problems == [], report.facts
