"""The ground floor: one run of a chapter, from its parameters to its record. No medicine here.

* `parameters`: the typed, ranged parameters of a chapter's first cell;
* `streams`: independent random streams by name;
* `run`: results, claims, sentences, figures, and the end of the run;
* `estimate`: a number with its interval, unit and n, as one object;
* `figures`: the book's one style, a figure's identity, the slider;
* `plots`: the five house plots, with data handed in;
* `exercises`, `answers`, `grid`, `exercise_sheet`: exercises that answer back, what a student may
  type, how numbers are compared, and the sheet of a chapter's checks;
* `environment`: what the run depended on, and `arithmetic`, the part of it that moves last digits;
* `record`: the schema of ``record.json``, which the press reads;
* `tables`: the schemas of what is kept of runs that a cold build does not repeat;
* `trials`: what a chapter reads such recorded results with.

It knows of run folders (the press names one in the environment, and `run` writes the record and the
figures into it) and of the checkout (`environment` hashes the project's files that were imported,
and asks git for the commit). It does not know how a page is made.

A chapter needs few names of it: `start`, `Estimate`, `plots`, `COLORS` and `recorded`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlib.experiment.estimate import Estimate
    from medlib.experiment.figures import COLORS
    from medlib.experiment.run import Run, start
    from medlib.experiment.trials import recorded

__all__ = ["COLORS", "Estimate", "Run", "recorded", "start"]


def __getattr__(name: str) -> Any:  # late, so that the press reads a record without NumPy
    if name == "COLORS":
        from medlib.experiment.figures import COLORS

        return COLORS
    if name == "Estimate":
        from medlib.experiment.estimate import Estimate

        return Estimate
    if name in ("Run", "start"):
        from medlib.experiment import run

        return getattr(run, name)
    if name == "recorded":
        from medlib.experiment.trials import recorded

        return recorded
    raise AttributeError(f"module 'medlib.experiment' has no attribute {name!r}")
