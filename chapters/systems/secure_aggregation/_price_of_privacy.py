# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # What noise on the sum costs
#
# **Objectives.** One point of a recorded trial: one $\varepsilon$, one draw. Real patients, women
# whose breast mass was aspirated, are dealt to hospitals. A small network with a fixed first layer
# learns malignant from benign, in rounds in which everybody takes part; the server gets to see only
# the sum of clipped gradients with noise. Clipped and hidden is what one patient adds, or what one
# hospital adds: the mean gradient of its patients. That a hospital takes part, and how many
# patients there are, is public. Clipping length, rate and the number of rounds are chosen on
# validation patients, for every $\varepsilon$ from the same grid; more rounds need more noise in
# each. Under much noise one training turns out well and the next one upside down. So the choice is
# by the mean of many trainings, and takes the fewest rounds that are within one standard error of
# the best; and of the test all draws are looked at, not their mean alone.
# $\varepsilon = 0$ stands for no noise, and one training. Neither the choice nor the
# standardisation by the patients who are learned from is paid for out of $\varepsilon$. This
# notebook is no page of the book: `medbook sweep` runs it over $\varepsilon$ and seeds. The seed
# draws who is in which part and hospital, the first layer and the noise.
#
# **Prerequisites.** *Can a server add up what it cannot read?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"; all of it is NumPy's
epsilon: float = 1.0  # spent by all rounds together; 0 stands for no noise, 0 ≤ x ≤ 1000
delta: float = 0.0001  # of the promise, 0.000001 ≤ x ≤ 0.01
n_hospitals: int = 10  # that take part, 2 ≤ x ≤ 50
n_train: int = 280  # patients to learn from, 50 ≤ x ≤ 300
n_validation: int = 120  # patients to choose by, 40 ≤ x ≤ 160
width: int = 100  # units of the fixed layer, 1 ≤ x ≤ 1000
rounds: list[int] = [1, 3, 10, 30, 100]  # to choose from, increasing, 1 ≤ x ≤ 10000
clips: list[float] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]  # lengths to choose from, increasing, x > 0
rates: list[float] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]  # of steps, x > 0
n_noises: int = 200  # draws of the noise that a setting is judged by, 1 ≤ x ≤ 10000
n_test_noises: int = 1000  # draws of the noise of the test, 1 ≤ x ≤ 100000

# %%
import numpy as np

from data_fetch.packaged import breast_cancer
from medlib import experiment
from medlib.systems.aggregation.many_trainings import auc_of_rows, train_many
from medlib.systems.aggregation.private_training import noise_for_rounds

run = experiment.start("systems/secure_aggregation/_price_of_privacy", locals())

# %% [markdown]
# ## Patients

# %%
table = breast_cancer()
run.uses(table.sample)
order = run.rng("parts").permutation(len(table))
train, validation, test = np.split(order, [n_train, n_train + n_validation])
middle, spread = (f(table.sample.array[train], axis=0) for f in (np.mean, np.std))
x = np.c_[(table.sample.array - middle) / spread, np.ones(len(table))]
layer = run.rng("fixed layer").normal(size=(x.shape[1], width)) / np.sqrt(x.shape[1])
features = np.c_[np.tanh(x @ layer), np.ones(len(x))]
malignant = 1 - table.labels
hospitals = {"patient": None, "hospital": np.arange(n_train) % n_hospitals}

# %% [markdown]
# ## Trainings
#
# A rate counts in clipping lengths, so that one grid fits all of them. Settings stand from the
# middle of the grid outwards: of settings that do equally well the one nearest the middle is taken,
# and a choice on the edge means that the edge was better. One exception: many rounds at a vanishing
# rate are one round, for the weights hardly move between them. So a choice of the least rate counts
# as an edge only where a single round does worse, by more than one standard error. (One round from
# weights of zero orders the patients in the same way at every rate.)

# %%
def outwards(n):
    """How far each of n places lies from the middle."""
    return np.abs(np.arange(n) - (n - 1) / 2)


places = [(i, j) for i in range(len(clips)) for j in range(len(rates))]
places.sort(key=lambda at: outwards(len(clips))[at[0]] + outwards(len(rates))[at[1]])
CLIPS, RATES = (np.array([grid[at[k]] for at in places])
                for k, grid in enumerate((clips, rates)))

# %%
def aucs(unit, n_rounds, part, rng, draws, some=slice(None)):
    """Of some settings, in each draw of the noise."""
    noise = noise_for_rounds(epsilon, delta, rounds=n_rounds) if epsilon else 0.0
    weights = train_many(
        features[train], malignant[train], rounds=n_rounds, clips=CLIPS[some],
        rates=(RATES / CLIPS)[some], noise_multiplier=noise, draws=draws if epsilon else 1,
        rng=rng, hospitals=hospitals[unit])
    return auc_of_rows(weights @ features[part].T, malignant[part])


# %%
def chosen(unit):
    """Where in the grid of rounds, which setting, and its mean on validation patients."""
    every = np.array([aucs(unit, n, validation, run.rng(f"noise, {unit}, {n} rounds"), n_noises)
                      for n in rounds])  # rounds, settings, draws
    tried = every.mean(axis=2)
    draws_of_best = every.reshape(-1, every.shape[2])[tried.argmax()]
    error = draws_of_best.std() / np.sqrt(len(draws_of_best))
    fewest, setting = np.argwhere(tried >= tried.max() - error - 1e-6)[0]
    return int(fewest), int(setting), float(tried[fewest, setting])


# %%
choices = {unit: chosen(unit) for unit in hospitals}
for unit, (at, setting, mean) in choices.items():
    below = RATES[setting] == rates[0] and at > 0  # with at = 0 a single round does as well
    run.result(f"validation_{unit}", mean, unit="AUC", n=len(validation), atol=1e-3)
    run.result(f"rounds_{unit}", rounds[at], unit="rounds", atol=1e-9)
    run.result(f"clip_{unit}", CLIPS[setting], atol=1e-9)
    run.result(f"rate_{unit}", RATES[setting], unit="clipping lengths", atol=1e-9)
    run.result(f"edge_clip_{unit}", float(CLIPS[setting] in (clips[0], clips[-1])))
    run.result(f"edge_rate_{unit}", float(below or RATES[setting] == rates[-1]))
    run.result(f"edge_rounds_{unit}", float(at == len(rounds) - 1 and at > 0))

# %%
for unit, (at, setting, _) in choices.items():
    each = aucs(unit, rounds[at], test, run.rng(f"noise of the test, {unit}"), n_test_noises,
                slice(setting, setting + 1))[0]
    run.result(f"auc_{unit}", each.mean(), unit="AUC", n=len(test), atol=1e-3)
    run.result(f"median_{unit}", np.median(each), unit="AUC", n=len(test), atol=1e-3)
    run.result(f"low_{unit}", np.quantile(each, 0.05), unit="AUC", n=len(test), atol=1e-3)
    run.result(f"worse_than_chance_{unit}", (each < 0.5).mean(), n=len(each), atol=2e-3)

# %%
run.finish()
