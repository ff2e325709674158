"""The checks of the exercises of translation/extract_or_finetune."""

import numpy as np

from medlib.experiment.answers import as_array
from medlib.experiment.exercises import Choice, Code, Mistake, Number, Scene

# ----------------------------------------------------------------------------------- rates by depth

RATES = Number(
    name="extract-or-finetune-rates",
    asks="factor from one depth to the next",
    answer=10 ** (-1 / 3),
    tolerance=0.0052,
    within=(0, 1),
    mistakes=[
        Mistake(10**-0.3, "ten depths have nine steps between them, not ten"),
        Mistake(10 ** (-3 / 8), "from the head to the first layer there are nine steps, not eight"),
        Mistake(0.001, "that is what all the factors make together"),
        Mistake(1 / 9, "the factors multiply, they do not add up"),
        Mistake(0.1, "three such factors make a thousandth already"),
        Mistake(1 - 0.001 ** (1 / 9), "that is the share that is taken away at each depth"),
    ],
    otherwise="how many factors lie between the head and the first layer? Together they are 1/1000",
    hints=[
        "The depths run from 0 to 9. How many steps is it from one end to the other?",
        "The ninth power of the factor is one thousandth.",
    ],
    solution=r"""
From the head at $L = 9$ to the first layer at $0$ there are nine factors: $\xi^9 = 1/1000$, so
$\xi = 10^{-1/3} \approx 0.46$. (Nine factors, not ten: there are ten depths.)
""",
    wrong=[0.45, 0.47, 0.3],
)

# ----------------------------------------------------------------------- how many numbers are moved

NORM = Number(
    name="extract-or-finetune-norm",
    asks="numbers that are moved",
    answer=2 * 21008 + 10 * 1280 + 10,
    tolerance=0.5,
    within=(0, 10_000_000),
    mistakes=[
        Mistake(21008 + 12810, "each channel has a scale *and* a shift"),
        Mistake(2 * 21008, "those are the normalisations; the new head is moved as well"),
        Mistake(2 * 21008 + 12800, "the head's ten biases are missing"),
        Mistake(12810, "that is the head alone; the normalisations are moved as well"),
        Mistake(
            4 * 21008 + 12810, "running mean and variance are measured, not moved by a gradient"
        ),
        Mistake(2 * 21008 + 1281, "ten kinds of lesion need ten rows of weights, each with a bias"),
        Mistake(2 * 21008 + 2562, "that is a head for two kinds; ten were asked for"),
    ],
    otherwise="scale and shift of each channel, and ten outputs with a weight a feature and a bias",
    hints=[
        "What does one channel of a batch normalisation learn? How many numbers are that?",
        "The head has ten outputs, each with a weight for each of the 1280 features and one bias.",
    ],
    solution=r"""
$2 \cdot 21008 + 10 \cdot 1280 + 10 = 54826$: scale and shift for each channel, ten rows of head
weights, ten biases.
""",
    wrong=[54827, 63018],
)

# ------------------------------------------------------------------------------ a paired comparison


def t_interval(d, *, factor=None):
    """Mean, lower and upper end of the 95 % t interval; `factor` in the place of t's quantile."""
    from scipy import stats

    reach = (factor or stats.t.ppf(0.975, len(d) - 1)) * stats.sem(d)
    return np.array([d.mean(), d.mean() - reach, d.mean() + reach])


def unpaired(scene):
    """The interval that takes the seeds of the two arms for independent."""
    from scipy import stats

    full, frozen = (np.asarray(scene.given[arm], dtype=float) for arm in ("full", "frozen"))
    ends = stats.ttest_ind(full, frozen).confidence_interval()
    return np.array([(full - frozen).mean(), *ends])


def differences(scene):
    """Full minus frozen, seed by seed."""
    return np.asarray(scene.given["full"], float) - np.asarray(scene.given["frozen"], float)


def check_interval(answer, scene):
    """Compare to three digits."""
    middle, low, high = as_array(answer, shape=(3,), means="mean, lower end, upper end")
    d = differences(scene)

    def like(wanted):
        return np.abs(np.array([middle, low, high]) - wanted).max() < 0.0011

    if like(t_interval(d)):
        return None
    if like(t_interval(-d)):
        return "that is frozen minus full; the gain of full fine-tuning is asked for"
    if like(t_interval(d)[[0, 2, 1]]):
        return "the lower end comes first"
    if like(t_interval(d, factor=1.96)):
        return "1.96 is for many seeds; with so few take Student's t"
    if like(unpaired(scene)):
        return "both arms were trained on the same images: pair the seeds, then take the interval"
    if abs(middle - d.mean()) > 0.0011:
        return "the mean is not that of the differences, seed by seed"
    reach = d.std(ddof=0) / np.sqrt(len(d)) / (d.std(ddof=1) / np.sqrt(len(d)))
    if like(d.mean() + (t_interval(d) - d.mean()) * reach):
        return "the deviation divides by n - 1, for the mean was estimated from the same seeds"
    if like(d.mean() + (t_interval(d) - d.mean()) * np.sqrt(len(d))):
        return "that holds single seeds; the mean varies less, by the root of their number"
    return "the mean is right, the ends are not: t's quantile times the standard error of the mean"


def four_seeds():
    """Two arms on four sets of images."""
    frozen, full = np.array([0.91, 0.93, 0.90, 0.95]), np.array([0.96, 0.97, 0.96, 0.985])
    return Scene({"frozen": frozen, "full": full})


INTERVAL = Code(
    name="extract-or-finetune-interval",
    asks="mean, lower and upper end",
    check=check_interval,
    example=lambda scene: t_interval(differences(scene)),
    scene=four_seeds,
    needs=("full", "frozen"),
    hints=[
        "Subtract first, seed by seed; then you have one sample of differences.",
        "`stats.sem` gives the standard error of its mean, `stats.t.ppf(0.975, n - 1)` how many of"
        " them to go to either side.",
    ],
    solution=r"""
```python
d = auc("full", "far", few) - auc("frozen", "far", few)
reach = stats.t.ppf(0.975, len(d) - 1) * stats.sem(d)
answer = (d.mean(), d.mean() - reach, d.mean() + reach)
```

With so few seeds that factor is far above the 2 of many. And if the seeds happen to agree,
`stats.sem(d)` is small and the interval short, but by luck as much as by merit. Ask for more seeds,
and other eyes, before you buy.
""",
    wrong=[
        lambda scene: t_interval(differences(scene), factor=1.96),
        unpaired,
        lambda scene: t_interval(-differences(scene)),
        lambda scene: t_interval(differences(scene))[[0, 2, 1]],
        lambda scene: t_interval(differences(scene)) + np.array([0.01, 0, 0]),
        lambda scene: t_interval(differences(scene), factor=2 * 3.182),
        lambda scene: t_interval(differences(scene), factor=3.182 * np.sqrt(3 / 4)),
        lambda scene: t_interval(differences(scene))[:2],
        lambda scene: float(differences(scene).mean()),
    ],
)

# -------------------------------------------------------------------------------------- real tissue

PUBLIC = Choice(
    name="extract-or-finetune-public",
    asks="your prediction for pathmnist",
    options={
        "a": "Nearer to photographs than the retina; the full renovation wins with few labels.",
        "b": "Far from photographs, so that frozen features fail and training from scratch wins.",
        "c": "Far, and yet frozen features are strong with few labels: colour and texture tell"
        " much.",
        "d": "Far, and colours alone guess; only graded fine-tuning finds the tumour.",
        "e": "As near as the retina, and all arms are alike, from scratch too.",
        "f": "Far, and so every arm guesses with few labels: what is so strange takes many.",
    },
    answer="c",
    because={
        "a": "stained tissue is no photograph of things; and what should few labels renovate?",
        "b": "a distance of the images does not say how far the question is",
        "d": "is colour of no use, for telling two stained tissues apart?",
        "e": "from scratch, with few labels, a network has only what is learned quickly",
        "f": "strange to a network is not hard to tell apart: where a plain sign parts the"
        " classes, few labels can be enough",
    },
    hints=[
        "By what would *you* tell the two classes apart, on a small patch?",
        "Which of these does a network trained on photographs bring along?",
    ],
    solution=r"""
Stained tissue is far from photographs too, but the two classes differ in colour and texture at
large, which frozen features already carry: expect the frozen arm to be strong even with few labels,
and little left for renovation. Distance of the *images* does not tell how far the *question* is.
Two claims may fail, and for one reason: colour is learned quickly from scratch, and random features
carry it too. So look at the claim on the small network and at the one on random weights.
""",
)

EXERCISES = [RATES, NORM, INTERVAL, PUBLIC]
