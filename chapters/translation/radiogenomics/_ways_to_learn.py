# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Ways to keep a network from reading the hospital
#
# **Objectives.** One point of a recorded trial: one world, one draw. The same small network learns
# in several ways whether patients respond, at two hospitals whose scanners differ and whose
# responders are not equally many. Ways begin from the same first weights and see the same batches.
# Each tries six settings, at each of three lengths of training anew, and takes the one with the
# greatest *balanced* AUC on validation patients of the two hospitals: as if hospital and response
# did not hang together. The same choice by the plain AUC is kept beside it. Nothing is chosen at
# the hospital where the link is turned round, which is scored once. This notebook is no page of the
# book: `medbook sweep` runs it over worlds and seeds. The seed draws patients, first weights and
# batches, and is the unit. Real anatomy of one averaged brain; all else is simulated.
#
# **Prerequisites.** *Biology or scanner?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
setting: str = "confounded"  # world: "confounded", "none", "biology", "referral"
n_train: int = 800  # patients to learn from, 200 ≤ x ≤ 100000
n_validation: int = 400  # patients to choose by, 200 ≤ x ≤ 100000
n_probe: int = 1000  # patients for the probe, one half to teach it, 80 ≤ x ≤ 100000
n_test: int = 1000  # patients to judge by, 200 ≤ x ≤ 100000
link: float = 2.5  # log-odds between hospital and response while learning, 0 ≤ x ≤ 3
shift: float = 0.6  # of biology at either hospital, SD, where it differs, 0 ≤ x ≤ 3
first_steps: int = 150  # steps of the shortest training, 1 ≤ x ≤ 100000
batch_size: int = 64  # patients a step, 8 ≤ x ≤ 10000
rates: list[float] = [0.003, 0.01, 0.03]  # highest learning rates, 0 < x ≤ 0.3
decays: list[float] = [0.01, 0.1]  # of weights, where no strength is to choose, 0 ≤ x ≤ 1
strengths: list[float] = [1.0, 10.0, 30.0, 100.0]  # of penalties; rates at the second, x > 0
reversals: list[float] = [0.3, 1.0, 3.0, 10.0]  # of the adversary; rates at the second, x > 0

# %%
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from data_fetch.tasks.radiogenomic_cohort import ARROWS, World, radiogenomic_cohort
from medlib import experiment
from medlib.measures.rank_auc import rank_auc
from medlib.translation.radiogenomics.balanced_auc import balanced_auc
from medlib.translation.radiogenomics.combat import fit_combat
from medlib.translation.radiogenomics.mixed_model import fit_mixed_model
from medlib.translation.radiogenomics.site_probe import probe_site
from medlib.translation.radiogenomics.site_standardisation import fit_site_scaling
from medlib.translation.radiogenomics.ways_to_learn import Patients, Setting, learn, read

run = experiment.start("translation/radiogenomics/_ways_to_learn", locals())
run.require(
    min(len(strengths), len(reversals)) >= 2, "strengths", "reversals",
    right="two strengths at least: rates are tried at the second",
)
WAYS = {
    "confounded": ("plain", "augmented", "reweighted", "offset", "intercept", "adversary",
                   "covariance", "kernel"),
    "none": ("plain", "intercept", "adversary", "covariance"),
    "biology": ("plain", "intercept", "adversary", "covariance"),
    "referral": ("plain", "offset", "intercept", "adversary", "covariance", "within"),
}[setting]
AFTER = ("standardised", "combat", "mixed")  # on the features of the plain network
TIMES = (1, 2, 4)

# %% [markdown]
# ## Patients

# %%
arrow = ARROWS[1] if setting == "referral" else ARROWS[0]
learned_at = 0.0 if setting == "none" else link
LINKS = {"home": learned_at, "neutral": 0.0, "reversed": -learned_at}
world = World(shift=shift if setting == "biology" else 0.0)
sizes = {"train": n_train, "validation": n_validation, "probe": n_probe, "test": n_test}
ends = np.cumsum(list(sizes.values()))
cohort = radiogenomic_cohort(int(ends[-1]), rng=run.rng("patients"), world=world)
run.uses(cohort.sample)
rows = {name: np.arange(end - sizes[name], end) for name, end in zip(sizes, ends, strict=True)}

# %%
def patients(name, at):
    """Images on the scanner of the hospital, hospitals and responses, at this link."""
    site, response = (one[rows[name]] for one in cohort.linked(at, arrow=arrow))
    images = cohort.sample.array[rows[name], site]
    return Patients(images=torch.from_numpy(images)[:, None].to(run.device),
                    site=torch.from_numpy(site), response=torch.from_numpy(response))


def numbers(part):
    return part.site.numpy(), part.response.numpy()


drawn = {name: patients(name, learned_at) for name in ("train", "validation")}

# %% [markdown]
# ## Six settings a way, at each length

# %%
starts = {times: int(run.rng(f"start, {times} times").integers(2**62)) for times in TIMES}


def best(found, by="validation"):
    """The setting with the greatest AUC on validation patients, balanced or as usual."""
    return max(found, key=lambda one: getattr(found[one], by))


def fit(way, tried, times):
    """One training; first weights and batches are those of all others of this length."""
    return learn(way, drawn["train"], setting=tried, validation=drawn["validation"],
                 steps=times * first_steps, batch_size=batch_size,
                 generator=torch.Generator().manual_seed(starts[times]))


# %%
def try_strengths(way, times):
    """Rates at one strength, and then the other strengths at the best rate."""
    strong = reversals if way == "adversary" else strengths
    found = {one: fit(way, one, times)
             for one in (Setting(rate=rate, strength=strong[1]) for rate in rates)}
    rate = best(found).rate
    others = [Setting(rate=rate, strength=one) for one in strong if one != strong[1]]
    return found | {one: fit(way, one, times) for one in others}


def try_all(way, times):
    """Every setting: rates and decays, or rates at one strength and then the other strengths."""
    if way in ("plain", "augmented", "reweighted", "offset", "intercept"):
        settings = [Setting(rate=rate, decay=decay) for rate in rates for decay in decays]
        return {one: fit(way, one, times) for one in settings}
    return try_strengths(way, times)


# %%
tried = {(way, times): try_all(way, times) for way in WAYS for times in TIMES}
taken = {key: best(found) for key, found in tried.items()}

# %% [markdown]
# ## Scores: each test patient on either scanner

# %%
@torch.no_grad()
def on_both(score, name="test"):
    """Scores (patients, 2): what would be said of the same patient at either hospital."""
    both = [torch.from_numpy(cohort.sample.array[rows[name], k])[:, None] for k in (0, 1)]
    return np.stack([score(images.to(run.device), k) for k, images in enumerate(both)], axis=1)


def keep_auc(name, value, n=n_test):
    run.result(name, value, unit="AUC", n=n, atol=0.03)


# %%
def judge(name, scores):
    """AUC at three links, of the hospital, and how far a change of scanner moves the score."""
    for where, at in LINKS.items():
        site, response = (one[rows["test"]] for one in cohort.linked(at, arrow=arrow))
        seen = scores[np.arange(len(site)), site]
        keep_auc(f"auc_{where}_{name}", rank_auc(seen, response).value)
        keep_auc(f"balanced_{where}_{name}", balanced_auc(seen, site, response))
    site = cohort.site[rows["test"]]  # by a coin
    seen = scores[np.arange(len(site)), site]
    keep_auc(f"site_{name}", rank_auc(seen, site).value)
    moved = (scores[:, 1] - scores[:, 0]).mean() / max(seen.std(), 1e-9)
    run.result(f"moved_{name}", moved, unit="SD", n=n_test, atol=0.2)

# %%
for (way, times), found in tried.items():
    chosen = found[taken[way, times]]
    for ending, network in (("", chosen.network), ("_last", chosen.at_last())):
        judge(f"{way}_{times}{ending}",
              on_both(lambda images, k, network=network: read(network, images)[0]))
    usual = found[best(found, "usual")].network
    judge(f"{way}_{times}_usual", on_both(lambda images, k, net=usual: read(net, images)[0]))
    keep_auc(f"validation_{way}_{times}", chosen.validation, n_validation)
    keep_auc(f"validated_as_usual_{way}_{times}", chosen.usual, n_validation)
    run.result(f"best_step_{way}_{times}", chosen.best_step, unit="steps", atol=times * first_steps)
    if way == "adversary":
        run.result(f"reader_loss_{times}", chosen.reader_loss, unit="nats", atol=0.1)

# %% [markdown]
# What was chosen, and whether it lies at an end of what was tried.

# %%
for (way, times), one in taken.items():
    run.result(f"log_rate_{way}_{times}", np.log10(one.rate), atol=1.0)
    ends_of = [one.rate in (min(rates), max(rates))]
    if one.strength:
        strong = reversals if way == "adversary" else strengths
        run.result(f"log_strength_{way}_{times}", np.log10(one.strength), atol=2.0)
        ends_of.append(one.strength in (min(strong), max(strong)))
    run.result(f"at_end_{way}_{times}", float(any(ends_of)), atol=1.0)

# %% [markdown]
# ## After the training: what can be done to the plain network's features

# %%
PULLS = np.geomspace(1e-3, 1e2, 6)  # six settings: how strongly effects are pulled to zero


def fitted_after(how, features, part):
    """Six fits on features; each is a function of new features and their hospital."""
    site, response = numbers(part)
    if how == "mixed":
        fits = [fit_mixed_model(features, response, site, ridge=pull) for pull in PULLS]
        return [lambda f, s, one=one: one.score(f) for one in fits]
    scale = {"standardised": fit_site_scaling, "combat": fit_combat}[how](features, site)
    fits = [LogisticRegression(C=1 / pull, max_iter=1000).fit(scale(features, site), response)
            for pull in PULLS]
    return [lambda f, s, one=one: one.decision_function(scale(f, s)) for one in fits]


# %%
for times in TIMES:
    network = tried["plain", times][taken["plain", times]].network
    features = {name: read(network, part.images)[1] for name, part in drawn.items()}
    for how in AFTER:
        fits = fitted_after(how, features["train"], drawn["train"])
        site, response = numbers(drawn["validation"])
        worth = [balanced_auc(one(features["validation"], site), site, response) for one in fits]
        one = fits[int(np.argmax(worth))]
        judge(f"{how}_{times}", on_both(
            lambda images, k, one=one, net=network:
            one(read(net, images)[1], np.full(len(images), k))))

# %% [markdown]
# ## A fresh reader of the hospital
#
# From the features of new patients whose hospital is a coin's; and the same with hospitals dealt
# anew, for what a reader finds where there is nothing.

# %%
longest = TIMES[-1]
by_coin = cohort.site[rows["probe"]]
images = torch.from_numpy(cohort.sample.array[rows["probe"], by_coin])[:, None].to(run.device)
for way in WAYS:
    network = tried[way, longest][taken[way, longest]].network
    found = probe_site(read(network, images)[1], by_coin, rng=run.rng(f"probe, {way}"))
    run.result(f"probe_{way}", found.auc, atol=0.05)
dealt = run.rng("dealt anew").permutation(by_coin)
plain = tried["plain", longest][taken["plain", longest]].network
nothing = probe_site(read(plain, images)[1], dealt, rng=run.rng("probe, nothing"))
run.result("probe_nothing", nothing.auc, atol=0.05)

# %% [markdown]
# ## Without training, and the ceiling
#
# One number: the share of dark pixels in the middle. And the truth: biology itself.

# %%
middle = cohort.sample.array[rows["test"]][:, :, 8:24, 8:24]
judge("dark", (middle < 0).mean(axis=(2, 3)))
judge("biology", np.repeat(cohort.biology[rows["test"]][:, None], 2, axis=1))

# %%
run.finish()
