"""What a client sent: query, form or JSON, read as one. Everything is checked for its type here (abuse case: wrong types).

Clients send booleans as '0' and 'true', numbers as strings, lists as `id[]=1&id[]=2` and nested values as
`poll[options][]=yes`; a JSON body may do the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from flask import Request, request
from werkzeug.exceptions import BadRequest

from node.errors import Invalid

FALSE = frozenset({"", "0", "f", "false", "off", "no", "n"})
LARGEST = 2**63 - 1
DEEPEST = 4
_PART = re.compile(r"\[([^\[\]]*)\]")


class Given:
    """The parameters of one request, or a nested part of them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "", *, most: int = 100_000) -> str:
        """Return a text. Raises Invalid when it is something else or longer than `most` characters."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _wrong(name, "a text")
        text = _clean(name, value)
        if len(text) > most:
            raise _wrong(name, f"at most {most} characters long")
        return text

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean: '0', 'false', 'off' and '' are false, other words are true."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool | int):
            return bool(value)
        if isinstance(value, str):
            return value.strip().lower() not in FALSE
        raise _wrong(name, "true or false")

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number from 0 to the largest id."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        return _number(name, value)

    def many(self, name: str) -> list[Any]:
        """Return a list of single values; one alone is a list of one."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, Mapping):
            value = list(value.values())
        if not isinstance(value, list):
            value = [value]
        if len(value) > 500:
            raise _wrong(name, "a shorter list")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        values = self.many(name)
        if not all(isinstance(value, str | int) for value in values):
            raise _wrong(name, "a list of texts")
        return [_clean(name, value) for value in values]

    def ids(self, name: str) -> list[int]:
        """Return a list of ids; what cannot be one is left out."""
        numbers = [int(text) for text in self.texts(name) if text.isascii() and text.isdigit() and len(text) < 20]
        return [number for number in numbers if number <= LARGEST]

    def part(self, name: str) -> Given:
        """Return a nested part, empty when it is missing."""
        value = self._values.get(name)
        if value is None:
            return Given({})
        if not isinstance(value, Mapping):
            raise _wrong(name, "an object")
        return Given(value)

    def parts(self, name: str) -> list[Given]:
        """Return a list of nested parts: JSON's list, or a form's `name[0][...]`."""
        values = self.many(name)
        if not all(isinstance(value, Mapping) for value in values):
            raise _wrong(name, "a list of objects")
        return [Given(value) for value in values]


def given(source: Request = request) -> Given:
    """Return what this request gives: the body before the query. Raises BadRequest for JSON that is none."""
    values = unfold(source.args.items(multi=True))
    if source.mimetype in ("application/json", "text/json") or source.mimetype.endswith("+json"):
        return Given({**values, **_read_json(source.get_data())})
    return Given({**values, **unfold(source.form.items(multi=True))})


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON") from error
    if not isinstance(values, dict):
        raise BadRequest("The body is not a JSON object")
    return values


def unfold(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return `a[b][]=1` pairs as nested dicts and lists. What contradicts itself: the last one stays."""
    whole: dict[str, Any] = {}
    for key, value in pairs:
        name, bracket, rest = key.partition("[")
        path = [name, *_PART.findall(bracket + rest)][:DEEPEST]
        here = whole
        for step, following in pairwise(path):
            if following == "":
                path = path[: path.index(following, 1)]
                _append(here, step, value)
                break
            if not isinstance(here.get(step), dict):
                here[step] = {}
            here = here[step]
        else:
            here[path[-1]] = value
    return whole


def _append(here: dict[str, Any], name: str, value: str) -> None:
    known = here.get(name)
    if isinstance(known, list):
        known.append(value)
    else:
        here[name] = [value]


def _clean(name: str, value: Any) -> str:
    """Return a text that every database takes: no NUL, and no half of a surrogate pair."""
    text = str(value).replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _wrong(name, "a text") from error
    return text


def _number(name: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 40:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise _wrong(name, "a whole number")
    return value


def _wrong(name: str, what: str) -> Invalid:
    return Invalid("wrong_type", "%(name)s has to be %(what)s.", name, name=name, what=what)
