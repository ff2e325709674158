"""Updates as integers modulo 2^32: masks cancel exactly only there, never in floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt32

from medlib.systems.aggregation.words import empty_words

__all__ = ["Quantisation", "Quantised", "mean_of", "plan", "quantise", "sum_of"]

LARGEST = 2**31 - 1  # of a sum: words are read as signed, half of them stand for what is below zero
_BLOCK = 2**14  # values at a time: they stay in a core's own cache
_LEAST_CLIP = 1e-200  # below this a step would be subnormal, and lose digits


@dataclass(frozen=True)
class Quantisation:
    """What all clients of a round agree on before it: the range, the step, how many they are.

    Attributes:
        clip: values lie in [-clip, clip].
        levels: steps from 0 to clip; a value becomes an integer in -levels..levels.
        clients: how many may be added.
        heaviest: the largest weight of one client; 1 for a plain sum.
    """

    clip: float
    levels: int
    clients: int
    heaviest: int = 1

    def __post_init__(self) -> None:
        if not (np.isfinite(self.clip) and self.clip >= _LEAST_CLIP):
            raise ValueError(f"clip is {self.clip}; a range is finite and at least {_LEAST_CLIP}")
        if min(self.levels, self.clients, self.heaviest) < 1:
            raise ValueError(
                f"levels is {self.levels}, clients {self.clients}, heaviest {self.heaviest}; "
                "each is at least 1"
            )
        if (worst := self.clients * self.heaviest * self.levels) > LARGEST:
            raise ValueError(
                f"{self.clients} clients of weight {self.heaviest} with {self.levels} levels could "
                f"sum to {worst}, and {LARGEST} is the largest that 32 bits hold; at most "
                f"{LARGEST // (self.clients * self.heaviest)} levels fit"
            )

    @property
    def step(self) -> float:
        """The distance of two neighbouring values."""
        return self.clip / self.levels

    def error_bound(self, *, weight: float) -> float:
        """How far a decoded sum may lie from the sum of the clipped values.

        Half a step for each unit of weight, for rounding to the grid; and 2^-20 of a step for
        double precision, in which values are divided and sums multiplied.

        Args:
            weight: of all who were added, together; their number for a plain sum.
        """
        return weight * self.step * (0.5 + 2**-20)


@dataclass(frozen=True, eq=False)
class Quantised:
    """One client's vector, ready to be masked.

    Attributes:
        words: weight × round(value / step) modulo 2^32.
        clipped: how many values lay outside the range and were put to its end.
    """

    words: UInt32[np.ndarray, " n"]
    clipped: int


def plan(*, clip: float, clients: int, heaviest: int = 1) -> Quantisation:
    """The finest quantisation whose sum cannot overflow.

        levels = floor((2^31 - 1) / (clients × heaviest))

    Args:
        clip: values lie in [-clip, clip].
        clients: how many may be added.
        heaviest: the largest weight that one client may have, such as its number of examples.

    Raises:
        ValueError: a range that is not positive and finite, or more weight than 31 bits hold.

    Example:
        >>> plan(clip=1.0, clients=10).levels
        214748364
    """
    if min(clients, heaviest) < 1 or clients * heaviest > LARGEST:
        raise ValueError(
            f"clients is {clients} and heaviest {heaviest}; both are at least 1 and their product "
            f"at most {LARGEST}"
        )
    return Quantisation(clip, LARGEST // (clients * heaviest), clients, heaviest)


def quantise(
    values: Float[np.ndarray, " n"],
    *,
    by: Quantisation,
    weight: int = 1,
    outside: str = "refuse",
) -> Quantised:
    """Values to integers modulo 2^32, negative ones as two's complement.

        word = weight × round(value / step)  mod 2^32

    Args:
        values: an update.
        by: what all clients agreed on.
        weight: of this client in a weighted mean, a whole number such as its examples.
        outside: "refuse" or "clip" values outside [-clip, clip].

    Returns:
        Words, and how many values were clipped. A client that lies about its values or its weight
        can still overflow the sum: nobody sees its words.

    Raises:
        ValueError: a value that is not finite, or lies outside and is to be refused, by its
            position; a weight outside 1..heaviest.

    Example:
        >>> coarse = Quantisation(clip=1.0, levels=4, clients=3)
        >>> quantise(np.array([0.5, -0.25]), by=coarse).words.tolist()
        [2, 4294967295]
    """
    if outside not in ("refuse", "clip"):
        raise ValueError(f"outside is {outside!r}; choose 'refuse' or 'clip'")
    if not 1 <= weight <= by.heaviest:
        raise ValueError(f"weight is {weight}; the clients agreed on 1..{by.heaviest}")
    over = 0
    if not (
        len(values) == 0 or max(float(values.max()), -float(values.min())) <= by.clip
    ):  # so is nan
        over = _look_closer(values, by.clip, outside)
    words = empty_words(len(values))
    signed = words.view(np.int32)  # wide enough: levels × weight is less than 2^31
    room = np.empty(min(_BLOCK, len(values)))
    for at in range(0, len(values), _BLOCK):
        part = values[at : at + _BLOCK]
        block = room[: len(part)]
        np.copyto(block, part)  # to double precision, before anything is compared or divided
        if over:
            np.clip(block, -by.clip, by.clip, out=block)
        np.divide(block, by.step, out=block)
        np.rint(block, out=block)
        if weight != 1:
            block *= weight
        np.copyto(signed[at : at + _BLOCK], block, casting="unsafe")
    return Quantised(words, over)


def sum_of(words: UInt32[np.ndarray, " n"], *, by: Quantisation) -> Float[np.ndarray, " n"]:
    """The sum of values that a sum of words stands for.

    Zero is exact, so how many clients were added need not be known.

    Example:
        >>> coarse = Quantisation(clip=1.0, levels=4, clients=3)
        >>> sum_of(np.array([3, 2**32 - 2], dtype=np.uint32), by=coarse).tolist()
        [0.75, -0.5]
    """
    return words.view(np.int32).astype(np.float64) * by.step


def mean_of(
    words: UInt32[np.ndarray, " n"], *, by: Quantisation, weight: int
) -> Float[np.ndarray, " n"]:
    """The weighted mean of values: the decoded sum over the weight of all who were added.

    Its error is at most `by.error_bound(weight=1)`, whatever the weights.

    Args:
        words: the sum of weighted words.
        by: what all clients agreed on.
        weight: of all survivors together. Where it is private, each client appends its weight to
            its words as one more word, and the sum's last word is this.

    Raises:
        ValueError: a weight that is not in 1..clients × heaviest.

    Example:
        >>> by = Quantisation(clip=1.0, levels=4, clients=2, heaviest=3)
        >>> total = sum(quantise(np.array([v]), by=by, weight=w).words
        ...             for v, w in ((1.0, 1), (0.0, 3)))
        >>> mean_of(total, by=by, weight=4).tolist()
        [0.25]
    """
    if not 1 <= weight <= by.clients * by.heaviest:
        raise ValueError(f"weight is {weight}; it must lie in 1..{by.clients * by.heaviest}")
    return sum_of(words, by=by) / weight


def _look_closer(values: Float[np.ndarray, " n"], clip: float, outside: str) -> int:
    """How many values lie outside, if they may, and none is worse than that."""
    if (bad := np.flatnonzero(~np.isfinite(values))).size:
        raise ValueError(
            f"value {bad[0]} is {values[bad[0]]}, and {bad.size} in all are not finite; "
            "a mask would hide that from everybody"
        )
    wide = np.float64(clip)  # a plain float would be rounded to the values' own precision
    beyond = np.flatnonzero((values > wide) | (values < -wide))
    if beyond.size and outside == "refuse":
        raise ValueError(
            f"value {beyond[0]} is {values[beyond[0]]}, and {beyond.size} in all lie outside "
            f"[-{clip}, {clip}]; widen the range, or ask for outside='clip'"
        )
    return int(beyond.size)
