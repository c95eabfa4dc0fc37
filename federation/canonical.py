"""JSON in its one canonical form (RFC 8785, JCS), so that two servers hash the same bytes. Used by `proofs`."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from federation.errors import Malformed

MAX_DEPTH = 64
# Beyond this an integer is no longer exact as the double that RFC 8785 3.2.2.3 makes of every number.
_EXACT = 2**53


def canonical(value: Any) -> bytes:
    """Write a JSON value (as `json.loads` gives it) in canonical form, as UTF-8.

    Raises Malformed("not_canonical") for NaN, infinities, lone surrogates, more than 64 levels, and what is no JSON.
    """
    parts: list[str] = []
    _write(value, parts, MAX_DEPTH)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("a string is not Unicode", code="not_canonical") from error


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth < 0:
        raise Malformed("the document is too deep", code="not_canonical")
    if value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, str):
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int | float):
        parts.append(number(value))
    elif isinstance(value, Mapping):
        _write_object(value, parts, depth)
    elif isinstance(value, list | tuple):
        parts.append("[")
        for position, item in enumerate(value):
            if position:
                parts.append(",")
            _write(item, parts, depth - 1)
        parts.append("]")
    else:
        raise Malformed("a value is no JSON", code="not_canonical")


def _write_object(value: Mapping[Any, Any], parts: list[str], depth: int) -> None:
    if not all(isinstance(name, str) for name in value):
        raise Malformed("a name is no string", code="not_canonical")
    parts.append("{")
    # RFC 8785 3.2.3: sorted by UTF-16 code units, not by code points.
    for position, name in enumerate(sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))):
        parts.append(f"{',' if position else ''}{json.dumps(name, ensure_ascii=False)}:")
        _write(value[name], parts, depth - 1)
    parts.append("}")


def number(value: float) -> str:
    """Write a number as ECMAScript does (RFC 8785 3.2.2.3). Raises Malformed when it is not a finite double."""
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    try:
        value = float(value)
    except OverflowError as error:
        raise Malformed("a number is too large", code="not_canonical") from error
    if value != value or value in (float("inf"), float("-inf")):
        raise Malformed("a number is not finite", code="not_canonical")
    if value == 0:
        return "0"
    # repr() gives the shortest digits that read back as the same double, as ECMAScript asks; only the layout differs.
    sign, digit_tuple, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + exponent
    digits = digits.rstrip("0")
    return ("-" if sign else "") + _laid_out(digits, point)


def _laid_out(digits: str, point: int) -> str:
    """Place the decimal point after `point` digits, or write an exponent (ECMAScript Number::toString, steps 6-10)."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
