"""Whatever colour a company chooses, its accent can be read by day and by night."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web import colour

PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


def pairs(sheet: str) -> dict[str, tuple[colour.Colour, colour.Colour]]:
    return {name: (colour.read(day), colour.read(night)) for name, day, night in PAIR.findall(sheet)}


@given(st.integers(0, 0xFFFFFF))
def test_every_accent_can_be_read(value):
    found = pairs(colour.stylesheet(f"#{value:06x}"))
    for theme, surface in ((0, colour.DAY), (1, colour.NIGHT)):
        accent, ink, soft = (found[name][theme] for name in ("accent", "accent-ink", "accent-soft"))
        assert colour.contrast(accent, colour.read(surface)) >= 4.5
        assert colour.contrast(accent, ink) >= 4.5
        assert colour.contrast(accent, soft) >= 4.5


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345g", "#1234567", "url(x)", "#123456;}"])
def test_what_is_no_colour_makes_no_stylesheet(text):
    assert colour.stylesheet(text) is None
