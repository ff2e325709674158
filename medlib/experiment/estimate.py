"""A measured number with its interval: one object, from the function that measures to the page."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

CI = "ci"
STEPS_ACROSS = 5
_NUMBER_SPEC = re.compile(r"[-+ ]?\d*,?(?:\.(?P<digits>\d+))?(?P<kind>[eEfFgG%]?)")


@dataclass(frozen=True)
class Estimate:
    """A number, its interval, and how many independent things it rests on.

    In a sentence ``{gain:ci}`` prints all of it, ``{gain:.1ci}`` with one decimal, ``{gain:+.1ci}``
    with signs, ``{gain:.0%ci}`` in per cent; ``{gain:.1f}`` prints the bare number.

    Attributes:
        value: the number.
        low, high: ends of the interval; it holds the value.
        n: how many independent units were drawn (heads, scans, patients), at least 1.
        unit: of value, low and high, such as "dB"; empty for a pure number.
        level: the interval's confidence, between 0 and 1.

    Raises:
        ValueError: a number is not finite, the interval does not hold the value, n < 1, or the
            level lies outside (0, 1).

    Example:
        >>> gain = Estimate(1.2345, 0.93, 1.51, n=12, unit="dB")
        >>> f"{gain:ci} over TV, {gain:.0f} at least {gain.low:.1f}"
        '1.2 dB [0.9, 1.5] over TV, 1 at least 0.9'
    """

    value: float
    low: float
    high: float
    n: int
    unit: str = ""
    level: float = 0.95

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "level"):
            try:
                number = float(getattr(self, name))
            except (TypeError, ValueError):
                number = math.nan
            if not math.isfinite(number):
                raise ValueError(
                    f"estimate: {name} is {getattr(self, name)!r}; it must be a finite number"
                )
            object.__setattr__(self, name, number)  # NumPy's and torch's scalars become floats
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"estimate: {self.value:g} lies outside its interval [{self.low:g}, {self.high:g}];"
                " were value, low and high given in this order?"
            )
        object.__setattr__(self, "n", _count(self.n))
        if not isinstance(self.unit, str):
            raise ValueError(
                f'estimate: the unit is {self.unit!r}; it is a text such as "dB", and n comes first'
            )
        if not 0 < self.level < 1:
            raise ValueError(
                f"estimate: level is {self.level:g}; it is a share such as 0.95"
                + (f", not {self.level:g} %" if 1 < self.level < 100 else "")
            )

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high)."""
        return self.low, self.high

    def verdict(self, *, gain: str = "a gain", loss: str = "a loss", neither: str = "") -> str:
        """What the interval lets one say of the sign.

        Example:
            >>> Estimate(0.4, -0.1, 0.9, n=6).verdict()
            'neither a gain nor a loss for sure'
        """
        if self.low > 0:
            return gain
        if self.high < 0:
            return loss
        return neither or f"neither {gain} nor {loss} for sure"

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        """With ``ci`` value, unit and interval; else as a float; without a spec with its unit."""
        if spec.endswith(CI):
            return interval_text(
                self.value, self.low, self.high, unit=self.unit, spec=spec.removesuffix(CI)
            )
        return format(self.value, spec) if spec else f"{self.value:.4g} {self.unit}".strip()


def interval_text(value: float, low: float, high: float, *, unit: str = "", spec: str = "") -> str:
    """A value with unit and interval, as a sentence prints it.

    Args:
        value, low, high: the numbers.
        unit: stands behind the value.
        spec: sign, precision and kind for all three, as Python formats numbers; a precision alone
            counts decimals. Without a precision, as few decimals as leave the interval five steps
            wide: no digit is shown that the interval does not support.

    Raises:
        ValueError: `spec` formats no number.

    Example:
        >>> interval_text(-0.0836, -0.122, -0.0448, spec="+.3")
        '-0.084 [-0.122, -0.045]'
        >>> interval_text(0.8315, 0.792, 0.871), interval_text(41.3, 18.2, 73.9, unit="HU")
        ('0.83 [0.79, 0.87]', '41 HU [18, 74]')
    """
    match = _NUMBER_SPEC.fullmatch(spec)
    if match is None:
        raise ValueError(
            f"{spec + CI!r} is no format; write ci, .1ci (decimals), +.1ci (signs) or .0%ci"
        )
    if match["digits"] is None and match["kind"] in ("", "f", "F", "%"):
        scale = 100 if match["kind"] == "%" else 1
        spec = spec.removesuffix(match["kind"]) + f".{_decimals((high - low) * scale)}"
        spec += match["kind"] or "f"
    elif not match["kind"]:
        spec += "f"
    head, first, last = (format(number, spec) for number in (value, low, high))
    return f"{head} {unit}".strip() + f" [{first}, {last}]"


def _count(n: object) -> int:
    try:
        count = int(n)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        count = 0
    if isinstance(n, bool) or count != n or count < 1:
        raise ValueError(
            f"estimate: n is {n!r}; it counts independent units, so it is a whole number from 1"
        )
    return count


def _decimals(width: float) -> int:
    """The fewest decimals with which an interval is `STEPS_ACROSS` steps wide (2 for a point)."""
    if not 0 < width < math.inf:
        return 2
    return min(12, max(0, math.ceil(math.log10(STEPS_ACROSS / width) - 1e-9)))


__all__ = ["Estimate", "interval_text"]
