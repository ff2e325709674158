"""The checks of the exercises of translation/radiogenomics."""

import numpy as np

from medlib.experiment.answers import attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ---------------------------------------------------------------------------- what the usual AUC is

BALANCED = Number(
    name="radiogenomics-balanced",
    asks="the usual AUC",
    answer=0.8,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(0.5, "that is the *balanced* AUC; the usual one takes pairs as they come"),
        Mistake(0.64, "those are the pairs that are won; what do tied ones count?"),
        Mistake(0.96, "a tied pair counts one half, not one"),
        Mistake(0.2, "upside down: do responders have the higher scores here, or the others?"),
        Mistake(0.68, "count pairs of a responder and another: won, and tied"),
    ],
    otherwise="of 50 times 50 pairs of a responder and another: how many are won, how many tied?",
    hints=[
        "A pair is won if the responder is of hospital 1 and the other of hospital 0.",
        "It is tied if both are of one hospital. Count both kinds among all pairs.",
    ],
    solution=r"""
Of $50 \cdot 50$ pairs of a responder and another, $40 \cdot 40$ have the responder at hospital 1
and the other at hospital 0: won. $40 \cdot 10 + 10 \cdot 40$ are of one hospital: tied. So the AUC
is $(1600 + 800 / 2)/2500 = 0.8$, of a score that knows nothing of any tumour. Its balanced AUC is
one half: of four comparisons one is won, one lost, two tied.
""",
    wrong=[0.4, 0.75, 1.0],
)

# ------------------------------------------------------------------------------ which independence

ARROW = Choice(
    name="radiogenomics-arrow",
    asks="the independence",
    options={
        "a": "Of the hospital, over all patients: the scanner must not show in any way.",
        "b": "Of the hospital among responders, and among others; over all it will differ.",
        "c": "Of the response, given the hospital.",
        "d": "None: whatever has the best validation AUC at these hospitals.",
        "e": "Of the image, given the hospital.",
        "f": "Of the hospital among responders only: those are whom the drug will help.",
    },
    answer="b",
    because={
        "a": "patients there have worse biology, so a good score must be lower there on average",
        "c": "a score that is independent of the response is of no use",
        "d": "there the scanner foretells the response; whoever reads it validates well",
        "e": "the score is computed from the image",
        "f": "a known response blocks the path, whichever it is: what of those who do not respond?",
    },
    hints=[
        "Which way does the arrow between response and hospital point here?",
        "What blocks the path from biology over the response to the hospital?",
    ],
    solution=r"""
The response decides the hospital: $z \to y \to s$. Over all patients the path is open, and those
who are sent there have worse biology. Given the response it is blocked: among responders, and among
others, biology does not go with the hospital, and neither should a score that reads biology alone.
Independence over all patients would force the score to hide the poor biology of those who were
referred.
""",
)

# -------------------------------------------------------------------------- sparse and by groups


def true_shrink(effects, groups, group_amount, single_amount):
    """Soft threshold, then groups by their length."""
    single = np.sign(effects) * np.maximum(np.abs(effects) - single_amount, 0)
    lengths = np.sqrt(np.bincount(groups, weights=single**2))
    limits = group_amount * np.sqrt(np.bincount(groups))
    return single * np.maximum(1 - limits / np.maximum(lengths, 1e-300), 0)[groups]


def groups_first(effects, groups, group_amount, single_amount):
    """The wrong order."""
    after = true_shrink(effects, groups, group_amount, 0.0)
    return true_shrink(after, groups, 0.0, single_amount)


def without_root(effects, groups, group_amount, single_amount):
    """Every group as if it had one gene."""
    single = true_shrink(effects, groups, 0.0, single_amount)
    lengths = np.sqrt(np.bincount(groups, weights=single**2))
    return single * np.maximum(1 - group_amount / np.maximum(lengths, 1e-300), 0)[groups]


def length_before(effects, groups, group_amount, single_amount):
    """Lengths from before the soft threshold."""
    single = true_shrink(effects, groups, 0.0, single_amount)
    lengths = np.sqrt(np.bincount(groups, weights=effects**2))
    limits = group_amount * np.sqrt(np.bincount(groups))
    return single * np.maximum(1 - limits / np.maximum(lengths, 1e-300), 0)[groups]


def unclipped(effects, groups, group_amount, single_amount):
    """A factor that may be negative."""
    single = true_shrink(effects, groups, 0.0, single_amount)
    lengths = np.sqrt(np.bincount(groups, weights=single**2))
    limits = group_amount * np.sqrt(np.bincount(groups))
    return single * (1 - limits / np.maximum(lengths, 1e-300))[groups]


def check_shrink(answer, scene):
    """Compare on some effects; name the usual mistakes."""
    draw = np.random.default_rng(5)
    groups = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    named = {
        "the order: first each effect, then each group": groups_first,
        "a group of p genes is shrunk by √p times as much": without_root,
        "the length that counts is that of the effects after their own shrinking": length_before,
        "a group shorter than its limit becomes 0; yours has turned its sign": unclipped,
    }
    for both in ((0.3, 0.2), (0.5, 0.0), (0.0, 0.4), (0.6, 0.3)):
        effects = draw.normal(size=8)
        effects[5] = 0.05
        right = true_shrink(effects, groups, *both)
        got = np.asarray(attempt(answer, effects.copy(), groups.copy(), *both), float)
        if got.shape != right.shape:
            return f"it returns something of shape {got.shape}; one effect a gene, {right.shape}"
        if np.isnan(got).any():
            return "a group that is all zero has length 0: do not divide by it"
        if np.allclose(got, right, atol=1e-9):
            continue
        for word, wrong in named.items():
            if np.allclose(got, wrong(effects, groups, *both), atol=1e-9):
                return word
        if np.allclose(got, true_shrink(effects, groups, both[0], 0.0), atol=1e-9):
            return "that is the group lasso alone; what does the second penalty do to each effect?"
        if np.allclose(got, true_shrink(effects, groups, 0.0, both[1]), atol=1e-9):
            return "that is the lasso alone; what happens to each group?"
        return f"for amounts {both} it returns {np.round(got, 3)}; it is {np.round(right, 3)}"
    return None


SHRINK = Code(
    name="radiogenomics-shrink",
    asks="a function of effects, groups, group_amount and single_amount",
    check=check_shrink,
    example=lambda scene: true_shrink,
    hints=[
        "The soft threshold is sign(β) times the positive part of |β| - tμ.",
        "`np.bincount(groups, weights=...)` sums by group; indexing by `groups` brings it back.",
    ],
    solution=r"""
```python
def shrink(effects, groups, group_amount, single_amount):
    single = np.sign(effects) * np.maximum(np.abs(effects) - single_amount, 0)
    lengths = np.sqrt(np.bincount(groups, weights=single**2))
    limits = group_amount * np.sqrt(np.bincount(groups))
    return single * np.maximum(1 - limits / np.maximum(lengths, 1e-300), 0)[groups]
```

In this order the two proximal steps together are that of the sum, which is not so of any two
penalties. ([Simon et al.](https://doi.org/10.1080/10618600.2012.681250))
""",
    wrong=[
        lambda scene: groups_first,
        lambda scene: without_root,
        lambda scene: length_before,
        lambda scene: unclipped,
        lambda scene: lambda e, g, a, b: true_shrink(e, g, a, 0.0),
        lambda scene: lambda e, g, a, b: true_shrink(e, g, 0.0, b),
        lambda scene: 0.5,
    ],
)

# ----------------------------------------------------------------------------------- a poor probe

PROBE = Choice(
    name="radiogenomics-probe",
    asks="what is wrong",
    options={
        "a": "Nothing: the reader was fresh, tuned, and judged on patients that it had not seen.",
        "b": "The reader should have been linear: a strong one finds the hospital in anything.",
        "c": "Features that foretell the response foretell the hospital among these patients.",
        "d": "It should have been the adversary's own reader, which knows these features best.",
        "e": "The AUC is too small: below three quarters it counts as chance.",
        "f": "Features should have been tested one by one: together they always tell something.",
    },
    answer="c",
    because={
        "a": "what do features that know the response, and no scanner, tell of the hospital here?",
        "b": "a strong reader does not find what is not there: see the row *nothing* of the table",
        "d": "that one was trained against a moving target, and may simply have lost",
        "e": "what chance may do depends on how many patients there are, and is much less here",
        "f": "together they tell nothing of hospitals dealt anew: that was tried in the table",
    },
    hints=[
        "Suppose the features are the biology and nothing else. What would the reader find?",
        "Among these patients a responder is mostly of one hospital.",
    ],
    solution=r"""
Here the response decides the hospital, and the two hang together. Features that foretell the
response, and know nothing of scanners, foretell the hospital, too. Probe where hospitals are a
coin's, or among responders and among others apart. (With the arrow from hospital to response the
paper would have a point: biology alone tells nothing of the hospital over all patients. There the
way by responses is not clean, for the response is a collider.)
""",
)

# ---------------------------------------------------------------------------- where the offset ends

OFFSET = Choice(
    name="radiogenomics-offset",
    asks="when it fails",
    options={
        "a": "When biology differs between the hospitals.",
        "b": "When the scanners differ in more than their blur.",
        "c": "When patients go to a hospital because of their response.",
        "d": "When at one hospital the drug works only in tumours with much dead core.",
        "e": "When one hospital has three times as many patients as the other.",
        "f": "When nearly all patients of one hospital respond, and few of the other do.",
    },
    answer="d",
    because={
        "a": "an intercept leaves what biology tells within hospitals, which stays right",
        "b": "the network has as little reason to read them, whatever they do",
        "c": "there the log-odds of the response are a sum of biology and hospital as well",
        "e": "each hospital has an intercept of its own, however many patients",
        "f": "that is a strong link, which an intercept is for; it only leaves less to learn from",
    },
    hints=[
        "What does an intercept assume about how hospital and biology act together?",
        "In which case is the log-odds of a response *not* something of z plus something of s?",
    ],
    solution=r"""
An intercept is right where log-odds add up: something of the biology and something of the hospital.
If at one hospital the drug works only in certain tumours, what $z$ tells *differs* between
hospitals, and no number a hospital mends that: it takes a slope for each, and then one must say
which slope a third hospital will have.
""",
)

EXERCISES = [BALANCED, ARROW, SHRINK, PROBE, OFFSET]
