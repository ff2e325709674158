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
# the sum of clipped gradients with noise. What is clipped, and hidden by the noise, is one patient,
# or one whole hospital. Rate and clipping length are chosen on validation patients, for every
# $\varepsilon$ by the same grid, and anew for each number of rounds: the book's, twice and four
# times as many. $\varepsilon = 0$ stands for no noise. The choice itself is not paid for. This
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
first_rounds: int = 20  # rounds of the shortest training, 1 ≤ x ≤ 10000
clips: list[float] = [0.03, 0.1, 0.3, 1.0, 3.0]  # lengths to choose from, x > 0
rates: list[float] = [0.1, 0.3, 1.0, 3.0, 10.0]  # of steps, in clipping lengths, x > 0
n_noises: int = 5  # draws of the noise that each judgement is a mean over, 1 ≤ x ≤ 100

# %%
import numpy as np
from sklearn.metrics import roc_auc_score

from data_fetch.packaged import breast_cancer
from medlib import experiment
from medlib.systems.aggregation.private_training import noise_for_rounds, train_privately

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

# %%
def weights_of(unit, setting, rounds, rng):
    """One training; the rate counts in clipping lengths, so that one grid fits all of them."""
    clip, rate = setting
    noise = noise_for_rounds(epsilon, delta, rounds=rounds) if epsilon else 0.0
    return train_privately(
        features[train], malignant[train], rounds=rounds, rate=rate / clip, clip=clip,
        noise_multiplier=noise, rng=rng, hospitals=hospitals[unit])


def mean_auc(unit, setting, rounds, part, rng):
    """Over draws of the noise."""
    found = [weights_of(unit, setting, rounds, one) for one in rng.spawn(n_noises)]
    return float(np.mean([roc_auc_score(malignant[part], features[part] @ w) for w in found]))


# %%
SETTINGS = [(clip, rate) for clip in clips for rate in rates]
for unit in hospitals:
    for times in (1, 2, 4):
        rounds, draws = times * first_rounds, run.rng(f"noise, {unit}, {times} times")
        tried = [mean_auc(unit, one, rounds, validation, draws) for one in SETTINGS]
        taken = SETTINGS[int(np.argmax(tried))]
        score = mean_auc(unit, taken, rounds, test, draws)
        run.result(f"auc_{unit}_{times}", score, unit="AUC", n=len(test), atol=1e-3)
        run.result(f"validation_{unit}_{times}", max(tried), unit="AUC", atol=1e-3)
        run.result(f"clip_{unit}_{times}", taken[0], atol=1e-9)
        run.result(f"rate_{unit}_{times}", taken[1], atol=1e-9)

# %%
run.finish()
