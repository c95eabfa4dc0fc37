"""Structured field values (RFC 8941): the dictionaries, inner lists, items and parameters of RFC 9421 and RFC 9530.

One deliberate difference: a key given twice is an error, not "the last one wins", because everything read here decides
whether a signature is believed.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

MAX_FIELD = 8192


class BadField(ValueError):
    """The text is not a structured field of the expected kind."""


class Token(str):
    """A bare word, as opposed to a quoted string."""

    __slots__ = ()


Bare = int | Decimal | str | Token | bytes | bool
Parameters = Mapping[str, Bare]


@dataclass(frozen=True, slots=True)
class Item:
    """A value with its parameters, in order."""

    value: Bare
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InnerList:
    """A parenthesised list of items with parameters of its own."""

    items: tuple[Item, ...]
    parameters: Parameters = field(default_factory=dict)


Member = Item | InnerList

_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,3})?(?![0-9.])")
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
_SPACES = re.compile(r" *")
_COMMA = re.compile(r"[ \t]*,[ \t]*")


def parse_dictionary(text: str) -> dict[str, Member]:
    """Read a dictionary (RFC 8941 3.2), at most 8 KiB. Raises BadField, also when a key comes twice."""
    if len(text) > MAX_FIELD:
        raise BadField("the field is too long")
    text = text.lstrip(" ").rstrip(" \t")
    members: dict[str, Member] = {}
    at = 0
    while at < len(text):
        key, at = _key(text, at)
        if key in members:
            raise BadField(f"{key!r} comes twice")
        if text.startswith("=", at):
            members[key], at = _member(text, at + 1)
        else:
            parameters, at = _parameters(text, at)
            members[key] = Item(True, parameters)
        if at == len(text):
            break
        comma = _COMMA.match(text, at)
        if comma is None or comma.end() == len(text):
            raise BadField("a comma is missing or trails")
        at = comma.end()
    return members


def _member(text: str, at: int) -> tuple[Member, int]:
    if text.startswith("(", at):
        return _inner_list(text, at + 1)
    return _item(text, at)


def _inner_list(text: str, at: int) -> tuple[InnerList, int]:
    items: list[Item] = []
    while True:
        at = _skip_spaces(text, at)
        if text.startswith(")", at):
            parameters, at = _parameters(text, at + 1)
            return InnerList(tuple(items), parameters), at
        item, at = _item(text, at)
        items.append(item)
        if not text.startswith((" ", ")"), at):
            raise BadField("an inner list is not closed")


def _item(text: str, at: int) -> tuple[Item, int]:
    value, at = _bare(text, at)
    parameters, at = _parameters(text, at)
    return Item(value, parameters), at


def _parameters(text: str, at: int) -> tuple[dict[str, Bare], int]:
    parameters: dict[str, Bare] = {}
    while text.startswith(";", at):
        key, at = _key(text, _skip_spaces(text, at + 1))
        if key in parameters:
            raise BadField(f"{key!r} comes twice")
        if text.startswith("=", at):
            parameters[key], at = _bare(text, at + 1)
        else:
            parameters[key] = True
    return parameters, at


def _key(text: str, at: int) -> tuple[str, int]:
    found = _KEY.match(text, at)
    if found is None:
        raise BadField("a key is missing")
    return found.group(), found.end()


def _skip_spaces(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at


def _bare(text: str, at: int) -> tuple[Bare, int]:
    first = text[at : at + 1]
    if first == '"':
        if found := _STRING.match(text, at):
            value = found.group(1)
            return (_ESCAPED.sub(r"\1", value) if "\\" in value else value), found.end()
    elif first == ":":
        if found := _BYTES.match(text, at):
            try:
                return b64decode(found.group(1), validate=True), found.end()
            except ValueError as error:
                raise BadField("not base64") from error
    elif first == "?":
        if text[at + 1 : at + 2] in ("0", "1"):
            return text[at + 1] == "1", at + 2
    elif first == "-" or "0" <= first <= "9":
        if found := _NUMBER.match(text, at):
            number = found.group()
            if "." not in number:
                return int(number), found.end()
            if len(number.lstrip("-").partition(".")[0]) <= 12:
                return Decimal(number), found.end()
    elif found := _TOKEN.match(text, at):
        return Token(found.group()), found.end()
    raise BadField("a value cannot be read")


def serialise_inner_list(members: InnerList) -> str:
    """Write an inner list (RFC 8941 4.1.1.1): `("@method" "date");created=1;keyid="x"`."""
    items = " ".join(f"{_write(item.value)}{serialise_parameters(item.parameters)}" for item in members.items)
    return f"({items}){serialise_parameters(members.parameters)}"


def serialise_parameters(parameters: Parameters) -> str:
    """Write parameters (RFC 8941 4.1.1.2), each with its leading semicolon."""
    if not parameters:
        return ""
    return "".join(f";{key}" if value is True else f";{key}={_write(value)}" for key, value in parameters.items())


def _write(value: Bare) -> str:
    if isinstance(value, Token):
        return str(value)
    if isinstance(value, str):
        if not value.isascii() or not value.isprintable():
            raise BadField("a string must be printable ASCII")
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if isinstance(value, bytes):
        return f":{b64encode(value).decode('ascii')}:"
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, Decimal):
        whole, _, fraction = f"{value:.3f}".partition(".")
        return f"{whole}.{fraction.rstrip('0') or '0'}"
    return str(value)
