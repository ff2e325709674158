"""The ground floor: one run of a chapter, from its parameters to its record. No medicine here.

* `parameters`: the typed, ranged parameters of a chapter's first cell;
* `streams`: independent random streams by name;
* `run`: results, claims, sentences, figures, and the end of the run;
* `figures`: the book's one style, a figure's identity, the slider;
* `environment`: what the run depended on;
* `record`: the schema of ``record.json``, which the press reads.

A chapter needs two names of it: `start` and `COLORS`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlib.experiment.figures import COLORS
    from medlib.experiment.run import Run, start

__all__ = ["COLORS", "Run", "start"]


def __getattr__(name: str) -> Any:  # late, so that the press reads a record without NumPy
    if name == "COLORS":
        from medlib.experiment.figures import COLORS

        return COLORS
    if name in ("Run", "start"):
        from medlib.experiment import run

        return getattr(run, name)
    raise AttributeError(f"module 'medlib.experiment' has no attribute {name!r}")
