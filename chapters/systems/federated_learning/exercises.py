"""The checks of the exercises of systems/federated_learning."""

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ------------------------------------------------------------------------ the weighted mean

MEAN = Number(
    name="federated-mean",
    asks="the weight after the round",
    answer=0.29,
    tolerance=0.001,
    within=(-10, 10),
    mistakes=[
        Mistake(0.6, "that is the mean of three hospitals; what counts in FedAvg is images"),
        Mistake(0.5, "that is the median of three hospitals; FedAvg takes a weighted mean"),
        Mistake(290, "that is the sum; divide by the images of all hospitals"),
        Mistake(0.2, "that is the largest hospital's alone"),
        Mistake(0.235, "the smallest hospital counts, too, if little"),
        Mistake(0.0967, "the shares sum to one already: do not divide by three once more"),
        Mistake(1.8, "that is the sum of three weights"),
        Mistake(1.1, "that is the smallest hospital's alone"),
    ],
    otherwise="each hospital's weight counts with its share of all images",
    hints=[
        "Together the three have a thousand images. Which share has each?",
        "Multiply each weight by its share, and add.",
    ],
    solution=r"""
The shares are 0.80, 0.15 and 0.05, so the mean is
$0.80 \cdot 0.2 + 0.15 \cdot 0.5 + 0.05 \cdot 1.1 = 0.16 + 0.075 + 0.055 = 0.29$. With equal
shares the mean would be 0.6, and the median is 0.5: both give the hospital with 50 images as much
to say as the one with 800.
""",
    wrong=[0.4, 0.33, 0.7],
)

# ------------------------------------------------------------------------ drift

DRIFT = Number(
    name="federated-drift",
    asks="the distance",
    answer=0.25,
    tolerance=0.002,
    within=(0, 10),
    mistakes=[
        Mistake(0.5, "that is where FedAvg comes to rest; how far is it from the lowest loss?"),
        Mistake(0.75, "that is where the lowest loss is; how far is FedAvg from it?"),
        Mistake(0, "they would agree if a round had one step, or the curvatures were the same"),
        Mistake(1, "that is how far the two hospitals are from each other"),
        Mistake(1.25, "add nothing: take the difference of two places"),
        Mistake(0.0625, "that is how much higher the mean loss is; the distance in w was asked"),
        Mistake(0.125, "that is how much higher the sum of losses is; the distance in w was asked"),
        Mistake(0.3333, "set the derivative of the *sum* of both losses to zero"),
    ],
    otherwise="find both places first: the mean of two ends, and the lowest point of the sum",
    hints=[
        "Trained until they are done the hospitals send 0 and 1. What is their mean?",
        "The sum of the losses has the derivative w + 3 (w - 1). Where is it zero?",
    ],
    solution=r"""
Each hospital ends at its own lowest point, 0 and 1, so FedAvg rests at their mean, 0.5, in every
round. The sum $\frac12 w^2 + \frac32 (w - 1)^2$ is lowest where $w + 3 (w - 1) = 0$, at 0.75. The
distance is 0.25, and no further round mends it. One step a round would.
""",
    wrong=[0.1, 0.4, 2],
)

# ------------------------------------------------------------------------ bytes

BYTES = Number(
    name="federated-bytes",
    asks="gigabytes",
    answer=44,
    tolerance=0.1,
    within=(0, 1e6),
    mistakes=[
        Mistake(88, "eight bytes a weight are double precision; here a weight has four"),
        Mistake(22, "that is one way only: weights go down and come up"),
        Mistake(11, "you counted weights: each has four bytes"),
        Mistake(5.5, "count bytes, not weights; and both ways"),
        Mistake(8.8, "that is one hospital's; there are five"),
        Mistake(4.4, "that is one hospital's, one way"),
        Mistake(0.44, "that is one round"),
        Mistake(41, "a gigabyte is ten to the ninth bytes here, not two to the thirtieth"),
        Mistake(40.98, "a gigabyte is ten to the ninth bytes here, not two to the thirtieth"),
        Mistake(4400, "check the powers of ten"),
    ],
    otherwise="weights, bytes a weight, hospitals, rounds, and two ways",
    hints=[
        "One model weighs 44 megabytes.",
        "It goes down to five hospitals and comes back from five, a hundred times.",
    ],
    solution=r"""
$11 \cdot 10^6 \cdot 4 = 44$ MB a model, times five hospitals, times two ways, times 100 rounds:
$44 \cdot 10^9$ bytes, 44 GB.
""",
    wrong=[60, 5, 100],
)

# ------------------------------------------------------------------------ the trimmed mean


def true_trimmed(sent, each_end):
    """The mean of each column without its lowest and highest values."""
    ordered = np.sort(np.asarray(sent, dtype=float), axis=0)
    return ordered[each_end : len(ordered) - each_end].mean(axis=0)


def check_trimmed(answer, scene):
    """Compare on several hospitals' numbers, with and without a liar."""
    draw = np.random.default_rng(7)
    for hospitals, weights, each_end in ((5, 4, 1), (7, 3, 2), (4, 2, 0), (5, 3, 2)):
        sent = draw.normal(size=(hospitals, weights))
        sent[0] += 50.0
        right = true_trimmed(sent, each_end)
        got = as_array(attempt(answer, sent.copy(), each_end), shape=(None,), means="weights")
        if got.shape != right.shape:
            return (
                f"for {hospitals} hospitals and {weights} weights it returns {len(got)} numbers;"
                " one number a weight is asked for"
            )
        if np.allclose(got, right, atol=1e-9):
            continue
        ordered = np.sort(sent, axis=0)
        if each_end and np.allclose(got, sent.mean(axis=0)):
            return "that is the plain mean: the liar is still in it"
        if np.allclose(got, np.median(sent, axis=0)):
            return "that is the median; how many values are to be left out at either end?"
        if each_end and np.allclose(got, ordered[: hospitals - each_end].mean(axis=0)):
            return "only the highest were left out; a liar may send low numbers, too"
        if each_end and np.allclose(got, ordered[each_end:].mean(axis=0)):
            return "only the lowest were left out; a liar may send high numbers, too"
        if each_end and np.allclose(got, sent[each_end : hospitals - each_end].mean(axis=0)):
            return "hospitals were left out by their place in the list: sort each weight first"
        if each_end and np.allclose(got * (hospitals - 2 * each_end), right * hospitals):
            return "divide by the number of values that are left"
        return (
            f"for {hospitals} hospitals with {each_end} left out at either end it returns"
            f" {np.round(got, 3)}; it is {np.round(right, 3)}"
        )
    return None


TRIMMED = Code(
    name="federated-trimmed",
    asks="a function of an array and a number",
    check=check_trimmed,
    example=lambda scene: true_trimmed,
    hints=[
        "Sort each column by itself: np.sort(sent, axis=0).",
        "Cut rows off at both ends of what is sorted, and take the mean of each column.",
    ],
    solution=r"""
```python
def trimmed(sent, each_end):
    ordered = np.sort(sent, axis=0)
    return ordered[each_end : len(ordered) - each_end].mean(axis=0)
```

Each weight is sorted by itself: the value that is cut off may be another hospital's for every
weight. (`ordered[each_end:-each_end]` fails for `each_end = 0`.)
""",
    wrong=[
        lambda scene: lambda sent, each_end: sent.mean(axis=0),
        lambda scene: lambda sent, each_end: np.median(sent, axis=0),
        lambda scene: lambda sent, each_end: sent[each_end : len(sent) - each_end].mean(axis=0),
        lambda scene: lambda sent, each_end: np.sort(sent, axis=0)[each_end:].mean(axis=0),
        lambda scene: lambda sent, each_end: np.sort(sent, axis=0)[: len(sent) - each_end].mean(0),
        lambda scene: lambda sent, each_end: np.sort(sent, axis=1).mean(axis=0),
        lambda scene: lambda sent, each_end: true_trimmed(sent, each_end).mean(),
        lambda scene: 0.5,
    ],
)

# ------------------------------------------------------------------------ too good to be true

TOO_GOOD = Choice(
    name="federated-too-good",
    asks="the request",
    options={
        "a": "More rounds of FedAvg and of one place for all images, both with rates tuned again,"
        " to see how far ahead FedAvg comes when both have ended.",
        "b": "FedProx and FedBN beside it, each with as many settings to choose from, as one of"
        " them may be better still than FedAvg.",
        "c": "AUCs within each hospital, for both networks, and training on images of all hospitals"
        " dealt so that prevalence is the same everywhere.",
        "d": "The bytes that were sent.",
        "e": "A list in which each hospital has its own share of the ill, as in its practice.",
        "f": "More federations, drawn anew, and an interval over them for the difference on that"
        " list.",
    },
    answer="c",
    because={
        "a": "a lead for the wrong reason does not become right by growing",
        "b": "more rivals do not say why one place for all images should lose",
        "d": "bytes say nothing about who reads tissue better",
        "e": "that rewards whoever knows the hospital: the same trouble with its sign turned",
        "f": "a bias that is in every federation has a narrow interval, too; ask first what the"
        " list measures",
    },
    hints=[
        "What can a network learn from all images in one place that says *ill* and is not tissue?",
        "What happens to that knowledge in a test where half are ill everywhere?",
    ],
    solution=r"""
On all images in one place colour tells the hospital, and the hospital tells how likely illness is.
A network may learn that. In the test half are ill everywhere, so this knowledge can only mislead on
one list; FedAvg's hospitals see one colour each and could not learn it so well. Within hospitals,
where colour is the same for all patients, an offset by place earns no point and costs none; still,
whoever learned the place has learned less of the tissue. With one prevalence in training there is
nothing of the kind to learn.
""",
)

EXERCISES = [MEAN, DRIFT, BYTES, TRIMMED, TOO_GOOD]
