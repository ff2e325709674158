"""One value, one text: JSON in the canonical form of RFC 8785, so that it can be hashed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical_json", "read_canonical_json"]

_LARGEST_INTEGER = 2**53 - 1  # beyond it two integers share one double: RFC 7493, section 2.2
_DEEPEST = 100  # nested further, a value is more likely a circle than data


def canonical_json(value: Any) -> bytes:
    """The canonical JSON of a value, in UTF-8.

    Keys in the order of their UTF-16 code units, no white space, numbers as ECMAScript writes
    them, strings with as few escapes as JSON allows. Equal values have equal bytes: 1 and 1.0, 0
    and -0.0 are the same number here, as they are in JSON.

    Args:
        value: None, a truth value, a number, a string, a list or tuple, or a mapping with strings
            as keys, of such values.

    Raises:
        ValueError: what JSON has no text for (nan, infinity, half a surrogate pair, another type),
            and an integer that a double cannot hold.

    Example:
        >>> canonical_json({"b": [1.0, 1e21, 1e-7], "a": "€\\n"}).decode()
        '{"a":"€\\\\n","b":[1,1e+21,1e-7]}'

    Rundgren, Jordan and Erdtman 2020, RFC 8785, section 3.2, doi:10.17487/RFC8785.
    """
    return _text(value, "$", 0).encode()


def read_canonical_json(data: bytes) -> Any:
    """The value of a canonical JSON text; any other text of the same value is refused.

    Raises:
        ValueError: no JSON, or JSON that is not in its canonical form (a byte too many, a key twice
            or out of order).

    Example:
        >>> read_canonical_json(b'{"a":[1,2.5]}')
        {'a': [1, 2.5]}
    """
    try:
        value = json.loads(data.decode(), parse_int=_integer, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError(f"JSON is nested deeper than {_DEEPEST} levels") from None
    if canonical_json(value) != data:
        raise ValueError("JSON is not in the canonical form of RFC 8785: it was written otherwise")
    return value


def _text(value: Any, place: str, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"{place[:60]}... is nested deeper than {_DEEPEST} levels: a circle?")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _string(value, place)
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise ValueError(
                f"{place} is the integer {int(value)}, beyond 2^53 - 1, where doubles leave gaps:"
                f' write it as a string, "{int(value)}"'
            )
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(float(value), place)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{place} has the key {key!r}; keys of JSON are strings")
            _string(key, place)
        # "utf-16-be" has the code units as bytes, high before low, so bytes sort as units do
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        pairs = (
            f"{_string(key, place)}:{_text(value[key], f'{place}.{key}', depth + 1)}"
            for key in keys
        )
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        parts = (_text(part, f"{place}[{i}]", depth + 1) for i, part in enumerate(value))
        return "[" + ",".join(parts) + "]"
    raise ValueError(
        f"{place} is a {type(value).__name__}; JSON has None, bool, int, float, str, list, dict"
    )


def _string(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{place} holds half a surrogate pair, which UTF-8 cannot write") from None
    return json.dumps(str(text), ensure_ascii=False)  # its escapes are those of the RFC


def _number(value: float, place: str) -> str:
    """As ECMAScript's Number::toString: shortest digits, exponent from 1e21 and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError(f"{place} is {value}, for which JSON has no number: use None or a string")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)  # the value is 0.digits times 10^point
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def _integer(digits: str) -> int | float:
    """A number without a point; a large one can only come from a double such as 1e20."""
    whole = int(digits) if len(digits) < 30 else _LARGEST_INTEGER + 1
    return whole if abs(whole) <= _LARGEST_INTEGER else float(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")
