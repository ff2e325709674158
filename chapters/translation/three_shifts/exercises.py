"""The checks of the exercises of translation/three_shifts."""

import numpy as np

from medlib.experiment.answers import as_array, as_number
from medlib.experiment.exercises import Choice, Code, Mistake, Number, Scene, Verdict

# --------------------------------------------------------------------------------- odds, on paper

ODDS = 0.25 * (0.3 / 0.7) * (0.99 / 0.01)

BAYES = Number(
    name="three-shifts-bayes",
    asks="probability at the clinic",
    answer=ODDS / (1 + ODDS),
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(ODDS, "those are the odds; turn them back into a probability"),
        Mistake(7.5 / 8.5, "multiply the odds by a ratio of odds, not of the two prevalences"),
        Mistake(
            6 / 7,
            "0.2 is no odds, its odds are 1 to 4; and the prevalences enter by their odds as well",
        ),
        Mistake(
            0.2 * 42.43 / (1 + 0.2 * 42.43),
            "0.2 is a probability; its odds are 1 to 4, and these are multiplied",
        ),
        Mistake(0.2 * 0.3 / 0.01, "a probability is not multiplied; its odds are"),
        Mistake(0.25 / 42.43 / (1 + 0.25 / 42.43), "the two prevalences are exchanged"),
        Mistake(
            0.25 * 3 / 7 / (1 + 0.25 * 3 / 7), "take the old prevalence out before the new goes in"
        ),
        Mistake(0.2, "the score was made for another prevalence; it does not stay"),
        Mistake(0.3, "that is the prevalence; the tile says more than that"),
    ],
    otherwise="odds of the score, times odds of the new prevalence, over odds of the old one",
    hints=[
        "Write all three as odds: of the score, of the old prevalence, of the new.",
        "The odds of the score are one to four. Multiply them by 0.3/0.7 and by 0.99/0.01, and turn"
        " the product back.",
    ],
    solution=r"""
The odds are $0.2/0.8 = 1/4$. Times $\frac{0.3}{0.7} \cdot \frac{0.99}{0.01} \approx 42.4$ they
become $10.6$, and the probability is $10.6/11.6 \approx 0.914$.
""",
    wrong=[0.9, 0.097, 0.5],
)

# ------------------------------------------------------------------------- follow the pathologist


def agreement(scene, *, among=slice(None)):
    """The share of tiles on which a line fitted on her first labels agrees with her."""
    from medlib.measures.calibration import fit_logit_line

    given = scene.given
    forty, promise, hers = given["forty"], given["promise"], given["hers"]
    moved = fit_logit_line(promise[forty], hers[forty])
    return float(np.mean(((moved(promise) > 0.5) == hers)[among]))


def check_grey(answer, scene):
    """Compare with the share over all tiles."""
    right, share = agreement(scene), as_number(answer)
    promise, hers = scene.given["promise"], scene.given["hers"]
    before = float(np.mean((promise > 0.5) == hers))
    if abs(share - right) < 0.002:
        return Verdict("right", f"before the new line it was {before:.1%}")
    for wrong, words in (
        (before, "that is the share before the new line; fit it, and apply it to the scores"),
        (agreement(scene, among=scene.given["forty"]), "count all tiles, not the forty alone"),
        (1 - right, "that is the share on which they do *not* agree"),
        (100 * right, "give a share, not per cent"),
        (float(np.mean(hers)), "that is how often she says yes; with how many does it agree?"),
    ):
        if abs(share - wrong) < 0.002:
            return words
    return "fit on 40 tiles, then apply the line to all and cut at one half"


def reading_room():
    """Scores of two thousand tiles, and a pathologist who calls tumour more readily."""
    from scipy.special import expit

    rng = np.random.default_rng(0)
    grade = rng.normal(size=2000)
    promise = expit(4 * grade)
    hers = (rng.random(2000) < expit(4 * (grade + 0.25))).astype(int)
    forty = rng.choice(np.flatnonzero((promise > 0.1) & (promise < 0.9)), 40, replace=False)
    return Scene({"promise": promise, "hers": hers, "forty": forty})


GREY = Code(
    name="three-shifts-grey",
    asks="a share of the tiles",
    check=check_grey,
    example=agreement,
    scene=reading_room,
    needs=("promise", "hers", "forty"),
    hints=[
        "`fit_logit_line(scores, labels)` returns a function of scores. On which tiles do you fit,"
        " and to which do you apply it?",
        "After fitting on the forty, call it with all of `promise`, cut at one half, and compare"
        " with"
        " her labels.",
    ],
    solution=r"""
```python
moved = fit_logit_line(promise[forty], new["clinic"][forty])
follows = np.mean((moved(promise) > 0.5) == new["clinic"])
```

Two numbers, a slope and an offset, fitted on a few labels, move the cut towards hers. No new
network is needed, because the *order* of the tiles is the same for both pathologists. Forty labels
can also disappoint: if she says yes to all of them there is no line to fit, and now and then the
new line follows her no better than the old.
""",
    wrong=[
        lambda scene: float(np.mean((scene.given["promise"] > 0.5) == scene.given["hers"])),
        lambda scene: agreement(scene, among=scene.given["forty"]),
        lambda scene: 1 - agreement(scene),
        lambda scene: 100 * agreement(scene),
        lambda scene: float(np.mean(scene.given["hers"])),
        lambda scene: 1.0,
        lambda scene: agreement,
    ],
)

# --------------------------------------------------------------------------------- three complaints

THRESHOLD = Choice(
    name="three-shifts-threshold",
    asks="what to do first at (a), (b) and (c)",
    options={
        "1": "correct the probabilities, mend the image, collect labels",
        "2": "correct the probabilities, collect labels, mend the image",
        "3": "mend the image, correct the probabilities, collect labels",
        "4": "mend the image, collect labels, correct the probabilities",
        "5": "collect labels, mend the image, correct the probabilities",
        "6": "collect labels, correct the probabilities, mend the image",
    },
    answer="1",
    because={
        "2": "look again at (b) and (c): which of the two has a new scanner, and which a new"
        " opinion?",
        "3": "look again at (a) and (b): which has a new scanner, and which keeps its ranking?",
        "4": "look again at all three: what is shifted at each, image, frequency or meaning?",
        "5": "look again at (a) and (c): for which of them do scores alone tell what to do?",
        "6": "look again at all three: what is shifted at each, image, frequency or meaning?",
    },
    hints=[
        "Each clinic has one of the chapter's three shifts: appearance, prevalence, meaning.",
        "An intact AUC does not tell prevalence from meaning: both may leave the order. What do"
        " the scores say by themselves, without labels? And what does no test on images see?",
    ],
    solution=r"""
(a) is prevalence: the ranking is intact, and without one label the scores themselves say that
tumours are more frequent, so correct the probabilities. (With another pathologist the ranking may
stay and the probabilities lie too low as well; but EM would see no more tumours than before.)
(b) is appearance, as far as we can see: mend the image. (c) is meaning, and labels decide it.
""",
)

# --------------------------------------------------------------------------- three kinds of answers


def three_way(scene, *, joint=False):
    """The solution of three equations with two unknowns; the weights of both kinds of tissue."""
    given, home = scene.given, scene.given["home_pi"]
    said = {k: np.digitize(given["p"][k], [home / 3, 5 * home]) for k in ("check", "clinic")}
    truth = given["truth"]["check"]
    shares = [[np.mean(said["check"][truth == y] == a) for y in (0, 1)] for a in range(3)]
    told = np.array([np.mean(said["clinic"] == a) for a in range(3)])
    matrix = np.array(shares) * ([1 - home, home] if joint else 1)
    return np.linalg.lstsq(matrix, told)[0], told


def check_bbse(answer, scene):
    """Either share will do: as it comes, or divided by the sum."""
    share, (weights, told) = as_number(answer), three_way(scene)
    if min(abs(share - weights[1]), abs(share - weights[1] / weights.sum())) < 0.01:
        return None
    for wrong, words in (
        (
            three_way(scene, joint=True)[0][1],
            "with joint shares you get a weight; columns are shares"
            " of each kind of tissue by itself",
        ),
        (weights[0], "that is the share of normal tissue; which column is which?"),
        (told[2], 'that is how often "tumour" was said, with all its errors'),
        (told[1] + told[2], "that counts all that was not called normal, errors and all"),
        (scene.given["home_pi"], "that is the prevalence at home; the clinic's is asked for"),
    ):
        if abs(share - wrong) < 0.01:
            return words
    return "columns are p(answer | truth), one a kind of tissue; on the right stands what was said"


def two_sites():
    """Scores at home and at a clinic where half of the tiles are ill."""
    from scipy.special import expit

    rng, home_pi = np.random.default_rng(0), 0.01
    truth = {"check": (rng.random(20_000) < home_pi).astype(int), "clinic": np.tile([0, 1], 200)}
    p = {
        name: expit(2 * rng.normal(2.0 * y) - 2 + np.log(home_pi / (1 - home_pi)))
        for name, y in truth.items()
    }
    return Scene({"p": p, "truth": truth, "home_pi": home_pi})


BBSE = Code(
    name="three-shifts-bbse",
    asks="a prevalence",
    check=check_bbse,
    example=lambda scene: three_way(scene)[0][1],
    scene=two_sites,
    needs=("p", "truth", "home_pi"),
    hints=[
        "At home you know truth and answer: how often is each of the three answers given on normal"
        " tiles, and how often on tumour?",
        "These shares are a matrix of three rows and two columns. Times (normal, tumour) at the"
        " clinic"
        " it gives how often each answer is heard there.",
    ],
    solution=r"""
```python
said = {k: np.digitize(p[k], [home_pi / 3, 5 * home_pi]) for k in p}
C = [[np.mean(said["check"][truth["check"] == y] == a) for y in (0, 1)] for a in range(3)]
a = np.array([np.mean(said["clinic"] == k) for k in range(3)])
three_way = np.linalg.lstsq(np.array(C), a)[0][1]
```

The columns of `C` are the shares of each answer among the normal and the infiltrated tiles at home.
Three equations with counting errors have no exact solution; `lstsq` makes the squared errors small
and does not know that two shares sum to one, so they need not. (The check takes the share divided
by the sum, too.) More answers keep more of what the score knows, and less hangs on one cut.
""",
    wrong=[
        lambda scene: three_way(scene, joint=True)[0][1],
        lambda scene: 1.2 * three_way(scene)[0][1],
        lambda scene: three_way(scene)[1][2],
        lambda scene: three_way(scene)[1][1:].sum(),
        lambda scene: 0.01,
        lambda scene: three_way(scene)[0],
        lambda scene: "half",
    ],
)

# -------------------------------------------------------------------------------------- real tissue


def check_public(answer, scene):
    """Whether the rerun came out as one may expect."""
    ranking, low, high = as_array(answer, shape=(3,), means="AUC, lower end, upper end")
    auc, here_low, here_high = scene.given["here"]
    if not 0 <= low <= high <= 1:
        return "the last two are the ends of EM's interval, the lower one first"
    if not 0 <= ranking <= 1:
        return "the first is an AUC; it lies between 0 and 1"
    better, surer = ranking > auc, high - low < here_high - here_low
    if better and surer:
        return Verdict("right", "as expected: a better ranking, a surer prevalence")
    if surer:
        return "not as expected: the ranking is no better, and yet the interval is shorter; why?"
    if better:
        return "not as expected: the interval is no shorter. How many tumours were at home?"
    return "not as expected: neither is better. Was it `pathmnist` that you ran?"


PUBLIC = Code(
    name="three-shifts-public",
    asks="three numbers of your rerun",
    check=check_public,
    example=lambda scene: (0.97, 0.42, 0.6),
    scene=lambda: Scene({"here": (0.86, 0.4, 0.8)}),
    needs=("here",),
    hints=[
        "Our tiles were made to be hard. Is real tumour harder to tell from mucosa?",
        "The better the classifier, the closer EM is to counting. What remains are the clinic's few"
        " tiles.",
    ],
    solution=r"""
Real mucosa and tumour epithelium should be easier to tell apart than our tiles, which were made to
be hard. The better the classifier, the closer BBSE's matrix is to the identity and the closer EM is
to counting: expect a shorter interval. It does not vanish, for the clinic's tiles are still few.
""",
    wrong=[
        lambda scene: (0.97, 0.2, 0.9),
        lambda scene: (0.8, 0.42, 0.6),
        lambda scene: (0.8, 0.2, 0.9),
        lambda scene: (0.97, 0.6, 0.42),
        lambda scene: (97, 0.42, 0.6),
        lambda scene: (0.97, (0.42, 0.6)),
        lambda scene: 0.97,
    ],
)

EXERCISES = [BAYES, GREY, THRESHOLD, BBSE, PUBLIC]
