"""The five arms of one trial of transfer, and the peak rates that were found for them.

A *situation* is how many labels there are and how long one may train: "few", "many", or "long",
which is many labels and a long budget. The rates come from searches on validation images; the
chapter that shows the trial says which, and on what. They are constants: nothing here is fitted.
"""

from __future__ import annotations

from typing import Any

from medlib.translation.moving.arms import Arm

__all__ = ["NAMES", "RATES", "trial_arm"]

#: From nothing moved of the source but its shape, to everything moved at one rate.
NAMES = ("scratch", "frozen", "norm only", "graded", "full")
#: Peak learning rate by situation and arm; frozen takes no steps, and not every arm trains long.
RATES = {
    "few": {"scratch": 1e-3, "norm only": 3e-3, "graded": 3e-3, "full": 3e-4},
    "many": {"scratch": 1e-3, "norm only": 1e-4, "graded": 1e-4, "full": 1e-4},
    "long": {"graded": 1e-3, "full": 3e-4},
}


def trial_arm(name: str, situation: str, *, depth_factor: float, **changes: Any) -> Arm:
    """Return one of the five arms, with its rate in a situation.

    Args:
        name: one of `NAMES`.
        situation: a key of `RATES`.
        depth_factor: ξ of the graded arm; the others have one rate for all depths.
        changes: what of the arm shall be otherwise, such as ``peak_rate``.

    Raises:
        ValueError: there is no such arm or situation, or a change is out of range.

    Example:
        >>> trial_arm("graded", "few", depth_factor=0.5).rate_at(depth=8)
        0.0015
    """
    if name not in NAMES:
        raise ValueError(f"no arm {name!r}; there are {', '.join(NAMES)}")
    if situation not in RATES:
        raise ValueError(f"no situation {situation!r}; there are {', '.join(RATES)}")
    settings: dict[str, Any] = {
        "scratch": {"moves": "all", "pretrained": False, "statistics": "batch"},
        "frozen": {"moves": "head"},
        "norm only": {"moves": "norm"},
        "graded": {"moves": "all", "depth_factor": depth_factor},
        "full": {"moves": "all"},
    }[name]
    rate = RATES[situation].get(name, 1e-3)  # an arm that is never trained there needs none
    return Arm(name, **{"peak_rate": rate, **settings, **changes})
