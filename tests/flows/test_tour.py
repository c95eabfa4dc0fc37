"""Two companies become partners: what should cross the wall crosses it, and what should not does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_five_minute_tour_tells_the_truth() -> None:
    """`scripts/demo` asks the other node before it says anything, and ends with an error where the story breaks."""
    told = subprocess.run(
        [sys.executable, "-m", "scripts.tour", "--once"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
