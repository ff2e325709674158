"""The checks of the exercises of systems/secure_aggregation."""

import itertools
import math

import numpy as np

from medlib.experiment.answers import WrongForm, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ------------------------------------------------------------------------------- the threshold

THRESHOLD = Number(
    name="secure-aggregation-threshold",
    asks="how many hospitals may vanish",
    answer=3,
    tolerance=0.1,
    unit="hospitals",
    within=(0, 12),
    mistakes=[
        Mistake(6, "half may then sign one list and half another; and this server may lie"),
        Mistake(7, "a round could then end with a single honest survivor, and the server may lie"),
        Mistake(8, "if all honest ones vanish, whose sum is it?"),
        Mistake(4, "two thirds do not suffice: exactly a third collude; count the two lists again"),
        Mistake(5, "that is for a server that is only curious; colluders sign both lists"),
        Mistake(1, "too careful: one fewer must stay; where do two lists run out of signers?"),
        Mistake(9, "that is the threshold; how many are left to vanish?"),
        Mistake(2, "one more may: where do twice the threshold and the signers meet?"),
    ],
    otherwise="two lists with t signatures each: colluders sign both, honest hospitals one",
    hints=[
        "A lying server shows two lists. How many signatures can both have together?",
        "Find the smallest threshold for which two such lists cannot be signed, then subtract it.",
    ],
    solution=r"""
Both lists together get at most $2 \cdot 4 + 8 = 16$ signatures, so $2t > 16$: $t = 9$. That is more
than $k + 2 = 6$, so it decides. $12 - 9 = 3$ hospitals may vanish. Against a server that is only
curious $t = 6$ would do by counting. The protocol of the page refuses it all the same, for with
half of the hospitals two lists need no colluder at all: it takes $t = 7$, and five may vanish.
""",
    wrong=[0, 12, 10],
)

# ------------------------------------------------------------------------------------ the masks


def true_masked(words, me, masks):
    """Add masks shared with larger numbers, subtract those with smaller ones."""
    sent = words.copy()
    for other, shared in masks.items():
        sent = sent + shared if me < other else sent - shared
    return sent


NUMBERS = [2, 3, 7, 11]


def sums(answer):
    """What four hospitals send by this function, and what they had."""
    rng = np.random.default_rng(5)
    words = {i: rng.integers(0, 2**32, 6, dtype=np.uint32) for i in NUMBERS}
    shared = {
        frozenset((i, j)): rng.integers(0, 2**32, 6, dtype=np.uint32)
        for i in NUMBERS
        for j in NUMBERS
        if i < j
    }
    sent = {}
    for i in NUMBERS:
        masks = {j: shared[frozenset((i, j))].copy() for j in NUMBERS if j != i}
        got = np.asarray(attempt(answer, words[i].copy(), i, masks))
        if got.shape != (6,):
            raise WrongForm(f"it returns an array of shape {got.shape}; one number a word is due")
        sent[i] = got
    return words, sent


def times(k):
    """The right function, with each mask k times."""
    return lambda words, me, masks: true_masked(
        words, me, {other: shared * np.uint32(k) for other, shared in masks.items()}
    )


def ruled(adds):
    """Masks put on once, where the pairs that are named have the larger number add."""

    def send(words, me, masks):
        sent = words.copy()
        for other, shared in masks.items():
            first = (me < other) != (frozenset((me, other)) in adds)
            sent = sent + shared if first else sent - shared
        return sent

    return send


PAIRS = [frozenset(pair) for pair in itertools.combinations(NUMBERS, 2)]
RULED = [  # who of a pair adds does not matter, as long as the other subtracts
    sums(ruled({*adds}))[1]
    for n in range(len(PAIRS) + 1)
    for adds in itertools.combinations(PAIRS, n)
]


def check_masked(answer, scene):
    """Compare the sum, and whether each by itself is hidden."""
    words, sent = sums(answer)
    if any(got.dtype != np.uint32 for got in sent.values()):
        kinds = sorted({str(got.dtype) for got in sent.values()})
        return (
            f"it returns {', '.join(kinds)}; keep uint32, which wraps round by itself (a sum over"
            " an axis widens it: end with `.astype(np.uint32)`)"
        )
    total = sum(sent.values())
    if (total != sum(words.values())).any():
        if all((sent[i] == words[i]).all() for i in words):
            return "nothing is masked: what is sent is the update itself"
        return "the masks do not cancel in the sum: who of a pair adds, and who subtracts?"
    bare = [i for i in words if (sent[i] == words[i]).any()]
    if bare:
        return f"the sum is right, but hospital {bare[0]} sends words of its update in the clear"
    if any(all((sent[i] == got).all() for i, got in by_rule.items()) for by_rule in RULED):
        return None
    for k in range(2, 9):
        if all((sent[i] == got).all() for i, got in sums(times(k))[1].items()):
            what = "its lowest bit is then always zero and hides nothing" if k % 2 == 0 else "once"
            return f"the sum is right, but each mask is put on {k} times: {what}" + (
                "" if k % 2 == 0 else " is enough, and is what was asked"
            )
    return (
        "the sum is right, but some pair's mask is not put on: each hospital puts on one mask for"
        " each other; one that shares with few is opened when those few collude"
    )


MASK = Code(
    name="secure-aggregation-mask",
    asks="a function of words, a number and masks",
    check=check_masked,
    example=lambda scene: true_masked,
    hints=[
        "Both of a pair hold the same mask. What must differ between them?",
        "Compare the two numbers: one of the two adds. NumPy's `uint32` wraps round by itself.",
    ],
    solution=r"""
```python
def masked(words, me, masks):
    sent = words.copy()
    for other, shared in masks.items():
        sent = sent + shared if me < other else sent - shared
    return sent
```

Whether the smaller or the larger number adds does not matter, if the other one subtracts.
""",
    wrong=[
        lambda scene: lambda words, me, masks: words,
        lambda scene: lambda words, me, masks: words + sum(masks.values()),
        lambda scene: lambda words, me, masks: words - sum(masks.values()),
        lambda scene: lambda words, me, masks: true_masked(words.astype(float), me, masks),
        lambda scene: lambda words, me, masks: true_masked(words.astype(np.int64), me, masks),
        lambda scene: lambda words, me, masks: words[:2],
        lambda scene: lambda words, me, masks: true_masked(
            words, me, {j: m for j, m in masks.items() if j > me}
        ),
        lambda scene: lambda words, me, masks: true_masked(
            words, me, {j: m for j, m in masks.items() if {me, j} <= {2, 3}}
        ),
        lambda scene: times(2),
        lambda scene: times(3),
        lambda scene: 0.5,
    ],
)

# ------------------------------------------------------------------------------------ the noise

NOISE = Number(
    name="secure-aggregation-noise",
    asks="standard deviation of each hospital's part",
    answer=12 / math.sqrt(6),
    tolerance=0.02,
    within=(0, 1000),
    mistakes=[
        Mistake(12 / math.sqrt(15), "if all stay and nobody colludes; who may be missing?"),
        Mistake(12 / math.sqrt(10), "colluders know their own parts and subtract them"),
        Mistake(12 / math.sqrt(11), "hospitals may vanish as well, and take their noise along"),
        Mistake(12 / 6, "variances add, not standard deviations"),
        Mistake(12 / 15, "variances add, not standard deviations; and who may be missing?"),
        Mistake(12 / 10, "variances add, not standard deviations; and what do colluders know?"),
        Mistake(144 / 6, "that is the variance of each part"),
        Mistake(12.0, "that is the noise of the whole sum"),
        Mistake(6.0, "four is who colludes: theirs is the noise that does not count"),
        Mistake(12 / math.sqrt(9), "that is for nine whose noise counts; of ten, who knows?"),
        Mistake(12 / math.sqrt(7), "that is for seven whose noise counts; one too many"),
        Mistake(12 * math.sqrt(6) / 10, "six parts count, and variances add: divide by a root"),
        Mistake(12 / math.sqrt(5), "five may vanish; whose noise is left?"),
        Mistake(12 * math.sqrt(6), "upside down: many small parts make one large noise"),
    ],
    otherwise="whose noise is surely in the sum, and unknown to the colluders?",
    hints=[
        "In the worst round only as many stay as must, and all colluders are among them.",
        "Variances of independent parts add up.",
    ],
    solution=r"""
In the worst case ten stay, four of whom collude and know their own parts: six parts count. Their
variances add up to $12^2$, so each is $144/6 = 24$: a standard deviation of $\sqrt{24}$, or 4.90.
In a round where all stay the sum has more noise than was promised; that is the price of dropouts.
""",
    wrong=[0, 24.5, 3],
)

# ---------------------------------------------------------------------------------- the promise

PROMISE = Choice(
    name="secure-aggregation-promise",
    asks="the first question",
    options={
        "a": "Were the tests of randomness run on enough masked updates?",
        "b": "Is the line between hospital and server encrypted?",
        "c": "Who hands out the weights, and what bounds what the sum of a round can tell?",
        "d": "Are batches larger than thirty patients, so that the division finds nobody?",
        "e": "Are updates rounded to whole numbers before they are masked?",
        "f": "Was the network trained before, so that its gradients are small and tell little?",
    },
    answer="c",
    because={
        "a": "a mask from a short seed passes all of them; and a perfect mask leaves the sum",
        "b": "the server sits at the end of that line and decrypts it",
        "d": "trained weights gave more of larger batches than new ones did, and chosen ones most",
        "e": "needed for the masks to cancel; it does not make the sum harmless",
        "f": "a small multiple of an image is the image still, and one division takes the factor"
        " off; training gave more patients away here, not fewer",
    },
    hints=[
        "Grant that every mask is perfect. What does the server have at the end of a round?",
        "Which attack of this page worked on the exact sum?",
    ],
    solution=r"""
With perfect masks the server has the sum, exactly. If it chose the weights, the sum of ten
hospitals still falls apart into patients; and a bound on that is differential privacy, with a unit
and an $\varepsilon$ that one can ask for. The seeds' length is the second question.
""",
)

EXERCISES = [THRESHOLD, MASK, NOISE, PROMISE]
