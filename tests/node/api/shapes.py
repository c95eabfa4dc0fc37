"""Checks answers against Mastodon's published shapes (tests/vectors/mastodon-openapi.json): required keys and types."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "vectors" / "mastodon-openapi.json"
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None),
}  # fmt: skip


@cache
def schemas() -> dict[str, Any]:
    return json.loads(VECTORS.read_text())["components"]["schemas"]  # type: ignore[no-any-return]


def check(value: Any, name: str) -> None:
    """Fail unless `value` has the shape `name`; '[Status]' is a list of them."""
    if name.startswith("["):
        assert isinstance(value, list)
        for number, each in enumerate(value):
            _check(each, schemas()[name[1:-1]], f"{name[1:-1]}[{number}]")
        return
    _check(value, schemas()[name], name)


def _check(value: Any, schema: dict[str, Any], where: str) -> None:
    if "$ref" in schema:
        _check(value, schemas()[schema["$ref"].rpartition("/")[2]], where)
        return
    if "oneOf" in schema:
        ways = [way for way in schema["oneOf"] if (way.get("type") == "null") == (value is None)]
        assert ways, f"{where}: {value!r}"
        problems = []
        for way in ways:
            try:
                return _check(value, way, where)
            except AssertionError as error:
                problems.append(str(error))
        raise AssertionError(problems[0])
    if "type" in schema:
        _check_type(value, schema["type"], where)
    if value is None:
        return
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, dict):
        missing = [key for key in schema.get("required", ()) if key not in value]
        assert not missing, f"{where}: {missing} missing"
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                _check(value[key], inner, f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            _check(each, schema["items"], f"{where}[{number}]")


def _check_type(value: Any, named: str | list[str], where: str) -> None:
    names = [named] if isinstance(named, str) else named
    if isinstance(value, bool):
        assert "boolean" in names, f"{where}: {value!r} is no {names}"
        return
    assert any(isinstance(value, TYPES[name]) for name in names), f"{where}: {value!r} is no {names}"
