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
# Each tries six settings, at each of three lengths of training anew. Setting and step are taken by
# the greatest AUC of validation patients of the two hospitals, by three rules: *standardised* fits
# a hospital that acts on the response, *balanced* a response that decides the hospital, *usual*
# asks about no hospital. The first of these that fits the world's arrow is the trial's own; all are
# kept. No hospital without the link, or with another, has a say; these are scored once. This
# notebook is no page of the book: `medbook sweep` runs it over worlds and seeds. The seed draws
# patients, first weights and batches, and is the unit. Real anatomy of one averaged brain; all else
# is simulated.
#
# **Prerequisites.** *Biology or scanner?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
setting: str = "confounded"  # "confounded", "none", "biology", "referral", "misrecorded"
n_train: int = 800  # patients to learn from, 200 ≤ x ≤ 100000
n_validation: int = 600  # patients to choose by, 200 ≤ x ≤ 100000
n_probe: int = 1000  # patients for the probe, one half to teach it, 80 ≤ x ≤ 100000
n_test: int = 1000  # patients to judge by, 200 ≤ x ≤ 100000
link: float = 2.5  # log-odds between hospital and response while learning, 0 ≤ x ≤ 3
shift: float = 0.6  # of biology at either hospital, SD, where it differs, 0 ≤ x ≤ 3
wrong: float = 0.1  # share of hospitals that are recorded wrongly, where any is, 0 ≤ x ≤ 0.5
first_steps: int = 150  # steps of the shortest training, 1 ≤ x ≤ 100000
batch_size: int = 64  # patients a step, 8 ≤ x ≤ 10000
rates: list[float] = [0.003, 0.01, 0.03]  # highest learning rates, 0 < x ≤ 0.3
decays: list[float] = [0.01, 0.1]  # of weights, where no strength is to choose, 0 ≤ x ≤ 1
strengths: list[float] = [3.0, 10.0, 30.0, 100.0]  # of covariance; rates at the second, x > 0
reversals: list[float] = [0.3, 1.0, 3.0, 10.0]  # of adversary, correlation; the same, x > 0

# %%
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from data_fetch.tasks.radiogenomic_cohort import ARROWS, World, radiogenomic_cohort
from medlib import experiment
from medlib.measures.rank_auc import rank_auc
from medlib.translation.radiogenomics.combat import fit_combat
from medlib.translation.radiogenomics.handmade_features import handmade_features
from medlib.translation.radiogenomics.mixed_model import fit_mixed_model
from medlib.translation.radiogenomics.site_probe import probe_site
from medlib.translation.radiogenomics.site_standardisation import fit_site_scaling
from medlib.translation.radiogenomics.ways_to_learn import (
    RULES,
    Patients,
    Setting,
    learn,
    read,
    worth,
)

run = experiment.start("translation/radiogenomics/_ways_to_learn", locals())
run.require(
    min(len(strengths), len(reversals)) >= 2, "strengths", "reversals",
    right="two strengths at least: rates are tried at the second",
)

# %%
WAYS = {
    "confounded": ("plain", "augmented", "reweighted", "offset", "intercept", "adversary",
                   "covariance", "correlation"),
    "none": ("plain", "covariance"),
    "biology": ("intercept", "covariance"),
    "referral": ("plain", "reweighted", "intercept", "covariance", "within"),
    "misrecorded": ("intercept", "adversary", "covariance"),
}[setting]
TIMES = (1, 2, 4)
RULE = "balanced" if setting == "referral" else "standardised"  # what fits the arrow

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
share = wrong if setting == "misrecorded" else 0.0
slip = run.rng("errors of the record").random(len(cohort)) < share


def patients(name):
    """Images of the scanner where they were taken, recorded hospitals and responses."""
    site, response = (one[rows[name]] for one in cohort.linked(learned_at, arrow=arrow))
    images = cohort.sample.array[rows[name], site]
    recorded = np.where(slip[rows[name]], 1 - site, site)
    return Patients(images=torch.from_numpy(images)[:, None].to(run.device),
                    site=torch.from_numpy(recorded), response=torch.from_numpy(response))


drawn = {name: patients(name) for name in ("train", "validation")}
told = {name: (part.site.numpy(), part.response.numpy()) for name, part in drawn.items()}

# %% [markdown]
# ## Six settings a way, at each length

# %%
starts = {times: int(run.rng(f"start, {times} times").integers(2**62)) for times in TIMES}


def best(found, rule=RULE):
    """The setting with the greatest AUC on validation patients, by a rule."""
    return max(found, key=lambda one: found[one].best(rule).worth[rule])


def fit(way, tried, times):
    """One training; first weights and batches are those of all others of this length."""
    return learn(way, drawn["train"], setting=tried, validation=drawn["validation"],
                 steps=times * first_steps, batch_size=batch_size,
                 generator=torch.Generator().manual_seed(starts[times]))


# %%
STRONG = {"adversary": reversals, "correlation": reversals,
          "covariance": strengths, "within": strengths}


def try_strengths(way, times):
    """Rates at one strength, and then the other strengths at the best rate."""
    first, others = STRONG[way][1], [one for one in STRONG[way] if one != STRONG[way][1]]
    found = {one: fit(way, one, times)
             for one in (Setting(rate=rate, strength=first) for rate in rates)}
    at = best(found).rate
    more = [Setting(rate=at, strength=one) for one in others]
    along[way, times] = [Setting(rate=at, strength=one) for one in STRONG[way]]
    return found | {one: fit(way, one, times) for one in more}


# %%
along = {}  # settings of one rate and rising strength, of ways that have one


def try_all(way, times):
    """Every setting: rates and decays, or rates at one strength and then the other strengths."""
    if way in STRONG:
        return try_strengths(way, times)
    settings = [Setting(rate=rate, decay=decay) for rate in rates for decay in decays]
    return {one: fit(way, one, times) for one in settings}


tried = {(way, times): try_all(way, times) for way in WAYS for times in TIMES}

# %% [markdown]
# ## Scores: each test patient on either scanner

# %%
site_by_coin = cohort.site[rows["test"]]
on_scanner = [torch.from_numpy(cohort.sample.array[rows["test"], k])[:, None].to(run.device)
              for k in (0, 1)]


def keep_auc(name, value, n=n_test):
    run.result(name, value, unit="AUC", n=n, atol=0.03)


def on_both(network):
    """Logits (patients, 2): what would be said of the same patient at either hospital."""
    return np.stack([read(network, images)[0] for images in on_scanner], axis=1)


# %%
def auc_at(scores, at):
    """AUC of test patients at a link, each on the scanner of its hospital."""
    site, response = (one[rows["test"]] for one in cohort.linked(at, arrow=arrow))
    return rank_auc(scores[np.arange(n_test), site], response).value


def judge(name, scores):
    """AUC at three links; of the hospital; and how far a change of scanner moves a patient."""
    for where, at in LINKS.items():
        keep_auc(f"auc_{where}_{name}", auc_at(scores, at))
    keep_auc(f"site_{name}", rank_auc(scores[np.arange(n_test), site_by_coin], site_by_coin).value)
    moved = (scores[:, 1] - scores[:, 0]) / max(scores.std(axis=0).mean(), 1e-9)
    run.result(f"moved_{name}", moved.mean(), unit="SD", n=n_test, atol=0.3)
    run.result(f"moved_each_{name}", np.abs(moved).mean(), unit="SD", n=n_test, atol=0.3)


# %%
for (way, times), found in tried.items():
    for rule in RULES:
        chosen = found[best(found, rule)]
        look = chosen.best(rule)
        judge(f"{way}_{times}_{rule}", on_both(chosen.network(look)))
        keep_auc(f"worth_{rule}_{way}_{times}", look.worth[rule], n_validation)
    chosen = found[best(found)]
    judge(f"{way}_{times}_last", on_both(chosen.network()))
    run.result(f"step_{way}_{times}", chosen.best(RULE).step, unit="steps",
               atol=times * first_steps)

# %% [markdown]
# What was chosen, whether it lies at an end of what was tried, and what each strength does.

# %%
for (way, times), found in tried.items():
    one = best(found)
    run.result(f"log_rate_{way}_{times}", np.log10(one.rate), atol=1.0)
    ends_of = [one.rate in (min(rates), max(rates))]
    if way in STRONG:
        at = STRONG[way].index(one.strength)
        run.result(f"strength_{way}_{times}", at, unit="place in the list", atol=3)
        ends_of.append(at in (0, len(STRONG[way]) - 1))
    run.result(f"at_end_{way}_{times}", float(any(ends_of)), atol=1.0)

# %%
for (way, times), settings in along.items():
    for k, one in enumerate(settings):
        fitted = tried[way, times][one]
        keep_auc(f"auc_neutral_{way}_{times}_at_{k}",
                 auc_at(on_both(fitted.network(fitted.best(RULE))), 0.0))
        if way == "adversary":
            run.result(f"reader_loss_{times}_at_{k}", fitted.reader_loss, unit="nats", atol=0.1)

# %% [markdown]
# ## After the training, and without: features, and what can be done to them
#
# Features of the plain network, and eleven numbers made by hand.

# %%
PULLS = np.geomspace(1e-2, 1e3, 6)  # six settings: how strongly effects are pulled to zero


def fits_after(how, features):
    """Six fits on features; each is a function of new features and their hospital."""
    site, response = told["train"]
    if how == "mixed":
        fits = [fit_mixed_model(features, response, site, ridge=pull) for pull in PULLS]
        return [lambda f, s, one=one: one.score(f) for one in fits]
    fitted = {"scaled": fit_site_scaling, "combat": fit_combat}.get(how, lambda *_: as_they_are)
    scale = fitted(features, site)
    fits = [LogisticRegression(C=1 / pull, max_iter=2000).fit(scale(features, site), response)
            for pull in PULLS]
    return [lambda f, s, one=one: one.decision_function(scale(f, s)) for one in fits]


# %%
def as_they_are(features, site):
    return features


def varying(features):
    """Columns that vary within each recorded hospital: a saturated one has no spread."""
    site = told["train"][0]
    return np.min([features[site == k].std(axis=0) for k in (0, 1)], axis=0) > 1e-6


def scaled(features_of):
    """Features of images, scaled by the training patients; only columns that vary."""
    raw = features_of(drawn["train"].images)
    used = varying(raw)
    middle, spread = raw[:, used].mean(axis=0), raw[:, used].std(axis=0)
    return lambda images: (features_of(images)[:, used] - middle) / spread


# %%
def after(name, how, features_of):
    """Fit what is done afterwards, choose by the rule, judge on both scanners."""
    of = scaled(features_of)
    train, held = (of(drawn[part].images) for part in ("train", "validation"))
    if train.shape[1] < 2:  # nothing left to fit: a coin
        return judge(name, np.zeros((n_test, 2)))
    fits, at = fits_after(how, train), told["validation"]
    one = fits[int(np.argmax([worth(fit(held, at[0]), *at)[RULE] for fit in fits]))]
    judge(name, np.stack([one(of(images), np.full(n_test, k))
                          for k, images in enumerate(on_scanner)], axis=1))


# %%
for how in ("as_it_is", "combat", "mixed"):
    after(f"handmade_{how}", how, lambda images: handmade_features(images[:, 0].cpu().numpy()))
if setting == "confounded":
    for times in TIMES:
        found = tried["plain", times]
        network = found[best(found)].network(found[best(found)].best(RULE))
        for how in ("scaled", "combat", "mixed"):
            after(f"{how}_{times}", how, lambda images, net=network: read(net, images)[1])

# %% [markdown]
# ## A fresh reader of the hospital
#
# Of networks at the last step of the longest training, where the adversary's own reader was
# asked, too. From the features of new patients whose hospital is a coin's; and the same with
# hospitals dealt anew, for what a reader finds where there is nothing.

# %%
by_coin = cohort.site[rows["probe"]]
images = torch.from_numpy(cohort.sample.array[rows["probe"], by_coin])[:, None].to(run.device)


def probe(name, network, site=by_coin):
    found = probe_site(read(network, images)[1], site, rng=run.rng(f"probe, {name}"))
    run.result(f"probe_{name}", found.auc, atol=0.05)


# %%
if setting == "confounded":
    for way in WAYS:
        found = tried[way, TIMES[-1]]
        probe(way, found[best(found)].network())
    for k, one in enumerate(along["adversary", TIMES[-1]]):
        probe(f"adversary_at_{k}", tried["adversary", TIMES[-1]][one].network())
    plain = tried["plain", TIMES[-1]]
    dealt = run.rng("dealt anew").permutation(by_coin)
    probe("nothing", plain[best(plain)].network(), dealt)

# %% [markdown]
# ## The ceilings
#
# Biology itself; and biology with what the hospital adds while learning, the best reader at home.

# %%
z = np.repeat(cohort.biology[rows["test"]][:, None], 2, axis=1)
judge("biology", z)
judge("both", world.by_biology * z + learned_at * np.array([-1.0, 1.0]))

# %%
run.finish()
