"""The checks of the exercises of diagnosis/choosing_a_metric."""

import numpy as np

from medlib.experiment.answers import as_number, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# --------------------------------------------------------------------------------- from four counts

IOU = Number(
    name="choosing-a-metric-iou",
    asks="IoU",
    answer=24 / 46,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(48 / 70, "that is Dice, which counts the overlap twice above and below"),
        Mistake(24 / 40, "that is the precision; missed pixels do not enter it"),
        Mistake(24 / 30, "that is the recall; invented pixels do not enter it"),
        Mistake(24 / 70, "the overlap stands in both areas, so it was counted twice below"),
        Mistake(30 / 40, "that is a ratio of areas; it does not ask where they lie"),
    ],
    otherwise="how many pixels are in either mask, and how many in both?",
    hints=[
        "What was marked is hits and false alarms; what is there is hits and misses.",
        "The union has as many pixels as the two masks together, less the overlap, which was"
        " counted twice.",
    ],
    solution=r"""
Sixteen marked pixels are wrong and six of the lesion's were missed, so the union holds
$24 + 16 + 6 = 46$ pixels and $J = 24/46 = 0.52$. From Dice, $D = 48/70$, the same:
$J = D/(2-D)$.
""",
    wrong=[0.5, 0.55, 0.46],
)

# --------------------------------------------------------------------------- one pixel too narrow

NARROW = Number(
    name="choosing-a-metric-narrow",
    asks="Dice",
    answer=32 / 41,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(50 / 61, "that is for an outline that is too wide; this one is too narrow"),
        Mistake(16 / 25, "that is the share of the lesion that was marked, and the IoU, not Dice"),
        Mistake(4 / 5, "areas, not radii, go into Dice"),
        Mistake(8 / 9, "radii in place of areas: square them, both times"),
        Mistake(64 / 41, "twice the smaller area, but Dice cannot exceed one: look at the formula"),
        Mistake(1 / 5, "that is how much of the radius is missing"),
        Mistake(8 / 13, "that is for a radius of three; this lesion is larger"),
    ],
    otherwise="the overlap is the mask itself; write both areas with the radii squared",
    hints=[
        "All that was marked is lesion, so the overlap is the smaller disc.",
        "Twice the smaller area over the sum of both areas; the constant of the circle cancels.",
    ],
    solution=r"""
The mask lies inside the lesion, so the overlap is the mask: $D = 2\cdot 4^2/(5^2 + 4^2) = 32/41 =
0.78$. An outline one pixel too wide would have had $50/61 = 0.82$: the same error in millimetres
costs more when it takes away.
""",
    wrong=[0.6, 0.7, 0.4],
)

# ------------------------------------------------------------------------------ what a miss costs

THRESHOLD = Number(
    name="choosing-a-metric-threshold",
    asks="probability from which to send the patient on",
    answer=1 / 31,
    tolerance=0.0003,
    within=(0, 1),
    mistakes=[
        Mistake(1 / 30, "nearly: set the two expected costs equal, and solve for the probability"),
        Mistake(30 / 31, "that would send on only whom one is nearly sure of; a miss is dear here"),
        Mistake(0.5, "one half is for a miss that costs as much as a false alarm"),
        Mistake(0.05, "that is a habit, no cost"),
        Mistake(1 / 29, "the false alarm is paid when there is *no* lesion: with 1 - p"),
    ],
    otherwise="the cost of sending on is 1 - p times one, of not sending p times thirty",
    hints=[
        "Write what each decision costs on average when the probability is p.",
        "Sending a healthy patient on costs one, with chance 1 - p; leaving a lesion costs thirty,"
        " with chance p.",
    ],
    solution=r"""
Sending on costs $1 - p$ on average, leaving costs $30\,p$. They are equal at $p = 1/31 = 0.032$.
The rule is for a probability that means what it says: of those given $0.032$, one in thirty-one
must have a lesion.
""",
    wrong=[0.03, 0.0345, 0.3],
)

# -------------------------------------------------------------- recall at a number of false alarms


def candidates_of(seed):
    """Scores with ties, which of them are lesions, how many lesions and scans there are."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 12, size=40) / 12
    is_lesion = rng.random(40) < 0.2 + 0.5 * scores
    return scores, is_lesion, int(is_lesion.sum()) + 5, 10


def recall_at_one(scores, is_lesion, n_lesions, n_scans):
    """The highest recall of all thresholds with at most one false alarm a scan."""
    best = 0.0
    for threshold in np.unique(scores):
        kept = scores >= threshold
        if (kept & ~is_lesion).sum() <= n_scans:
            best = max(best, (kept & is_lesion).sum() / n_lesions)
    return best


def check_recall(function, scene):
    """Compare on candidates with ties, and where nothing may be kept."""
    scenes = [candidates_of(seed) for seed in range(6)]
    lowest_counts = np.array([0.2, 0.2, 0.5]), np.array([True, False, True]), 2, 3
    scenes.append(lowest_counts)  # all candidates may be kept
    for scores, is_lesion, n_lesions, n_scans in scenes:
        right = recall_at_one(scores, is_lesion, n_lesions, n_scans)
        got = as_number(attempt(function, scores.copy(), is_lesion.copy(), n_lesions, n_scans))
        if abs(got - right) < 1e-9:
            continue
        tied = split_ties(scores, is_lesion, n_lesions, n_scans)
        if abs(got - tied) < 1e-9:
            return "of equal scores all candidates are kept or none: no threshold parts them"
        if abs(got - right * n_lesions / is_lesion.sum()) < 1e-9:
            return "lesions that no candidate found count as well: divide by n_lesions"
        if abs(got - recall_at_one(scores, is_lesion, n_lesions, 1)) < 1e-9:
            return "that is one false alarm in all; one *a scan* are as many as there are scans"
        if abs(got - 100 * right) < 1e-6:
            return "give a share between 0 and 1, not per cent"
        if abs(got - right * n_lesions) < 1e-9:
            return "that is the number of lesions found; divide it by n_lesions"
        if abs(got - is_lesion.sum() / n_lesions) < 1e-9:
            return "that keeps every candidate; how many false alarms a scan does it raise?"
        if abs(got - strictly_above(scores, is_lesion, n_lesions, n_scans)) < 1e-9:
            return "a score that equals the threshold is kept"
        if got > right:
            return (
                f"{got:.3f} is more than is allowed: with equal scores either all candidates are"
                " kept or none, and the false alarms are counted a scan, not in all"
            )
        return f"{got:.3f}, but a lower threshold still keeps within one false alarm a scan"
    nothing = attempt(function, np.array([0.9, 0.9, 0.9]), np.array([False, False, True]), 1, 1)
    if as_number(nothing) != 0:
        return "three candidates of one score, two of them false, one scan: none may be kept"
    return None


RECALL = Code(
    name="choosing-a-metric-recall",
    asks="a function of scores, is_lesion, n_lesions, n_scans",
    check=check_recall,
    example=lambda scene: recall_at_one,
    hints=[
        "Every distinct score is a threshold; keep the candidates that reach it.",
        "Of the thresholds whose false alarms are at most one a scan, take the one that finds most;"
        " if none is, nothing was found.",
    ],
    solution=r"""
```python
def recall_at_one(scores, is_lesion, n_lesions, n_scans):
    best = 0.0
    for threshold in np.unique(scores):
        kept = scores >= threshold
        if (kept & ~is_lesion).sum() <= n_scans:
            best = max(best, (kept & is_lesion).sum() / n_lesions)
    return best
```
Divide by all lesions, not by those that some candidate found. Candidates of one score stand or fall
together, for no threshold lies between them.
""",
    wrong=[
        lambda scene: lambda s, y, n, k: recall_at_one(s, y, int(y.sum()), k),
        lambda scene: lambda s, y, n, k: recall_at_one(s, y, n, k) * n,
        lambda scene: lambda s, y, n, k: y.sum() / n,
        lambda scene: lambda s, y, n, k: recall_at_one(s, y, n, 1),
        lambda scene: lambda s, y, n, k: (y & (s >= 0.5)).sum() / n,
        lambda scene: lambda s, y, n, k: split_ties(s, y, n, k),
        lambda scene: lambda s, y, n, k: strictly_above(s, y, n, k),
        lambda scene: lambda s, y, n, k: 100 * recall_at_one(s, y, n, k),
        lambda scene: lambda s, y, n, k: recall_at_one(s, y, n, len(s)),
    ],
)


def strictly_above(scores, is_lesion, n_lesions, n_scans):
    """A plausible mistake: keeps candidates above a threshold, never all of them."""
    best = 0.0
    for threshold in np.unique(scores):
        kept = scores > threshold
        if (kept & ~is_lesion).sum() <= n_scans:
            best = max(best, (kept & is_lesion).sum() / n_lesions)
    return best


def split_ties(scores, is_lesion, n_lesions, n_scans):
    """A plausible mistake: goes down the sorted list, lesions first among equals."""
    order = np.lexsort([~is_lesion, -scores])
    alarms = np.cumsum(~is_lesion[order])
    return (is_lesion[order] & (alarms <= n_scans)).sum() / n_lesions


# ------------------------------------------------------------------------------------- two means

MEANS = Choice(
    name="choosing-a-metric-means",
    asks="why the two means differ",
    options={
        "a": "Her scans have smaller lesions.",
        "b": "She averages over all scans and counts a false alarm in a healthy scan as zero, he"
        " leaves healthy scans out.",
        "c": "He pools the pixels of all scans before the ratio is taken, and she does not.",
        "d": "She uses IoU and he uses Dice.",
        "e": "She thresholds at another probability.",
        "f": "Her mean has a wider interval.",
    },
    answer="b",
    because={
        "a": "they have the same scans and the same masks",
        "b": "half of the scans are healthy; zeros there halve the mean, and he never sees them",
        "c": "MONAI's default takes a ratio of each scan and does not pool",
        "d": "the IoU of a Dice of 0.8 is 0.67; it is not half of it",
        "e": "they judge the same masks, so the threshold is behind them",
        "f": "an interval is about other scans; these are the same two hundred",
    },
    hints=[
        "What is the Dice of a scan without a lesion in which something was marked?",
        "MONAI gives nan for it, and leaves nan out of the mean.",
    ],
    solution=r"""
In a healthy scan with a false alarm $TP = 0$, so Dice is zero; MONAI's default leaves such scans
out. Half of the scans are healthy and the network raises an alarm in nearly each of them. Ask for
the rule, and for the share of healthy scans with an alarm beside the mean.
""",
)

# ------------------------------------------------------------------------- which network finds more

MORE = Choice(
    name="choosing-a-metric-more",
    asks="what to do next",
    options={
        "a": "Test whether the difference of the two recalls is significant, over patients.",
        "b": "Choose a threshold for each network on validation scans, at the same number of false"
        " alarms, and compare recalls there.",
        "c": "Lower both thresholds to the same smaller value.",
        "d": "Compare their Dice.",
        "e": "Train both for longer, and compare recalls at one half again.",
        "f": "Compare their accuracies, so that false alarms count, too.",
    },
    answer="b",
    because={
        "a": "it may well be, and still come from the thresholds alone",
        "b": "at equal alarms neither can buy recall with false alarms",
        "c": "the same number means another thing to each network; their alarms still differ",
        "d": "Dice at one half rests on the same two thresholds",
        "e": "that may be wise, but the thresholds stay nobody's choice",
        "f": "accuracy hardly sees lesions at all, where they are rare",
    },
    hints=[
        "A network that marks more finds more. What does it pay?",
        "What would happen to the other network's recall if it, too, were allowed so many alarms?",
    ],
    solution=r"""
Recall alone can be bought: by marking more. Give both the same number of false alarms a scan, each
at a threshold chosen on validation scans, and compare recall there (or the cost of errors, if you
can say what each costs).
""",
)

EXERCISES = [IOU, NARROW, THRESHOLD, RECALL, MEANS, MORE]
