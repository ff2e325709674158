"""The checks of the exercises of translation/inside_the_visual_brain."""

import numpy as np

from medlib.experiment.answers import as_array
from medlib.experiment.exercises import Code, Mistake, Number, Scene

# ----------------------------------------------------------------------------- how far a unit sees

FIELD = Number(
    name="inside-the-visual-brain-field",
    asks="width of the field",
    unit="px",
    answer=227,
    tolerance=0.5,
    within=(1, 1000),
    mistakes=[
        Mistake(67, "that is the field of stage 3, where you start"),
        Mistake(147, "that is with kernels of three; a kernel of five adds four steps, not two"),
        Mistake(99, "that is after the first of three blocks"),
        Mistake(163, "that is after two of three blocks; or d stayed at 8 after the stride"),
        Mistake(259, "the first block still reads the grid of stage 3; d doubles after it"),
        Mistake(291, "d doubles once, after the block with stride 2, not after every block"),
        Mistake(267, "a kernel of five adds four steps, two to either side, not five"),
    ],
    otherwise="start from stage 3, add four times d for each block, and double d after the first",
    hints=[
        "A kernel of five adds two steps to either side. How many pixels is a step, in each block?",
        "The first block steps by d = 8. After its stride of 2 the other two step by 16.",
    ],
    solution=r"""
$67 + 4 \cdot 8 = 99$, then $d = 16$; $99 + 4 \cdot 16 = 163$ and $163 + 4 \cdot 16 = 227$.
""",
    wrong=[226, 224],
)

# --------------------------------------------------------------------------------- a filter by hand


def check_filter(answer, scene):
    """Four demands, one after the other."""
    taps = as_array(answer, shape=(3, 3), means="rows, columns")
    cross, corners = taps[[0, 1, 1, 2], [1, 0, 2, 1]], taps[::2, ::2]
    if not np.isclose(taps.sum(), 1):
        return (
            f"a constant b passes as {taps.sum():.3g} b, and exactly b is asked for: what must the"
            " weights sum to?"
        )
    if corners.any():
        return "the diagonal neighbours count; they shall be as if they were not there"
    if np.ptp(cross) > 1e-9:
        return "the four neighbours are not treated alike"
    if taps[1, 1] <= 1:
        return "a spot answers no more than in a plain copy; the middle must weigh more"
    return None


def cross(middle, neighbour, corner=0.0):
    """A filter of 3 x 3 by its three kinds of weights."""
    taps = np.full((3, 3), float(corner))
    taps[[0, 1, 1, 2], [1, 0, 2, 1]] = neighbour
    taps[1, 1] = middle
    return taps


SHARPEN = Code(
    name="inside-the-visual-brain-sharpen",
    asks="an array of 3 rows and 3 columns",
    check=check_filter,
    example=lambda scene: cross(5, -1),
    hints=[
        "Give the filter an image that is b everywhere. What comes out, in terms of the weights?",
        "The weights sum to one, the middle is above one. So what is left for the four neighbours?",
    ],
    solution=r"""
The weights must sum to one: the classical sharpening filter, the middle 5, its four neighbours
$-1$, zeros in the corners. (Any middle $1 + 4t$ with neighbours $-t$, $t > 0$, will do.)
""",
    wrong=[
        lambda scene: cross(1, 0),
        lambda scene: cross(4, -1),
        lambda scene: cross(5, 0, -1),
        lambda scene: [[0, -2, 0], [-1, 5, -1], [0, 0, 0]],
        lambda scene: cross(0.2, 0.2),
        lambda scene: cross(9, -1, -1),
        lambda scene: [0, -1, 0, -1, 5, -1, 0, -1, 0],
        lambda scene: [[0, -1], [-1, 5]],
    ],
)

# ----------------------------------------------------------------------------- a very faint scanner

LEAST = (8.1 - 1e-3) / 0.19

EPS = Number(
    name="inside-the-visual-brain-eps",
    asks="variance of the answers to the original images",
    answer=43,
    tolerance=0.05,
    within=(0, 1e6),
    mistakes=[
        Mistake(90, "the output goes with the root: square the nine tenths"),
        Mistake(10, "that is epsilon over a squared; half of the variance would be gone there"),
        Mistake(8.1, "nine tenths squared is not the variance; it is a ratio of two"),
        Mistake(0.42, "epsilon is to be divided by a squared, not by a"),
        Mistake(
            0.0043, "that is the variance of the faint images; the original ones are asked for"
        ),
        Mistake(LEAST, "right before rounding; it is asked for as a whole number, rounded up"),
        Mistake(42, "round up: with 42 a little less than nine tenths is left"),
        Mistake(44, "a smaller whole number is enough"),
    ],
    otherwise="what is left is the root of (v + eps) over (v + eps / a squared); let it be 0.9",
    hints=[
        "Faint answers have the variance of the original ones times a squared. Epsilon does not"
        " shrink with them.",
        r"Let $(v + 10^{-3})/(v + 10) = 0.81$ and solve for v.",
    ],
    solution=r"""
$\varepsilon/a^2 = 10$. From $(v + 10^{-3})/(v + 10) = 0.81$ follows $v = (8.1 - 10^{-3})/0.19$,
rounded up 43. Compare with `before[live].var(axis=(1, 2))`: on the head CT only a few filters vary
so much. Images so faint are not saved by batch statistics.
""",
    wrong=[40, 81, 42.63],
)

# ----------------------------------------------------------------------------------- alike, yet not


def check_cka(answer, scene):
    """CKA of one, and no column that is nearly one of puzzle's."""
    from medlib.translation.seeing.cka import linear_cka

    puzzle = np.asarray(scene.given["puzzle"])
    mine = as_array(answer, shape=puzzle.shape, means="rows, columns")
    if (mine.std(axis=0) == 0).any():
        return "a column is constant: it correlates with nothing, but CKA misses it"
    same = linear_cka(puzzle, mine, debiased=False)
    apart = np.abs(np.corrcoef(puzzle.T, mine.T)[:3, 3:]).max()
    if same > 0.9999 and apart < 0.9:
        return None
    if same > 0.9999:
        return f"CKA is one, but a column is still nearly one of puzzle's: {apart:.3f}"
    if apart < 0.9:
        return f"the columns are mixed, but CKA is {same:.4f}: what leaves it at one?"
    return f"CKA is {same:.4f}, and a column is still nearly one of puzzle's: {apart:.3f}"


def puzzle_scene():
    """A table of noise."""
    return Scene({"puzzle": np.random.default_rng(0).normal(size=(200, 3))})


def reflected(scene):
    """A reflection that mixes all columns."""
    puzzle = scene.given["puzzle"]
    return puzzle - 2 / 3 * puzzle.sum(axis=1, keepdims=True)


CKA = Code(
    name="inside-the-visual-brain-cka",
    asks="an array of as many rows and 3 columns",
    check=check_cka,
    example=reflected,
    scene=puzzle_scene,
    needs=("puzzle",),
    hints=[
        "CKA does not see how a table of features is turned as a whole, nor its scale.",
        "Multiply `puzzle` by an orthogonal matrix of 3 x 3 none of whose entries is near one.",
    ],
    solution=r"""
Anything that turns or mirrors the features as a whole and mixes all columns, such as

```python
mine = puzzle - 2 / 3 * puzzle.sum(axis=1, keepdims=True)
```

a reflection. CKA does not see it; correlations of single columns do.
""",
    wrong=[
        lambda scene: scene.given["puzzle"],
        lambda scene: -scene.given["puzzle"][:, ::-1],
        lambda scene: reflected(scene) * [1, 2, 1],
        lambda scene: np.random.default_rng(5).normal(size=(200, 3)),
        lambda scene: scene.given["puzzle"] * [1, 2, 3],
        lambda scene: np.zeros((200, 3)),
        lambda scene: reflected(scene)[:100],
        lambda scene: reflected(scene)[:, :2],
    ],
)

# ----------------------------------------------------------------------- a lesion in a larger patch

SHARE = Number(
    name="inside-the-visual-brain-share",
    asks="factor by which the lesion stands out less",
    answer=2,
    tolerance=0.02,
    within=(0, 100),
    mistakes=[
        Mistake(4, "so much less is the mean moved; how much does it scatter, over more places?"),
        Mistake(1, "the mean also sees the places without lesion, four times as many of them"),
        Mistake(8, "more places make the mean scatter less, not more"),
        Mistake(16, "that is the square of the shift; the scatter has changed as well"),
    ],
    otherwise="divide how far the mean is moved by how much it scatters; compare before and after",
    hints=[
        "The lesion adds the same sum to a channel's answers. By what is it divided for the mean?",
        "The mean of N independent answers scatters by their SD over the root of N.",
    ],
    solution=r"""
The sum that the lesion adds is divided by four times as many places: the mean moves a quarter as
far. But the mean of four times as many answers scatters half as much. A quarter over a half is a
half: it stands out half as far. (Neighbouring answers are not independent; where texture is
coarse, the scatter shrinks less, and the factor lies between 2 and 4. An extreme is not divided by
anything; it only competes with the extremes of four times as many places.)
""",
    wrong=[3, 0.5],
)

EXERCISES = [FIELD, SHARPEN, EPS, CKA, SHARE]
