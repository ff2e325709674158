"""Known classes divided by patient, for several purposes; other classes hidden from all of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int, UInt8

from data_fetch.errors import DataError
from data_fetch.labelled import Labelled

__all__ = ["with_hidden_classes"]


def with_hidden_classes(
    tiles: Labelled,
    *,
    hidden: Sequence[str],
    parts: Mapping[str, int],
    rng: np.random.Generator,
    most_hidden: int = 1000,
) -> tuple[
    dict[str, UInt8[np.ndarray, "_ size size 3"]], dict[str, Int[np.ndarray, " _"]], tuple[str, ...]
]:
    """Divide labelled tiles: each patient serves one purpose only, or shows one hidden class.

    A patient with tiles of hidden classes alone shows one of those. Of the patients who have tiles
    of known classes, too, up to a third show a hidden class, if these need more.

    Args:
        tiles: with patients.
        hidden: names of classes that nobody may learn from.
        parts: purpose -> how many are wanted; patients are dealt in these proportions.
        rng: deals them.
        most_hidden: patients that are kept of a hidden class, at most.

    Returns:
        Images and labels by purpose, hidden classes under their own names (their labels are -1),
        and the names of the known classes, in the order of their new labels.

    Raises:
        DataError: a hidden class is not there, fewer than two are left, or a purpose or a hidden
            class got no patient.

    >>> from data_fetch.sample import Sample, sha256_of_array
    >>> images = np.zeros((8, 4, 4, 3), np.uint8)
    >>> sample = Sample(images, "example/a", "simulated", "intensity 0..255",
    ...                 sha256_of_array(images))
    >>> tiles = Labelled(sample=sample, labels=np.arange(8) % 4, names=("a", "b", "c", "d"),
    ...                  patients=np.arange(8))
    >>> found, labels, names = with_hidden_classes(tiles, hidden=["b"], parts={"x": 2, "y": 1},
    ...                                            rng=np.random.default_rng(0))
    >>> names, len(found["x"]), len(found["y"]), len(found["b"])
    (('a', 'c', 'd'), 4, 2, 2)
    """
    if missing := [name for name in hidden if name not in tiles.names]:
        raise DataError(f"there is no class {missing[0]!r}; there are {', '.join(tiles.names)}")
    names = tuple(name for name in tiles.names if name not in hidden)
    if len(names) < 2 or tiles.patients is None:
        raise DataError(f"{len(names)} known class(es) are left, two are needed, with patients")
    renamed = np.array([names.index(n) if n in names else -1 for n in tiles.names])[tiles.labels]
    shown = _who_shows_what(tiles, hidden, renamed >= 0, most=most_hidden, rng=rng)
    taken = [person for people in shown.values() for person in people]
    people = rng.permutation(np.setdiff1d(tiles.patients[renamed >= 0], taken))
    ends = np.rint(np.cumsum(list(parts.values())) / sum(parts.values()) * len(people)).astype(int)
    rows = {
        purpose: np.flatnonzero((renamed >= 0) & np.isin(tiles.patients, whose))
        for purpose, whose in zip(parts, np.split(people, ends[:-1]), strict=True)
    }
    if empty := [purpose for purpose, at in rows.items() if len(at) == 0]:
        raise DataError(f"{len(people)} patients of known classes: none is left for {empty[0]!r}")
    for name, whose in shown.items():
        of_class = tiles.labels == tiles.names.index(name)
        rows[name] = np.flatnonzero(of_class & np.isin(tiles.patients, whose))
    images = {purpose: tiles.sample.array[at] for purpose, at in rows.items()}
    return images, {purpose: renamed[at] for purpose, at in rows.items()}, names


def _who_shows_what(
    tiles: Labelled,
    hidden: Sequence[str],
    of_known_class: Bool[np.ndarray, " n"],
    *,
    most: int,
    rng: np.random.Generator,
) -> dict[str, list[int]]:
    """The patients of each hidden class; nobody is in two, and few could have been learned from."""
    having = {
        name: np.unique(tiles.patients[tiles.labels == tiles.names.index(name)]) for name in hidden
    }
    known = np.unique(tiles.patients[of_known_class])
    spare = len(known) // 3  # who could also be learned from
    shown: dict[str, list[int]] = {name: [] for name in hidden}
    everyone = rng.permutation(np.unique(np.concatenate([*having.values(), known[:0]])))
    both = np.isin(everyone, known)
    for person in (*everyone[~both], *everyone[both]):
        may = [n for n, whose in having.items() if person in whose and len(shown[n]) < most]
        if person in known and spare <= 0:
            break
        if may:
            spare -= person in known
            shown[min(may, key=lambda n: len(shown[n]))].append(int(person))
    if empty := [name for name, whose in shown.items() if not whose]:
        raise DataError(f"no patient is left for the hidden class {empty[0]!r}")
    return shown
