"""The checks of the exercises of diagnosis/two_tasks_one_encoder."""

import numpy as np

from medlib.experiment.answers import as_number, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ------------------------------------------------------------------------ the likelihood's weight

WEIGHT = Number(
    name="two-tasks-weight",
    asks="weight of the mask's mean loss",
    answer=576,
    tolerance=0.2,
    within=(0, 1e6),
    mistakes=[
        Mistake(9216, "those are the image's pixels; how many answers does the *mask* give?"),
        Mistake(1 / 576, "upside down: the mean divides by the number of cells already"),
        Mistake(2304, "those are the pixels of this page's patches; how many cells are asked for?"),
        Mistake(1, "that is what a library does when you add its two means"),
        Mistake(32 * 9216, "the batch's size cancels, and the mask has fewer cells than the image"),
        Mistake(32 * 576, "both losses are means over the batch already: its size cancels"),
        Mistake(18, "that is cells an image, divided by the batch; the batch's size cancels"),
        Mistake(24, "that is one side of the mask"),
        Mistake(577, "the class has its own loss, with a weight of one"),
    ],
    otherwise="the likelihood has a factor for each answer of the mask; how many are there?",
    hints=[
        "Minus the logarithm of a product is a sum with one term for each cell of the mask.",
        "A mean over the cells is that sum divided by their number.",
    ],
    solution=r"""
The mask has $24 \cdot 24 = 576$ cells; $-\ln p(M \mid x)$ is the *sum* of their cross-entropies.
A mean over the batch and its cells is that sum divided by 576, averaged over images, as the class's
loss is. So the weight is 576. How many pixels the image has does not matter.
""",
    wrong=[0.5, 96, 16],
)

# ----------------------------------------------------------------------------- weights at rest

LEARNED = Number(
    name="two-tasks-learned",
    asks="the mask's weight, in weights of the class",
    answer=0.05,
    tolerance=0.001,
    within=(0, 1e6),
    mistakes=[
        Mistake(20, "upside down: the *smaller* loss gets the larger weight"),
        Mistake(1 / (2 * 0.04), "that is the mask's own weight; ask for it beside the class's"),
        Mistake(1 / (2 * 0.002), "that is the class's weight"),
        Mistake(0.04, "that is the mask's loss, not a ratio of two"),
        Mistake(0.002, "that is the class's loss, not a ratio of two"),
        Mistake(0.025, "the one half stands in both weights and cancels"),
        Mistake(1.0, "that is where they begin"),
        Mistake(0.002 / 0.042, "that is the class's share of both losses; a ratio is asked for"),
        Mistake(0.05**0.5, "a weight is one over a *variance*, no standard deviation"),
    ],
    otherwise="set the derivative by each log variance to zero, and divide the two weights",
    hints=[
        "At rest each weight is one over twice its loss.",
        "Divide the mask's weight by the class's: what cancels, and which loss comes on top?",
    ],
    solution=r"""
At rest $e^{-u_t} = 1/(2 L_t)$, so the ratio is $L_c / \bar L_m = 0.002/0.04 = 0.05$. The task that
is done already has nearly all the weight.
""",
    wrong=[0.7, 0.1, 3],
)

# ----------------------------------------------------------------------------- one small step


def true_change(g_class, g_mask, rate):
    """To first order: minus the rate times the inner product."""
    return -rate * float(np.dot(g_class, g_mask))


def cosine_of(a, b):
    """Cosine between two vectors."""
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def check_change(answer, scene):
    """Compare on several pairs of gradients, in conflict and not."""
    draw = np.random.default_rng(4)
    for n, rate in ((3, 0.1), (5, 0.02), (8, 0.5), (8, 0.003)):
        a, b = draw.normal(size=n), 2 * draw.normal(size=n)
        right = true_change(a, b, rate)
        got = as_number(attempt(answer, a.copy(), b.copy(), rate))
        near = 1e-6 * abs(right) + 1e-12
        if abs(got - right) < near:
            continue
        if abs(got + right) < near:
            return "the sign: gradient descent goes *down* the mask's gradient"
        if abs(got + rate * cosine_of(a, b) * np.linalg.norm(a)) < near:
            return (
                "that is a step of length `rate`; with learning rate `rate` the step is"
                " rate times the gradient, and longer where the gradient is"
            )
        if abs(got - cosine_of(a, b)) < 1e-6 or abs(got + rate * cosine_of(a, b)) < near:
            return "a cosine has no length: how far does the step go, and how steep is it there?"
        if abs(got + rate * float(np.dot(b, b))) < near:
            return "that is by how much the mask's own loss falls; the class's is asked for"
        if abs(got + rate * float(np.dot(a, a + b))) < near:
            return "that is a step for both losses; here the mask alone makes it"
        if abs(got - float(np.dot(a, b))) < 1e-6 * abs(right / rate):
            return "the sign, and the rate: the step goes *down*, and as far as the rate says"
        if abs(got + rate * float(np.linalg.norm(a) * np.linalg.norm(b))) < near:
            return "two lengths do not tell how far the gradients point the same way"
        if abs(got + rate * float(np.dot(a, a))) < near:
            return "that is a step for the class itself; it is the mask that makes the step"
        if abs(got - right / rate) < 1e-6 * abs(right / rate):
            return "how large the step is matters: where does the rate come in?"
        return f"for {n} weights and a rate of {rate:g} it returns {got:.4g}; it is {right:.4g}"
    return None


STEP = Code(
    name="two-tasks-step",
    asks="a function of two gradients and a rate",
    check=check_change,
    example=lambda scene: true_change,
    hints=[
        "By which vector do the shared weights move?",
        "To first order a loss changes by its gradient's inner product with that move.",
    ],
    solution=r"""
```python
def change(g_class, g_mask, rate):
    return -rate * np.dot(g_class, g_mask)
```

The move is `-rate * g_mask`. The cosine is this with both lengths divided out: it keeps the sign
and forgets how much.
""",
    wrong=[
        lambda scene: lambda a, b, rate: rate * np.dot(a, b),
        lambda scene: lambda a, b, rate: cosine_of(a, b),
        lambda scene: lambda a, b, rate: -rate * cosine_of(a, b) * np.linalg.norm(a),
        lambda scene: lambda a, b, rate: -rate * np.dot(a, a),
        lambda scene: lambda a, b, rate: -rate * np.dot(b, b),
        lambda scene: lambda a, b, rate: -rate * np.dot(a, a + b),
        lambda scene: lambda a, b, rate: np.dot(a, b),
        lambda scene: lambda a, b, rate: -np.dot(a, b),
        lambda scene: 0.5,
    ],
)

# ----------------------------------------------------------------------------- what would show it

PROOF = Choice(
    name="two-tasks-proof",
    asks="the experiment",
    options={
        "a": "The joint network once more with learned weights, so that nothing was chosen.",
        "b": "The cosine between the two gradients over the training.",
        "c": "The same network without outlines, the best of eight settings on the same scans.",
        "d": "The Dice of the masks: a good mask shows that the encoder learned something.",
        "e": "The joint network on twice as many labelled scans.",
        "f": "Both networks on scans of another hospital, to see whether the lead holds there.",
    },
    answer="c",
    because={
        "a": "learned weights are one more way to weigh; the rival is still an older network",
        "b": "a cosine speaks of one small step, not of the AUC after training",
        "d": "the masks may be perfect and the class no better",
        "e": "that shows what labels add, not what outlines do",
        "f": "a lead that holds there is no accident, and its cause is as open as before: the"
        " other network and its training travel along",
    },
    hints=[
        "List all in which the two networks of the paper differ. Outlines are one of several.",
        "Which single comparison leaves the outlines as the only difference?",
    ],
    solution=r"""
The rival is an earlier paper's classifier: another network, another training, and one setting where
the joint network had eight. Take the *same* network without outlines, with as many choices on the
same validation scans. Next would come a second task that cannot help, tuned alike: it shows what
choosing alone brings.
""",
)

# ----------------------------------------------------------------------------- where, or what shape

WHERE = Choice(
    name="two-tasks-where",
    asks="what may be said",
    options={
        "a": "The shape of a lesion tells nothing of this class.",
        "b": "To be told where helped; that shape adds to it was not shown.",
        "c": "Outlines are better than discs, for their mean and both their bounds are higher.",
        "d": "Discs and outlines are worth the same, for their intervals overlap.",
        "e": "Any second task helps a little here.",
        "f": "Five sixths of the gain are the place's, one sixth is the shape's: 0.10 of 0.12.",
    },
    answer="b",
    because={
        "a": "an interval up to +0.05 rules out no such gain, and says nothing of shape by itself",
        "c": "both were measured on the same draws: look at the difference draw by draw",
        "d": "overlapping intervals show no equality; the difference draw by draw may be +0.05",
        "e": "outlines of something else have an interval on both sides of zero",
        "f": "a ratio of two means has an interval, too: with a difference between -0.01 and"
        " +0.05, shape may be nothing of this gain, or a good part of it",
    },
    hints=[
        "Four intervals, four questions: which of them hold zero?",
        "What is the difference between *not shown* and *shown to be nothing*?",
    ],
    solution=r"""
A disc knows the place and not the outline, and its interval lies above zero, while outlines of
something else bring no gain that can be seen: the place helped. Draw by draw, a true outline less a
disc may be anything from a little below zero to $+0.05$: that a shape adds something was not shown,
and neither was that it adds nothing.
""",
)

EXERCISES = [WEIGHT, LEARNED, STEP, WHERE, PROOF]
