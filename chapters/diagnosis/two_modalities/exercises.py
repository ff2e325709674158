"""The checks of the exercises of diagnosis/two_modalities."""

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ------------------------------------------------------------ a dose and a weight

DOSE = Number(
    name="two-dose",
    asks="weight of PET",
    answer=0.8,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(0.5, "that is the plain mean, or the weight for an uptake of one, as in grey"
                " matter; in white it is a quarter"),
        Mistake(0.2, "that is the weight of the MRI. Or did you weigh by the variance, or take one"
                " over the expected counts?"),
        Mistake(2 / 3, "you weigh by one over the standard deviation; the derivative gives its"
                " square"),
        Mistake(0.976, "you took the standard deviation of the MRI for its variance: square it"),
        Mistake(0.941, "the uptake enters the variance of PET as it is, not squared"),
        Mistake(0.0, "did you take the variance of the counts? It is that of counts over dose; and"
                " a weight of nothing would throw PET's precision away"),
        Mistake(1.0, "however good PET is, the MRI's precision counts as well"),
    ],
    otherwise="what is the variance of a Poisson number over its dose, and what that of the MRI?",
    hints=[
        "The variance of PET is its uptake over the counts.",
        "Precisions are 400 and 100; which is whose?",
    ],
    solution=r"""
PET: $0.25 / 100 = 0.0025$, a precision of $400$. MRI: $0.1^2 = 0.01$, a precision of $100$. So
$w = 400 / (400 + 100) = 0.8$.
""",
    wrong=[0.3, 0.65, 0.75, 0.9],
)  # fmt: skip

# ------------------------------------------------------------ any number of estimates

CASES = (
    ([1.0, 3.0], [4.0, 1.0]),
    ([2.0, 2.5, -1.0], [0.5, 2.0, 1.0]),
    ([0.0, 10.0], [1.0, 1.0]),
    ([5.0], [2.0]),
)


def true_combine(estimates, variances):
    """Precision-weighted mean and its variance."""
    precision = 1 / np.asarray(variances, dtype=float)
    return float(precision @ np.asarray(estimates) / precision.sum()), float(1 / precision.sum())


def check_combine(answer, scene):
    """Compare with the formula, on one to three estimates."""
    for estimates, variances in CASES:
        right = np.array(true_combine(estimates, variances))
        given = attempt(answer, list(estimates), list(variances))
        given = as_array(given, shape=(2,), means="the estimate and its variance")
        if np.allclose(given, right, atol=1e-6):
            continue
        if np.allclose(given[::-1], right, atol=1e-6):
            return "first the estimate, then its variance"
        weighed = np.asarray(variances) / np.sum(variances)
        sds = 1 / np.sqrt(variances)
        if np.isclose(given[0], weighed @ estimates) and not np.isclose(given[0], right[0]):
            return "you weigh by the variance: the noisiest estimate counts most"
        of_two = true_combine(estimates[:2], variances[:2])[0]
        if len(estimates) > 2 and np.isclose(given[0], of_two):
            return "it reads the first two estimates only; there may be any number"
        if np.isclose(given[0], sds @ estimates / sds.sum()) and not np.isclose(given[0], right[0]):
            return "you weigh by one over the standard deviation; the derivative gives its square"
        if np.isclose(given[0], np.mean(estimates)) and not np.isclose(given[0], right[0]):
            return "that is the plain mean; the better estimate should count more"
        if np.isclose(given[0], right[0]):
            return "the estimate is right; what is the variance if the sum is the precision?"
        return f"for {estimates} with variances {variances} it returns {given.round(3).tolist()}"
    return None


WEIGH = Code(
    name="two-weigh",
    asks="a function of estimates and variances",
    check=check_combine,
    example=lambda scene: true_combine,
    hints=[
        "Make a list of precisions, one over each variance.",
        "Precisions add up: what is the variance of something whose precision is their sum?",
    ],
    solution=r"""
```python
def combine(estimates, variances):
    precisions = [1 / v for v in variances]
    total = sum(precisions)
    mean = sum(p * e for p, e in zip(precisions, estimates)) / total
    return mean, 1 / total
```
""",
    wrong=[
        lambda scene: lambda e, v: (float(np.mean(e)), true_combine(e, v)[1]),
        lambda scene: lambda e, v: (float(np.dot(e, v) / np.sum(v)), true_combine(e, v)[1]),
        lambda scene: lambda e, v: (true_combine(e, v)[0], float(np.sum(1 / np.asarray(v)))),
        lambda scene: lambda e, v: (true_combine(e, v)[0], float(np.mean(v))),
        lambda scene: lambda e, v: true_combine(e, np.sqrt(v)),
        lambda scene: lambda e, v: true_combine(e, v)[::-1],
        lambda scene: lambda e, v: true_combine(e[:2], v[:2]),
        lambda scene: lambda e, v: true_combine(e, v)[0],
        lambda scene: 1.4,
    ],
)

# ------------------------------------------------------------ a bias

BIASED = Number(
    name="two-biased",
    asks="weight of the second",
    answer=1 / 6,
    tolerance=0.004,
    within=(-1, 1),
    mistakes=[
        Mistake(0.5, "that leaves the bias out: only the variances are equal"),
        Mistake(0.25, "you added the bias as it is: square it first"),
        Mistake(0.2, "that replaces the variance by the squared bias; the two add up"),
        Mistake(5 / 6, "that is the weight of the first"),
        Mistake(0.0, "a biased estimate still has something to say"),
        Mistake(1 / 3, "that puts the bias in place of the variance: square it, and add it to the"
                " variance"),
    ],
    otherwise="how far off is the second one, squared and on average, by noise and bias?",
    hints=[
        "M is diagonal here, because the noise is independent and the first one has no bias.",
        "Its entries are $1$ and $1 + 2^2$.",
    ],
    solution=r"""
The second one's mean squared error is $1 + 2^2 = 5$. Weights go as one over that:
$\frac{1/5}{1/5 + 1} = 1/6$.
""",
    wrong=[0.1, 0.4, 0.7],
)

# ------------------------------------------------------------ a map of attention

READ = Choice(
    name="two-read",
    asks="the experiment",
    options={
        "a": "Train again with other seeds, and see whether the weight stays high.",
        "b": "Take the weights as probabilities, and test whether they are calibrated.",
        "c": "Put the tumour into one image at a time, and compare how far the answer moves.",
        "d": "Compare the weight over the tumour with the weight over healthy tissue.",
        "e": "Leave PET out, and see whether the map of weights changes.",
        "f": "Put PET to zero everywhere, and see whether the answer changes.",
    },
    answer="c",
    because={
        "a": "a stable weight would be a stable weight; does it say what the answer rests on?",
        "b": "a weight is no probability of anything that could be observed",
        "d": "that compares two weights; the sentence is about the decision",
        "e": "look at the answer, not at the map; and a missing image is no scan that it knows",
        "f": "a scan of zeros is none that it knows: the change tells of the zeros, not of the"
        " tumour",
    },
    hints=[
        "The sentence is about the decision. Which options look at the decision?",
        "Change what the sentence is about, the tumour, and nothing else.",
    ],
    solution=r"""
Only the third one looks at the *answer* while the tumour is changed in one image and everything
else is kept; to put all of PET to zero makes a scan that no patient ever had.
Weight, features behind it and layers after it all enter the answer; a weight alone says nothing of
their product. Note that the two moves need not add up, if the network looks at disagreement.
""",
)

EXERCISES = [DOSE, WEIGH, BIASED, READ]
