"""The checks of the exercises of diagnosis/out_of_distribution."""

import numpy as np

from medlib.experiment.answers import as_array
from medlib.experiment.exercises import Choice, Code, Mistake, Number, Scene

# ------------------------------------------------------------------------ relative Mahalanobis


def by_hand(
    scene, *, root=False, overall=True, tied=True, plain_mean=False, one_s=False, less=0, sign=1
):
    """The relative distance, or what a usual mistake makes of it."""
    usual, classes, strange = (scene.given[k] for k in ("usual", "classes", "strange"))
    means = np.stack([usual[classes == c].mean(axis=0) for c in np.unique(classes)])
    middle = means.mean(axis=0) if plain_mean else usual.mean(axis=0)

    def squared(rows, centre, residuals):
        factor = np.linalg.cholesky(residuals.T @ residuals / (len(residuals) - less))
        return (np.linalg.solve(factor, (rows - centre).T) ** 2).sum(axis=0)

    within = usual - means[classes]
    if tied:
        to_class = np.stack([squared(strange, m, within) for m in means])
    else:
        to_class = np.stack(
            [squared(strange, m, usual[classes == c] - m) for c, m in enumerate(means)]
        )
    near, far = to_class.min(axis=0), squared(strange, middle, within if one_s else usual - middle)
    if root:
        near, far = np.sqrt(near), np.sqrt(far)
    return sign * (near - far if overall else near)


def check_distance(answer, scene):
    """Compare with the distance by Cholesky."""
    right = by_hand(scene)
    found = as_array(answer, shape=right.shape, means="one number a tile")

    def like(values):
        return np.allclose(found, values, rtol=1e-4, atol=1e-6)

    if like(right):
        return None
    if like(-right):
        return "the sign is turned: higher shall be more unusual"
    if like(by_hand(scene, overall=False)):
        return "that is Mahalanobis's distance itself; subtract the one to all classes as one"
    if like(by_hand(scene, root=True)):
        return "you took roots; both distances are squared"
    if like(by_hand(scene, tied=False)):
        return "each class has a covariance of its own here; the classes share one"
    if like(by_hand(scene, plain_mean=True)):
        return "the one mean is that of all tiles, not of the class means: classes differ in size"
    if like(by_hand(scene, one_s=True)):
        return "the second distance has a covariance of its own, around the one mean"
    if like(by_hand(scene, less=1)):
        return "divide by the number of tiles, not by one less"
    middle = scene.given["usual"].mean(axis=0)
    if like(by_hand(scene, overall=False) - ((scene.given["strange"] - middle) ** 2).sum(axis=1)):
        return "the second distance knows no covariance: take that around the one mean"
    return (
        "the smallest distance to a class, with the covariance within classes, less the distance"
        " to the one mean, with the covariance around it"
    )


def small_scene():
    """Three clouds of points, and some points elsewhere."""
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [50, 28, 12])
    mix = rng.normal(size=(4, 4))
    usual = rng.normal(size=(90, 4)) @ mix * (1 + 0.4 * classes[:, None])
    usual = usual + 3 * np.eye(4)[classes]
    return Scene({"usual": usual, "classes": classes, "strange": rng.normal(size=(7, 4)) * 4})


DISTANCE = Code(
    name="out-of-distribution-distance",
    asks="an array with one number a tile",
    check=check_distance,
    example=by_hand,
    scene=small_scene,
    needs=("usual", "classes", "strange"),
    hints=[
        "The cell by hand above computes the first distance; the second is the same with one class"
        " that holds all tiles.",
        "Two Cholesky factors: of the residuals from each tile's own class mean, and of those from"
        " the one mean.",
    ],
    solution=r"""
```python
def squared(rows, centre, residuals):
    L = cholesky(residuals.T @ residuals / len(residuals), lower=True)
    return (solve_triangular(L, (rows - centre).T, lower=True) ** 2).sum(axis=0)

means = np.stack([usual[classes == c].mean(axis=0) for c in np.unique(classes)])
near = np.min([squared(strange, m, usual - means[classes]) for m in means], axis=0)
relative = near - squared(strange, usual.mean(axis=0), usual - usual.mean(axis=0))
```
""",
    wrong=[
        lambda scene: by_hand(scene, sign=-1),
        lambda scene: by_hand(scene, overall=False),
        lambda scene: by_hand(scene, root=True),
        lambda scene: by_hand(scene, tied=False),
        lambda scene: by_hand(scene, plain_mean=True),
        lambda scene: by_hand(scene, one_s=True),
        lambda scene: by_hand(scene, less=1),
        lambda scene: by_hand(scene)[:2],
        lambda scene: float(by_hand(scene).mean()),
    ],
)

# ------------------------------------------------------------------------- calibration and alarms

CALIBRATION = Number(
    name="out-of-distribution-calibration",
    asks="least number of calibration tiles",
    answer=199,
    tolerance=0.1,
    within=(1, 1e6),
    mistakes=[
        Mistake(200, "with 200 it can sound, but so it can with fewer: what is the least p-value?"),
        Mistake(198, "the smallest p-value of so many is still just above the level"),
        Mistake(19, "that is for a level of one in twenty"),
        Mistake(99, "that is for a level of one in a hundred"),
        Mistake(20, "so many are more than enough for a level of one in twenty; this one is lower"),
        Mistake(1, "with one tile no p-value is below a half"),
        Mistake(201, "the tile itself counts in the numerator and in the denominator"),
    ],
    otherwise="what is the smallest value that p(x) can take with m tiles?",
    hints=[
        "The most unusual tile of all has no calibration tile above it. What is its p-value?",
        "Which m makes that least p-value just small enough?",
    ],
    solution=r"""
The smallest $p$-value is $1/(m+1)$, of a tile that is more unusual than all $m$. It must not exceed
$0.005$, so $m \ge 199$. With fewer tiles the gate is silent whatever comes: a rare class with a
few dozen calibration tiles cannot be guarded at such a level at all.
""",
    wrong=[2000, 198, 1999],
)

ALARM = Number(
    name="out-of-distribution-alarm",
    asks="share of the alarms that are of strangers",
    answer=0.9 * 0.01 / (0.9 * 0.01 + 0.05 * 0.99),
    tolerance=0.0005,
    within=(0, 1),
    mistakes=[
        Mistake(0.15, "near; give it to three decimals"),
        Mistake(90 / 590, "not five of a hundred of *all* tiles: only known ones keep the level"),
        Mistake(0.9, "that is the share of strangers that sound; turn it round"),
        Mistake(0.95, "a level is not the share of right alarms: how many known tiles are there?"),
        Mistake(0.0585, "so many of all tiles sound; how many of those are strangers?"),
        Mistake(90 / 500, "the level is a share of the *known* tiles, and there are 9,900"),
        Mistake(0.009, "that is how many of all tiles are strangers that sound; divide by all"),
        Mistake(0.0495 / 0.0585, "that is the share of *false* alarms"),
    ],
    otherwise="count, of ten thousand tiles, the strangers that sound and the known ones that do",
    hints=[
        "Take 10,000 tiles. How many are strangers, and how many of those sound?",
        "Known tiles sound at the level. How many of them are that?",
    ],
    solution=r"""
Of 10,000 tiles 100 are strangers, of which 90 sound; of 9,900 known ones 495 do. So
$90/(90 + 495) \approx 0.154$: five of six alarms are false, though the gate keeps its promise.
""",
    wrong=[0.5, 0.2, 15],
)

# ------------------------------------------------------------------------------ why it was so sure

CONFIDENCE = Choice(
    name="out-of-distribution-confidence",
    asks="what would mend it",
    options={
        "a": "A higher temperature: softer probabilities make it unsure of strangers.",
        "b": "More known tiles to learn from, so that the boundaries are exact.",
        "c": "A score that asks for the distance to known tiles, beside the classifier's.",
        "d": "The energy in the place of max-softmax, for it keeps the size of the logits.",
        "e": "A better classifier: one with fewer errors on known tiles.",
        "f": "Max-softmax as a conformal $p$-value: a rank keeps its promise, whatever the score.",
    },
    answer="c",
    because={
        "a": "one temperature for all hardly changes who is surer than whom; it was tuned, too",
        "b": "an exact boundary is as far from the giant cells as before",
        "d": "look at energy in the table of who sees what: logits of giant cells are *large*",
        "e": "errors on known tiles say nothing of what lies beyond them",
        "f": "the promise is a level of false alarms on known tissue; ranks change no order, and"
        " giant cells still come out as the more usual ones",
    },
    hints=[
        "Where do giant cells lie, seen from the boundary between glioma and normal?",
        "A linear score grows without limit along its direction. Which score does not?",
    ],
    solution=r"""
A linear classifier's score grows along its direction without limit, and so does its certainty: the
stranger lies on the tumour's side, farther out than most gliomas. Nothing that is computed from the
logits alone can know that nobody has ever been there. A distance to known tiles can.
""",
)

REFERRAL = Number(
    name="out-of-distribution-referral",
    asks="probability from which on a tile is referred",
    answer=0.09,
    tolerance=0.0005,
    within=(0, 1),
    mistakes=[
        Mistake(0.05, "a reading is not the end of it: readers err as well"),
        Mistake(0.01, "a reader's errors make referral dearer, not cheaper"),
        Mistake(0.048, "costs add: a reading, and what its errors cost besides"),
        Mistake(0.088, "costs add: a reading, and what its errors cost besides"),
        Mistake(0.052, "costs add: a reading, and what its errors cost besides"),
        Mistake(0.04, "that is how often readers err; a reading costs besides"),
        Mistake(0.12, "that is the clinic of the page; this one has other costs"),
        Mistake(0.5, "that would be right if a reading, errors and all, cost half a wrong answer"),
        Mistake(0.91, "that is the probability of a *right* answer at the threshold"),
    ],
    otherwise="set the expected cost of answering equal to that of a reading",
    hints=[
        "Answering costs p on average. What does a reading cost on average?",
        "Its own price, and the price of the reader's error times how often it happens.",
    ],
    solution=r"""
Answering costs $p \cdot 1$ on average, a reading $0.05 + 0.04 \cdot 1 = 0.09$. Refer from there on
(Chow's rule). A score of novelty is no probability of an error, which is why its threshold has to
be found on validation cases.
""",
    wrong=[0.2, 0.052, 9],
)

EXERCISES = [DISTANCE, CALIBRATION, ALARM, CONFIDENCE, REFERRAL]
