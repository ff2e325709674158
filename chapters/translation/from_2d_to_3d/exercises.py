"""The checks of the exercises of translation/from_2d_to_3d."""

import math

import numpy as np

from medlib.experiment.answers import as_array
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ----------------------------------------------------------------------- every second one is bright

ALTERNATING = Number(
    name="from-2d-to-3d-alternating",
    asks="divisor that keeps the variance",
    answer=2,
    tolerance=0.005,
    within=(0, 10),
    mistakes=[
        Mistake(4, "that is the variance of the sum; the divisor is its root"),
        Mistake(math.sqrt(3), "that is right for independent slices; here the outer two agree"),
        Mistake(3, "that is right for slices that are all alike; here neighbours are not"),
        Mistake(math.sqrt(5), "one pair lies two apart, and not two of them"),
        Mistake(math.sqrt(3.5), "a pair counts twice: once for each of its two slices"),
    ],
    otherwise="write down the variance of a sum of three: three variances and twice each"
    " covariance",
    hints=[
        "Which pairs of the three slices lie one apart, and which two apart?",
        "The sum has the variance of three slices, plus twice the correlation of the one pair that"
        " lies two apart.",
    ],
    solution=r"""
$s^2 = 3 + 2\,(2\cdot 0 + 1\cdot \tfrac12) = 4$, so $s = 2$: more than $\sqrt 3$, less than 3.
""",
    wrong=[1.5, 2.5, math.sqrt(7)],
)

# ------------------------------------------------------------------------------ two layers in a row

TWICE = Number(
    name="from-2d-to-3d-twice",
    asks="factor by which layer two changes the variance",
    answer=19 / 9,
    tolerance=0.04,
    within=(0, 10),
    mistakes=[
        Mistake(1, "it would be so if the slices that layer two gets were still independent"),
        Mistake(3, "it would be so if the slices that layer two gets were all alike"),
        Mistake(5 / 3, "neighbours share two slices of three, not one"),
        Mistake(7 / 3, "for neighbours two apart one of three slices is shared, not two"),
        Mistake(
            math.sqrt(19 / 9),
            "a root would be the factor of the standard deviation; 13/9 comes of neighbours that"
            " share one slice of three, and they share two",
        ),
        Mistake(17 / 9, "the pair two apart counts as well: it shares one slice of three"),
    ],
    otherwise="find the correlation of two neighbours after layer one: how many slices do they"
    " share?",
    hints=[
        "After layer one, two neighbours are sums of three slices each. How many of these are the"
        " same?",
        "Neighbours share two of three slices, those two apart one. Put both correlations into the"
        " formula of the chapter, with the divisor of layer two.",
    ],
    solution=r"""
After layer one, neighbours share two of three slices: $\rho_1 = 2/3$, $\rho_2 = 1/3$. The factor is
$(3 + 2(2\cdot 2/3 + 1/3))/3 = 19/9$. Even for noise the "variance rule" holds for one layer only:
its own blur makes slices alike.
""",
    wrong=[19 / 3, 2.3, 1.5],
)

# ----------------------------------------------------------------------------------- unequal copies


def check_taps(answer, scene):
    """Two equations, symmetry, and the largest in the middle."""
    below, middle, above = as_array(answer, shape=(3,), means="below, in, above")
    if abs(below + middle + above - 1) > 1e-3:
        return (
            f"the three sum to {below + middle + above:.4g}; repeated slices keep their answer if"
            " they sum to one"
        )
    if abs(below - above) > 1e-3:
        return "they are not symmetric: slices below and above shall weigh the same"
    left = below**2 + middle**2 + above**2
    if abs(left - 0.5) > 1e-3:
        return f"of the variance of independent slices {left:.1%} is left; half is asked for"
    if middle <= below:
        return "both equations hold, but the largest stands outside: take the other root"
    return None


def taps_with(edge):
    """Symmetric weights that sum to one."""
    return [edge, 1 - 2 * edge, edge]


TAPS = Code(
    name="from-2d-to-3d-weighted",
    asks="three numbers",
    check=check_taps,
    example=lambda scene: [1 / 6, 2 / 3, 1 / 6],
    hints=[
        "Call the outer two a. The sum says what is left for the middle, and one unknown remains.",
        r"The variance that is left is the sum of squares: $2a^2 + (1 - 2a)^2$. Let it be one"
        r" half.",
    ],
    solution=r"""
With $a = c$ and $b = 1 - 2a$: $2a^2 + (1-2a)^2 = 1/2$, so $6a^2 - 4a + 1/2 = 0$ and
$a = (4 - \sqrt 4)/12 = 1/6$, $b = 2/3$. Between *centre* ($a = 0$) and *mean* ($a = 1/3$).
""",
    wrong=[
        lambda scene: taps_with(1 / 3),
        lambda scene: taps_with(0),
        lambda scene: taps_with(0.5),
        lambda scene: taps_with(0.25),
        lambda scene: [2 / 3, 1 / 6, 1 / 6],
        lambda scene: [math.sqrt(1 / 6)] * 3,
        lambda scene: [0.0, 0.5, 0.5],
        lambda scene: [1 / 6, 2 / 3],
        lambda scene: [[1 / 6, 2 / 3, 1 / 6]],
        lambda scene: np.array([1 / 6, np.nan, 1 / 6]),
    ],
)

# ---------------------------------------------------------------------------------- a real data set

PUBLIC = Choice(
    name="from-2d-to-3d-public",
    asks="your prediction for NoduleMNIST3D",
    options={
        "a": "The slice average guesses, and copies/k do not: the task needs depth.",
        "b": "A small difference: most of it shows in slices.",
        "c": "Copies/k are far behind: weights of photographs are of no use for CT.",
        "d": "Both reach an AUC of one: with so many patches the task is easy.",
        "e": "Slice average far ahead: depth only adds noise.",
        "f": "Copies/k far ahead: only across slices can a nodule be told from a vessel.",
    },
    answer="b",
    because={
        "a": "what do radiologists lean on? Size and outline show in every slice through a nodule",
        "c": "for images that are no photographs they are of use: look at *random* in the figure of"
        " frozen readers",
        "d": "the label is a suspicion, on which radiologists differ; no network can know it"
        " better",
        "e": "depth that tells nothing costs little here: copies begin as a mean over slices",
        "f": "that is a question for whoever looks for nodules; here every patch holds one, and"
        " the label says how suspicious it looked",
    },
    hints=[
        "Radiologists gave the label. What do they look at, when they suspect a nodule?",
        "Is there anything about size and outline that one slice through the middle does not show?",
    ],
    solution=r"""
Size and outline of a nodule, on which radiologists lean, show in its slices, so averaging should go
a long way. Expect a small difference; and since all patches are cut
around nodules, nothing here tests whether depth helps to *find* one beside a vessel. This book
prints no expected numbers for it: your rerun is a hint and no verdict.
""",
)

EXERCISES = [ALTERNATING, TWICE, TAPS, PUBLIC]
