"""The colours of tokens.css have the contrast that WCAG 2.2 AA asks for, by day and by night. No browser needed."""

import re
from pathlib import Path

import pytest

from node.web import colour

SHEET = (Path(__file__).parents[2] / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
TOKENS = {name: (colour.read(day), colour.read(night)) for name, day, night in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", SHEET)}
SURFACES = ("paper", "surface", "raised", "sunken")
TEXT = [(ink, ground) for ink in ("ink", "ink-soft") for ground in SURFACES]
TEXT += [(ink, ground) for ink in ("accent", "danger", "good", "outside") for ground in ("paper", "surface", "raised", f"{ink}-soft")]
TEXT += [("ink", f"{name}-soft") for name in ("accent", "danger", "good", "outside")]
TEXT += [("accent-ink", "accent"), ("danger-ink", "danger")]
LINES = [("line-strong", ground) for ground in ("surface", "raised", "paper")] + [("outside-line", ground) for ground in ("surface", "paper")]


@pytest.mark.parametrize("theme", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink, ground, theme):
    assert colour.contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize(("line", "ground"), LINES)
def test_borders_and_marks_can_be_seen(line, ground, theme):
    assert colour.contrast(TOKENS[line][theme], TOKENS[ground][theme]) >= 3
