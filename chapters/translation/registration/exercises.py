"""The checks of the exercises of translation/registration."""

import numpy as np

from medlib.experiment.answers import attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# --------------------------------------------------------------------------- a wave that folds

WAVE = Number(
    name="registration-wave",
    asks="an amplitude in mm",
    answer=30 / (2 * np.pi),
    tolerance=0.03,
    within=(0, 1e6),
    mistakes=[
        Mistake(15.0, "half a wave moved onto the other half: it has folded long before"),
        Mistake(30.0, "the wave's length is no slope; where is u steepest, and how steep?"),
        Mistake(7.5, "there u is largest; folding asks where it is steepest"),
        Mistake(30 / np.pi, "differentiate again: the factor inside the sine is 2π/L"),
        Mistake(2 * np.pi / 30, "upside down: the slope is a times this, and must reach one"),
        Mistake(30 * 2 * np.pi, "the slope is a · 2π/L: divide the length by 2π"),
        Mistake(1.0, "it is the *slope* that must not reach minus one, not u itself"),
    ],
    otherwise="the map folds where 1 + u' reaches zero; what is the least value of u'?",
    hints=[
        "Differentiate: u'(x) = a (2π/L) cos(2πx/L). Its least value is -a · 2π/L.",
        "φ' = 1 + u' reaches zero when a · 2π/L is one.",
    ],
    solution=r"""
$\varphi'(x) = 1 + a \frac{2\pi}{L} \cos\frac{2 \pi x}{L}$ is least where the cosine is $-1$, and
reaches zero at $a = L / 2\pi = 4.8$ mm. A wave twice as long may be twice as high: what folds is
steepness, not size.
""",
    wrong=[0.5, 3.0, 100.0],
)

# ---------------------------------------------------------------------------- there and back


def followed(v, k):
    """exp(v) along a line, by scaling and squaring."""
    u = np.asarray(v, float) / 2**k
    at = np.arange(len(u))
    for _ in range(k):
        u = u + np.interp(at + u, at, u)
    return u


def true_there_and_back(v, k):
    """exp(-v) after exp(v), less the identity."""
    there, back = followed(v, k), followed(-np.asarray(v, float), k)
    at = np.arange(len(there))
    return there + np.interp(at + there, at, back)


def added_up(v, k):
    """What does not look where the first has led."""
    return followed(v, k) + followed(-np.asarray(v, float), k)


def back_first(v, k):
    """The other order."""
    return true_there_and_back(-np.asarray(v, float), k)


def without_squaring(v, k):
    """The velocity taken as a displacement."""
    return true_there_and_back(v, 0)


def check_back(answer, scene):
    """Compare on several velocities, with few squarings and with many."""
    draw = np.random.default_rng(6)
    for n, size, k in ((20, 1.0, 3), (24, 3.0, 1), (30, 2.0, 6), (12, 0.0, 4)):
        v = size * np.sin(np.arange(n) / 3 + draw.uniform(0, 3)) * np.hanning(n)
        right = true_there_and_back(v, k)
        got = np.asarray(attempt(answer, v.copy(), k), dtype=float)
        if got.shape != right.shape:
            return f"for {n} pixels it returns the shape {got.shape}; one number a pixel is asked"
        if np.abs(got - right).max() < 1e-6:
            continue
        if np.abs(got - np.arange(n) - right).max() < 1e-6:
            return "those are the places; where each began is to be subtracted"
        if np.abs(got - added_up(v, k)).max() < 1e-6:
            return "displacements do not add up: the second is read where the first has led"
        if np.abs(got - back_first(v, k)).max() < 1e-6:
            return "exp(v) comes first, and exp(-v) is read where it has led"
        if np.abs(got - without_squaring(v, k)).max() < 1e-6:
            return "that takes v as a displacement: scale it by 2**k and double it k times"
        if np.abs(got - followed(v, k)).max() < 1e-6:
            return "that is the way there; go back from where it has led"
        off = np.abs(got - right).max()
        return f"for {n} pixels and {k} squarings it is off by {off:.2g} pixels"
    return None


BACK = Code(
    name="registration-back",
    asks="a function of a velocity and a number of squarings",
    check=check_back,
    example=lambda scene: true_there_and_back,
    hints=[
        "Begin with u = v / 2**k; a doubling is u + np.interp(at + u, at, u).",
        "Do it for v and for -v. Then add to the first the second, read at at + first.",
    ],
    solution=r"""
```python
def exp(v, k):
    u, at = v / 2**k, np.arange(len(v))
    for _ in range(k):
        u = u + np.interp(at + u, at, u)
    return u

def there_and_back(v, k):
    there, back = exp(v, k), exp(-v, k)
    at = np.arange(len(v))
    return there + np.interp(at + there, at, back)
```

It is not zero: every reading between pixels smooths a little. More squarings shrink the error of
the steps, not that of the readings.
""",
    wrong=[
        lambda scene: added_up,
        lambda scene: back_first,
        lambda scene: without_squaring,
        lambda scene: followed,
        lambda scene: lambda v, k: np.zeros(len(v)),
        lambda scene: lambda v, k: true_there_and_back(v, k) + np.arange(len(v)),
        lambda scene: 0.0,
    ],
)

# ------------------------------------------------------------------------------ the runaway

RUNAWAY = Number(
    name="registration-runaway",
    asks="a factor",
    answer=float(np.exp(3)),
    tolerance=0.1,
    within=(0, 1e6),
    mistakes=[
        Mistake(1.0, "that is the displacement's, whatever a is; a velocity is followed"),
        Mistake(3.0, "a velocity compounds, as interest does: solve dφ/dt = a φ"),
        Mistake(4.0, "1 + a is where the *displacement* leads; ask how the ends move with a"),
        Mistake(np.exp(3) - 1, "that is how far the place goes; ask how far its end moves with a"),
        Mistake(np.exp(3) / 4, "that compares the ends themselves; compare their slopes in a"),
        Mistake(3 * np.exp(3), "a factor too many: the derivative of e^a by a is e^a"),
        Mistake(np.exp(-3), "upside down, or followed backwards"),
        Mistake(np.exp(1), "that is a = 1"),
    ],
    otherwise="where does x end, as a function of a? Differentiate that by a, for both",
    hints=[
        "Solve dφ/dt = a φ from φ = x: where is it after one unit of time?",
        "x e^a and (1 + a) x; the derivatives by a are x e^a and x.",
    ],
    solution=r"""
Followed, the place ends at $x e^a$, whose derivative by $a$ is $x e^a$; moved at once it ends at
$(1 + a) x$, with the derivative $x$. The factor is $e^a = e^3 = 20.1$, at $a = 1$ only $e$. That is
why one step too far may be one too many: the gradient there is longer still. Clipping bounds the
step, not the map.
""",
    wrong=[0.5, 9.0, 1000.0],
)

# --------------------------------------------------------------------------------- the shell

SHELL = Number(
    name="registration-shell",
    asks="det J in the shell",
    answer=(20**3 - 11**3) / (20**3 - 10**3),
    tolerance=0.003,
    within=(-1e6, 1e6),
    mistakes=[
        Mistake((20**2 - 11**2) / (20**2 - 10**2), "that is in the plane; volumes go with cubes"),
        Mistake(9 / 10, "that is how much *thinner* the shell is; its det J is of volumes"),
        Mistake(1.331, "that is det J in the lesion itself"),
        Mistake(1 / 1.331, "the shell is no mirror of the lesion: it is larger, and squeezed less"),
        Mistake((20**3 - 10**3) / (20**3 - 11**3), "upside down: later volume over earlier"),
        Mistake(1.0, "the 20 mm ball keeps its volume, and the lesion takes more of it"),
        Mistake(0.9**3, "radii do not shrink alike in all directions: compare the shells' volumes"),
        Mistake(6669 / 8000, "that is a share of the whole ball; divide by what the shell was"),
        Mistake(1 - 331 / 8000, "the gain is taken from the shell, not from the whole ball"),
        Mistake(1 - 0.331, "the lesion's gain is to be shared out over the shell's volume"),
    ],
    otherwise="nothing moves at 20 mm: what volume had the shell, and what is left of it?",
    hints=[
        "The ball of 20 mm keeps its volume. Before, the shell is that ball less one of 10 mm.",
        "Volumes go with the cube of the radius, and the factor 4π/3 cancels.",
    ],
    solution=r"""
$(20^3 - 11^3)/(20^3 - 10^3) = 6669/7000 = 0.953$. The lesion grows by a third, and tissue around it
is squeezed by less than a twentieth: far harder to see, and the first to drown in a regulariser.
""",
    wrong=[0.5, 2.0, 0.0],
)

# --------------------------------------------------------------------------------- the paper

PAPER = Choice(
    name="registration-paper",
    asks="the step",
    options={
        "a": "More scans, so that the difference of 0.02 becomes significant.",
        "b": "The structures' surfaces, measured instead of their overlap.",
        "c": "Both tuned by one rule, and judged on warps that are known.",
        "d": "The new network with a stronger regulariser, until it folds nowhere.",
        "e": "The similarity of the images after registration, which needs no labels.",
        "f": "The folds of both, counted once more at the corners of cells.",
    },
    answer="c",
    because={
        "a": "even a certain difference may be the tuning's and not the method's",
        "b": "the same labels once more; they choose and they judge",
        "d": "then one arm has been tuned twice and the other still never",
        "e": "similarity is what was optimised; a map that folds can be the more similar for it",
        "f": "worth an hour, for the usual count is blind to some; but a map without any fold may"
        " still lead to the wrong place, and one method was never tuned",
    },
    hints=[
        "List what differs between the two besides the method.",
        "Which judge has had no part in choosing?",
    ],
    solution=r"""
The methods differ in who was tuned, and the judge is the one that chose. Tune both by one rule,
then bring a judge that had no part: warps that are known. And differences across pixels miss folds;
corners of cells do not.
""",
)

# -------------------------------------------------------------------------------- the report

GROWTH = Choice(
    name="registration-growth",
    asks="what may be concluded",
    options={
        "a": "Cells divide faster in the core than at the rim.",
        "b": "The lesion's outline has grown; how growth is spread inside was not measured.",
        "c": "Nothing: a Jacobian can say nothing of growth.",
        "d": "The tumour pushes tissue aside, for det J is positive everywhere.",
        "e": "The map must fold somewhere, as such a difference cannot be smooth.",
        "f": "The core grew most: a map from a velocity is smooth and never folds, so it can be"
        " read anywhere.",
    },
    answer="b",
    because={
        "a": "inside even grey nothing in the images says where the inner parts went",
        "c": "its mean over the outline is the growth of the outline, and was measured",
        "d": "det J is mostly positive by the model's making, also where tissue was eaten",
        "e": "det J may differ from place to place without reaching zero",
        "f": "smooth and whole is what the model was made to be; it makes no map right where the"
        " images are silent",
    },
    hints=[
        "On what does the mean of det J over the outline depend? On what does its pattern?",
        "What in the images could have told where a piece of even grey went?",
    ],
    solution=r"""
The mean over the outline rests on the rim, which the images show. The pattern inside rests on the
regulariser, which prefers some maps to others without having seen anything. Whether the rim pushed
or ate, the map does not know either.
""",
)

EXERCISES = [WAVE, BACK, RUNAWAY, SHELL, PAPER, GROWTH]
