"""A chapter's parameters: name, type, default, range and meaning, read from its first code cell.

The cell is plain annotated Python, so that papermill's own inspection reads it as well::

    seed: int = 0                 # master seed of every random stream, x ≥ 0
    device: str = "auto"          # where to compute: "auto", "cpu" or "cuda"
    dose_fraction: float = 0.25   # photons kept, 0 < x ≤ 1

A whole number may also be declared "even", "odd" or "a multiple of 24", and is then held to it; a
list "increasing", or of "2 or more".

Ranges are written with ≤ and ≥, because papermill skips any line that holds two equals signs. It
also only logs an unknown parameter and runs the defaults; here that is an error that names the
nearest valid one.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

TYPES: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BETWEEN = re.compile(rf"({_NUMBER})\s*([<≤])\s*x\s*([<≤])\s*({_NUMBER})")
_ONE_SIDED = re.compile(rf"\bx\s*([<≤>≥])\s*({_NUMBER})")
_QUOTED = re.compile(r'"([^"]*)"')
_STEP = re.compile(r"\b(even|odd|(?:a )?multiple of (\d+))\b(?=\s*(?:,|$))")
_LIST = re.compile(r"\b(?:increasing|(\d+) or more)\b(?=\s*(?:,|$))")
LARGEST_INT = 2**63 - 1  # what NumPy, torch and every seed can hold


class ParameterError(ValueError):
    """A parameter that is unknown, of the wrong type, or out of its stated range."""


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; `type` is int, float, bool, str, or ``list[...]`` of those."""

    name: str
    type: str
    default: Any
    meaning: str = ""
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    step: int = 1
    offset: int = 0
    least_items: int = 0
    increasing: bool = False

    @property
    def item_type(self) -> str:
        """The type of the value, or of each item where it is a list."""
        return self.type[5:-1] if self.is_list else self.type

    @property
    def is_list(self) -> bool:
        return self.type.startswith("list[")

    def range_text(self) -> str:
        """The range in words or symbols; empty where any value will do."""
        if self.choices:
            return ", ".join(f'"{choice}"' for choice in self.choices)
        low = "" if self.low is None else f"{self.low:g} {'<' if self.low_open else '≤'} "
        high = "" if self.high is None else f" {'<' if self.high_open else '≤'} {self.high:g}"
        whole = f"{low}x{high}" if low or high else ""
        return ", ".join(text for text in (self.list_text(), self.step_text(), whole) if text)

    def list_text(self) -> str:
        """Which lists will do, in words; empty where all do."""
        least = f"{self.least_items} or more"
        texts = (least if self.least_items else "", "increasing" if self.increasing else "")
        return ", ".join(text for text in texts if text)

    def step_text(self) -> str:
        """Which whole numbers will do, in words; empty where all do."""
        if self.step == 2:
            return "odd" if self.offset else "even"
        return f"a multiple of {self.step}" if self.step > 1 else ""

    def check(self, value: Any) -> Any:
        """`value` as this parameter's type (an int will do for a float).

        Raises:
            ParameterError: wrong type or out of range; the message says what would be right.
        """
        if not self.is_list:
            return self._check_one(value)
        if not isinstance(value, list | tuple):
            raise ParameterError(f"{self.name} = {value!r}: expected a {self.type}")
        items = [self._check_one(item) for item in value]
        pairs = pairwise(items)
        if len(items) < self.least_items or (self.increasing and any(a >= b for a, b in pairs)):
            raise ParameterError(
                f"{self.name} = {value!r}: expected a list of numbers, {self.list_text()}"
                f" (default {self.default!r})"
            )
        return items

    def _check_one(self, value: Any) -> Any:
        kind = self.item_type
        right = isinstance(value, TYPES[kind])
        if isinstance(value, bool) and kind != "bool":
            right = False
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value, right = float(value), True
        if not right:
            raise ParameterError(
                f"{self.name} = {value!r} is a {type(value).__name__}: expected a {self.type},"
                f" such as {self.default!r}"
            )
        if self.choices and value not in self.choices:
            near = nearest(value, self.choices)
            raise ParameterError(
                f"{self.name} = {value!r}: must be one of {self.range_text()}"
                + (f'; did you mean "{near}"?' if near else "")
            )
        if kind == "int" and abs(value) > LARGEST_INT:
            raise ParameterError(
                f"{self.name} is a number of {len(str(abs(value))):,} digits: at most {LARGEST_INT}"
                f" (default {self.default!r})"
            )
        if kind in ("int", "float") and not (math.isfinite(value) and self._within(value)):
            near = self.nearest_to(value)
            raise ParameterError(
                f"{self.name} = {value!r} is out of range: {self.range_text() or 'finite'}"
                + (f"; the nearest is {near!r}" if near is not None else "")
                + f" (default {self.default!r})"
            )
        if kind == "int" and value % self.step != self.offset:
            lower = value - (value - self.offset) % self.step
            near = [n for n in (lower, lower + self.step) if self._within(n)]
            raise ParameterError(
                f"{self.name} = {value!r} must be {self.step_text()}"
                + (f", such as {' or '.join(map(str, near))}" if near else "")
                + f" (default {self.default!r})"
            )
        return value

    def nearest_to(self, value: float) -> int | float | None:
        """The end of the range on the side of a number outside it.

        None beside an open end, where there is always a nearer one, and for what is no number.
        """
        low, high = self.ends()
        if low is not None and value < low:
            return None if self.low_open and self.item_type == "float" else low
        if high is not None and value > high:
            return None if self.high_open and self.item_type == "float" else high
        return None

    def ends(self) -> tuple[int | float | None, int | float | None]:
        """The least and the greatest value of a number, None where there is none.

        An open end of a whole number is the next whole number; of a real one, the end itself.
        """
        if self.item_type != "int":
            return self.low, self.high
        low = high = None
        if self.low is not None:
            low = math.floor(self.low) + 1 if self.low_open else math.ceil(self.low)
            low += (self.offset - low) % self.step
        if self.high is not None:
            high = math.ceil(self.high) - 1 if self.high_open else math.floor(self.high)
            high -= (high - self.offset) % self.step
        return low, high

    def _within(self, value: float) -> bool:
        """Whether a number lies in the range."""
        low = self.low is None or (value > self.low if self.low_open else value >= self.low)
        high = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return low and high


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of `names`, or None where nothing is similar.

    >>> nearest("dose_fractoin", ["seed", "dose_fraction"])
    'dose_fraction'
    """
    found = difflib.get_close_matches(str(name), list(names), n=1, cutoff=0.5)
    return found[0] if found else None


def parse_parameters(source: str) -> dict[str, Parameter]:
    """Read the declarations of a parameters cell.

    Args:
        source: the cell's Python source.

    Returns:
        The parameters in the order of the cell.

    Raises:
        ParameterError: a line is not ``name: type = literal  # meaning``, or a default breaks its
            own range.

    >>> found = parse_parameters("dose: float = 0.25  # photons kept, 0 < x ≤ 1")
    >>> found["dose"].range_text(), found["dose"].meaning
    ('0 < x ≤ 1', 'photons kept')
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"parameters cell, line {error.lineno}: {error.msg}") from None
    comments = {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Parameter] = {}
    for statement in statements:
        parameter = _parse_statement(statement, comments)
        if parameter.name in found:
            raise ParameterError(f"parameters cell declares {parameter.name} twice")
        found[parameter.name] = parameter
    return found


def _parse_statement(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter:
    where = f"parameters cell, line {statement.lineno}"
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
        raise ParameterError(f"{where}: expected only `name: type = value  # meaning`")
    name, kind = statement.target.id, ast.unparse(statement.annotation).replace(" ", "")
    item = kind[5:-1] if kind.startswith("list[") else kind
    if item not in TYPES:
        raise ParameterError(
            f"{where}: {name} is a {kind}; parameters are int, float, bool, str or a list of those"
        )
    if statement.value is None:
        raise ParameterError(f"{where}: {name} needs a default value")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise ParameterError(f"{where}: the default of {name} must be a literal") from None
    text = comments.get(statement.end_lineno or statement.lineno, "")
    if not text:
        raise ParameterError(f"{where}: {name} needs a trailing comment that says what it means")
    if "=" in text:
        raise ParameterError(
            f"{where}: the comment of {name} holds an equals sign, and papermill would skip the"
            " line; write ≤ for <= and ≥ for >="
        )
    limits: dict[str, Any] = {}
    if item != kind:
        text, limits = _parse_list(text)
    if item in ("int", "float"):
        text, found = _parse_range(text)
        limits |= found
        if item == "int":
            text, step = _parse_step(text)
            limits |= step
    elif item == "str" and len(quoted := _QUOTED.findall(text)) >= 2:
        limits = {"choices": tuple(dict.fromkeys(quoted))}
    parameter = Parameter(name=name, type=kind, default=default, meaning=text, **limits)
    try:
        return Parameter(**{**parameter.__dict__, "default": parameter.check(default)})
    except ParameterError as error:
        raise ParameterError(f"{where}: the default breaks its own declaration: {error}") from None


def _parse_range(text: str) -> tuple[str, dict[str, Any]]:
    limits: dict[str, Any] = {}
    if match := _BETWEEN.search(text):
        low, left, right, high = match.groups()
        limits = {
            "low": float(low),
            "low_open": left == "<",
            "high": float(high),
            "high_open": right == "<",
        }
    elif match := _ONE_SIDED.search(text):
        sign, bound = match.groups()
        side = "high" if sign in "<≤" else "low"
        limits = {side: float(bound), f"{side}_open": sign in "<>"}
    if match:
        text = (text[: match.start()].rstrip(" ,;:(") + text[match.end() :]).strip(" ,;)")
    return text, limits


def _parse_list(text: str) -> tuple[str, dict[str, Any]]:
    """The comment of a list without "n or more" and "increasing", and what these say."""
    found: dict[str, Any] = {}
    while match := _LIST.search(text):
        found |= {"least_items": int(match[1])} if match[1] else {"increasing": True}
        text = (text[: match.start()].rstrip(" ,;:(") + text[match.end() :]).strip(" ,;)")
    return text, found


def _parse_step(text: str) -> tuple[str, dict[str, int]]:
    """The comment without "even", "odd" or "a multiple of n", and what these say."""
    match = _STEP.search(text)
    if match is None:
        return text, {}
    step = int(match[2] or 2)
    text = (text[: match.start()].rstrip(" ,;:(") + text[match.end() :]).strip(" ,;)")
    return text, {"step": step, "offset": int(match[1] == "odd")}


def coerce(parameter: Parameter, text: str) -> Any:
    """A command line's text as the parameter's value, checked.

    >>> coerce(Parameter("n", "int", 4), "12")
    12

    Raises:
        ParameterError: the text is not of the parameter's type, or is out of range.
    """
    if parameter.is_list:
        inner = text.strip().removeprefix("[").removesuffix("]")
        items = [part.strip() for part in inner.split(",") if part.strip()]
        return parameter.check([_coerce_one(parameter, item.strip("\"'")) for item in items])
    return parameter.check(_coerce_one(parameter, text))


def _coerce_one(parameter: Parameter, text: str) -> Any:
    kind = parameter.item_type
    if kind == "str":
        return text
    if kind == "bool":
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() in words:
            return words[text.lower()]
        raise ParameterError(f"{parameter.name} = {text!r}: expected true or false")
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        raise ParameterError(
            f"{parameter.name} = {shown!r}: expected a {parameter.type},"
            f" such as {parameter.default!r}"
        ) from None


def check_parameters(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], *, chapter: str = ""
) -> dict[str, Any]:
    """The defaults, overridden by what was given, all checked.

    Raises:
        ParameterError: a name is unknown (the nearest is named), or a value is wrong.
    """
    of = f" of {chapter}" if chapter else ""
    for name in given:
        if name not in declared:
            near = nearest(name, declared)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(declared)}"
            raise ParameterError(f"unknown parameter {name!r}{of}; {hint}")
    values = {name: parameter.default for name, parameter in declared.items()}
    for name, value in given.items():
        try:
            values[name] = declared[name].check(value)
        except ParameterError as error:
            raise ParameterError(f"{error}" + (f" [{chapter}]" if chapter else "")) from None
    return values
