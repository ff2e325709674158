"""The checks of the exercises of translation/measuring_or_mattering."""

import numpy as np

from medlib.experiment.exercises import Choice, Code, Mistake, Number

# ---------------------------------------------------------------------------------- ICC by hand


def squares(scores):
    """P, W, S and E of a table."""
    scores = np.asarray(scores, dtype=float)
    n, k = scores.shape
    patient, scanner = scores.mean(axis=1, keepdims=True), scores.mean(axis=0)
    mean = scores.mean()
    return (
        k * ((patient - mean) ** 2).sum() / (n - 1),
        ((scores - patient) ** 2).sum() / (n * (k - 1)),
        n * ((scanner - mean) ** 2).sum() / (k - 1),
        ((scores - patient - scanner + mean) ** 2).sum() / ((n - 1) * (k - 1)),
    )


def right(scores):
    """ICC(3,1)."""
    p, _, _, e = squares(scores)
    return (p - e) / (p + (np.shape(scores)[1] - 1) * e)


def of_one(scores):
    p, w, _, _ = squares(scores)
    return (p - w) / (p + (np.shape(scores)[1] - 1) * w)


def of_two(scores):
    n, k = np.shape(scores)
    p, _, s, e = squares(scores)
    return (p - e) / (p + (k - 1) * e + k * (s - e) / n)


def of_mean(scores):
    p, _, _, e = squares(scores)
    return (p - e) / p


def half_gone(scores):
    n, k = np.shape(scores)
    p, _, _, e = squares(scores)
    return (p - e) / (p + (k - 1) * e - k * e / n)


def pearson(scores):
    return float(np.corrcoef(np.asarray(scores)[:, :2].T)[0, 1])


def one_too_few(scores):
    p, _, _, e = squares(scores)
    return (p - e) / (p + e)


def turned(scores):
    return right(np.asarray(scores).T)


USUAL = (
    (of_one, "that is ICC(1,1): it counts what differs between scanners as error"),
    (of_two, "that is ICC(2,1): a constant offset of a scanner is still held against it"),
    (half_gone, "leave out the whole last term, E in it included: not S alone"),
    (of_mean, "that is ICC(3,k), of the mean of all scanners; a single reading was asked for"),
    (pearson, "that is a correlation: it forgives one scanner a gain as well, and knows two only"),
    (one_too_few, "E counts k - 1 times in the denominator, not once: try three scanners"),
    (turned, "rows are patients and columns are scanners; you have turned the table"),
)


def check_icc(answer, scene):
    """Ask the function about tables of three and of two scanners."""
    if not callable(answer):
        return "write a function of the table: `def consistency(scores): ...`"
    rng = np.random.default_rng(3)
    patients = 2 * rng.normal(size=(12, 1))
    tables = [
        patients + np.array([0.0, 1.5, -2.0]) + rng.normal(size=(12, 3)),
        patients * np.array([1.0, 1.7]) + np.array([0.0, 3.0]) + rng.normal(size=(12, 2)),
    ]
    found = [float(answer(table.copy())) for table in tables]
    if np.allclose(found, [right(table) for table in tables], rtol=1e-8):
        return None
    for wrong, words in USUAL:
        if np.allclose(found, [wrong(table) for table in tables], rtol=1e-6):
            return words
    return (
        "which mean squares may enter, if an offset of a whole scanner shall not count? Try your"
        " function on a table, add a number to one column, and see whether it moves"
    )


ICC = Code(
    name="measuring-or-mattering-icc",
    asks="a function of the table that returns a number",
    check=check_icc,
    example=lambda scene: right,
    hints=[
        "Of the three mean squares in the cell by hand, one is the scanners'. Consistency forgives"
        " it: which two are left?",
        "(P - E) / (P + (k - 1) E), where P is between patients, and E is what remains after"
        " patients and scanners.",
    ],
    solution=r"""
```python
def consistency(scores):
    n, k = scores.shape
    patient, scanner = scores.mean(axis=1, keepdims=True), scores.mean(axis=0)
    between = k * ((patient - scores.mean()) ** 2).sum() / (n - 1)
    left = ((scores - patient - scanner + scores.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    return (between - left) / (between + (k - 1) * left)
```
Add a number to one column: it does not move. That is what it is for, and why it is no proof that
two scanners read alike.
""",
    wrong=[
        *(lambda scene, wrong=wrong: wrong for wrong, _ in USUAL),
        lambda scene: 0.9,
        lambda scene: lambda scores: "high",
    ],
)

# ---------------------------------------------------------------------------- a change that counts

CHANGE = Number(
    name="measuring-or-mattering-change",
    asks="least change that counts",
    answer=1.96 * np.sqrt(2) * 40,
    tolerance=2.4,
    unit="mm²",
    within=(0, 1e5),
    mistakes=[
        Mistake(
            1.96 * 40,
            "that is about twice the standard deviation of *one* reading; both readings have an"
            " error, so the difference varies more",
        ),
        Mistake(np.sqrt(2) * 40, "that is the standard deviation of the difference, not its limit"),
        Mistake(40.0, "that is how far one reading strays from the patient's own mean, usually"),
        Mistake(1.645 * np.sqrt(2) * 40, "one in twenty to *each* side; changes go both ways"),
        Mistake(1.96 * 2 * 40, "variances add, standard deviations do not: √2, not 2"),
    ],
    otherwise="what is the standard deviation of the difference of two readings?",
    hints=[
        "The variance of a difference of two independent readings is the sum of theirs.",
        "1.96 standard deviations of the difference hold nineteen of twenty.",
    ],
    solution=r"""
$\mathrm{RC} = 1.96\,\sqrt2 \cdot 40 \approx 111$ mm². A smaller change may be real, but a scanner
that shows it has not shown that it is. On another scanner the limit is wider still.
""",
    wrong=[100, 0.111, 1110],
)

# -------------------------------------------------------------------------------- net benefit

BENEFIT = Number(
    name="measuring-or-mattering-benefit",
    asks="net benefit per patient",
    answer=0.07,
    tolerance=0.001,
    within=(-10, 1),
    mistakes=[
        Mistake(0.08, "a needless treatment weighs t/(1 - t), not t"),
        Mistake(-0.08, "a needless treatment does not weigh as much as a needed one: see t"),
        Mistake(0.12, "that counts the needed treatments only; the needless ones cost something"),
        Mistake(0.04, "320 are *all* who are treated; how many of them needlessly?"),
        Mistake(0.17, "the needless treatments are a loss: take them off, do not add them"),
        Mistake(0.05, "that is what the needless treatments cost; take it from what was gained"),
        Mistake(0.375, "that is the share of the treated who needed it"),
        Mistake(0.7, "per patient: divide by all thousand"),
        Mistake(70.0, "that is per thousand patients; it was asked per patient"),
        Mistake(-0.68, "the odds are turned: t/(1 - t) is a quarter here, not four"),
    ],
    otherwise="needed treatments per patient, less needless ones per patient times t/(1 - t)",
    hints=[
        "200 of the treated did not need it. What does each cost at this threshold?",
        "0.2/0.8 of a needed treatment each.",
    ],
    solution=r"""
$120/1000 - 200/1000 \cdot 0.2/0.8 = 0.12 - 0.05 = 0.07$: as good as 70 needed treatments in a
thousand patients and no needless one. Whether that is good depends on what treating all would give.
""",
    wrong=[0.32, 7, 0.2],
)

# ------------------------------------------------------------------------------------ what proof

PROOF = Choice(
    name="measuring-or-mattering-proof",
    asks="what was shown",
    options={
        "a": "That the reading is reproducible: five scanners agree on the AUC.",
        "b": "That the reading ranks patients about equally well within each scanner; readings of"
        " one patient may still differ by half.",
        "c": "That risks computed from the reading are right on all five scanners.",
        "d": "That ICC(2,1) over the five scanners is at least 0.83.",
        "e": "Nothing: the AUCs would have to be equal.",
        "f": "That one threshold of the reading will do for all five, as they separate patients"
        " equally well.",
    },
    answer="b",
    because={
        "a": "the AUCs agree; whether the readings do was not looked at: multiply one scanner's by"
        " two",
        "c": "that is calibration; an increasing map of the risks changes it, and no AUC",
        "d": "an AUC is no share of variance: let one scanner read half: the AUC stays, and"
        " ICC(2,1) falls",
        "e": "something was shown, about ranking inside each scanner; it only is not what is said",
        "f": "an AUC is over all thresholds at once and vouches for none: let one scanner read"
        " half, and far fewer patients reach the same cut-off there",
    },
    hints=[
        "Suppose one scanner reads every patient at half. Which of the numbers moves?",
        "The AUC of each scanner compares its patients with each other only.",
    ],
    solution=r"""
Within each scanner patients are ranked about equally well. A scanner that reads everybody at half
has the same AUC, and ruins every threshold. Reproducibility needs the same patients on several
scanners, and a number about their readings.
""",
)

EXERCISES = [ICC, CHANGE, BENEFIT, PROOF]
