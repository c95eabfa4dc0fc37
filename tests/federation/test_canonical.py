"""Canonical JSON, by the vectors of RFC 8785."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.canonical import canonical, number
from federation.errors import Malformed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sigvectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["jcs"], ids=lambda vector: vector["id"])
def test_a_document_is_written_as_the_vector_says(vector: dict[str, Any]) -> None:
    assert canonical(json.loads(vector["input"])).hex() == vector["output_hex"]


@pytest.mark.parametrize(("bits", "written"), VECTORS["jcs_numbers"]["values"])
def test_a_number_is_written_as_the_vector_says(bits: str, written: str) -> None:
    assert number(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back(value: float) -> None:
    assert float(number(value)) == value


def test_an_integer_is_written_as_the_double_it_is() -> None:
    assert number(2**53) == "9007199254740992"
    assert number(2**53 + 1) == "9007199254740992"
    assert number(10**21) == "1e+21"
    assert canonical({"a": True, "b": 1, "c": 0}) == b'{"a":true,"b":1,"c":0}'


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 10**400, "\ud800", {"\ud800": 1}, {1: 2}, {"a": {1, 2}}, deep(100), deep(100_000)]
)
def test_what_has_no_canonical_form_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        canonical(value)
