"""The checks of the exercises of pixels/low_dose_ct."""

import math

import numpy as np

from medlib.experiment.answers import as_array, attempt
from medlib.experiment.exercises import Code, Mistake, Number, Scene, Verdict

PHOTONS_LEFT = (5.0, 20.0, 100.0, 300.0, 1000.0, 10000.0)
N_DISCS = 4

# ------------------------------------------------------------------------- how much dose is enough

DOSE = Number(
    name="low-dose-ct-dose",
    asks="share of the dose",
    answer=(12 / 30) ** 2,
    tolerance=0.005,
    within=(0, 1),
    mistakes=[
        Mistake(12 / 30, "that is the ratio of the noises, and noise does not go as one over dose"),
        Mistake(1 - (12 / 30) ** 2, "that is the share that may be left out, not the one kept"),
        Mistake(1 - 12 / 30, "that is one less a ratio of noises; a dose goes with their squares"),
        Mistake(
            math.sqrt(12 / 30), "noise falls with the root of the dose; you took the root of noise"
        ),
    ],
    otherwise="write noise as a function of dose, and let it be 12 HU at full dose",
    hints=[
        "How does the *variance* of a line integral go with the number of photons?",
        "Noise is the root of the variance, so it goes as one over the root of the dose. By which"
        " factor may it grow?",
    ],
    solution=r"""
The variance goes as one over the dose, so the noise as one over its root: $\alpha = (12/30)^2 =
0.16$.
""",
    wrong=[6.25, 0.18, 0.14, 2.5, 16],
)

# ---------------------------------------------------------------------------- a ray through bone

P = 14 * 0.2 + 2 * 0.5
PHOTONS = 20000 * math.exp(-P)

BONE = Number(
    name="low-dose-ct-bone",
    asks="photons that arrive on average",
    unit="photons",
    answer=PHOTONS,
    tolerance=1,
    within=(0, 20000),
    mistakes=[
        Mistake(
            20000 * math.exp(-14 * 0.2), "that is the light behind the brain alone; bone is missing"
        ),
        Mistake(
            20000 * math.exp(-2 * 0.5), "that is the light behind the bone alone; brain is missing"
        ),
        Mistake(
            20000 * math.exp(-0.38), "the line integral is in pure numbers: centimetres times 1/cm"
        ),
        Mistake(
            20000 * math.exp(-16 * 0.35),
            "a plain mean forgets that there is far more brain than bone on the way",
        ),
        Mistake(
            20000 * math.exp(-10 * P),
            "millimetres times 1/cm: the line integral came out ten times too large",
        ),
        Mistake(P, "that is the line integral; how many photons does it leave?"),
        Mistake(20000 / P, "light does not fall as one over the line integral"),
    ],
    otherwise="add up attenuation times length along the ray; then Beer and Lambert give the light",
    hints=[
        "The line integral is a sum here: attenuation times length, for each of the two.",
        "With $p$ in hand, $N_0 e^{-p}$ photons arrive on average.",
    ],
    solution=r"""
$p = 14 \cdot 0.2 + 2 \cdot 0.5 = 3.8$, so $20000\,e^{-3.8} \approx 447$ photons arrive: enough for
the formula.
""",
    wrong=[20000, 19553],
)

NOISE = Number(
    name="low-dose-ct-bone-noise",
    asks="standard deviation of the line integral",
    answer=1 / math.sqrt(PHOTONS),
    tolerance=0.001,
    within=(0, 10),
    mistakes=[
        Mistake(1 / PHOTONS, "that is the variance; its root is asked for"),
        Mistake(
            math.sqrt(PHOTONS),
            "that is the standard deviation of the *count*, not of its logarithm",
        ),
        Mistake(1 / math.sqrt(20000), "that is the noise in air; here fewer photons arrive"),
        Mistake(math.sqrt(2 / PHOTONS), "there is one scan here, no difference of two"),
    ],
    otherwise="without electronic noise the variance is one over the mean count",
    hints=[
        "A small change $\\mathrm{d}N$ changes $\\hat p$ by $-\\mathrm{d}N/\\bar N$; squared, the"
        " sign is lost.",
        "The count's standard deviation is $\\sqrt{\\bar N}$. Divide it by $\\bar N$.",
    ],
    solution=r"""
The standard deviation is $\sqrt{e^p/N_0} = 1/\sqrt{447} \approx 0.047$. Some hundreds of photons
arrive, so the formula may be used.
""",
    wrong=[0.05, 0.4, 1.0],
)

# ------------------------------------------------------------------------ pairs that share photons


def kept_share(photons_left, alpha, sigma_e):
    """What the solution says."""
    return alpha / (1 + sigma_e**2 / photons_left)


SHARED_MISTAKES = [
    (
        lambda left, alpha, sigma_e: alpha + 0 * left,
        "for many photons it is right; the electronic noise of the input is forgotten",
    ),
    (
        lambda left, alpha, sigma_e: 1 - alpha + 0 * left,
        "that is what the prediction would take away, without electronic noise",
    ),
    (
        lambda left, alpha, sigma_e: np.sqrt(alpha) / (1 + sigma_e**2 / left),
        "the slope divides by the variance of the input, not by two standard deviations",
    ),
    (
        lambda left, alpha, sigma_e: alpha / (1 + alpha * sigma_e**2 / left),
        "`photons_left` arrive at the *low* dose; you count those of the full dose",
    ),
    (
        lambda left, alpha, sigma_e: 1 / (1 + sigma_e**2 / left),
        "the covariance is that of the kept photons *with the full count*: what share is shared?",
    ),
    (
        lambda left, alpha, sigma_e: alpha * (1 + sigma_e**2 / left),
        "the electronic noise stands on the wrong side: it makes the input vary more",
    ),
]


def check_shared(function, scene):
    """Compare with the slope Cov/Var, ray by ray."""
    import torch

    left = np.array(PHOTONS_LEFT)
    alpha, sigma_e = scene.known["dose_fraction"], scene.known["sigma_e"]
    answered = attempt(function, torch.from_numpy(left))
    if np.ndim(getattr(answered, "detach", lambda: answered)()) == 0:
        answered = float(answered) + 0 * left
    answered = as_array(answered, shape=(len(left),), means="one share for each ray")
    if np.abs(answered - kept_share(left, alpha, sigma_e)).max() < 0.002:
        return None
    for formula, words in SHARED_MISTAKES:
        if np.abs(answered - formula(left, alpha, sigma_e)).max() < 1e-6:
            return words
    off = np.abs(answered - kept_share(left, alpha, sigma_e)) >= 0.002
    return f"it is wrong where {', '.join(f'{n:g}' for n in left[off])} photons are left"


def shared_by(formula):
    """A student's function that follows `formula`."""
    return lambda scene: (
        lambda left: formula(left, scene.known["dose_fraction"], scene.known["sigma_e"])
    )


SHARED = Code(
    name="low-dose-ct-shared",
    asks="a function of `photons_left`",
    check=check_shared,
    example=shared_by(kept_share),
    scene=lambda: Scene(known={"dose_fraction": 0.1, "sigma_e": 5.0}),
    hints=[
        "Only the photons that were kept are in both scans. Each read-out adds noise that the other"
        " does not have.",
        r"The covariance of the two logarithms is $e^p/N_0$, as derived above. Write it, and the"
        r" variance of the input, with $M = \alpha N_0 e^{-p}$ photons left.",
    ],
    solution=r"""
The slope is $\operatorname{Cov}(\hat p_\alpha, \hat p_1)/\operatorname{Var}\hat p_\alpha$. The
covariance is $e^p/N_0$: electronic noise of two read-outs shares nothing. With $M = \alpha N_0
e^{-p}$ photons left, $e^p/N_0 = \alpha/M$ and $\operatorname{Var}\hat p_\alpha = (1 +
\sigma_e^2/M)/M$. So the slope is $\alpha/(1 + \sigma_e^2/M)$:

```python
def kept_share(photons_left):
    return dose_fraction / (1 + sigma_e**2 / photons_left)
```

The network learns to keep a share $\alpha$ of the photons' noise, because that part of it *is* in
the target. With independent scans the covariance is zero.
""",
    wrong=[
        *(shared_by(formula) for formula, _ in SHARED_MISTAKES),
        lambda scene: 0.1,
        lambda scene: lambda left: [0.1, 0.1],
        lambda scene: lambda left: left / 0,
    ],
)

# ------------------------------------------------------------------------------ training on lesions


def check_lesions(function, scene):
    """Four whole discs in each head, in tissue, at places that chance chose; then train again."""
    heads, contrast = np.asarray(scene.given["heads"]), scene.known["lesion_hu"]
    before = heads.copy()
    sick = attempt(function, heads, np.random.default_rng(1))
    if not np.array_equal(heads, before):
        return "it changes the heads that it was given; work on a copy"
    sick = as_array(sick, shape=heads.shape, means="heads, rows, columns")
    if words := fault_of(sick - heads, heads, contrast, scene.known):
        return words
    other = attempt(function, heads, np.random.default_rng(2))
    if np.array_equal(as_array(other, shape=heads.shape), sick):
        return "the places do not depend on `rng`: draw them from it"
    return Verdict("right", str(scene.given["retrain"](sick.astype(heads.dtype))))


def fault_of(added, heads, contrast, known):
    """What is wrong with the discs in the heads; empty where nothing is."""
    disc_px = np.pi * (known["lesion_mm"] / 2 / known["pixel_mm"]) ** 2
    if not added.any():
        return "the heads come back as they were; put the discs in"
    touched = np.abs(added) > 0.25 * contrast
    if touched.sum(axis=(1, 2)).max() > 2.5 * N_DISCS * disc_px:
        return "more than discs has changed: whole regions are brighter"
    if (added < -0.25 * contrast).any():
        return "some places became darker; the lesion is brighter than its surroundings"
    if added.max(axis=(1, 2)).min() < 0.9 * contrast:
        return "in some head no disc reaches the lesion's contrast"
    if np.median(touched.sum(axis=(1, 2))) < 0.4 * N_DISCS * disc_px:
        return "too few pixels have changed: are the discs whole, and at different places?"
    per_head = added.sum(axis=(1, 2)) / (contrast * one_disc(known).sum())
    if np.abs(per_head - N_DISCS).max() > 0.4:
        few, many = per_head.min(), per_head.max()
        return f"a head holds as much as {few:.1f} to {many:.1f} discs; four are asked for"
    one = one_disc(known)
    bright = np.median(added[added > 0.5 * contrast]) / np.median(one[one > 0.5]) / contrast
    if abs(bright - 1) > 0.12:
        return f"the discs have {bright:.2f} times the lesion's contrast; it should be the same"
    if np.median(heads[touched]) < 0 or (heads[touched] > 100).mean() > 0.1:
        return "discs lie outside soft tissue; `lesion_site` finds places in it"
    if len(heads) > 1 and all(np.array_equal(touched[0], other) for other in touched[1:]):
        return "all heads have their discs at the same places; find new ones for each"
    return ""


def one_disc(known):
    """A disc of unit contrast, around the middle of a pixel."""
    from data_fetch.simulated.lesion import lesion_profile

    reach = 2 + round(known["lesion_mm"] / known["pixel_mm"])
    shape, disc = (2 * reach + 1,) * 2, {"centre": (reach, reach), "pixel_mm": known["pixel_mm"]}
    return lesion_profile(shape, diameter_mm=known["lesion_mm"], **disc)


def put_discs(scene, *, n=N_DISCS, same_place=False, contrast=1.0, size=1.0):
    """A student's function that puts `n` discs into each head."""
    from data_fetch.simulated.lesion import insert_lesion, lesion_site

    known = scene.known
    pixel_mm, lesion_mm = known["pixel_mm"], known["lesion_mm"]
    disc = {"diameter_mm": lesion_mm * size, "pixel_mm": pixel_mm}
    disc["contrast_hu"] = contrast * known["lesion_hu"]

    def with_lesions(heads_hu, rng):
        heads_hu = heads_hu.copy()
        for head in heads_hu:
            for turn in range(n):
                if turn == 0 or not same_place:
                    wide = {"diameter_mm": lesion_mm + 8, "pixel_mm": pixel_mm}
                    place = lesion_site(head, rng=rng, **wide)
                head[:] = insert_lesion(head, centre=place, **disc)
        return heads_hu

    return with_lesions


def lesion_scene():
    """Three flat heads of tissue in air, and a training that takes no time."""
    heads = np.full((3, 96, 96), -1000.0, dtype=np.float32)
    heads[:, 10:86, 10:86] = 30.0
    given = {"heads": heads, "retrain": lambda sick: "contrast left: 100 %"}
    return Scene(given, {"lesion_hu": 20.0, "lesion_mm": 10.0, "pixel_mm": 2.0})


def always_the_same(scene):
    """A student's function that makes its own generator."""
    discs = put_discs(scene)
    return lambda heads_hu, rng: discs(heads_hu, np.random.default_rng(0))


def one_bright_pixel(heads_hu, rng):
    """A wrong answer that an earlier check took: the contrast is there, a disc is not."""
    heads_hu = heads_hu.copy()
    heads_hu[:, 40, 40] += 20
    return heads_hu


LESIONS = Code(
    name="low-dose-ct-train-on-lesions",
    asks="a function of heads and a generator",
    check=check_lesions,
    example=put_discs,
    scene=lesion_scene,
    needs=("heads", "retrain"),
    hints=[
        "`lesion_site(head, ...)` returns a place; give it some millimetres more than the disc, so"
        " that the whole disc lies in tissue.",
        "`insert_lesion(head, contrast_hu=lesion_hu, centre=place, **disc)` returns a new head; put"
        " it into `head[:]`, four times in a loop.",
    ],
    solution=r"""
In place of `head[:] = head`:

```python
for _ in range(4):
    place = lesion_site(head, diameter_mm=lesion_mm + 8, pixel_mm=pixel_mm, rng=rng)
    head[:] = insert_lesion(head, contrast_hu=lesion_hu, centre=place, **disc)
```

Expect little contrast back: lesions became less surprising, but at this dose a spot of the lesion's
size and contrast is often produced by noise alone, and then the best guess in squared error still
lies in between. The AUC is another matter, for it asks whether what is left stands out of the noise
that is left. What it does you must see from several seeds; one lucky seed proves nothing.
""",
    wrong=[
        lambda scene: lambda heads_hu, rng: heads_hu,
        lambda scene: put_discs(scene, n=1),
        lambda scene: put_discs(scene, n=1, contrast=4.0),
        lambda scene: put_discs(scene, n=3),
        lambda scene: put_discs(scene, n=6),
        lambda scene: put_discs(scene, same_place=True),
        lambda scene: put_discs(scene, contrast=0.5),
        lambda scene: put_discs(scene, contrast=-1.0),
        lambda scene: put_discs(scene, size=0.4),
        lambda scene: put_discs(scene, n=2, contrast=2.0),
        lambda scene: put_discs(scene, n=4, contrast=1.5, size=0.82),
        lambda scene: put_discs(scene, n=3, contrast=1.33),
        lambda scene: lambda heads_hu, rng: heads_hu + 20,
        lambda scene: one_bright_pixel,
        always_the_same,
        lambda scene: lambda heads_hu, rng: heads_hu[0],
        lambda scene: lambda heads_hu: heads_hu,
    ],
)

EXERCISES = [DOSE, BONE, NOISE, SHARED, LESIONS]
