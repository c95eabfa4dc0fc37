"""Somebody's untrusted JSON, read with fixed names: `parse` makes a Document from bytes, its methods read it.

A Document is read as plain JSON: `@context`, `@graph`, `@included`, `@reverse` and aliases change nothing, and no
remote context is ever fetched. Every method tolerates one-or-many and embedded-or-id, answers None (or empty) for
what is missing or of the wrong shape, and never raises. What a document *means* lives in actors, objects, activities.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from typing import Any

from federation.errors import Malformed, TooLarge
from federation.origins import is_web_uri

MAX_BODY = 1_048_576  # bytes
MAX_DEPTH = 64

# How much of a document we take (abuse case P14); what is beyond is left out.
MAX_TAGS = 100
MAX_ATTACHMENTS = 50
MAX_POLL_OPTIONS = 16
MAX_FIELDS = 20
MAX_ALIASES = 20
MAX_ITEMS = 100
NAME_LENGTH = 2048  # characters
BIO_LENGTH = 20 * 1024
CONTENT_LENGTH = 64 * 1024

_LARGEST_INTEGER = 2**63 - 1
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_TYPE_LENGTH = 100
_MAX_TYPES = 10

# \u0000 and surrogates as JSON escapes; raw ones cannot pass the UTF-8 and JSON decoders.
_STRIPPABLE_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_STRIPPABLE = re.compile("[\x00\ud800-\udfff]")


def parse(body: bytes) -> "Document":
    """Return the Document in `body`: a JSON object in strict UTF-8.

    NUL and lone surrogates are stripped from every string value. Raises TooLarge over MAX_BODY bytes, and Malformed
    for a BOM, UTF-16/32, invalid UTF-8 or JSON, duplicate keys, NaN and infinities, more than MAX_DEPTH levels, and
    a top level that is not an object. Source: RFC 8259, RFC 7493 (I-JSON).
    """
    if len(body) > MAX_BODY:
        raise TooLarge(f"more than {MAX_BODY} bytes", limit=MAX_BODY)
    raw = _decode(body)
    if not isinstance(raw, dict):
        raise Malformed("the top level is not an object", code="not_an_object")
    # No document is deeper than it has opening brackets; most have fewer than the limit, and need no walk.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deeper_than(raw, MAX_DEPTH):
        raise Malformed(f"more than {MAX_DEPTH} levels", code="too_deep")
    if _STRIPPABLE_ESCAPE.search(body):
        raw = _stripped(raw)
    return Document(raw)


def timestamp(moment: datetime) -> str:
    """Return an aware time as documents carry it: UTC, `Z`, milliseconds only when there are some. Raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone says nothing")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z"


@dataclass(frozen=True)
class Document:
    """One JSON object of a document, read only. `raw` is what was received and is never changed."""

    raw: Mapping[str, Any]

    @cached_property
    def id(self) -> str | None:
        """The id, when it is an http(s) URL of at most 2048 bytes."""
        value = self.raw.get("id")
        return value if is_web_uri(value) else None

    @cached_property
    def types(self) -> tuple[str, ...]:
        """All types, at most 10, each at most 100 characters."""
        return tuple(value for value in _many(self.raw.get("type")) if isinstance(value, str) and 0 < len(value) <= _TYPE_LENGTH)[
            :_MAX_TYPES
        ]

    @property
    def type(self) -> str | None:
        """The first type."""
        types = self.types
        return types[0] if types else None

    def is_a(self, *names: str) -> bool:
        """Return True when one of the types is one of `names`."""
        return any(value in names for value in self.types)

    def text(self, name: str, limit: int = NAME_LENGTH) -> str | None:
        """Return the first string of `name`, or else of its language map, cut after `limit` characters."""
        for value in _many(self.raw.get(name)):
            if isinstance(value, str):
                return value[:limit]
        translations = self.raw.get(name + "Map")
        if isinstance(translations, dict):
            for value in translations.values():
                if isinstance(value, str):
                    return value[:limit]
        return None

    def integer(self, name: str) -> int | None:
        """Return a whole number within 64 bits, also when it comes as a string or as `3.0`."""
        value = _first(self.raw.get(name))
        if isinstance(value, bool):
            return None
        if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.removeprefix("-").isdigit():
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return value if isinstance(value, int) and -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER else None

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean, also from 0, 1, "0", "1", "false", "true"; `default` when missing or anything else."""
        value = _first(self.raw.get(name))
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            word = value.strip().lower()
            return True if word in _TRUE else False if word in _FALSE else default
        return bool(value) if isinstance(value, int) and value in (0, 1) else default

    def time(self, name: str) -> datetime | None:
        """Return an aware UTC time from an ISO 8601 date with or without fraction and zone (without: UTC)."""
        value = _first(self.raw.get(name))
        if not isinstance(value, str) or not 8 <= len(value) <= 64:
            return None
        try:
            moment = datetime.fromisoformat(value.strip().upper())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def uri(self, name: str) -> str | None:
        """Return the first http(s) URI of `name`: a string, an embedded object's id, or a Link's href."""
        return next(self._uris(name), None)

    def uris(self, name: str, limit: int = MAX_ITEMS) -> tuple[str, ...]:
        """Return all http(s) URIs of `name` as `uri` reads them, without repetition, at most `limit`."""
        found: dict[str, None] = {}
        for uri in self._uris(name):
            if len(found) == limit:
                break
            found[uri] = None
        return tuple(found)

    def document(self, name: str) -> "Document | None":
        """Return the first embedded object of `name`; an id alone is not one."""
        return next(self._documents(name), None)

    def documents(self, name: str, limit: int = MAX_ITEMS) -> "tuple[Document, ...]":
        """Return the embedded objects of `name`, at most `limit`."""
        return tuple(document for document, _ in zip(self._documents(name), range(limit), strict=False))

    def link(self, name: str) -> str | None:
        """Return where a person would go: of strings and Links the one that is `text/html`, or else the first."""
        first: str | None = None
        for value in _many(self.raw.get(name)):
            uri = _uri_of(value)
            if uri is None:
                continue
            if isinstance(value, dict) and value.get("mediaType") == "text/html":
                return uri
            first = first or uri
        return first

    @property
    def language(self) -> str | None:
        """The BCP 47 tag of the content: its place in `contentMap`, or `language` as Pleroma and Lemmy send."""
        content = self.raw.get("content")
        tag: object = None
        for name in ("contentMap", "nameMap", "summaryMap"):
            translations = self.raw.get(name)
            if isinstance(translations, dict) and translations:
                same = (key for key, value in translations.items() if value == content)
                tag = next(same, next(iter(translations)))
                break
        else:
            tag = self.raw.get("language")
            if isinstance(tag, dict):
                tag = tag.get("identifier")
        if not isinstance(tag, str) or tag == "und" or _LANGUAGE.fullmatch(tag) is None:
            return None
        return tag

    def to_json(self) -> bytes:
        """Return the document as compact JSON in UTF-8."""
        return json.dumps(self.raw, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def _uris(self, name: str) -> Iterator[str]:
        for value in _many(self.raw.get(name)):
            uri = _uri_of(value)
            if uri is not None:
                yield uri

    def _documents(self, name: str) -> "Iterator[Document]":
        return (Document(value) for value in _many(self.raw.get(name)) if isinstance(value, dict))


def _many(value: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, list):
        return value
    return () if value is None else (value,)


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _uri_of(value: Any) -> str | None:
    if isinstance(value, dict):
        # An object is known by its id; a Link has none and points somewhere (ActivityStreams Vocabulary 2.1).
        identifier = value.get("id")
        value = identifier if identifier is not None else value.get("href")
    return value if is_web_uri(value) else None


def _decode(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise Malformed(f"more than {MAX_DEPTH} levels", code="too_deep") from error
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8", code="bad_encoding") from error
    except ValueError as error:  # JSONDecodeError, and integers of thousands of digits
        raise Malformed("not JSON", code="bad_json") from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("a key is there twice", code="duplicate_key")
    return members


def _refuse_constant(text: str) -> float:
    raise Malformed("NaN and Infinity are not JSON", code="bad_json")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise Malformed("a number is too large", code="bad_json")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repetition, parse_constant=_refuse_constant, parse_float=_finite)


def _is_deeper_than(raw: dict[str, Any], limit: int) -> bool:
    level: list[Any] = [raw]
    for _ in range(limit):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _stripped(value: Any) -> Any:
    """Return the value without NUL and lone surrogates in its strings; the depth is known to be small."""
    if isinstance(value, str):
        return _STRIPPABLE.sub("", value)
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    if isinstance(value, dict):
        if any(_STRIPPABLE.search(key) for key in value):
            # Stripped, such a key could become one that means something.
            raise Malformed("a key holds a character that is not text", code="bad_key")
        return {key: _stripped(item) for key, item in value.items()}
    return value
