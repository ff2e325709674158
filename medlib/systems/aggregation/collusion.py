"""Who stands exposed when the server and some clients put together all that they know."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int

__all__ = ["View", "exposed", "learnt"]

SERVERS = ("curious", "lying")


@dataclass(frozen=True, eq=False)
class View:
    """What the server and its colluders can compute of the honest clients' updates.

    Attributes:
        honest: numbers of the honest clients, ascending; the columns.
        combinations: rows are a basis, in reduced form, of all sums that they can compute; a row
            with a single 1 is one client's update, in the clear.
    """

    honest: tuple[int, ...]
    combinations: Int[np.ndarray, "rows honest"]

    @property
    def exposed(self) -> tuple[int, ...]:
        """Clients whose own update is among what can be computed."""
        single = [row for row in self.combinations if np.count_nonzero(row) == 1]
        return tuple(sorted(self.honest[int(np.flatnonzero(row)[0])] for row in single))


def learnt(
    *,
    n: int,
    threshold: int,
    colluders: Collection[int] = (),
    dropouts: Collection[int] = (),
    late: Collection[int] = (),
    server: str = "curious",
    self_masks: bool = True,
) -> View:
    """Which sums of honest updates follow from the view, by linear algebra over the masks.

    Each masked update that reached the server is one equation,

        y_i = x_i + b_i + Σ_(j > i) s_ij - Σ_(j < i) s_ij,

    in which all self-masks b and pairwise masks s that the view does not open are unknown and
    uniform. A combination of equations says something about the x only if every unknown mask
    cancels in it.

    Opened are: all masks of colluders; b_i of every survivor and s_ij of every dropped client,
    where t survivors answered; and everything, where t clients collude. A lying server opens
    everything as well where it can tell two groups, each with t - k honest clients beside its k
    colluders, two lists of survivors: 2 t <= n + k.

    Args:
        n: clients, numbered 1..n, all of whom shared keys.
        threshold: t.
        colluders: who shows the server everything it knows. Beside a curious server they do as the
            protocol says; beside a lying one they sign both of its lists.
        dropouts: whom the server counts as gone before sending.
        late: those of them whose masked update came all the same, afterwards.
        server: "curious" follows the protocol; "lying" does not.
        self_masks: False shows why they exist.

    Returns:
        The honest clients and what can be computed about them.

    Raises:
        ValueError: a number outside 1..n, late ones that are no dropouts, a threshold outside 1..n,
            or an unknown kind of server.

    Example:
        >>> learnt(n=4, threshold=3, colluders=[4]).combinations.tolist()
        [[1, 1, 1]]
        >>> learnt(n=4, threshold=3, colluders=[3, 4], dropouts=[2]).exposed
        (1,)

    Source: the view of Bonawitz et al. 2017, section 6, doi:10.1145/3133956.3133982. The algebra is
        ours; it takes the cryptography as unbroken.
    """
    _check(n, threshold, colluders, dropouts, late, server)
    inside, gone = {*colluders}, {*dropouts}
    clients = range(1, n + 1)
    honest = tuple(i for i in clients if i not in inside)
    k, survivors = len(inside), [i for i in clients if i not in gone]
    everything = k >= threshold or (server == "lying" and 2 * threshold <= n + k)
    answered = len(survivors) >= threshold

    def b_is_open(i: int) -> bool:
        return not self_masks or i in inside or everything or (answered and i in survivors)

    def s_is_open(i: int, j: int) -> bool:
        return bool({i, j} & inside) or everything or (answered and bool({i, j} & gone))

    arrived = [i for i in honest if i not in gone or i in late]
    hidden = [("b", i) for i in honest if not b_is_open(i)]
    hidden += [("s", i, j) for i in honest for j in honest if i < j and not s_is_open(i, j)]
    place = {name: at for at, name in enumerate(hidden)}
    rows = []
    for i in arrived:
        masks = [0] * len(hidden)
        if ("b", i) in place:
            masks[place["b", i]] = 1
        for j in honest:
            name = ("s", min(i, j), max(i, j))
            if i != j and name in place:
                masks[place[name]] = 1 if i < j else -1
        rows.append(masks + [int(i == j) for j in honest])
    # Elimination with the masks' columns first: rows left with no mask are what can be computed.
    reduced = _reduced(rows)
    clear = [row[len(hidden) :] for row in reduced if not any(row[: len(hidden)])]
    whole = [[int(x) for x in row] for row in clear]  # the masks are edges of a graph: whole
    return View(honest, np.array(whole, dtype=np.int64).reshape(len(whole), len(honest)))


def exposed(
    n: int, threshold: int, colluders: int, *, dropouts: int = 0, server: str = "curious"
) -> tuple[int, ...]:
    """Whose update stands exposed: for a slider, the last k clients collude, those before drop out.

    Args:
        n: clients.
        threshold: t.
        colluders: k, how many.
        dropouts: how many of the honest never send.
        server: "curious" or "lying".

    Returns:
        Numbers of exposed clients.

    Raises:
        ValueError: more colluders and dropouts than clients, or as `learnt`.

    Example:
        >>> [len(exposed(10, 7, k)) for k in (0, 6, 7, 9)]
        [0, 0, 3, 1]
        >>> len(exposed(10, 7, 4, server="lying"))
        6
    """
    if min(colluders, dropouts) < 0 or colluders + dropouts > n:
        raise ValueError(f"{colluders} colluders and {dropouts} dropouts of {n} clients")
    first = n - colluders
    view = learnt(
        n=n,
        threshold=threshold,
        colluders=range(first + 1, n + 1),
        dropouts=range(first - dropouts + 1, first + 1),
        server=server,
    )
    return view.exposed


def _reduced(rows: Iterable[list[int]]) -> list[list[Fraction]]:
    """The reduced row echelon form, exactly, without rows of zeros."""
    left = [[Fraction(x) for x in row] for row in rows]
    done: list[list[Fraction]] = []
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        pivot = [x / pivot[column] for x in pivot]
        for others in (left, done):
            for at, row in enumerate(others):
                if row[column]:
                    others[at] = [x - row[column] * p for x, p in zip(row, pivot, strict=True)]
        done.append(pivot)
    return done


def _check(n, threshold, colluders, dropouts, late, server) -> None:
    if server not in SERVERS:
        raise ValueError(f"server is {server!r}; choose one of {SERVERS}")
    if not 1 <= threshold <= n:
        raise ValueError(f"threshold is {threshold}; with {n} clients it must lie in 1..{n}")
    for name, numbers in (("colluders", colluders), ("dropouts", dropouts), ("late", late)):
        if not {*numbers} <= {*range(1, n + 1)}:
            raise ValueError(f"{name} are {[*numbers]}; clients are numbered 1..{n}")
    if not {*late} <= {*dropouts}:
        raise ValueError(
            f"late are {[*late]}, but dropouts {[*dropouts]}; late ones are among them"
        )
