# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Which pathways, over draws
#
# **Objectives.** One point of a recorded trial: one way in which effects lie in pathways, one draw
# of effects and patients. Group lasso, lasso and one group of all genes (ridge, by the length in
# place of its square: the same path of effects), each with its penalty by cross-validation, the
# least loss and one standard error from it; the same lasso on means of pathways; and tests of
# pathways at a level of false discoveries. All are made twice: with the hospital as a column that
# is not penalised, and without. The last pathway does not matter, but its genes differ between the
# hospitals' populations. This notebook is no page of the book: `medbook sweep` runs it over spreads
# and seeds. The seed draws effects and patients, and is the unit. All is simulated.
#
# **Prerequisites.** *Biology or scanner?*

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
spread: str = "dense"  # of effects in pathways: "dense", "same sign", "scattered"
n_train: int = 400  # patients to learn from, 100 ≤ x ≤ 100000
n_test: int = 1000  # patients to judge by, 60 ≤ x ≤ 100000
link: float = 1.5  # log-odds between hospital and response while learning, -4 ≤ x ≤ 4
by_genome: float = 2.5  # log-odds of a response per SD of the genes' score, 0 ≤ x ≤ 10
by_biology: float = 0.8  # log-odds per SD of biology, which is not known here, 0 ≤ x ≤ 10
stratified: float = 1.0  # SD by which the last pathway's genes differ by hospital, 0 ≤ x ≤ 3
level: float = 0.1  # expected share of false pathways among the found, 0.01 ≤ x ≤ 0.5

# %%
from copy import deepcopy

import numpy as np

from data_fetch.tasks.radiogenomic_cohort import Genome, World, radiogenomic_cohort
from medlib import experiment
from medlib.measures.rank_auc import rank_auc
from medlib.translation.radiogenomics.pathway_tests import found_pathways, score_tests
from medlib.translation.radiogenomics.regularisation_path import choose_penalty

run = experiment.start("translation/radiogenomics/_pathways_over_draws", locals())

# %%
world = World(by_biology=by_biology, by_genome=by_genome,
              genome=Genome(spread=spread, stratified=stratified))
cohort = radiogenomic_cohort(n_train + n_test, rng=run.rng("patients"), world=world)
run.uses(cohort.sample)
genes, groups = cohort.genes, cohort.pathway_of
site, response = cohort.linked(link)
unlinked, at_reversed = (cohort.linked(one)[1] for one in (0.0, -link))
train, test = slice(0, n_train), slice(n_train, None)
last = int(groups.max())
alone, together = np.arange(len(groups)), np.zeros(len(groups), dtype=int)

# %%
def tell(name, pathways):
    """How many true pathways, how many false, and whether ancestry's was found."""
    true = len(set(pathways) & set(cohort.truth))
    run.result(f"true_{name}", true, unit="pathways", n=len(cohort.truth), atol=1)
    run.result(f"false_{name}", len(pathways) - true, unit="pathways", atol=2)
    run.result(f"share_false_{name}", (len(pathways) - true) / max(len(pathways), 1), atol=0.3)
    run.result(f"ancestry_{name}", float(last in pathways), atol=1.0)


# %%
def judge(name, fit):
    """Pathways (one counts as found if one of its genes is), genes, and AUC at two links."""
    tell(name, tuple(np.unique(groups[fit.effects != 0]).tolist()))
    run.result(f"genes_{name}", int((fit.effects != 0).sum()), unit="genes", atol=20)
    scores = fit.score(genes[test])
    for where, truth in (("neutral", unlinked), ("reversed", at_reversed)):
        run.result(f"auc_{where}_{name}", rank_auc(scores, truth[test]).value, unit="AUC",
                   n=n_test, atol=0.02)


# %%
folds = run.rng("folds")  # the same for all
PATH = {"count": 20, "reach": 0.03}
SITES = {"known": site[train, None].astype(float), "unknown": None}
for how, free in SITES.items():
    for kind, of in (("group", groups), ("lasso", alone), ("ridge", together)):
        chosen = choose_penalty(genes[train], response[train], groups=of, free=free, **PATH,
                                rng=deepcopy(folds))
        judge(f"{kind}_least_{how}", chosen.least)
        judge(f"{kind}_error_{how}", chosen.one_error)
        run.result(f"at_edge_{kind}_{how}", float(chosen.at_edge), atol=1.0)

# %% [markdown]
# Pathways as single numbers: the mean of their genes, and a lasso of these.

# %%
def means(rows):
    return np.stack([genes[rows][:, groups == k].mean(axis=1) for k in range(last + 1)], axis=1)


for how, free in SITES.items():
    chosen = choose_penalty(means(train), response[train], groups=np.arange(last + 1), free=free,
                            **PATH, rng=deepcopy(folds))
    scores = chosen.least.score(means(test))
    for where, truth in (("neutral", unlinked), ("reversed", at_reversed)):
        run.result(f"auc_{where}_means_{how}", rank_auc(scores, truth[test]).value, unit="AUC",
                   n=n_test, atol=0.02)
    tell(f"means_{how}", tuple(np.flatnonzero(chosen.least.effects).tolist()))

# %%
for how, free in SITES.items():
    p_values = score_tests(genes[train], response[train], groups=groups, free=free)
    tell(f"tests_{how}", found_pathways(p_values, level=level))
run.result("auc_ceiling", rank_auc(cohort.score[test], unlinked[test]), atol=0.01)

# %%
run.finish()
