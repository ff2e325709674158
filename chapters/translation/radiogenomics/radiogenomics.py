# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   medbook:
#     reader_path: true
# ---

# %% [markdown]
# # Biology or scanner?
#
# **Question.** A drug helps one patient in two. A network looks at a scan of the tumour and says
# who will respond. It learned that at two hospitals, and was right there, on patients whom it had
# never seen. Now a third hospital gives or withholds the drug by its answer. But the first of the
# two treated mostly people who would respond, and its scanner blurs less. What did the network
# read, the tumour or the scanner? If it was the scanner, people are refused a drug because of where
# they were scanned. Which of many remedies makes it read the tumour?
#
# **Objectives.** After this chapter you will be able to
#
# - draw what acts on what, and read off which independence a score should have;
# - choose and judge a model where hospital and answer hang together, without a look at the hospital
#   where the model will fail;
# - write a gradient reversal, a covariance penalty and an intercept for each hospital by hand, and
#   say what each of them assumes;
# - test with a fresh reader whether "invariant" features still know the hospital;
# - select whole pathways of genes by proximal steps, and say which error rate is controlled.
#
# **Prerequisites.** {doc}`three_shifts`; cross-entropy, logistic regression; what an AUC is: the
# chance that of two patients the one who responds has the higher score.
#
# **Data.** The anatomy is real, one averaged brain. Tumours, scanners, hospitals, genes and
# responses are simulated, by equations that stand below: only so do we know what the biology was,
# and how the *same* patient looks on another scanner. No number here is about a drug. Real ones
# with several hospitals stand in
# [TCGA-GBM](https://doi.org/10.7937/K9/TCIA.2016.RNYFUYE9), images of glioblastoma with genes: let
# `radiogenomic_cohort` in the first cells return yours. The image on the scanner where it was not
# taken will be missing, and with it one column of each table.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 500  # patients that networks of this page learn from, 200 ≤ x ≤ 100000
n_validation: int = 300  # and that settings are chosen by, 200 ≤ x ≤ 100000
n_test: int = 800  # and that they are judged by, 80 ≤ x ≤ 100000
n_steps: int = 200  # training steps of each network on this page, 1 ≤ x ≤ 100000
batch_size: int = 128  # patients a step, 8 ≤ x ≤ 10000
peak_rate: float = 0.01  # highest learning rate, 0 < x ≤ 0.3
link: float = 2.5  # log-odds between hospital and response while learning, 0 ≤ x ≤ 3
scanners: float = 1.0  # how far the two scanners differ; at 0 they are one, 0 ≤ x ≤ 1
n_links: int = 4  # positions of the slider, 2 ≤ x ≤ 10
genes_link: float = 1.5  # the link in the cohort of genes, 0 ≤ x ≤ 3
n_genes_train: int = 400  # patients that pathways are selected by, 100 ≤ x ≤ 10000
n_penalties: int = 12  # of the path, 3 ≤ x ≤ 100
penalty_per: str = "patient"  # the loss in the check of the lasso: "patient" or "all"
probed_on: str = "one scanner"  # images of the probe's control: "one scanner" or "their own"
warned_by: str = "usual"  # what must choose worse in the trial: "usual" or "balanced"
better: str = "intercept"  # that must do better in the trial: "intercept" or "plain"
read_by: str = "probe"  # who must read the hospital in the trial: "probe" or "nothing"
differs_in: str = "biology"  # the trial's world where biology differs: "biology" or "none"
fills: str = "dense"  # effects that fill pathways in the trial: "dense" or "scattered"
sites_are: str = "unknown"  # to the rule that finds ancestry in the trial: "unknown" or "known"
unlinked: str = "none"  # the trial's world without a link: "none" or "confounded"

# %%
from functools import cache

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from data_fetch.tasks.radiogenomic_cohort import PIXEL_MM, Genome, World, radiogenomic_cohort
from medlib import experiment
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.measures.mean_interval import mean_interval
from medlib.measures.rank_auc import rank_auc
from medlib.translation.radiogenomics.balanced_auc import balanced_auc, site_offset
from medlib.translation.radiogenomics.gradient_reversal import ganin_schedule, reverse_gradient
from medlib.translation.radiogenomics.graph import arrows, independent
from medlib.translation.radiogenomics.group_lasso import (
    group_lasso,
    largest_penalty,
    shrink_groups,
)
from medlib.translation.radiogenomics.linear_dependence import mean_squared_correlation
from medlib.translation.radiogenomics.pathway_tests import found_pathways, score_tests
from medlib.translation.radiogenomics.plain_logistic import plain_logistic
from medlib.translation.radiogenomics.regularisation_path import path
from medlib.translation.radiogenomics.site_probe import probe_site
from medlib.translation.radiogenomics.ways_to_learn import Patients, Setting, learn, read

run = experiment.start("translation/radiogenomics", locals())
COLORS = experiment.COLORS

# %% [markdown]
# ## A picture first
#
# Three patients, each on both scanners. From left to right more of the tumour is dead: the dark
# core grows in the bright rim. That share is the biology, and patients with much of it respond more
# often. The second scanner blurs, and its noise has a coarser grain. All images are scaled to one
# mean and one spread, as one does, and this does not take the scanner away: you can tell the rows
# apart at a glance.

# %% tags=["key"]
world = World(scanners=scanners)
sizes = {"train": n_train, "validation": n_validation, "test": n_test}
cohort = radiogenomic_cohort(sum(sizes.values()), rng=run.rng("patients"), world=world)
ends = np.cumsum(list(sizes.values()))
rows = {name: np.arange(end - sizes[name], end) for name, end in zip(sizes, ends, strict=True)}

# %%
images = run.uses(cohort.sample).array
by_core = rows["test"][np.argsort(cohort.biology[rows["test"]])]
some = [int(by_core[int(share * (n_test - 1))]) for share in (0.05, 0.5, 0.95)]
run.figure(
    image_rows([[images[i, k] for i in some] for k in (0, 1)],
               titles=[[f"scanner {'AB'[k]}, core {size}" for size in ("small", "middle", "large")]
                       for k in (0, 1)],
               window=Window(-2.5, 2.5, ("intensity", "SD")), pixel_mm=PIXEL_MM),
    name="patients", data="simulated",
    alt="Two rows of three grey patches: a bright ring with a dark core of growing size; the lower"
    " row is smoother.",
    caption="The same three patients on scanner A and on scanner B; the dark core grows from left"
    " to right. Real anatomy of one averaged brain, simulated tumours and scanners; three of"
    f" n = {n_test} test patients.",
)

# %% [markdown]
# ## What acts on what
#
# Write $z$ for the biology, $s$ for the hospital (0 or 1), $x$ for the image, $y$ for the response
# and $\eta$ for a score of the genes, which no image shows. An arrow says: *acts on*.
#
# $$ z \to x \leftarrow s, \qquad z \to y \leftarrow \eta, \qquad s \to y . $$
#
# The last arrow is the trouble. Perhaps one hospital has the better nurses, or takes patients
# earlier. In our world the log-odds of a response are a sum,
#
# $$ \ln \frac{P(y = 1)}{P(y = 0)} = b\, z + c\, \eta + \gamma\, (2 s - 1) . $$
#
# At a strong *link* $\gamma$ most responders are of hospital 1. Then the scanner foretells the
# response, through no fault of the scanner: the hospital acts on both. That is what *confounded*
# means. At a hospital where $\gamma$ is zero the scanner tells nothing, and where $\gamma$ has the
# other sign it tells the contrary. The term $b z$ is the same everywhere. (We turn the link round,
# though few hospitals will ever be so unlike: what breaks there is what was borrowed here.)
#
# So what should a score $f(x)$ be, to be good everywhere? A function of the biology alone. Of $z$
# we know what the graph promises. Here is how to read it. A path between two variables is open,
# unless a variable on it is known; but where two arrows *collide*, as in $z \to y \leftarrow s$,
# it is the other way round: the path is closed, and opens as soon as $y$ is known. If I know that
# someone responded, and hear that they were at the poor hospital, I expect good biology.

# %% tags=["key"]
graph, turned = arrows(), arrows(link="response to site")
promised = {
    "z and s": [independent(g, "biology", "site") for g in (graph, turned)],
    "z and s, given y": [independent(g, "biology", "site", given=["response"])
                         for g in (graph, turned)],
}

# %%
PLACES = {"biology": (0, 1), "site": (0, 0), "image": (1, 1), "response": (1, 0), "genes": (2, 0)}


def draw_graph(place, causes, title):
    """Variables as words, causes as arrows."""
    for name, (x, y) in PLACES.items():
        place.text(x, y, name, ha="center", va="center", fontsize=10)
    for name, of in causes.items():
        for cause in of:
            place.annotate("", PLACES[name], PLACES[cause],
                           arrowprops={"arrowstyle": "->", "shrinkA": 22, "shrinkB": 22,
                                       "color": COLORS["blue"]})
    place.set(title=title, xlim=(-0.5, 2.5), ylim=(-0.4, 1.4))
    place.set_axis_off()

# %%
figure, axes = panels(1, 2, height_in=2.2)
draw_graph(axes[0, 0], graph, "the hospital acts on the response")
draw_graph(axes[0, 1], turned, "the response decides the hospital")
run.figure(
    figure, name="graphs", data="simulated",
    alt="Two graphs of arrows. Biology and site point to image, biology and genes to response; the"
    " arrow between site and response points to response at the left and to site at the right.",
    caption="What acts on what in the two worlds of this page; they differ in one arrow. Two"
    " assumed graphs, no data (n = 0 patients).",
)
run.table(
    [{"independent": what, "hospital acts on response": "yes" if one else "no",
      "response decides hospital": "yes" if other else "no"}
     for what, (one, other) in promised.items()],
    name="promised", caption="What the two graphs promise of biology z and hospital s. The data of"
    " two hospitals look the same in both.")

# %% [markdown]
# Look at the table for a while. If the hospital acts on the response, a good score is independent
# of the hospital over *all* patients. If patients go to a hospital *because* of how they will fare,
# a referral centre for hopeless cases, say, a good score is independent of the hospital *among
# responders and among others*, and over all patients it is not, nor should it be
# ([Veitch et al.](https://doi.org/10.48550/arXiv.2106.00545)). Which of the two it is, the images
# and answers of two hospitals cannot say. You must ask how patients get there.
#
# ## What a plain network finds
#
# A small network: three convolutions, a mean over places, eight features between $-1$ and $1$, and
# one logit $g$ of them. First we train it as if nothing were wrong.
#
# One thing must be settled before: by what is a setting, or a step to stop at, chosen? The usual
# way is the AUC of validation patients. But they come from the same two hospitals. A score that
# reads the scanner is *good* there. So take the AUC apart. It compares responders with others; let
# $f_{a,1}$ be the score of a responder of hospital $a$, and $f_{b,0}$ of another patient of
# hospital $b$. Give all pairs of hospitals the same weight:
#
# $$ A = \tfrac14 \sum_{a, b} P(f_{a,1} > f_{b,0}) . $$
#
# This *balanced* AUC is what an AUC would be if hospital and response did not hang together. A
# score that knows only the hospital has one half, exactly: it wins one of the four comparisons,
# loses one, and ties two. It needs responders and others from each hospital, and who was scanned
# where. We use it for *every* way to learn, the plain one, too. That is a gift to the plain one:
# whoever chooses so has already understood what is wrong. Nobody gets a look at a hospital where
# the link is reversed.

# %% tags=["key"]
def wins(present, absent):
    apart = present[:, None] - absent
    return (apart > 0).mean() + (apart == 0).mean() / 2


at_home, answers = (one[rows["validation"]] for one in cohort.linked(link))
cell = {(a, value): at_home[(at_home == a) & (answers == value)]  # the score is the hospital's name
        for a in (0, 1) for value in (0, 1)}
fair = np.mean([wins(cell[a, 1], cell[b, 0]) for a in (0, 1) for b in (0, 1)])

# %%
run.say("On this page's validation patients the hospital's name alone has a usual AUC of"
        " {usual:.2f}, and a balanced one of {fair:.2f} (in the library {same:.2f}).", fair=fair,
        usual=rank_auc(at_home.astype(float), answers).value,
        same=balanced_auc(at_home.astype(float), at_home, answers))


# %%
def patients(name, at):
    """Images on the scanner of their hospital, hospitals and responses, at a link."""
    site, response = (one[rows[name]] for one in cohort.linked(at))
    seen = torch.from_numpy(images[rows[name], site])[:, None]
    return Patients(images=seen.to(run.device), site=torch.from_numpy(site),
                    response=torch.from_numpy(response))


# %%
start = int(run.rng("start").integers(2**62))  # of all networks: first weights and batches
HERE = {"plain": 0.0, "intercept": 0.0, "covariance": 10.0}


@cache
def trained(way, at):
    """A network of this page, learned at a link: one setting, none is tuned here."""
    return learn(way, patients("train", at), validation=patients("validation", at),
                 setting=Setting(rate=peak_rate, strength=HERE[way]), steps=n_steps,
                 batch_size=batch_size, generator=torch.Generator().manual_seed(start))

# %%
both_scanners = [torch.from_numpy(images[rows["test"], k])[:, None].to(run.device) for k in (0, 1)]


def on_both(network):
    """Logits (patients, 2): what is said of the same patient on scanner A and on B."""
    return np.stack([read(network, some)[0] for some in both_scanners], axis=1)


def auc_at(scores, at):
    """AUC of test patients at a link, each on the scanner of its hospital."""
    site, response = (one[rows["test"]] for one in cohort.linked(at))
    return rank_auc(scores[np.arange(n_test), site], response)


def of_hospital(scores):
    """AUC by which scores tell the hospital, where it is a coin's."""
    site = cohort.site[rows["test"]]
    return rank_auc(scores[np.arange(n_test), site], site)

# %% tags=["key"]
plain = on_both(trained("plain", link).network)
truth = np.repeat(cohort.biology[rows["test"]][:, None], 2, axis=1)
WHERE = {"at home": link, "no link": 0.0, "link reversed": -link}
found = {where: (auc_at(plain, at), auc_at(truth, at)) for where, at in WHERE.items()}
fall = found["at home"][0].value - found["link reversed"][0].value

# %%
moved = float((plain[:, 1] - plain[:, 0]).mean() / plain.std())
run.result("plain_home", found["at home"][0], atol=0.02)
run.result("plain_reversed", found["link reversed"][0], atol=0.02)
run.result("plain_site", of_hospital(plain), atol=0.02)
run.result("moved", moved, unit="SD", n=n_test, atol=0.15)
run.table(
    [{"hospitals": where, "the network": f"{mine:.2ci}", "biology itself": f"{ceiling:.2ci}"}
     for where, (mine, ceiling) in found.items()],
    name="plain", caption="AUC of the plain network, and of the biology that it should read (the"
    " ceiling of any score that reads nothing else), where the link is as in training, absent and"
    f" reversed; one training, n = {n_test} test patients, 95 % intervals over patients;"
    " simulated.")

# %%
run.say(
    "At home the network has an AUC of {plain_home:.2f}, where the link is reversed"
    " {plain_reversed:.2f}. Its logit tells the hospital with an AUC of {plain_site:.2f}. And here"
    " is what only a simulation can ask: move a patient from scanner A to scanner B, and the logit"
    " changes by {moved:+.1f} of its standard deviations, the tumour being the same.")
run.claim(
    "a plain network that learned where responders were mostly scanned on one scanner ranks"
    " patients much worse where that is reversed", fall > 0.15, margin=fall - 0.15, unit="AUC",
    falsified_by="falsify_scanners_alike",
)

# %% [markdown]
# Below one half a score is worse than a coin: it sends the drug to those whom it will not help.
#
# ## Four remedies by hand
#
# **Weigh the patients.** Weigh each patient by $P(s)P(y)/P(s, y)$, and in the weighted cohort
# hospital and response are independent. Nothing is gained by reading the scanner. The price:
# patients of rare cells weigh much, and there are few of them.
#
# **Tell the model.** Why should the network have to learn from pixels what hospital a patient is
# of? We know it. Give each hospital a number of its own, $u_s$, and let the network learn what is
# left, with the loss $\ell$ of
#
# $$ \ell\big( g(x) + u_s,\; y \big) . $$
#
# When it is used, $u_s$ is left out. This is the oldest remedy of all: an intercept for each
# hospital. If intercepts are drawn from a normal distribution, it is a *mixed model*. Where do they
# come from? It is tempting to count: the log-odds $o_s$ of a response at each hospital. But odds
# are treacherous. Compare what is counted with a fit that knows the biology:

# %% tags=["key"]
home = patients("train", link)
s, y = home.site.numpy(), home.response.numpy()
counted = site_offset(s, y)
z = cohort.biology[rows["train"]]
fitted = plain_logistic(np.c_[s == 0, s == 1, z].astype(float), y)
gap_counted, gap_fitted = counted[1] - counted[0], fitted[1] - fitted[0]

# %%
run.say("Counted, hospital 1 is ahead by {counted:.1f} log-odds; with the biology in the model, by"
        " {fitted:.1f}; the equation says {true:.1f}, with the genes known as well.",
        counted=gap_counted, fitted=gap_fitted, true=2 * link)
run.result("gap_counted", gap_counted, unit="log-odds", n=n_train, atol=0.01)
run.result("gap_fitted", gap_fitted, unit="log-odds", n=n_train, atol=0.01)

# %% [markdown]
# The more of what matters is in the model, the larger the hospital's log-odds: averaging over
# patients of different biology flattens a curve. Odds ratios *do not collapse*
# ([Greenland, Robins and Pearl](https://doi.org/10.1214/ss/1009211805)). With the counted numbers a
# part of the hospital is left for the network to explain, and it will, from the scanner. So we fit
# $u_s$ anew in every batch, given what the network says: the errors at each hospital then sum to
# zero, and to shift the logit of a whole hospital no longer lowers the loss. The trial has both:
# *offset* is counted, *intercept* fitted. Nothing *forbids* such a network to read the scanner: it
# has no reason to, and that is all. It fits where log-odds add up, as they do in this page's
# worlds, by construction; the last exercise asks when they do not.
#
# **Fight a reader.** Let a second network read the hospital from the features, and train the first
# so that it cannot. [Ganin and Lempitsky](https://doi.org/10.48550/arXiv.1409.7495) do both in one
# backward pass, by a layer that does nothing forwards, and turns the gradient round backwards:

# %% tags=["key"]
class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, strength):
        ctx.strength = strength
        return features.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None

# %% [markdown]
# Behind that layer the reader's loss is lowered by the reader and raised by the encoder. How strong
# should the reversal be? At first the reader knows nothing, and to flee from it is to flee from
# noise. The paper lets the strength grow with the share $p$ of the training that is done,
# $\lambda_p = \lambda (2 / (1 + e^{-10 p}) - 1)$. We give the reader three steps for each of the
# network's, and a learning rate of its own: a reader that lags behind is easily fooled.

# %% tags=["key"]
features = torch.randn(6, 8, generator=run.torch_generator("six patients"), requires_grad=True)
reader = nn.Linear(8, 1)
six = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
strength = ganin_schedule(0.5, final=1.0)
cross_entropy(reader(Reversal.apply(features, strength))[:, 0], six).backward()
by_hand, features.grad = features.grad.clone(), None
cross_entropy(reader(reverse_gradient(features, strength=strength))[:, 0], six).backward()

# %%
off = float((by_hand - features.grad).abs().max())
run.say("Half way through, the reversal has {share:.0%} of its full strength. By hand and in the"
        " library the reversed gradients differ by {off:.0e}.", share=strength, off=off)

# %% [markdown]
# **Forbid the correlation.** One can also write down what one wants. Over the patients of a batch,
# the feature $f_j$ should not go with the hospital:
#
# $$ P = \frac1d \sum_{j=1}^d \frac{\operatorname{cov}(f_j, s)^2}
#    {\operatorname{var}(f_j)\, \operatorname{var}(s)}, \qquad L = \ell(g, y) + \lambda P . $$
#
# No second network, no fight. Divided by the variances, so that the network cannot get away with
# small features. In a batch of $n$ patients it is $1/(n-1)$ even for features that know nothing, so
# batches must not be small. We let the logit be one of the columns: many features with tiny
# correlations, each too small for the penalty to mind, can add up to a logit that reads the
# hospital well.

# %% tags=["key"]
def penalty(columns, site):
    away = columns - columns.mean(dim=0)
    place = site - site.mean()
    together = (away * place[:, None]).mean(dim=0)
    return (together**2 / (away.square().mean(dim=0) * place.square().mean())).mean()


ours = penalty(features, six)
theirs = mean_squared_correlation(features, six)

# %%
run.say("Of six patients whose features are noise the penalty is {ours:.3f}, in the library"
        " {theirs:.3f}; of such patients it is {null:.3f} on average.", ours=float(ours),
        theirs=float(theirs), null=1 / 5)

# %% [markdown]
# What does it not see? Correlation is about means. If features of one hospital spread more, around
# the same mean, $P$ is zero and a curved reader tells the hospitals apart. A kernel sees that: the
# *Hilbert-Schmidt independence criterion* compares all pairs of patients, how alike their features
# are with how alike their hospitals are
# ([Gretton et al.](https://doi.org/10.1007/11564089_7)). The trial below has it, in a form without
# bias ([Song et al.](https://jmlr.org/papers/v13/song12a.html)).
#
# Move the slider from no link to the page's link. Where does a way to learn begin to read the
# scanner?

# %%
links = np.linspace(0, link, n_links)
SHOWN = ("plain", "intercept", "covariance")
by_link = {way: [on_both(trained(way, at).network) for at in links] for way in SHOWN}
reversed_auc = {way: [auc_at(scores, -at).value for scores, at in zip(of, links, strict=True)]
                for way, of in by_link.items()}
ceilings = [auc_at(truth, -at).value for at in links]

# %%
def draw_way(left, right, k, way, color):
    """One way: AUC over links, and how far a change of scanner moves the logits of patients."""
    values, scores = reversed_auc[way], by_link[way][k]
    left.plot(links, values, "o-", color=COLORS[color], label=way)
    left.plot(links[k], values[k], "s", color=COLORS[color], ms=9)
    apart = (scores[:, 1] - scores[:, 0]) / max(scores.std(), 1e-9)
    right.hist(apart, bins=30, histtype="step", color=COLORS[color])


# %%
def draw_link(k):
    """All ways at one position of the slider."""
    figure, axes = panels(1, 2, height_in=2.9, width_ratios=(1.3, 1))
    left, right = axes[0]
    for way, color in zip(SHOWN, ("blue", "orange", "green"), strict=True):
        draw_way(left, right, k, way, color)
    left.plot(links, ceilings, ":", color="grey", label="biology itself")
    left.set(xlabel="link while learning (log-odds)", ylabel="AUC, link reversed")
    left.legend(fontsize=8)
    right.set(xlabel="change of logit, A to B (SD)", ylabel="patients")
    return figure


# %%
run.frames(
    [draw_link(k) for k in range(n_links)], name="link_slider", label="link while learning",
    values=[f"{at:.1f}" for at in links], data="simulated", start=n_links - 1,
    alt="AUC at the hospital with the reversed link over the strength of the link, for three ways"
    " to learn; and histograms of how the logit of a patient changes with the scanner.",
    caption="With a stronger link the plain network reads the scanner (left), and moving a patient"
    " to the other scanner changes its logit more (right). One training a point and one setting a"
    f" way: an example, no ranking. Simulated, n = {n_test} test patients.",
)

# %% [markdown]
# ## The trial
#
# Which remedy is best? One training, with settings that were not tuned, does not say. A recorded
# trial has these ways to learn, the plain one and its rivals from statistics among them:
#
# | Way | What it does |
# |---|---|
# | plain | the response's loss, nothing else |
# | augmented | each image blurred and made noisy at random, over a range that holds both scanners |
# | reweighted | weights $P(s)P(y)/P(s,y)$ |
# | offset | each hospital's log-odds, counted, are added while learning, and left out after |
# | intercept | the same, fitted in every batch |
# | adversary | gradient reversal against a reader of the hospital |
# | covariance | squared correlation of features and logit with the hospital |
# | kernel | unbiased dependence of the logit on the hospital |
# | standardised | afterwards: plain features, brought to one mean and spread by hospital |
# | ComBat | afterwards: the same, with means and spreads shrunk by empirical Bayes |
# | mixed | afterwards: a random intercept for each hospital |
# | dark | no training: the share of dark pixels in the middle |
#
# All networks begin from the same weights and see the same batches. Each way tries six settings, at
# each of three lengths anew, for a strength that does in a short training need not do in a long
# one. The setting, and the step at which a network is kept, are those of the greatest balanced AUC
# on validation patients of the two hospitals. The unit is the seed: patients, first weights and
# batches are drawn anew. A claim must hold at every length, for the kept step and for the last.

# %%
trial = experiment.recorded(run, "_ways_to_learn/sweep", optional=True)
TIMES, KEPT = (1, 2, 4), ("", "_last")
NAMES = {"plain": "plain", "augmented": "augmented", "reweighted": "reweighted",
         "offset": "offset", "intercept": "intercept", "adversary": "adversary",
         "covariance": "covariance", "kernel": "kernel", "standardised": "standardised",
         "combat": "ComBat", "mixed": "mixed"}
AFTER = ("standardised", "combat", "mixed")
cells = {"at home": "home", "no link": "neutral", "link reversed": "reversed"}


def auc_of(way, where="reversed", times=4, kept="", world="confounded"):
    """One number a seed; what is fitted afterwards has no last step of its own."""
    kept = "" if way in AFTER else kept
    return trial.array(f"auc_{where}_{way}_{times}{kept}", setting=world)


def least(first, second, **at):
    """The lowest bound, over lengths and kept steps, of a mean difference seed by seed."""
    return min(mean_interval(auc_of(first, times=t, kept=k, **at)
                             - auc_of(second, times=t, kept=k, **at)).low
               for t in TIMES for k in KEPT)

# %%
if trial is None:
    run.say("That trial has not been run yet, and nothing is said of it here.")
else:
    run.say(str(trial.made) + " Seeds: {n}; steps of the three trainings {steps}.",
            n=len(trial.seeds),
            steps=", ".join(str(t * trial.fixed["first_steps"]) for t in TIMES))

# %%
def without_training(key, where):
    """The mean AUC of a number that no training made."""
    return f"{trial.array(f'auc_{where}_{key}', setting='confounded').mean():.2f}"


if trial is not None:
    run.table(
        [{"way": name} | {word: f"{mean_interval(auc_of(way, where)):.2ci}"
                          for word, where in cells.items()} for way, name in NAMES.items()]
        + [{"way": name} | {word: without_training(key, where) for word, where in cells.items()}
           for key, name in (("dark", "dark pixels"), ("biology", "biology itself"))],
        name="ways", caption="Test AUC after the longest training: means with 95 % intervals over"
        f" n = {len(trial.seeds)} seeds; the last two rows are means. Simulated.")

# %%
if trial is not None:
    run.figure(
        interval_points(
            Column({name: mean_interval(auc_of(way)) for way, name in NAMES.items()},
                   x=("AUC, link reversed", ""), reference=0.5),
            Column({name: mean_interval(auc_of(way, times=1)) for way, name in NAMES.items()},
                   x=("the same, shortest training", ""), reference=0.5)),
        name="trial", data="simulated",
        alt="Points with intervals for ten ways to learn: AUC where the link is reversed, after the"
        " longest and the shortest training, with a dotted line at one half.",
        caption="AUC where the link is reversed, after the longest training (left) and the shortest"
        f" (right). Means and 95 % intervals over n = {len(trial.seeds)} seeds; dotted, a coin;"
        " simulated.")

# %% [markdown]
# ### Would you have been warned?
#
# Everything above was chosen by the balanced AUC. What would the usual one have chosen? The same
# trainings, the same validation patients, another rule.

# %%
if trial is not None:
    by = "" if warned_by == "balanced" else "_usual"
    lost = {t: mean_interval(auc_of("covariance", times=t) - auc_of("covariance", times=t, kept=by))
            for t in TIMES}
    run.result("lost_by_usual", lost[4], atol=0.03)
    run.say("Chosen by the usual AUC, the covariance penalty's network has, where the link is"
            " reversed, {lost_by_usual:.2ci} less than chosen by the balanced AUC.")
    worst = min(one.low for one in lost.values())
    run.claim(
        "if its strength is chosen by the usual validation AUC, a covariance penalty does worse"
        " where the link is reversed than if it is chosen by the balanced one", worst > 0,
        margin=worst, unit="AUC", falsified_by="falsify_balanced_for_usual")

# %% [markdown]
# The usual AUC does not only fail to warn. It *prefers* the scanner's reader: at home reading the
# scanner pays. No amount of validation at the same two hospitals helps, if it asks the wrong
# question. And the right question presupposes that somebody knew what to suspect, and that it was
# recorded for each patient. A confounder that nobody wrote down is beyond all ways of this page.
#
# ### Told or fought
#
# The next claim was set down before the trial was run: that an intercept, which costs nothing, does
# better where the link is reversed than the adversary. Both know the same, the hospital of each
# patient while learning.

# %%
if trial is not None:
    for way in ("adversary", "covariance", "reweighted", "augmented", "offset"):
        gap = mean_interval(auc_of("intercept") - auc_of(way))
        run.result(f"intercept_over_{way}", gap, atol=0.03)
    run.result("covariance_over_adversary",
               mean_interval(auc_of("covariance") - auc_of("adversary")), atol=0.03)
    run.say("Where the link is reversed, after the longest training, the intercept lies"
            " {intercept_over_adversary:+.2ci} from the adversary,"
            " {intercept_over_covariance:+.2ci} from the covariance penalty,"
            " {intercept_over_reweighted:+.2ci} from weights, {intercept_over_augmented:+.2ci} from"
            " random scanners, and {intercept_over_offset:+.2ci} from counted offsets.")

# %%
if trial is not None:
    worst = least(better, "adversary")
    run.claim("with an intercept of each hospital beside it while it learns, a network does better"
              " where the link is reversed than one that fights a reader of the hospital",
              worst > 0, margin=worst, unit="AUC", falsified_by="falsify_plain_for_intercept")

# %% [markdown]
# ### "The adversary cannot guess the hospital"
#
# That is how invariance is announced: the reader's loss has gone to chance, $\ln 2$, so the
# features know nothing of the hospital. But which reader? The one that was trained against a moving
# target. Freeze the features, take new patients whose hospital is a coin's, and let several *fresh*
# readers try, linear and not: the best in cross-validation is judged on patients that none has
# seen. (Why a coin? Where response and hospital hang together, whoever reads the response reads the
# hospital, and the probe would prove nothing.)

# %%
if trial is not None:
    loss = mean_interval(trial.array("reader_loss_4", setting="confounded"))
    readers = {way: mean_interval(trial.array(f"probe_{way}", setting="confounded"))
               for way in ("plain", "augmented", "reweighted", "offset", "intercept",
                           "adversary", "covariance", "kernel", "nothing")}
    site_of = {way: f"{trial.array(f'site_{way}_4', setting='confounded').mean():.2f}"
               for way in readers if way != "nothing"}
    run.table([{"features of": way, "fresh reader": f"{one:.2ci}", "logit": site_of.get(way, "–")}
               for way, one in readers.items()], name="probe",
              caption="AUC of the hospital by the best of several fresh readers of the features,"
              " and by the logit alone, after the longest training; *nothing*: the plain network's"
              f" features and hospitals dealt anew. Over n = {len(trial.seeds)} seeds, 95 %"
              " intervals; simulated.")

# %%
if trial is not None:
    told = readers["adversary" if read_by == "probe" else "nothing"]
    margin = min(told.low - 0.6, loss.value - (np.log(2) - 0.1))
    run.result("reader_loss", loss, unit="nats", atol=0.05)
    run.result("probe_adversary", readers["adversary"], atol=0.03)
    run.say("At the end of the longest training the adversary's own reader has a loss of"
            " {reader_loss:.2ci}, where guessing has {chance:.2f}.", chance=np.log(2))
    run.claim("an adversary whose reader is near chance leaves features from which a fresh reader"
              " tells the hospital", margin > 0, margin=margin,
              falsified_by="falsify_hospitals_dealt_anew")

# %% [markdown]
# A feature that knows the hospital does no harm by itself; a logit that uses it does. Compare the
# two columns. And the probe must be able to find nothing. Here is its control, on this page's plain
# network: all patients on *one* scanner, their hospitals a coin's. (Give each the image of its own
# hospital, and it must go red: `probed_on="their own"`.)

# %%
site = cohort.site[rows["test"]]
scanner = np.zeros(n_test, dtype=int) if probed_on == "one scanner" else site
probed = torch.from_numpy(images[rows["test"], scanner])[:, None].to(run.device)
nothing = probe_site(read(trained("plain", link).network, probed)[1], site, rng=run.rng("probe"))
judged = nothing.auc.n
low, high = auc_by_chance(judged // 2, judged - judged // 2, level=0.99)
margin = min(nothing.auc.value - low, high - nothing.auc.value)
run.result("control_probe", nothing.auc, atol=0.03)
run.say("On one scanner the best reader has an AUC of {control_probe:.2f}; chance alone stays"
        " between {low:.2f} and {high:.2f} in 99 of 100 draws.", low=low, high=high)
run.claim("where all patients are scanned on one scanner, a fresh reader does not find the"
          " hospital", margin >= 0, margin=margin, control=True,
          falsified_by="falsify_probe_on_two_scanners")

# %% [markdown]
# ## What breaks it
#
# **Biology that differs.** Suppose hospital 1 also has *other patients*, with more dead tumour. Now
# an arrow points from $s$ to $z$, and a score that reads $z$ must go with the hospital. Invariance
# over all patients takes away biology along with the scanner. The intercept does not: it asks what
# $z$ tells *within* a hospital, and uses it between them.

# %%
if trial is not None:
    gone = {t: mean_interval(auc_of("intercept", "neutral", t, world=differs_in)
                             - auc_of("covariance", "neutral", t, world=differs_in)) for t in TIMES}
    run.result("biology_lost", gone[4], atol=0.03)
    run.say("Where biology differs between the hospitals and there is no link, the covariance"
            " penalty has an AUC lower than the intercept's by {biology_lost:.2ci}.")
    worst = min(one.low for one in gone.values())
    run.claim("where biology itself differs between hospitals, a covariance penalty loses biology"
              " that an intercept keeps", worst > 0, margin=worst, unit="AUC",
              falsified_by="falsify_biology_alike")

# %% [markdown]
# **The other arrow.** In the trial's world of referral, the response decides the hospital. Then
# independence *within* responses is right and independence over all patients is wrong. No data of
# the two hospitals warn you.

# %%
if trial is not None:
    ways = ("plain", "offset", "intercept", "adversary", "covariance", "within")
    run.table([{"way": way} | {word: f"{mean_interval(auc_of(way, where, world='referral')):.2ci}"
                               for word, where in cells.items()} for way in ways],
              name="referral", caption="Referral: AUC after the longest training, where the"
              " response decides the hospital. Means and 95 % intervals over"
              f" n = {len(trial.seeds)} seeds; simulated.")

# %% [markdown]
# **Nothing to mend.** Where there is no link, invariance should cost nothing much. That is the
# trial's control: the whole interval of what the penalty costs must lie within three hundredths of
# an AUC, at every length.

# %%
if trial is not None:
    cost = {t: mean_interval(auc_of("plain", "neutral", t, world=unlinked)
                             - auc_of("covariance", "neutral", t, world=unlinked)) for t in TIMES}
    run.result("cost_unlinked", cost[4], atol=0.02)
    margin = min(0.03 - max(one.high, -one.low) for one in cost.values())
    run.say("Where hospital and response do not hang together, the penalty costs"
            " {cost_unlinked:+.3ci}.")
    run.claim("without a link between hospital and response a covariance penalty costs next to"
              " nothing", margin > 0, margin=margin, control=True, unit="AUC",
              falsified_by="falsify_linked_for_unlinked")

# %% [markdown]
# ## Genes come in pathways
#
# The image is half of the story; the genome acts on the response as well. Here are 200 genes of
# each patient, in 20 pathways of ten. Genes of one pathway go together. Three pathways matter. A
# doctor wants to know *which*: a pathway can be studied, and perhaps treated, and a list of forty
# scattered genes cannot. (In this cohort genes weigh more, and the link is weaker.)
#
# The lasso adds $\lambda \sum_j |\beta_j|$ to the logistic loss, and many effects become exactly
# zero. It chooses genes one by one. The *group lasso*
# ([Yuan and Lin](https://doi.org/10.1111/j.1467-9868.2005.00532.x)) adds
#
# $$ \lambda \sum_k \sqrt{p_k}\, \lVert \beta_k \rVert , $$
#
# the length of each pathway's effects, of $p_k$ genes. A length has its kink at zero only, where
# *all* effects of a pathway vanish: so pathways come whole, or not at all.
#
# How does one get to an exact zero? By gradient steps hardly ever. A *proximal* step makes a
# gradient step of size $t$ on the loss, and then solves for the penalty exactly:
#
# $$ \beta_k \leftarrow \Big( 1 - \frac{t \lambda \sqrt{p_k}}{\lVert \beta_k \rVert} \Big)_{\!+}
#    \beta_k . $$
#
# Each pathway is made shorter, and one that is shorter than $t \lambda \sqrt{p_k}$ is gone. Here is
# all of it, with the hospital as a column that is not penalised: an intercept for each hospital,
# once more.

# %%
world_of_genes = World(by_biology=0.8, by_genome=2.5, genome=Genome(stratified=1.0))
people = radiogenomic_cohort(n_genes_train, rng=run.rng("genes"), world=world_of_genes)
run.uses(people.sample)
site_of_person, responded = people.linked(genes_link)
genes, groups = people.genes, people.pathway_of
known = np.c_[np.ones(n_genes_train), site_of_person]  # not penalised

# %% tags=["key"]
def by_proximal_steps(columns, n_free, groups, response, amount, n_steps=2000):
    """Effects of free columns, then of genes."""
    step = 4 * len(response) / np.linalg.norm(columns, 2) ** 2
    effects = np.zeros(columns.shape[1])
    for _ in range(n_steps):
        told = 1 / (1 + np.exp(-columns @ effects))
        effects = effects - step * columns.T @ (told - response) / len(response)
        effects[n_free:] = shrink_groups(effects[n_free:], groups=groups, amount=step * amount)
    return effects


top = largest_penalty(genes, responded, groups=groups, free=known[:, 1:])
slow = by_proximal_steps(np.c_[known, genes], 2, groups, responded, 0.5 * top)

# %%
fast = group_lasso(genes, responded, groups=groups, penalty=0.5 * top, free=known[:, 1:])
run.result("proximal_gap", np.abs(slow[2:] - fast.effects).max(), unit="log-odds", atol=1e-3)
run.say("At half of the penalty at which the first pathway enters, {n} pathways of twenty have"
        " effects; all others are zero to the last bit. The library's faster steps, with momentum,"
        " end {proximal_gap:.0e} from these and stop by the conditions of the optimum, violated by"
        " {violation:.0e} of the penalty.", n=len(fast.found(groups)), violation=fast.violation)

# %% [markdown]
# A solver of one's own must be held against one that is not. With groups of *one* gene the group
# lasso is the lasso, and scikit-learn has that.

# %%
amount = 0.5 * largest_penalty(genes, responded, groups=np.arange(genes.shape[1]))
single = group_lasso(genes, responded, groups=np.arange(genes.shape[1]), penalty=amount)
total = amount * (n_genes_train if penalty_per == "patient" else 1)
other = LogisticRegression(l1_ratio=1.0, C=1 / total, solver="saga", tol=1e-8, max_iter=20000,
                           random_state=0).fit(genes, responded)
apart = float(np.abs(single.effects - other.coef_[0]).max() / np.abs(single.effects).max())
digits = min(-np.log10(max(apart, 1e-16)), 16.0)
run.result("lasso_digits", digits, unit="digits", atol=2)
run.say("With groups of one, effects agree with scikit-learn's lasso to {lasso_digits:.0f} digits.")
run.claim("with one gene in each group the group lasso is the lasso", digits > 3,
          margin=digits - 3, unit="digits", falsified_by="falsify_penalty_of_all")

# %% [markdown]
# Follow the pathways as the penalty falls. One of them is a trap. The *last* pathway does not
# matter. But the two hospitals serve two populations, and its genes differ between them: ancestry.
# As the hospital acts on the response, that pathway goes with the response.

# %%
penalties = top * np.geomspace(1, 0.15, n_penalties)
lengths = {}
for word, free in (("hospital known", known[:, 1:]), ("hospital unknown", None)):
    fits = path(genes, responded, groups=groups, penalties=penalties, free=free)
    lengths[word] = np.array([np.sqrt(np.bincount(groups, weights=fit.effects**2)) for fit in fits])
figure, axes = panels(1, 2, height_in=2.9, sharey=True)
for place, (word, values) in zip(axes[0], lengths.items(), strict=True):
    for k in range(values.shape[1]):
        kind = "green" if k in people.truth else "orange" if k == groups.max() else "grey"
        place.plot(penalties / top, values[:, k], color=COLORS.get(kind, "silver"))
    place.set(title=word, xlabel="penalty, of the largest", xlim=(1, 0.15))
axes[0, 0].set_ylabel("length of a pathway's effects (log-odds)")

# %%
run.figure(
    figure, name="path", data="simulated",
    alt="Two panels of twenty lines over a falling penalty; three green lines rise first in both,"
    " an orange line rises in the right panel.",
    caption="Lengths of twenty pathways' effects as the penalty falls; green: those that matter,"
    " orange: ancestry's, which does not. Left with the hospital as an unpenalised column, right"
    f" without. One draw, simulated, n = {n_genes_train} patients.",
)

# %% [markdown]
# ### Which to believe?
#
# A penalty is usually chosen by cross-validation, by how well the response is foretold. That is no
# promise about which pathways are *true*: a few false ones, shrunk to almost nothing, hardly hurt.
# If the list is what you want, control an error of the list. Test each pathway by itself, with the
# hospital known (Rao's score test, ten degrees of freedom), and take those that
# [Benjamini and Hochberg's](https://doi.org/10.1111/j.2517-6161.1995.tb02031.x) rule takes at a
# level $q$. It controls the *false discovery rate*: the share of false pathways among the found is
# at most $q$ on average over repetitions of the study, if tests are independent. Of *your* list it
# promises nothing.
#
# (*Knockoffs*, [Barber and Candès](https://doi.org/10.1214/15-AOS1337), control the same rate for
# the lasso itself. But their strict form finds nothing at all unless it finds at least $1/q$ at
# once: with three true pathways and a small $q$ it would be silent for ever.)

# %% tags=["key"]
p_values = score_tests(genes, responded, groups=groups, free=known[:, 1:])
found_here = found_pathways(p_values, level=0.1)
p_unknown = score_tests(genes, responded, groups=groups)

# %%
run.say("On this page's draw {n} pathways are found, {true} of them true. Ancestry's pathway has a"
        " p-value of {known:.2g} with the hospital known, and of {unknown:.1g} without.",
        n=len(found_here), true=len(set(found_here) & set(people.truth)), known=p_values[-1],
        unknown=p_unknown[-1])

# %%
drawn = experiment.recorded(run, "_pathways_over_draws/sweep", optional=True)
RULES = {"group lasso, least loss": "group_least", "group lasso, one error": "group_error",
         "lasso, least loss": "lasso_least", "lasso, one error": "lasso_error",
         "tests": "tests"}


def mean_of(name, spread):
    return f"{drawn.array(name, spread=spread).mean():.1f}"


if drawn is None:
    run.say("The trial over draws of effects has not been run yet; nothing is said of it here.")
else:
    run.table(
        [{"rule": word} | {f"{spread}: true, false": f"{mean_of(f'true_{rule}_known', spread)},"
                           f" {mean_of(f'false_{rule}_known', spread)}"
                           for spread in drawn.grid["spread"]} for word, rule in RULES.items()],
        name="pathways", caption="Pathways found, true (of three) and false, with the hospital"
        f" known: means over n = {len(drawn.seeds)} draws of effects and patients; simulated.")

# %%
if drawn is not None:
    def gain(spread, rule="least"):
        """Group lasso less lasso, test AUC where there is no link, draw by draw."""
        group, lasso = (drawn.array(f"auc_neutral_{kind}_{rule}_known", spread=spread)
                        for kind in ("group", "lasso"))
        return mean_interval(group - lasso, unit="AUC")

    opposite = "scattered" if fills == "dense" else "dense"
    filled, scattered = gain(fills), gain(opposite)
    run.result("gain_dense", gain("dense"), atol=0.01)
    run.result("gain_scattered", gain("scattered"), atol=0.01)
    false = mean_interval(drawn.array("share_false_group_error_known", spread="dense"))
    run.result("share_false_group", false, atol=0.1)

# %%
if drawn is not None:
    run.say("Where effects fill their pathways, groups gain {gain_dense:+.3ci} of AUC over single"
            " genes; where one gene of a pathway acts, {gain_scattered:+.3ci}.")
    margin = min(filled.low, -scattered.high)
    run.claim("groups foretell better than single genes where effects fill pathways, and worse"
              " where they are scattered", margin > 0, margin=margin, unit="AUC",
              falsified_by="falsify_scattered_for_dense")
    often = {how: drawn.array(f"ancestry_tests_{how}", spread="dense").mean()
             for how in ("known", "unknown")}
    run.result("ancestry_unknown", often["unknown"], atol=0.1)
    run.result("ancestry_known", often["known"], atol=0.1)

# %%
if drawn is not None:
    margin = often[sites_are] - often["known"] - 0.5
    run.say("With the hospital unknown, tests find ancestry's pathway in {ancestry_unknown:.0%} of"
            " the draws; with the hospital known, in {ancestry_known:.0%}.")
    run.claim("a pathway that only tells ancestry is found far more often where the hospital is not"
              " in the model", margin > 0, margin=margin, falsified_by="falsify_hospital_known")
run.finish()

# %% [markdown]
# ## Take-aways
#
# - Draw the arrows before you train. They say which independence to ask for; the data do not.
# - Where responders and hospital hang together, the usual validation AUC rewards reading the
#   scanner. The balanced one does not, and it needs to know who was scanned where.
# - A known confounder can be *told* to the model by an intercept. Try that before you fight it.
# - An adversary at chance is a statement about that adversary. Ask a fresh reader, and ask the
#   logit.
# - Invariance is a price paid in biology wherever biology differs between hospitals.
# - Groups are a bet on how effects lie. A list of pathways needs an error rate of the list.
# - Ancestry is a scanner of the genome: put it into the model, too.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("radiogenomics-balanced")` gives a hint, and then
# another; `run.solution("radiogenomics-balanced")` shows how it is done.
#
# ```{exercise}
# :label: radiogenomics-balanced
# Hospital 0 has 10 responders and 40 others, hospital 1 has 40 responders and 10 others. A score is
# 1 for everyone at hospital 1 and 0 for everyone at hospital 0. What is its usual AUC, over all
# patients, ties counted as one half?
# ```

# %% tags=["self-check"]
answer = None  # between 0 and 1
run.check("radiogenomics-balanced", answer)

# %% [markdown]
# ```{exercise}
# :label: radiogenomics-arrow
# A university hospital with a sharp scanner receives the patients whom others have given up: they
# are sent there because earlier treatment failed, and hardly any responds. Which independence
# should a score of the biology have?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("radiogenomics-arrow", answer)

# %% [markdown]
# ```{exercise}
# :label: radiogenomics-shrink
# Write the proximal step of the *sparse* group lasso: the penalty
# $\lambda \sum_k \sqrt{p_k} \lVert \beta_k \rVert + \mu \sum_j |\beta_j|$. Its solution first
# shrinks each effect by $t\mu$ towards zero, and then each group by its length. `effects` and
# `groups` are arrays, groups are numbered from 0.
# ```

# %% tags=["self-check"]
shrink = None  # a function of effects, groups, group_amount (tλ) and single_amount (tμ)
run.check("radiogenomics-shrink", shrink)

# %% [markdown]
# ```{exercise}
# :label: radiogenomics-probe
# A paper trains an adversary at two hospitals, where most responders are of one of them. It shows
# that a fresh, tuned reader finds the hospital from the features of held-out patients of these two
# hospitals with an AUC of two thirds, and concludes that the scanner is still in the features. What
# is wrong?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("radiogenomics-probe", answer)

# %% [markdown]
# ```{exercise}
# :label: radiogenomics-offset
# When does an intercept for each hospital fail, though hospital and response are recorded for every
# patient?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("radiogenomics-offset", answer)

# %% [markdown]
# ## Further reading
#
# - Y. Ganin, V. Lempitsky, gradient reversal:
#   [doi:10.48550/arXiv.1409.7495](https://doi.org/10.48550/arXiv.1409.7495)
# - V. Veitch et al., which invariance a graph asks for:
#   [doi:10.48550/arXiv.2106.00545](https://doi.org/10.48550/arXiv.2106.00545)
# - A. Gretton et al., the Hilbert-Schmidt criterion:
#   [doi:10.1007/11564089_7](https://doi.org/10.1007/11564089_7)
# - W. E. Johnson, C. Li, A. Rabinovic, ComBat:
#   [doi:10.1093/biostatistics/kxj037](https://doi.org/10.1093/biostatistics/kxj037)
# - N. E. Breslow, D. G. Clayton, mixed models for counts and shares:
#   [doi:10.1080/01621459.1993.10594284](https://doi.org/10.1080/01621459.1993.10594284)
# - M. Yuan, Y. Lin, the group lasso:
#   [doi:10.1111/j.1467-9868.2005.00532.x](https://doi.org/10.1111/j.1467-9868.2005.00532.x)
# - A. Beck, M. Teboulle, proximal steps with momentum:
#   [doi:10.1137/080716542](https://doi.org/10.1137/080716542)
# - Y. Benjamini, Y. Hochberg, false discoveries:
#   [doi:10.1111/j.2517-6161.1995.tb02031.x](https://doi.org/10.1111/j.2517-6161.1995.tb02031.x)
# - R. F. Barber, E. J. Candès, knockoffs:
#   [doi:10.1214/15-AOS1337](https://doi.org/10.1214/15-AOS1337)
# - J. R. Zech et al., a network that read the hospital from chest films:
#   [doi:10.1371/journal.pmed.1002683](https://doi.org/10.1371/journal.pmed.1002683)
