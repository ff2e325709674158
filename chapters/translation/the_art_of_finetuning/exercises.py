"""The checks of the exercises of translation/the_art_of_finetuning."""

import math
from copy import deepcopy

import numpy as np

from medlib.experiment.answers import WrongForm, attempt
from medlib.experiment.exercises import Code, Mistake, Number, Scene

# --------------------------------------------------------------------------------- rates by depth

RATES = Number(
    name="art-of-finetuning-rates",
    asks="depth",
    answer=4,
    tolerance=0.1,
    within=(0, 9),
    mistakes=[
        Mistake(5, "so many factors make a tenth; which depth lies that far below the classifier?"),
        Mistake(3, "its rate is below a tenth, but so is that of a depth above it"),
        Mistake(
            9 - math.log(10) / math.log(1 / 0.6), "a depth is a whole number; round which way?"
        ),
        Mistake(0, "the stem's rate is below a tenth by far; go up as long as it stays so"),
        Mistake(9, "that is the classifier itself, whose rate is the whole of it"),
    ],
    otherwise="how many factors of 0.6 make less than a tenth? Count them down from depth nine",
    hints=[
        "From one depth to the next below it the rate is multiplied by 0.6.",
        "The fourth power of 0.6 is a little above a tenth, the fifth is below.",
    ],
    solution=r"""
$\xi^{k} < 1/10$ needs $k > \ln 10/\ln(1/\xi)$, so here $k \ge 5$ and $l = 9 - 5 = 4$.
""",
    wrong=[6, 8],
)

# ----------------------------------------------------------------------------- thawing step by step

THAW = Number(
    name="art-of-finetuning-thaw",
    asks="steps a depth",
    unit="steps",
    answer=7,
    tolerance=0.1,
    within=(1, 100),
    mistakes=[
        Mistake(8, "then the stem begins too late to move so often"),
        Mistake(6, "that leaves the stem time enough; it is not yet the largest"),
        Mistake(6.3, "before the stem thaws, nine depths have had their turn, not ten"),
        Mistake(10, "with ten steps a depth the stem moves in few of the steps"),
        Mistake(63, "that is how many steps all the other depths may take together"),
        Mistake(3.7, "the stem does not share its steps: it moves from its thaw to the end"),
    ],
    otherwise="at which step does the stem thaw, and how many steps are left from there on?",
    hints=[
        "Ten depths thaw one after the other, the classifier first, at step one.",
        "The stem is the tenth: it thaws after nine turns of s steps each.",
    ],
    solution=r"""
The stem thaws at step $9s + 1$ and moves in $100 - 9s$ steps: $100 - 9s \ge 37$ gives $s = 7$.
""",
    wrong=[9, 11],
)

# ------------------------------------------------------------------------------ the pull of a leash

WEAKEST, STRONGEST = 10 * (1 - 0.5 ** (1 / 4)), 10 * (1 - 0.5 ** (1 / 3))

LEASH = Number(
    name="art-of-finetuning-leash",
    asks="strength",
    answer=(WEAKEST + STRONGEST) / 2,
    tolerance=(STRONGEST - WEAKEST) / 2,
    within=(0, 100),
    mistakes=[
        Mistake(1.25, "too weak: after four steps more than half of the distance is left"),
        Mistake(1.0, "too weak: after four steps more than half of the distance is left"),
        Mistake(2.5, "too strong: the distance is below one half sooner than that"),
        Mistake(3, "too strong: the distance is below one half sooner than that"),
        Mistake(5, "too strong: the first step takes half of the distance already"),
        Mistake(18.2, "such a step passes the start and comes to lie on the other side"),
        Mistake(0.16, "that is rate times strength; divide by the rate"),
    ],
    otherwise="what share of the distance does one step leave, and what do three and four leave?",
    hints=[
        "The pull's gradient is the strength times the distance. A step takes rate times gradient.",
        "A step multiplies the distance by one less a tenth of the strength. Its fourth power is"
        " below"
        " one half, its third is not.",
    ],
    solution=r"""
A step multiplies the distance by $1 - \eta\alpha$. With $\alpha = 2$ it is $0.8$: $0.8^3 = 0.512$
and $0.8^4 = 0.4096$. Anything from about $1.6$ to $2.06$ fits.
""",
    wrong=[0.84, 1.5, 10, 20],
)

# --------------------------------------------------------------------------------- an empty promise

BOUND = Number(
    name="art-of-finetuning-bound",
    asks="error of the domain classifier",
    answer=0.075,
    tolerance=0.001,
    within=(0, 0.5),
    mistakes=[
        Mistake(0.15, "half of the distance is one less *twice* the error"),
        Mistake(0.425, "that is half of what is left for the distance; turn it into an error"),
        Mistake(0.05, "the error at home is in the bound as well"),
        Mistake(0.025, "the error of the classifier trained on both domains is in it as well"),
        Mistake(0.2875, "the bound holds half of the distance, not all of it"),
        Mistake(0, "at an error of zero it says nothing, but it does so for others as well"),
    ],
    otherwise="which share is left for half of the distance, before the bound reaches one?",
    hints=[
        "A bound on an error says nothing as soon as it is one. What do the other two terms leave?",
        r"Half of the distance is $1 - 2\hat\varepsilon$. It says nothing from 0.85 upwards.",
    ],
    solution=r"""
The bound is $0.05 + (1 - 2\hat\varepsilon) + 0.1$, which is at least $1$ up to $\hat\varepsilon =
0.075$: a domain classifier that errs on that share of the images is good enough.
""",
    wrong=[0.1, 0.5, 7.5],
)

# --------------------------------------------------------------------------------- a harmless shift


def check_shift(function, scene):
    """A domain classifier sees it, and the head pays little for it."""
    from medlib.translation.shifts.proxy_distance import proxy_a_distance

    given, images = scene.given, scene.given["images"]
    moved = np.asarray(attempt(function, images.copy()))
    if moved.shape != images.shape:
        return f"it returns images of shape {moved.shape}; they must stay {images.shape}"
    if moved.dtype != np.uint8:
        raise WrongForm(f"it returns {moved.dtype}; bring the values back to 0-255 and to uint8")
    if np.array_equal(moved, images):
        return "the images come back as they were: there is no shift to be seen"
    features = given["features_of"](moved)
    cut = deepcopy(given["cut"])  # the same halves each time
    seen = proxy_a_distance(given["home"], features, rng=cut).value
    more = np.mean(given["head"].predict(features) != given["labels"]) - given["error_before"]
    if more >= 0.03:
        return f"it costs too much: {100 * more:.0f} more images in a hundred go wrong"
    if seen <= 1:
        return f"the domain classifier hardly sees it: its distance is {seen:.2f}"
    return None


def small_world():
    """Tiny images whose label is in their red, and whose green no head needs."""
    rng = np.random.default_rng(0)
    images = rng.integers(60, 160, (400, 4, 4, 3)).astype(np.uint8)
    y = np.arange(400) % 2
    images[..., 0] = (80 + 60 * y)[:, None, None]

    def features_of(x):
        return np.stack([x[..., 0].mean((1, 2)), x[..., 1].mean((1, 2))], axis=1).astype(float)

    class Head:
        @staticmethod
        def predict(features):
            return (features[:, 0] > 110).astype(int)

    given = {"images": images[200:], "labels": y[200:], "home": features_of(images[:200])}
    given |= {"head": Head, "features_of": features_of, "error_before": 0.0}
    return Scene({**given, "cut": np.random.default_rng(1)})


def dimmed(*, red=1.0, green=1.0):
    """A student's function that takes light from two colours."""

    def shift(images):
        return (images * np.array([red, green, 1.0])).astype("uint8")

    return lambda scene: shift


HARMLESS = Code(
    name="art-of-finetuning-harmless",
    asks="a function of 8-bit images",
    check=check_shift,
    example=dimmed(green=0.5),
    scene=small_world,
    needs=("images", "labels", "home", "head", "features_of", "error_before", "cut"),
    hints=[
        "What does the head look at, and what is the same for every image of a domain?",
        "Try the light of the lamp: a little less of it, or another colour. Mind 0-255 and"
        " `uint8`.",
    ],
    solution=r"""
For example a weaker lamp:

```python
def shift(images):
    return (0.6 * images.astype(float)).astype("uint8")
```

Every value changes, and a head that reads shapes hardly notices. (With other images it may cost
more than the limit; then take less of the light away.) A warmer lamp is seen as well. A
mirror image is not: patches come mirrored or not at random, so that the domain stays what it was.
""",
    wrong=[
        lambda scene: lambda images: images,
        lambda scene: lambda images: images[:, ::-1],
        dimmed(red=0.5),
        dimmed(red=0.4, green=0.5),
        lambda scene: lambda images: images * 0.5,
        lambda scene: lambda images: images[..., 0],
        lambda scene: lambda images: np.zeros_like(images),
        lambda scene: 0.6,
    ],
)

# ------------------------------------------------------------------------------ reading the trial


def paired(new, old):
    """Mean paired difference and its t interval, as the exercise wants them."""
    from scipy.stats import sem, t

    gap = np.asarray(new) - np.asarray(old)
    reach = t.ppf(0.975, len(gap) - 1) * sem(gap)
    return gap.mean(), gap.mean() - reach, gap.mean() + reach


def in_normal_units(new, old):
    """The interval as if the standard deviation were known."""
    gap = np.asarray(new) - np.asarray(old)
    reach = 1.96 * gap.std(ddof=1) / np.sqrt(len(gap))
    return gap.mean(), gap.mean() - reach, gap.mean() + reach


def unpaired(new, old):
    """Welch's interval, which forgets that the arms share their seeds."""
    from scipy.stats import ttest_ind

    ends = ttest_ind(new, old, equal_var=False).confidence_interval()
    return np.mean(new) - np.mean(old), ends.low, ends.high


def of_single_seeds(new, old):
    """Where a single seed may lie, not the mean."""
    gap = np.asarray(new) - np.asarray(old)
    return gap.mean(), gap.mean() - 2 * gap.std(ddof=1), gap.mean() + 2 * gap.std(ddof=1)


def least_and_most(new, old):
    """The range."""
    gap = np.asarray(new) - np.asarray(old)
    return gap.mean(), gap.min(), gap.max()


WRONG_WORTH = {
    unpaired: "that forgets the pairs: arms of one seed share images, so take differences first",
    in_normal_units: "with so few seeds the spread itself is uncertain; that is what $t$ is for",
    of_single_seeds: "this is where a single seed may lie; what is asked is where the mean lies",
    least_and_most: "the lowest and the highest seed are no interval of the mean",
}


def check_worth(function, scene):
    """The paired interval, on made-up seeds and on the trial's."""
    rng = np.random.default_rng(7)
    shared = rng.normal(0.8, 0.1, 6)
    made_up = shared + rng.normal(0.02, 0.02, 6), shared
    for new, old in (made_up, scene.given["pair"]):
        new, old = np.asarray(new, dtype=float), np.asarray(old, dtype=float)
        found = np.ravel(np.asarray(attempt(function, new.copy(), old.copy()), dtype=float))
        if found.shape != (3,):
            raise WrongForm("it must return three numbers: the mean difference, low, high")
        right = np.array(paired(new, old))
        if np.allclose(found, right, atol=1e-6):
            continue
        if np.allclose(found, -right[[0, 2, 1]], atol=1e-6):
            return "the sign is turned round: what is asked is the new arm minus the old one"
        for other, words in WRONG_WORTH.items():
            if np.allclose(found, other(new, old), atol=1e-6):
                return words
        if not np.isclose(found[0], right[0], atol=1e-6):
            return "its first number is not the mean of the differences, seed by seed"
        return "the mean is right, its interval is not: count what divides the standard deviation"
    return None


def two_arms():
    """Two arms over five seeds, as in the trial."""
    old = np.array([0.79, 0.83, 0.76, 0.81, 0.85])
    return Scene({"pair": (old + np.array([0.02, 0.05, 0.01, 0.03, 0.02]), old)})


TRIAL = Code(
    name="art-of-finetuning-trial",
    asks="a function of two arrays",
    check=check_worth,
    example=lambda scene: paired,
    scene=two_arms,
    needs=("pair",),
    hints=[
        "One number a seed first: the difference. All else is about these few numbers.",
        "The mean, give or take a quantile of Student's $t$ with one degree of freedom less than"
        " there are seeds, times the standard error of the mean.",
    ],
    solution=r"""
```python
from scipy.stats import sem, t

def paired_gain(new, old):
    gap = new - old
    reach = t.ppf(0.975, len(gap) - 1) * sem(gap)
    return gap.mean(), gap.mean() - reach, gap.mean() + reach
```

What all arms of a seed share, easy or hard images, drops out of `gap`. It is tempting to hold the
interval of the demonstration against the frozen network beside that of the end against it, and to
say that patience made the difference if one holds zero and the other does not. But that is no test
of the difference. Look whether the interval of `paired_gain(*pair)`, end against demonstration,
holds zero.
""",
    wrong=[
        lambda scene: unpaired,
        lambda scene: in_normal_units,
        lambda scene: of_single_seeds,
        lambda scene: least_and_most,
        lambda scene: lambda new, old: paired(old, new),
        lambda scene: lambda new, old: np.mean(new) - np.mean(old),
        lambda scene: 0.02,
    ],
)

EXERCISES = [RATES, THAW, LEASH, TRIAL, BOUND, HARMLESS]
