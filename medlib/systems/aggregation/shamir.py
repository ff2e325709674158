"""A secret in n shares: any t of them give it back, and t - 1 say nothing about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from medlib.systems.aggregation.agreement import Draw

__all__ = ["PRIME", "Share", "join", "split", "weights_at_zero"]

PRIME = 2**256 + 297  # the least prime above every 32-byte secret


@dataclass(frozen=True)
class Share:
    """One point of the polynomial.

    Attributes:
        holder: where it is read, 1..n: the number of who holds it.
        value: 0..prime - 1; kept out of representations.
    """

    holder: int
    value: int = field(repr=False)


def split(
    secret: int,
    *,
    threshold: int,
    holders: Sequence[int],
    draw: Draw,
    prime: int = PRIME,
) -> tuple[Share, ...]:
    """A share for each holder, points of a random polynomial that is the secret at 0.

        f(x) = secret + a_1 x + ... + a_(t-1) x^(t-1)  mod prime,   share of i = f(i)

    Args:
        secret: 0..prime - 1.
        threshold: t, how many shares give the secret back.
        holders: distinct numbers, 1..prime - 1.
        draw: source of random bytes, `secrets.token_bytes` in earnest.
        prime: the size of the field; taken as prime, not tested here.

    Raises:
        ValueError: a secret outside the field, a threshold outside 1..n, repeated or impossible
            holders.

    Example:
        >>> import secrets
        >>> shares = split(7, threshold=2, holders=[1, 2, 3], draw=secrets.token_bytes)
        >>> join(shares[1:], threshold=2, holders=[1, 2, 3])
        7

    Source: Shamir 1979, doi:10.1145/359168.359176.
    """
    if not 0 <= secret < prime:
        raise ValueError(f"the secret lies outside the field; it must be in 0..{prime - 1}")
    _check(threshold, holders, prime)
    coefficients = [secret, *(_below(prime, draw) for _ in range(threshold - 1))]
    return tuple(Share(holder, _value_at(holder, coefficients, prime)) for holder in holders)


def join(
    shares: Iterable[Share], *, threshold: int, holders: Sequence[int], prime: int = PRIME
) -> int:
    """The secret, from any t shares.

    A wrong share gives a wrong secret, and nothing here notices: who needs to know compares the
    secret with something public, such as the public key of a private one.

    Args:
        shares: at least `threshold`; the first so many are read.
        threshold: as the secret was split with.
        holders: all to whom shares were given.
        prime: as the secret was split with.

    Raises:
        ValueError: too few shares, one holder twice, or one to whom no share was given.
    """
    _check(threshold, holders, prime)
    found = {}
    for share in shares:
        if share.holder not in holders:
            raise ValueError(f"no share was given to {share.holder}; holders are {[*holders]}")
        if share.holder in found:
            raise ValueError(f"two shares of holder {share.holder}; each counts once")
        if not 0 <= share.value < prime:
            raise ValueError(f"the share of {share.holder} lies outside 0..{prime - 1}")
        found[share.holder] = share.value
    if len(found) < threshold:
        raise ValueError(f"{len(found)} shares; {threshold} are needed, fewer say nothing")
    used = sorted(found)[:threshold]
    weights = weights_at_zero(used, prime=prime)
    return sum(w * found[holder] for w, holder in zip(weights, used, strict=True)) % prime


def weights_at_zero(holders: Sequence[int], *, prime: int = PRIME) -> tuple[int, ...]:
    """How each value counts towards a polynomial's value at 0, after Lagrange.

        w_i = prod over j ≠ i of  j / (j - i)  mod prime

    Example:
        >>> weights_at_zero([1, 2, 3], prime=7)
        (3, 4, 1)
    """
    weights = []
    for i in holders:
        above = below = 1
        for j in holders:
            if j != i:
                above, below = above * j % prime, below * (j - i) % prime
        weights.append(above * pow(below, -1, prime) % prime)
    return tuple(weights)


def _value_at(x: int, coefficients: Sequence[int], prime: int) -> int:
    """A polynomial's value, lowest coefficient first, by Horner."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % prime
    return value


def _below(prime: int, draw: Draw) -> int:
    """A uniform number in 0..prime - 1: drawn again when too large, since a remainder leans."""
    bits = (prime - 1).bit_length()
    while True:
        number = int.from_bytes(draw((bits + 7) // 8), "little") & ((1 << bits) - 1)
        if number < prime:
            return number


def _check(threshold: int, holders: Sequence[int], prime: int) -> None:
    if len(set(holders)) != len(holders):
        raise ValueError(f"holders are {[*holders]}; each number may stand once only")
    if not all(1 <= holder < prime for holder in holders):
        raise ValueError(
            f"holders are {[*holders]}; numbers lie in 1..{prime - 1}, 0 is the secret"
        )
    if not 1 <= threshold <= len(holders):
        raise ValueError(f"threshold is {threshold}; with {len(holders)} holders it is in 1..n")
