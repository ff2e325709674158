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
# # Can a server add up what it cannot read?
#
# **Question.** Ten hospitals want to train one network. None may hand out an image, so the images
# stay, and only *updates* travel: by how much each weight should change. A server adds them up.
# The hospitals' lawyers have signed that no patient's data leave the house. Is that so? And if an
# update is not as harmless as it looks, can a server learn the sum of ten updates without seeing
# any one of them, even if some hospitals whisper to it, and some drop out half-way?
#
# **Objectives.** After this chapter you will be able to
#
# - reconstruct a patient's image from an update, and say when that fails;
# - add masks that cancel, agree on them in front of the server, and mend the sum when a hospital
#   vanishes;
# - choose the threshold from who may collude and who may drop out, and compute who is exposed;
# - say what no mask hides, and what it costs to hide that as well.
#
# **Prerequisites.** Gradients by back-propagation, the chain rule, the cross-entropy; what an AUC
# is; a covariance matrix and its inverse; what a $p$-value and the binomial distribution are. No
# cryptography: what is used is explained where it is used.
#
# **Data.** Images are real: patches of one photograph of a retina, each of which plays a patient.
# Records are real as well: measurements of nuclei of patients with a mass of the breast. The
# hospitals, their keys and everybody's dishonesty are simulated. What follows is a *teaching
# implementation*, in one process and with keys drawn from the page's seed: it protects nobody.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
n_hospitals: int = 10  # in the rounds of this page, 5 ≤ x ≤ 12
n_hidden: int = 128  # units of the layer that sees the pixels, 16 ≤ x ≤ 2000
batch_sizes: list[int] = [1, 2, 4, 8, 16, 32]  # patients to a gradient, increasing, 1 ≤ x ≤ 64
n_batches: int = 24  # gradients of each size, each of a network of its own, 3 ≤ x ≤ 500
n_trained: int = 4  # networks that are trained before the attack, 2 ≤ x ≤ 100
trained_steps: list[int] = [0, 100, 300]  # after which they are attacked, increasing, x ≥ 0
n_again: int = 100  # patients whose masked updates are divided, 5 ≤ x ≤ 300
n_searched: int = 5  # patients whose images are searched for, 1 ≤ x ≤ 20
n_search_steps: int = 150  # of each search, 1 ≤ x ≤ 10000
n_words: int = 4000  # of an update in the tests of uniformity, 2560 ≤ x ≤ 1000000
n_tested: int = 200  # masked updates that are tested, 20 ≤ x ≤ 10000
seed_bits: int = 20  # of the short seeds of the warning, 8 ≤ x ≤ 32
search_bits: int = 20  # of the seeds that are tried, 8 ≤ x ≤ 28
n_traps: int = 12  # draws of patients and weights for the server that chooses, 3 ≤ x ≤ 500
n_members: int = 40  # patients in the sum that is asked about one, 5 ≤ x ≤ 150
n_draws: int = 100  # draws of who they are, 4 ≤ x ≤ 1000
n_noises: int = 50000  # noisy sums with the patient and as many without, 100 ≤ x ≤ 100000
defence: str = "none"  # of the first attack: "none" or "masks"
orphans: int = 0  # masks of the vanished that the server forgets to take off, 0 ≤ x ≤ 3
more_collude: int = 0  # colluders beyond what the threshold allows, 0 ≤ x ≤ 2
warned_of: str = "twister"  # the masks of the warning: "twister", from a short seed, or "aes"
bare_to: str = "none"  # who gets words without masks at last: "none", "division", "search"
weights: str = "chosen"  # what the server hands out before the last sum: "chosen" or "born"
asked: str = "members"  # whom the test of membership asks about: "members" or "elsewhere"
clipping: bool = True  # whether gradients are shortened before noise is added

# %%
from copy import deepcopy
from itertools import product

import numpy as np
import scipy.stats
import torch
from torch import nn
from torch.nn import functional as F

from data_fetch.packaged import breast_cancer, retina
from medlib import experiment
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.measures.auc import auc
from medlib.measures.auc_by_chance import auc_by_chance
from medlib.measures.mean_interval import mean_interval
from medlib.nets.global_draws import global_draws_from
from medlib.systems.aggregation.agreement import context_of, key_pair, shared_seed
from medlib.systems.aggregation.collusion import exposed, learnt
from medlib.systems.aggregation.gradient_matching import gradient_of, match_gradient, parted
from medlib.systems.aggregation.imprint import imprint_, read_imprint
from medlib.systems.aggregation.inversion import invert_linear, label_of
from medlib.systems.aggregation.many_trainings import auc_of_rows
from medlib.systems.aggregation.masking import mask
from medlib.systems.aggregation.overheard import opened, overhear
from medlib.systems.aggregation.privacy import clipped, noise_for_one_round
from medlib.systems.aggregation.private_training import patient_gradients
from medlib.systems.aggregation.protocol import STEPS, aggregate
from medlib.systems.aggregation.quantisation import plan, quantise, sum_of
from medlib.systems.aggregation.recognition import likeness, rank_of_own, twins
from medlib.systems.aggregation.shamir import join, split, weights_at_zero
from medlib.systems.aggregation.stream import expand
from medlib.systems.aggregation.threshold import threshold_range
from medlib.systems.aggregation.tracing import tracing_scores
from medlib.systems.aggregation.two_lists import tell_two_lists
from medlib.systems.aggregation.uniformity import bytes_uniform, pairs_uniform
from medlib.systems.aggregation.weak_seed import legacy_mask, search, seconds_for

run = experiment.start("systems/secure_aggregation", locals())
THRESHOLD = (2 * n_hospitals) // 3 + 1  # how many must stay

# %% [markdown]
# ## A picture first
#
# One hospital takes a gradient on one patient and sends it. Below, on the left, is the patient;
# then what comes out of the gradient, by one division; then what comes out of the same gradient
# under the masks of this chapter, by the same division. On the right is the mean of all patients,
# which whoever has seen other patients could have drawn without any gradient.

# %%
green = run.uses(retina()).array[:1408, :1408, 1] / 255.0
fine = green.reshape(704, 2, 704, 2).mean(axis=(1, 3))
patches = fine.reshape(22, 32, 22, 32).swapaxes(1, 2).reshape(-1, 32, 32)
down, across = np.mgrid[0:22, 0:22] * 64 + 32  # keep patches that lie on the retina
patches = patches[(np.hypot(down - 703, across - 704) < 639).ravel()]
veiny = patches.std(axis=(1, 2))  # the class to be learned: much contrast, or little
labels = torch.from_numpy((veiny > np.median(veiny)).astype(np.int64)).to(run.device)
mean, sd = float(patches.mean()), float(patches.std())
x = torch.from_numpy((patches - mean) / sd).float()[:, None].to(run.device)
gallery = patches.reshape(len(patches), -1)

# %%
def made(name, build):
    """A network with first weights of its own."""
    with global_draws_from(run.torch_generator(name), devices=[]):
        return build().to(run.device)


def layers():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(32 * 32, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 2))


network = made("network", layers)

# %%
def update_of(patients, model=network):
    """The gradient of the mean loss of some patients: what a hospital would send."""
    return gradient_of(model, F.cross_entropy, x[patients], labels[patients])


def flat_of(gradient):
    return torch.cat([part.flatten() for part in gradient]).double().cpu().numpy()

# %%
CLIP = 4 * float(max(part.abs().max() for i in range(0, len(x), 9) for part in update_of([i])))
BY = plan(clip=CLIP, clients=n_hospitals)  # range and step, agreed beforehand
mask_seeds = run.rng("seeds of masks")

# %%
def as_seen(gradient, masked=True):
    """A gradient as the server sees it: quantised, masked, and read as if it were none of both."""
    seeds = {other: mask_seeds.bytes(32) for other in range(2, n_hospitals + 1)}
    words = quantise(flat_of(gradient), by=BY, outside="clip").words
    if masked:
        words = mask(words, me=1, self_seed=mask_seeds.bytes(32), pair_seeds=seeds)
    return parted(torch.from_numpy(sum_of(words, by=BY)).float().to(run.device), like=gradient)


def images_of(rows):
    """Rows of standardised pixels as green light, 0..1."""
    return rows.detach().double().cpu().numpy().reshape(len(rows), -1) * sd + mean

# %%
choose = run.rng("patients")
first = [int(i) for i in np.argsort(veiny)[-60:][choose.choice(60, size=3, replace=False)]]
plain_found = [images_of(invert_linear(*update_of([i])[:2]).inputs[:1])[0] for i in first]
masked_found = [images_of(invert_linear(*as_seen(update_of([i]))[:2]).inputs[:1])[0]
                for i in first]
rows = [[each.reshape(32, 32) for each in (gallery[i], got, hidden, gallery.mean(axis=0))]
        for i, got, hidden in zip(first, plain_found, masked_found, strict=True)]
run.figure(
    image_rows(rows, titles=["patient", "out of the update", "of a masked one", "mean of all"],
               window=Window(0.1, 0.6, ("green light", ""))),
    name="inversion", data="real",
    alt="Three rows of four grey squares: a patch of retina with vessels, the same patch once more,"
    " a square of pure noise, and a blur without features.",
    caption="One division takes the patient's image out of an update, and noise out of a masked"
    " one. Real patches of one retina, n = 3 shown; grey is green light, as a share of the"
    " photograph's range.",
)

# %% [markdown]
# ## What an update gives away
#
# Why one division? Let the first layer be $y = W x + b$, with the pixels $x$, and let $L$ be the
# loss of one patient. By the chain rule, for each unit $i$,
#
# $$ \frac{\partial L}{\partial W_i} = \frac{\partial L}{\partial y_i}\, x, \qquad
#    \frac{\partial L}{\partial b_i} = \frac{\partial L}{\partial y_i}
#    \qquad\Rightarrow\qquad
#    x = \frac{\partial L}{\partial W_i} \Big/ \frac{\partial L}{\partial b_i} . $$
#
# Nothing was said of what comes behind: the loss, the depth and the other layers do not matter. The
# gradient *is* the image, times a number that is sent along ([Phong et
# al.](https://doi.org/10.1109/TIFS.2017.2787987)). The label is in it, too: of the derivatives by
# the last layer's biases only that of the true class lies below zero ([Zhao et
# al.](https://doi.org/10.48550/arXiv.2001.02610)).

# %% tags=["key"]
of_weights, of_biases, _, of_last = update_of([first[0]])
unit = int(of_biases.abs().argmax())
image = of_weights[unit] / of_biases[unit]
off = float((image - x[first[0]].flatten()).abs().max())
said = label_of(of_last)

# %%
run.result("inversion_off", off, unit="standard deviations of a pixel", atol=3e-8)
run.say("The image is off by {inversion_off:.0e} at most, in standard deviations of a pixel. The"
        " label read from the update is {said}, and {true} is right.",
        said=said, true=int(labels[first[0]]))

# %% [markdown]
# A hospital would average over several patients. Then row $i$ gives their mean, each weighted by
# its own $\partial L / \partial y_i$. With a ReLU many of these are zero: a unit answers to some
# patients and not to others. A unit that answers to *one* patient of the batch still hands that
# patient out. So how many are in the clear? We call a patient *in the clear* if a row is more like
# it, by the correlation of their pixels, than the two most alike of all *different* patients are to
# each other. Does anybody pass that bar who is *not* in the batch? We ask that as well.

# %% tags=["key"]
bar = twins(gallery)


def share_in_the_clear(gradient, patients):
    if not gradient[1].abs().max() > 0:
        return 0.0  # no unit answered
    rows = images_of(invert_linear(*gradient[:2]).inputs)
    alike = likeness(rows, gallery[patients]).max(axis=0)  # each patient's best row
    return float((alike > bar).mean())

# %%
def batches_of(size):
    """Of the batch and of all others: shares in the clear, a gradient and a network each."""
    shares = []
    for i in range(n_batches):
        some, absent = np.split(choose.permutation(len(x)), [size])
        update = update_of(some, made(f"network {i} for {size}", layers))
        update = as_seen(update) if defence == "masks" else update
        shares.append([share_in_the_clear(update, those) for those in (some, absent)])
    return np.array(shares)


clear = {size: batches_of(size) for size in sorted({8, *batch_sizes})}
mean_alike = float(likeness(gallery.mean(axis=0)[None], gallery).max())
run.table(
    [{"patients in the gradient": size, "in the clear": f"{each[:, 0].mean():.2f}",
      "least of all gradients": f"{each[:, 0].min():.2f}", "most": f"{each[:, 0].max():.2f}",
      "of who is not in it": f"{each[:, 1].mean():.5f}"} for size, each in clear.items()],
    name="batches", caption="Share of patients in the clear from one gradient by division: mean,"
    f" least and most over n = {n_batches} gradients of each size, each of a new network of"
    f" {n_hidden} units; and the same of patients who are not in it. Real patches of one retina;"
    f" the gallery has {len(gallery)}.")

# %%
run.result("bar", bar, atol=1e-6)
run.result("mean_image_alike", mean_alike, atol=1e-6)
share = mean_interval(clear[8][:, 0], within=(0, 1))
beyond = mean_interval(clear[8][:, 0] - clear[8][:, 1])
run.result("clear_in_batch", share, atol=0.016)
run.result("clear_outside_batch", clear[8][:, 1].mean(), n=n_batches, atol=2e-5)
run.say(
    "The bar is a correlation of {bar:.2f}; the mean image reaches {mean_image_alike:.2f} with the"
    " patient who is most like it. Of gradients over eight patients {clear_in_batch:.2ci} of the"
    " patients are in the clear, with its interval over gradients and networks; of patients who"
    " are not in the gradient {clear_outside_batch:.2%} pass the bar.")
run.claim(
    "out of gradients over eight patients the division shows some of them in the clear",
    beyond.low > 0.05, margin=beyond.low - 0.05, falsified_by="falsify_masked_first")

# %% [markdown]
# Patients of one gradient share its units, so the unit of the interval is the gradient. Do not take
# comfort from the last rows of the table: they are about networks *as they were born* and an
# *honest* server. We come back to the server. The weights can be asked about at once. We train
# networks on one half of the patches, and attack gradients of the other half, which they have never
# seen.

# %%
def mean_in_the_clear(model, size, patients, draw):
    """Over twelve gradients of so many of these patients."""
    drawn = [draw.choice(patients, size, replace=False) for _ in range(12)]
    return np.mean([share_in_the_clear(update_of(some, model), some) for some in drawn])


def judged(model, patients, draw):
    """Shares in the clear from batches of 8, 16 and 32, and of patients whose label is right."""
    right = float((model(x[patients]).argmax(dim=1) == labels[patients]).float().mean())
    return [*(mean_in_the_clear(model, size, patients, draw) for size in (8, 16, 32)), right]
# %%
def learn(model, optimiser, patients):
    """One step."""
    optimiser.zero_grad()
    F.cross_entropy(model(x[patients]), labels[patients]).backward()
    optimiser.step()


# %%
def attacked_in_training(i):
    """What is in the clear, and what is right, after each number of steps."""
    draw, model = run.rng(f"training {i}"), made(f"trained network {i}", layers)
    rows, (seen, unseen) = [], np.array_split(draw.permutation(len(x)), 2)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for step in range(max(trained_steps) + 1):
        if step in trained_steps:
            rows.append(judged(model, unseen, draw))
        learn(model, optimiser, draw.choice(seen, 32, replace=False))
    return rows

# %%
trained = np.array([attacked_in_training(i) for i in range(n_trained)])  # networks, steps, what
run.table(
    [{"steps": step, "right of unseen": f"{mean_interval(trained[:, at, 3], within=(0, 1)):.2ci}"}
     | {f"in the clear of {size}": f"{mean_interval(trained[:, at, k], within=(0, 1)):.2ci}"
        for k, size in enumerate((8, 16, 32))} for at, step in enumerate(trained_steps)],
    name="trained", caption="Share of patients in the clear by division from gradients over so many"
    f" patients, before and after training on others: means and 95 % intervals over n = {n_trained}"
    " networks, of twelve gradients each. Real patches of one retina.")

# %%
run.result("clear_by_training", mean_interval(trained[:, -1, 1] - trained[:, 0, 1]), atol=0.006)
run.say("After {steps} steps the share in the clear from gradients over sixteen patients has"
        " changed by {clear_by_training:.2ci}, with its interval over networks.",
        steps=trained_steps[-1])

# %% [markdown]
# So do not count on training to protect anybody. Why it would not, one can guess: units may get
# choosier, and a patient whom the network classifies well leaves a small gradient, beside which
# others stand out. We did not measure that. We tried one width, one rate and small images.
#
# ### Without a linear layer
#
# In a convolutional network no row is an image. But an attacker who knows the network can ask:
# *which image would have given this gradient?* Start from noise, compute its gradient, and move the
# image until the two gradients agree ([Zhu et al.](https://doi.org/10.48550/arXiv.1906.08935),
# [Geiping et al.](https://doi.org/10.48550/arXiv.2003.14053)). The network below is easy prey: two
# layers, smooth, untrained, one patient, the label known. With ReLUs, pooling and normalisation by
# batch the search gets harder; "harder" is no promise to a patient.

# %%
smooth = made("smooth network", lambda: nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2, stride=2), nn.Sigmoid(),
    nn.Conv2d(16, 16, 5, padding=2, stride=2), nn.Sigmoid(),
    nn.Flatten(), nn.Linear(1024, 2)))
searched = choose.choice(len(x), size=n_searched, replace=False)
beginnings = run.torch_generator("beginnings of searches")

# %% tags=["key"]
def searched_for(observed, patient):
    found = match_gradient(
        observed, model=smooth, loss=F.cross_entropy, labels=labels[[patient]],
        shape=(1, 32, 32), steps=n_search_steps, distance="squared", rate=1.0,
        generator=beginnings)
    return images_of(torch.nan_to_num(found.images, posinf=0.0, neginf=0.0))[0]


by_search = np.stack([searched_for(update_of([i], smooth), i) for i in searched])

# %%
alike = likeness(by_search, gallery)
own_alike = alike[np.arange(n_searched), searched]
run.result("search_own_alike", own_alike.mean(), n=n_searched, atol=9e-6)
run.result("search_nearest", (rank_of_own(alike, searched) == 0).mean(), n=n_searched, atol=0.1)
run.say(
    "After {n_search_steps} steps the images correlate with their own patients by"
    " {search_own_alike:.2f} on average; {nearest} of {n_searched} are nearest to their own patient"
    " among {n_gallery}.", nearest=int((rank_of_own(alike, searched) == 0).sum()),
    n_gallery=len(gallery))

# %% [markdown]
# And larger batches? There are two ways to measure how far two gradients are apart. *Squared*: the
# sum of squared differences, made small by L-BFGS, a method that learns the curvature on its way;
# that is Zhu's. *Cosine*: one less the cosine of the angle between them, made small by small steps
# along the sign of each derivative; that is Geiping's. To either one may add a penalty on
# roughness, the mean difference of neighbouring pixels. A recorded trial tries both, with as many
# starts each and the penalty chosen from one grid.

# %%
batched = experiment.recorded(run, "_searched_batches/sweep")
MEASURED = {"nearest to one of the batch": "nearest", "in the clear": "clear",
            "likeness": "likeness"}


def of_searches(key, n, sees, way):
    """A share over the draws, or a likeness, with its interval."""
    within = (-1 if key == "likeness" else 0, 1)
    return mean_interval(batched.array(f"{key}_{sees}_{way}", batch=n), within=within)

# %%
sizes, cases = batched.grid["batch"], product(("plain", "masked"), ("squared", "cosine"))
run.table(
    [{"patients in the gradient": n, "sees": sees, "search": way} | {
        what: f"{of_searches(key, n, sees, way):.2ci}" for what, key in MEASURED.items()}
     | {"nearest by chance": f"{batched.array('nearest_by_chance', batch=n).mean():.3f}"}
     for n, (sees, way) in product(sizes, cases)],
    name="searches", caption="Recorded: share of searched images that are nearest to a patient"
    " of the batch, beside what an image of nobody reaches by chance; share of patients in the"
    " clear; and likeness, the correlation of a patient with the image most like it. Means and"
    f" 95 % intervals over n = {len(batched.seeds)} draws of patients, weights and starts;"
    " where all draws agree the interval is a point and says no more than that. Real patches,"
    f" labels given to the search. Of {batched.fixed['n_starts']} starts the one with the least"
    " objective counts; the penalties, and the rate of the cosine's steps, were chosen on other"
    " patients of the same draw, once for plain and masked gradients. A failure here bounds"
    " nobody else's search.")

# %%
def best_way(n, sees):
    """What the better of the two ways puts in the clear, over draws."""
    ways = [of_searches("clear", n, sees, way) for way in ("squared", "cosine")]
    return max(ways, key=lambda one: one.value)

# %%
run.say("{made}", made=batched.made)
for n, sees in product(sizes, ("plain", "masked")):
    run.result(f"searched_{sees}_{n}", best_way(n, sees), atol=1e-9)
run.say(
    "In the clear are, by whichever way came out better in each case, {a:.2ci} of the patients"
    " with {few} in the gradient and {b:.2ci} with {many}; from the same gradients under masks"
    " {c:.2ci} and {d:.2ci}.", few=sizes[0], many=sizes[-1],
    a=best_way(sizes[0], "plain"), b=best_way(sizes[-1], "plain"),
    c=best_way(sizes[0], "masked"), d=best_way(sizes[-1], "masked"))

# %%
edges = np.stack([batched.array(one) for one in (
    "smoothness_on_edge_squared", "smoothness_on_edge_cosine", "rate_on_edge_cosine")])
near = max((of_searches("nearest", sizes[-1], "plain", way) for way in ("squared", "cosine")),
           key=lambda one: one.value)
run.say("Not in the clear is not hidden: with {many}, {near:.2ci} of the images found are nearest"
        " to a patient of the batch, where chance gives {chance:.3f}.", many=sizes[-1], near=near,
        chance=float(batched.array("nearest_by_chance", batch=sizes[-1]).mean()))
run.say("Of {n} choices of a penalty or a rate {on} fell on the edge of the grid: there a search"
        " may not be at its best.", n=edges.size, on=int(edges.sum()))

# %% [markdown]
# ## Adding what nobody may read
#
# So the server must not see an update. It needs only the sum. Here is the idea with three
# hospitals. Each pair agrees on a secret random number, the *mask* $s_{ij}$. The one with the
# smaller number adds it, the other subtracts it:
#
# $$ y_i = x_i + \sum_{j > i} s_{ij} - \sum_{j < i} s_{ij}, \qquad
#    \sum_i y_i = \sum_i x_i . $$
#
# Every mask stands in the sum twice, with both signs. Each $y_i$ by itself says nothing, *if* the
# mask could have been any number, each as likely as the others. Among real numbers there is no such
# mask. And in floating point there is not even a sum:

# %% tags=["key"]
draw = run.rng("three hospitals")
three = draw.normal(scale=0.01, size=(3, 5)).astype(np.float32)
s12, s13, s23 = draw.normal(scale=1e4, size=(3, 5)).astype(np.float32)
sent = [three[0] + s12 + s13, three[1] - s12 + s23, three[2] - s13 - s23]
left_over = np.abs(sum(sent) - three.sum(axis=0)).max()

# %%
run.result("float_residue", float(left_over / np.abs(three.sum(axis=0)).max()), atol=0.01)
run.say("In single precision, floats of 32 bits, masks a million times as large as the updates"
        " leave an error of {float_residue:.1%} of the largest entry of the sum behind. Larger"
        " masks hide better and leave more.")

# %% [markdown]
# Whole numbers modulo $2^{32}$ have neither fault: they wrap round like a clock, a uniform mask
# hides a word completely, and it cancels to the last bit. So updates become whole numbers first.
# The hospitals agree on a range $[-c, c]$, and as many steps in it as can be summed without running
# over: with $n$ hospitals, $\lfloor (2^{31} - 1) / n \rfloor$ from zero to $c$. Half of the words
# stand for what is below zero.

# %% tags=["key"]
by = plan(clip=1.0, clients=3)
words = [quantise(row, by=by).words for row in three]
t12, t13, t23 = draw.integers(0, 2**32, size=(3, 5), dtype=np.uint32)
sent = [words[0] + t12 + t13, words[1] - t12 + t23, words[2] - t13 - t23]
exact = (sum(sent) == sum(words)).all()
rounded = np.abs(sum_of(sum(sent), by=by) - three.sum(axis=0, dtype=float)).max()

# %%
def refusal(call, **how):
    """What a call says when it refuses."""
    try:
        call(**how)
    except ValueError as error:
        return str(error)
    return "nothing"


run.say(
    "Masks gone to the last bit: {exact}. What quantisation cost is {rounded:.0e}, at most"
    " {bound:.0e} by its bound of half a step for each hospital.", exact=bool(exact),
    rounded=rounded, bound=by.error_bound(weight=3))
run.say("A value out of range is refused, for a mask would hide the mistake: *{said}*",
        said=refusal(quantise, values=np.array([0.1, 1.7]), by=by))
run.say("So is a range of weights whose sum could run over: *{said}*",
        said=refusal(plan, clip=1.0, clients=n_hospitals, heaviest=10**9))

# %% [markdown]
# ## Agreeing in front of the postman
#
# All letters go through the server. How can two hospitals agree on a mask of a million words that
# the server does not know? In three steps, all of them standard, none of them ours. **X25519**
# ([RFC 7748](https://doi.org/10.17487/RFC7748)): each draws a private number and publishes a point
# made of it; from one's own private number and the other's point both compute the same secret, and
# nobody knows how to compute it from the two points. **HKDF**
# ([RFC 5869](https://doi.org/10.17487/RFC5869)) makes of it a seed for one purpose, one round and
# one pair. A **stream cipher**, here AES in counter mode, stretches the seed of 256 bits to as many
# words as the update has.

# %% tags=["key"]
letters = run.rng("letters")
anna, ben = key_pair(draw=letters.bytes), key_pair(draw=letters.bytes)
purpose = context_of("mask", round_number=1, clients=(1, 2), keys=(anna.public, ben.public))
hers = expand(shared_seed(anna, ben.public, context=purpose), 6)  # her key, his point
his = expand(shared_seed(ben, anna.public, context=purpose), 6)

# %%
run.say("Both have the same mask: {same}. It begins with {words}.", same=bool((hers == his).all()),
        words=", ".join(str(int(word)) for word in hers[:3]))

# %% [markdown]
# A server that forwards *its own* point to both would sit in the middle and read everything. So
# each point is signed, and hospitals hold each other's signature keys from a source that the server
# does not run. Without that, all that follows is theatre.
#
# ## When one goes silent
#
# A hospital's line breaks after masks were agreed. Its masks stand in everybody's updates and never
# cancel: one dropout and the sum is noise. [Bonawitz et
# al.](https://doi.org/10.1145/3133956.3133982) had each hospital cut its private key into *shares*
# beforehand, and send one, sealed, to each other. **Shamir's scheme**
# ([doi](https://doi.org/10.1145/359168.359176)): hide the secret as the value at zero of a random
# polynomial of degree $t - 1$, and give hospital $i$ its value at $i$. Any $t$ points fix the
# polynomial; with $t - 1$ of them every secret is still as likely as before. In a field of eleven
# numbers one can try that out completely:

# %% tags=["key"]
shares = split(7, threshold=3, holders=[1, 2, 3, 4, 5], draw=letters.bytes, prime=11)
back = join(shares[1:4], threshold=3, holders=[1, 2, 3, 4, 5], prime=11)
known = [share.value for share in shares[:2]]  # two shares; try every third
at_zero = weights_at_zero([1, 2, 3], prime=11)
possible = {sum(w * v for w, v in zip(at_zero, [*known, third], strict=True)) % 11
            for third in range(11)}

# %%
run.say("Three shares give {back} back. With two of them, each of the {n} possible third shares"
        " gives another secret: {possible}. Nothing is excluded.", back=back, n=11,
        possible=", ".join(str(one) for one in sorted(possible)))

# %% [markdown]
# Now the survivors can mend the key of one who vanished, and the server takes its masks off. That
# opens a trap: the hospital was only *slow*. Its update arrives after its masks were opened, and
# lies bare. So each update wears a second mask, a **self-mask** $b_i$, also cut into shares. Of
# each hospital the survivors reveal either the self-mask, if it counts as there, or the key, if it
# counts as gone; never both. That is why they first sign the list of who counts. So a round has
# five steps:
#
# - *advertise*: each hospital publishes two fresh keys under its signature, one to agree on masks
#   and one to seal letters;
# - *share*: it cuts its self-mask's seed and its key for masks into shares, and sends one of each,
#   sealed, to every other;
# - *mask*: it sends its update under all its masks;
# - *confirm*: it signs the list of those whose updates arrived;
# - *reveal*: it gives its share of each arrived hospital's self-mask, and of each vanished one's
#   key.
#
# Let as many hospitals as may vanish do so before each of these steps:

# %%
rng = run.rng("rounds")
in_hospital = choose.permutation(len(x))[: 4 * n_hospitals].reshape(n_hospitals, 4)
updates = np.stack([flat_of(update_of(some)) for some in in_hospital])

# %% tags=["key"]
sent = np.stack([quantise(update, by=BY).words for update in updates])
gone = {step: rng.choice(np.arange(1, n_hospitals + 1), size=n_hospitals - THRESHOLD,
                         replace=False).tolist() for step in STEPS}
rounds = {step: aggregate(sent, threshold=THRESHOLD, rng=rng, drop={step: some})
          for step, some in gone.items()} | {"nobody vanishes": aggregate(
              sent, threshold=THRESHOLD, rng=rng)}

# %%
def with_orphans(total):
    """The sum, with masks left on it that nobody took off, where that defect is asked for."""
    return total + sum(expand(mask_seeds.bytes(32), len(total)) for _ in range(orphans))


# %%
outcome, errors = [], []
for step, done in rounds.items():
    stay = [i - 1 for i in done.survivors]
    plain = sent[stay].sum(axis=0, dtype=np.uint32)
    got = with_orphans(done.sum)
    error = np.abs(sum_of(got, by=BY) - updates[stay].sum(axis=0)).max()
    errors.append(float(error / BY.step / len(stay)))
    outcome.append({"vanish before": step, "in the sum": len(stay),
                    "words that differ": int((got != plain).sum()),
                    "error, steps a hospital": f"{errors[-1]:.2f}"})
worst, differ = max(errors), sum(row["words that differ"] for row in outcome)

# %%
run.table(outcome, name="dropouts", caption=f"{n_hospitals} hospitals, {THRESHOLD} must stay,"
          f" {n_hospitals - THRESHOLD} vanish before a step; {updates.shape[1]} words each,"
          " gradients of real patches. Who vanishes before its update is sent, at *mask*, is not in"
          " the sum; who vanishes later is.")
run.result("words_that_differ", differ)
run.result("error_in_steps", worst, unit="steps a hospital", atol=0.006)
too_many = {"mask": list(range(1, n_hospitals - THRESHOLD + 2))}
run.say("One more dropout, and the round ends with nothing opened: *{said}*", said=refusal(
    aggregate, updates=sent[:, :8], threshold=THRESHOLD, rng=rng, drop=too_many))

# %%
kept_exact = 0.5 + 2**-10 - worst if differ == 0 else -float(differ)
run.claim(
    "whoever vanishes, and at whichever step, the sum equals that of the survivors' words to the"
    " last bit, and is off by no more than the rounding of each hospital",
    kept_exact >= 0, margin=kept_exact, unit="steps a hospital", falsified_by="falsify_orphan")

# %% [markdown]
# ## Who may collude
#
# The server is curious, and some hospitals show it all they hold: shares, keys, their own updates.
# What follows from that is linear algebra. Each masked update is one equation; unknown masks are
# free numbers; a combination of equations says something of the updates only if every unknown mask
# cancels in it. With $k$ colluders of $n$ hospitals, and $t$ who must stay:
#
# - $k \ge t$ colluders hold $t$ shares of everything, and open everybody.
# - With $k = t - 1$ a round may end with one honest survivor. The sum, less what the colluders
#   know, is that hospital's update. So $t \ge k + 2$.
# - A server that *lies* tells one half that Anna is there, the other half that she is gone, and
#   gets both of her masks. Colluders sign both lists, honest hospitals one: two lists with $t$
#   signatures each need $2t \le n + k$. So against it $t \ge \lfloor (n + k)/2 \rfloor + 1$.
# - After $d$ dropouts $n - d$ are left: $t \le n - d$.

# %% tags=["key"]
k_most = THRESHOLD - 2 + more_collude
computed, by_keys, by_algebra = [], 0, 0
pairs = list(product(range(k_most + 1), range(n_hospitals - THRESHOLD + 1)))
for k, d in pairs:  # every number of colluders with every number of dropouts
    people = rng.permutation(np.arange(1, n_hospitals + 1)).tolist()
    inside, away = people[:k], people[k : k + d]
    told = {"threshold": THRESHOLD, "colluders": inside, "dropouts": away, "late": away[:1]}
    view = learnt(n=n_hospitals, **told)  # by algebra
    found = opened(overhear(sent[:, :8], rng=rng, **told))  # with real keys and shares
    by_algebra, by_keys = by_algebra + len(view.exposed), by_keys + len(found)
    computed.append(min([np.count_nonzero(row) for row in view.combinations], default=n_hospitals))

# %%
few = 2 * THRESHOLD - n_hospitals  # colluders that let a liar tell two lists
lie = {"updates": sent[:, :8], "threshold": THRESHOLD, "rng": rng}
fooled = opened(tell_two_lists(colluders=people[:few], **lie))
right = sum(bool((words == sent[i - 1, :8]).all()) for i, words in fooled.items())
run.result("opened_by_keys", by_keys)
run.result("smallest_sum", min(computed), unit="hospitals")
run.result("exposed_at_threshold", len(exposed(n_hospitals, THRESHOLD, THRESHOLD)),
           unit="hospitals")

# %%
run.result("exposed_to_liar", right, unit="hospitals")
run.result("exposed_to_liar_with_one_fewer", len(exposed(
    n_hospitals, THRESHOLD, few - 1, server="lying")), unit="hospitals")
run.say(
    "In {n_rounds} rounds, one for each number of colluders up to {k_most} and of dropouts, of whom"
    " one update came late, the keys opened {opened_by_keys:.0f} honest updates and the algebra"
    " {by_algebra}. The smallest sum of honest hospitals that could be computed had"
    " {smallest_sum:.0f} of them. With {THRESHOLD} colluders, {exposed_at_threshold:.0f} of"
    " {others} honest hospitals are exposed.", n_rounds=len(pairs), k_most=k_most,
    by_algebra=by_algebra, THRESHOLD=THRESHOLD, others=n_hospitals - THRESHOLD)
run.say(
    "A server that lies, played with real hospitals, opens the updates of {exposed_to_liar:.0f} of"
    " {honest} honest ones with {few} colluders. With one colluder fewer the hospitals refuse its"
    " second list: *{said}*", honest=n_hospitals - few, few=few,
    said=refusal(tell_two_lists, colluders=people[: few - 1], **lie))

# %%
hidden = min(computed) - 2 if by_keys == 0 else -by_keys
run.claim(
    "a curious server with two colluders fewer than must stay opens no honest update, and computes"
    " no sum of fewer than two honest hospitals", hidden >= 0, margin=float(hidden),
    unit="hospitals", falsified_by="falsify_one_more_colludes")

# %% [markdown]
# That is an exact statement. Every number of colluders and of dropouts is tried; *who* they are is
# drawn, and by symmetry of the protocol does not matter. So its margin is a whole number and does
# not move from seed to seed. It takes the ciphers as unbroken. Move the slider: who is left
# exposed?

# %%
SHOWN = sorted({n_hospitals // 2 + 1, THRESHOLD, n_hospitals - 1})
CASES = [(t, server) for t in SHOWN for server in ("curious", "lying")]
LOOKS = {"colludes": ("black", "X"), "hidden": ("blue", "o"), "exposed": ("orange", "s")}


def finished(place):
    """Axes and legend of the slider's figure."""
    for what, (color, marker) in LOOKS.items():
        place.plot([], [], marker, color=experiment.COLORS[color], label=what)
    place.set(xlabel="hospital", xlim=(0.4, n_hospitals + 0.6), ylim=(len(CASES) - 0.5, -0.5))
    place.set_xticks(range(1, n_hospitals + 1))
    place.set_yticks(range(len(CASES)), [f"t = {t}, {server} server" for t, server in CASES])
    place.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=3)
    return place.figure

# %%
def draw_collusion(k):
    """Hospitals in a row for each threshold and server: colluders, hidden, exposed."""
    place = panels(1, 1, height_in=2.9)[1][0, 0]
    for row, (t, server) in enumerate(CASES):
        bare = exposed(n_hospitals, t, k, server=server)
        for i in range(1, n_hospitals + 1):
            what = "colludes" if i > n_hospitals - k else "exposed" if i in bare else "hidden"
            color, marker = LOOKS[what]
            place.plot(i, row, marker, color=experiment.COLORS[color], ms=11)
    return finished(place)

# %%
counts = list(range(n_hospitals))
run.frames(
    [draw_collusion(k) for k in counts], name="collusion", label="hospitals that collude",
    values=counts, data="none", start=min(4, n_hospitals - 1),
    alt="Rows of hospitals for three thresholds and two kinds of server; colluders are crosses,"
    " hidden hospitals circles, exposed ones squares.",
    caption="A higher threshold endures more colluders and fewer dropouts, and against a server"
    f" that lies it must be higher. By algebra, {n_hospitals} hospitals, none drops out. With all"
    " but one colluding, the sum itself exposes the last: no mask can help.")

# %%
def allowed(k, d, server):
    """Thresholds that serve and that the protocol takes, in words."""
    try:
        serve = threshold_range(n_hospitals, k, d, server=server)
    except ValueError:
        return "none"
    serve = [t for t in serve if 2 * t > n_hospitals]
    return "–".join(str(t) for t in sorted({serve[0], serve[-1]})) if serve else "none"

# %%
run.table(
    [{"may collude": k} | {f"{d} may vanish, {server}": allowed(k, d, server)
                           for server in ("curious", "lying") for d in (0, 3)}
     for k in range(0, n_hospitals - 1, 2)],
    name="thresholds", caption=f"Thresholds t that serve with {n_hospitals} hospitals, by how many"
    " may collude and vanish, against a server that is curious or lies. Left out are thresholds of"
    " half of the hospitals or fewer: against a curious server some would do, but with them two"
    " lists need no colluder, and our protocol refuses them. Computed, no data.")

# %% [markdown]
# ## Does it look random?
#
# A masked update should look like words drawn uniformly. That can be tested: does each of 256
# values occur equally often at each byte's place, and each pair of leading bits in neighbouring
# words? Both are $\chi^2$ tests: they add up the squared differences between counts and what is
# expected, each over what is expected. On uniform words their $p$-value is below one twentieth in
# one test of twenty. So we test many masked updates, and count.

# %%
mask_rng = run.rng("masked updates to test")
one_update = quantise(np.resize(updates[0], n_words), by=BY).words


def under_mask():
    """The update under nine masks by pairs and its own."""
    seeds = {other: mask_rng.bytes(32) for other in range(2, n_hospitals + 1)}
    return mask(one_update, me=1, self_seed=mask_rng.bytes(32), pair_seeds=seeds)

# %% tags=["key"]
ps = np.array([[test(under).p for test in (bytes_uniform, pairs_uniform)]
               for under in (under_mask() for _ in range(n_tested))])
alarms = (ps < 0.05).mean(axis=0)
bare = [test(one_update) for test in (bytes_uniform, pairs_uniform)]

# %%
low, high = (scipy.stats.binom.ppf(q, n_tested, 0.05) / n_tested for q in (0.0005, 0.9995))
for name, share in zip(("bytes", "pairs"), alarms, strict=True):
    run.result(f"alarms_{name}", share, n=n_tested, atol=0.004)
run.say(
    "The tests sound for {alarms_bytes:.1%} and {alarms_pairs:.1%} of {n_tested} masked updates;"
    " chance alone stays between {low:.1%} and {high:.1%} in all but one of a thousand trials. For"
    " the bare update χ² is {bytes:.0f} and {pairs:.0f} times what uniform words give on average.",
    low=low, high=high, bytes=bare[0].statistic / bare[0].degrees,
    pairs=bare[1].statistic / bare[1].degrees)

# %% [markdown]
# ## The warning
#
# Such a test can show that something is wrong. It cannot show that nothing is. Here is a mask that
# passes it and hides nothing: words of NumPy's legacy generator, the Mersenne Twister, from a seed
# of few bits. It is no straw man. SecAgg+ is this protocol with masks for a few neighbours only,
# and Flower is a library for learning in many places that has it. A [public
# thread](https://github.com/flwrlabs/flower/issues/7522) (issue 7522 of *flwrlabs/flower*, opened
# in July 2026; a repair is proposed there) reports that its masks are made so: a secret of any
# length is folded to 32 bits, by exclusive or, and seeds that generator. Where the secret was
# written out as letters first, the highest bit of each byte is zero and stays zero under exclusive
# or: by our reading of the code, 28 bits of the seed are left at most. That is the mask of a pair.
# It is all that lies on an update when all but two hospitals collude, and so many must stay that
# the colluders open nothing by themselves: $t \ge n - 1$. On an update that came late lies a
# self-mask of 32 bits.
#
# We attack a simulation of our own: updates under one such mask, of fewer bits, and *all* seeds.

# %%
def short_mask(one_seed, n):
    """The mask of the warning; or, to see the attack fail, one of AES from a seed of 256 bits."""
    if warned_of == "twister":
        return legacy_mask(int(one_seed), n)
    return expand(mask_rng.bytes(32), n)


# %% tags=["key"]
weak = run.rng("short seeds")
victims = sent[:3, :64]
secret_seeds = weak.integers(0, 2**seed_bits, size=3)
hidden_words = [words + short_mask(s, 64)
                for words, s in zip(victims, secret_seeds, strict=True)]
largest = int(np.abs(sent.view(np.int32)).max())  # what all agreed on is larger; see the text
done = [search(words, bits=search_bits, largest=largest) for words in hidden_words]
right = [one.seeds == (int(s),) for one, s in zip(done, secret_seeds, strict=True)]

# %%
passing = np.array([[test(one_update + short_mask(s, n_words)).p
                     for test in (bytes_uniform, pairs_uniform)]
                    for s in weak.integers(0, 2**seed_bits, size=n_tested)])
short_alarms = (passing < 0.05).mean(axis=0)
run.result("short_seeds_found", np.mean(right), n=3)
run.result("short_seed_alarms_bytes", short_alarms[0], n=n_tested, atol=0.004)
run.result("short_seed_alarms_pairs", short_alarms[1], n=n_tested, atol=0.004)
run.say(
    "Of updates under masks from seeds of {seed_bits} bits the tests of uniformity sound for"
    " {short_seed_alarms_bytes:.1%} and {short_seed_alarms_pairs:.1%}. Trying {tried:,} seeds found"
    " {found} of {n} updates, to the last bit.", tried=2**search_bits, found=int(sum(right)), n=3)
within = float(min(high - short_alarms.max(), short_alarms.min() - low))
margin = within if all(right) else float(np.mean(right)) - 1.0
run.claim(
    "masks from short seeds pass the tests of uniformity as uniform words do, and trying all seeds"
    " finds each update under them, to the last bit", margin >= 0, margin=margin,
    falsified_by="falsify_aes_masks")

# %% [markdown]
# (We let the attacker know the largest word of this round; with the bound that all agreed on, a few
# words more are looked at.) How long would the full search take? Speed is the one thing here that
# another run will not repeat, so it is printed and not recorded:

# %%
speed = float(np.median([one.per_second for one in done]))
for bits in (28, 32, 64, 256):
    print(f"{bits:4} bits: about {seconds_for(bits, per_second=speed):.1e} processor seconds")

# %% [markdown]
# Twenty-eight bits are a coffee break on one processor core. With 256 bits the search is out of
# reach for everybody, and nothing in the *uniformity* of the masks has changed. The strength of a
# mask is that of its seed and its cipher, and no look at the masks shows it.
#
# ## The attack once more
#
# Now the attack of the beginning on what the server sees. The division and the search are the same
# as above, with as many steps. They still return *something*: a division has a quotient, a search
# an end. So we count for how many patients the image is nearest to the own patient, of all patients
# of the gallery. Who knows nothing guesses right for one patient in as many as the gallery has;
# such counts follow the binomial distribution. Division and search are counted apart, for many hits
# of the one would drown in the misses of the other.

# %% tags=["key"]
again = choose.choice(len(x), size=n_again, replace=False)
divided = np.stack([
    images_of(invert_linear(*as_seen(update_of([i]), bare_to != "division")[:2]).inputs[:1])[0]
    for i in again])
found = np.stack([searched_for(as_seen(update_of([i], smooth), bare_to != "search"), i)
                  for i in searched])
hits = {"division": int((rank_of_own(likeness(divided, gallery), again) == 0).sum()),
        "search": int((rank_of_own(likeness(found, gallery), searched) == 0).sum())}

# %%
bare = np.stack([images_of(invert_linear(*as_seen(update_of([i]), False)[:2]).inputs[:1])[0]
                 for i in again])
run.result("bare_nearest", (rank_of_own(likeness(bare, gallery), again) == 0).mean(), n=n_again,
           atol=0.01)
run.say("The same words without masks: {bare_nearest:.0%} of {n_again} divisions are nearest to the"
        " own patient.")
for way, tried in {"division": n_again, "search": n_searched}.items():
    most = int(scipy.stats.binom.ppf(0.9995, tried, 1 / len(gallery)))
    run.result(f"masked_nearest_{way}", hits[way] / tried, n=tried, atol=0.5 / tried)
    run.say("With masks, {way}: {hits} of {tried}. Guesses reach more than {most} in fewer than one"
            " of a thousand trials.", way=way, hits=hits[way], tried=tried, most=most)
    run.claim(
        f"out of masked updates the {way} finds no more patients than guesses among the gallery do",
        hits[way] <= most, margin=(most - hits[way]) / tried, control=True,
        falsified_by=f"falsify_bare_to_{way}")

# %% [markdown]
# Take that for what it is. That a uniform mask leaves nothing of a word is proved, not measured;
# the count shows that the masks are on and that the attack was pointed at them. It would miss a
# leak that shows the division a few patients in a hundred, or the search one of the few it tried.

# %% [markdown]
# ## What the sum itself says
#
# The masks are gone and the server holds the sum: exactly what was promised, and no more. Is *that*
# harmless? The sum of ten hospitals' gradients is the gradient of one large batch. From the first
# table above one would think that nobody of so many is in the clear. That was with weights as born.
# But who hands out the weights? The server. Suppose that it makes every unit of the
# first layer measure the same, the brightness, and each answer from another brightness on ([Fowl et
# al.](https://doi.org/10.48550/arXiv.2110.13057)). Two neighbouring units then differ by the
# patients *between* them; where that is one, the difference is the image.

# %%
def drawn(i):
    """Patients of ten hospitals, a new network, and brightnesses that the server cuts at."""
    groups = run.rng(f"trap {i}").permutation(len(x))[: 4 * n_hospitals].reshape(n_hospitals, 4)
    others = np.setdiff1d(np.arange(len(x)), groups)  # whom the server knows from elsewhere
    bright = np.sort(x[others].flatten(1).mean(dim=1).cpu().numpy().astype(float))
    cuts = np.quantile(bright, np.linspace(0, 1, n_hidden)) + 1e-6 * np.arange(n_hidden)
    return groups, made(f"trap network {i}", layers), cuts.tolist()


# %% tags=["key"]
def exact_sum(groups, model):
    handed_in = [update_of(some, model) for some in groups]
    wide = plan(clip=2 * max(float(p.abs().max()) for u in handed_in for p in u),
                clients=len(groups))
    total = sum(quantise(flat_of(u), by=wide).words for u in handed_in)  # all that is opened
    return parted(torch.from_numpy(sum_of(total, by=wide)), like=handed_in[0])

# %% [markdown]
# Now the same patients and the same network, first with the weights that it was born with, then
# with those that the server likes:

# %% tags=["key"]
def as_born_and_chosen(groups, model, cuts):
    born = share_in_the_clear(exact_sum(groups, model), groups.ravel())
    if weights == "born":
        return born, born
    imprint_(model[1], model[3], edges=cuts)
    rows = images_of(read_imprint(*exact_sum(groups, model)[:2], relative_floor=1e-4))
    return born, (likeness(rows, gallery[groups.ravel()]).max(axis=0) > bar).mean()

# %%
from_sums = np.array([as_born_and_chosen(*drawn(i)) for i in range(n_traps)])
born, chosen = (mean_interval(each, within=(0, 1)) for each in from_sums.T)
run.result("clear_from_sum", born, atol=0.001)
run.result("clear_from_trapped_sum", chosen, atol=0.016)
run.say(
    "Of the {n} patients in the exact sum of {n_hospitals} hospitals {clear_from_sum:.2ci} are in"
    " the clear with weights as born, and {clear_from_trapped_sum:.2ci} if the server chose them:"
    " means with intervals over {n_traps} draws of patients and weights. Nobody chose trained"
    " weights either: of {size} patients our trained networks gave {trained:.2ci} after {steps}"
    " steps.", n=4 * n_hospitals, size=32,
    trained=mean_interval(trained[:, -1, 2], within=(0, 1)), steps=trained_steps[-1])
gained = mean_interval(from_sums[:, 1] - from_sums[:, 0])
run.claim(
    "weights that the server chose put in the clear at least a third of the patients of the exact"
    " sum more than weights as born do", gained.low > 1 / 3, margin=gained.low - 1 / 3,
    falsified_by="falsify_weights_as_born")

# %% [markdown]
# Secure aggregation was not broken; it did what it says. A hospital could have noticed: its first
# layer has one row, many times. It would have to look, at weights that come every round, against
# better disguises than ours. One deals with it by bounding what *any* sum can tell, further down.
#
# ### Was she in it?
#
# A quieter question needs no trap: *was this patient in the sum?* Of a sum over the patients of a
# clinic for a stigmatised disease, the answer is the diagnosis. Take real patients now, of whom
# nuclei were measured, and the last layer of a small network, on a hundred features of them. The
# server sees one sum of gradients at the layer's first weights, zeros; hospitals play no part here.
# It has the patient's record and diagnosis from elsewhere, and so the gradient $g$ that she *would*
# have sent. And it has records and diagnoses of other patients of the same kind, whose gradients
# have mean $\mu$ and covariance $\Sigma$; how many, will matter. With $m$ patients in the sum $s$,
# it asks how far $s$ leans to $g$:
#
# $$ \frac{(g - \mu)^\top \Sigma^{-1} (s - m \mu)}{\sqrt{(g - \mu)^\top \Sigma^{-1} (g - \mu)}} . $$
#
# For patients who are not in the sum that has mean zero, and higher for those who are
# ([after Dwork et al.](https://doi.org/10.1109/FOCS.2015.46)). The less evenly gradients spread,
# the more $\Sigma$ matters: it divides out what all patients share.

# %%
cytology = breast_cancer()
measured = run.uses(cytology.sample).array
standard = np.c_[(measured - measured.mean(axis=0)) / measured.std(axis=0), np.ones(len(measured))]
layer = run.rng("fixed layer").normal(size=(standard.shape[1], 100)) / np.sqrt(standard.shape[1])
features = np.c_[np.tanh(standard @ layer), np.ones(len(standard))]
gradients = patient_gradients(np.zeros(features.shape[1]), features, 1 - cytology.labels)

# %% tags=["key"]
def tells(rng, clip=np.inf, sigma=0.0, n_known=None):
    sent = gradients if clip == np.inf else clipped(gradients, norm=clip)
    order = rng.permutation(len(sent))
    inside, outside, elsewhere, rest = np.split(order, np.cumsum([n_members, 60, 60]))
    noise = rng.normal(scale=sigma * clip if sigma else 0.0, size=sent.shape[1])
    known = sent[rest[:n_known]]  # the server clips as the hospitals do
    blur = noise.any() * (sigma * min(clip, 1e9)) ** 2 / n_members / known.var(axis=0).mean()
    scores = tracing_scores(sent[inside].sum(axis=0) + noise, sent, summed=n_members,
                            reference=known, ridge=1e-3 + blur)  # and knows the noise
    return [auc(scores[some], scores[outside]).value for some in (inside, elsewhere)]

# %%
sums = run.rng("who is in the sum").spawn(n_draws)


def over_draws(**how):
    """The same people and noise each time."""
    return np.array([tells(deepcopy(one), **how) for one in sums])

# %%
found = over_draws()
member = mean_interval(found[:, 0 if asked == "members" else 1])
control = mean_interval(found[:, 1])
run.result("membership_auc", member, atol=1e-3)
run.result("elsewhere_auc", control, atol=1e-3)
few_known = {n: mean_interval(over_draws(n_known=n)[:, 0]) for n in (20, 60, 150)}
run.result("membership_auc_few_known", few_known[20], atol=1e-3)
run.say(
    "The {n_members} members of a sum are told from sixty patients who are not in it with an AUC of"
    " {membership_auc:.2ci}. Sixty others who are not in it either, asked in the same way:"
    " {elsewhere_auc:.2ci}. Intervals are over {n_draws} draws of who is who from the same"
    " {n} patients, and so of this table only.", n=len(gradients))
run.say("That is with all other {rest} records of the table as reference. With {few} of them:"
        " {aucs}.", rest=len(gradients) - n_members - 120,
        few=", ".join(str(n) for n in few_known),
        aucs="; ".join(f"{each:.2ci}" for each in few_known.values()))
run.claim(
    "the exact sum tells its members from patients who are not in it, to a server that has many"
    " other records of the same table",
    member.low > 0.58, margin=member.low - 0.58, unit="AUC", falsified_by="falsify_asked_elsewhere")

# %% [markdown]
# An AUC is an average over patients: it says neither that everybody can be told nor that nobody
# can. And it is that of one sum, of one size. `-p n_members=10` and `-p n_members=150` show what
# the size does.
#
# ## Noise that can be accounted for
#
# What bounds every question at once is **differential privacy**. Shorten each patient's gradient
# to a length of $c$ at most, and add Gaussian noise of standard deviation $\sigma c$ to each
# number of the sum. Then for anything the server may conclude, its chance $p$ with the patient's
# gradient in the sum and $p'$ with zero in its place obey $p \le e^\varepsilon p' + \delta$ *and*
# $p' \le e^\varepsilon p + \delta$, whatever else it knows: so little does her presence show, and
# so little her absence. Only what she *adds* is hidden. How many patients there are counts as
# public; and to hide that she was *replaced* by another takes twice the noise, for the sum then
# moves by up to $2 c$. For one sum ([Balle and Wang](https://doi.org/10.48550/arXiv.1805.06530)),
# with $\Phi$ the normal distribution,
#
# $$ \delta = \Phi\left(\tfrac{1}{2\sigma} - \varepsilon\sigma\right)
#    - e^\varepsilon\, \Phi\left(-\tfrac{1}{2\sigma} - \varepsilon\sigma\right), $$
#
# and the strongest attack, by a server that knows *everybody else's* gradient, has an AUC of
# $\Phi\left(1 / (\sigma \sqrt 2)\right)$. Over $T$ rounds in which all take part Gaussian noise
# composes exactly: each round needs $\sqrt T$ times the noise. So the accountant of this page is
# the formula above, ours, and nothing need be installed for it; the tests of
# `medlib.systems.aggregation.private_training` hold it against that of Opacus, a library that
# trains with such noise and keeps the account. Where rounds draw a secret sample of patients, no
# such formula serves, and `privacy.epsilon_of` asks Opacus itself.

# %% tags=["key"]
EPSILON, DELTA = 2.0, 1e-4
sigma = noise_for_one_round(EPSILON, DELTA)
lengths = np.linalg.norm(gradients, axis=1)
clip = float(np.median(lengths)) / 2
one = gradients[lengths.argmax()]  # the patient who stands out most
part = clipped(one[None], norm=clip)[0] if clipping else one
noise = run.rng("noise on sums").normal(scale=sigma * clip, size=(2, n_noises, len(one)))
leaning = np.stack([noise[0] + part, noise[1]]) @ part / np.linalg.norm(part)
there = np.repeat([1, 0], n_noises)  # first the sums with her, then those without
strongest = float(auc_of_rows(leaning.ravel(), there))
promised = scipy.stats.norm.cdf(1 / sigma / np.sqrt(2))

# %%
room = auc_by_chance(n_noises, n_noises, level=0.999)[1] - 0.5
run.result("strongest_auc", strongest, unit="AUC", n=2 * n_noises, atol=1e-3)
run.result("promised_auc", float(promised), unit="AUC", atol=1e-6)
run.say(
    "For ε = {EPSILON:g} and δ = {DELTA:g} the noise is {sigma:.2f} lengths of a clipped gradient."
    " Whoever knows all other gradients tells whether the patient with the longest one took part"
    " with a measured AUC of {strongest_auc:.3f}; promised is {promised_auc:.3f} at most, and so"
    " many sums may still read {room:.3f} more by chance. (The promise is tight: the longest"
    " gradient fills the clipping length, so no lower one could be kept. Shortened are {share:.0%}"
    " of the gradients.)", EPSILON=EPSILON,
    DELTA=DELTA, sigma=sigma, room=room, share=float((lengths > clip).mean()))

# %%
noises = {"exact": {}, "clipped, no noise": {"clip": clip}} | {
    f"ε = {epsilon:g}": {"clip": clip, "sigma": noise_for_one_round(epsilon, DELTA)}
    for epsilon in (8.0, EPSILON, 0.5)}
rows = []
for name, how in noises.items():
    seen = mean_interval(over_draws(**how)[:, 0], within=(0, 1))
    most = scipy.stats.norm.cdf(1 / how["sigma"]) if "sigma" in how else 1.0
    rows.append({"the sum": name, "this server": f"{seen:.2ci}",
                 "any server, at most": f"{most:.2f}"})
    if name == f"ε = {EPSILON:g}":
        run.result("noisy_membership_auc", seen, atol=1e-3)
run.table(rows, name="noisy_membership", caption="AUC of the membership test on one sum, over"
          f" n = {n_draws} draws, the same in each row, with its 95 % interval, beside what no"
          " server can pass that knows all other gradients. Here another patient stands in a"
          " member's place, so the sum moves by up to 2c, and both are judged on one sum: Φ(1/σ)."
          " The server clips what it scores and counts the noise into the covariance;"
          f" δ = {DELTA:g}. Real patients.")

# %% [markdown]
# Clipping alone is no protection: hold the second row against the first. The noise does it, and it
# does it against a server that knows how much of it there is. (Our $c$ is half of the median
# length of these very gradients. So it says something of them, which $\varepsilon$ does not count;
# a deployment fixes $c$ beforehand, or pays for it.)
#
# Where does the noise come from, if the server may not see the sum without it? From the hospitals,
# before the masks, in whole numbers. Each adds a part; those who vanish take theirs along, and
# colluders know theirs. So the parts must be so large that those of $t - k$ honest survivors are
# enough: each part's variance is $\sigma^2 c^2 / (t - k)$. The more stay, the more noise there is;
# how many stayed is in the list that all sign, and no secret.
#
# ### What it costs
#
# A recorded trial trains the last layer on real patients, for several $\varepsilon$ that all rounds
# spend together. Clipping length, rate and the number of rounds are chosen on validation patients
# for every $\varepsilon$ from one grid, of settings within one standard error of the best the one
# with the fewest rounds; one round with little noise may serve better than many noisy ones. (The
# grid ends at a hundred rounds; the table counts the draws in which a choice lay there, or on
# another edge.) Two things may be hidden: what a *patient* adds to the sum, or what a whole
# *hospital* adds, the mean gradient of its patients. *That* a hospital takes part is never hidden:
# it stands in the list that all survivors sign. (Neither the choosing nor the
# standardising of the features is paid for; in a deployment both would have to be.)
#
# One trains once. So a mean over trainings is not what one gets: under much noise one training may
# turn out well, and the next one upside down, with an AUC below one half. So we count how often.

# %%
trial = experiment.recorded(run, "_price_of_privacy/sweep")
UNITS = {"patient": "a patient's part", "hospital": "a hospital's part"}
EDGES = ("edge_clip", "edge_rate", "edge_rounds")


def over_splits(what, unit, epsilon):
    """Of what the trainings of one draw came to, the mean over draws, with its interval."""
    return mean_interval(trial.array(f"{what}_{unit}", epsilon=epsilon), within=(0, 1))


def left_wrong(unit, epsilon):
    """Share of pairs in wrong order, over draws."""
    return mean_interval(1 - trial.array(f"auc_{unit}", epsilon=epsilon), within=(0, 1))

# %%
def chosen_rounds(unit, epsilon):
    """The middle of the numbers of rounds chosen, and how often a choice lay on an edge."""
    edge = np.any([trial.array(f"{one}_{unit}", epsilon=epsilon) for one in EDGES], axis=0)
    middle = np.median(trial.array(f"rounds_{unit}", epsilon=epsilon))
    return f"{middle:g} ({int(edge.sum())})"


def price(unit, epsilon):
    """AUC lost against no noise, draw by draw."""
    without, noisy = (trial.array(f"auc_{unit}", epsilon=e) for e in (0.0, epsilon))
    return mean_interval(without - noisy, unit="AUC")

# %%
values = sorted(trial.grid["epsilon"], key=lambda e: -e if e else -np.inf)
run.table(
    [{"hidden": what, "ε": f"{e:g}" if e else "no noise",
      "pairs in wrong order": f"{left_wrong(unit, e):.3ci}",
      "median AUC": f"{over_splits('median', unit, e).value:.3f}",
      "5 % quantile": f"{over_splits('low', unit, e).value:.3f}",
      "below one half": f"{over_splits('worse_than_chance', unit, e).value:.1%}",
      "rounds (on an edge)": chosen_rounds(unit, e)}
     for (unit, what), e in product(UNITS.items(), values)],
    name="price", caption="Recorded: share of pairs, malignant and benign, in wrong order (one"
    f" less the AUC), with its 95 % interval over n = {len(trial.seeds)} draws; median and 5 %"
    " quantile of the AUC and share of trainings with an AUC below one half, means over draws;"
    " the median of the rounds chosen, and in how many draws a choice lay on an edge of its"
    f" grid. Each draw is a mean over {trial.fixed['n_test_noises']} trainings (one without"
    f" noise). Draws are splits of the same {len(cytology.labels)} real patients, and so the"
    " intervals are of this table only.")

# %%
run.say("{made}", made=trial.made)
least = min(e for e in values if e)
for unit in UNITS:
    run.result(f"price_{unit}", price(unit, least), atol=1e-9)
    run.result(f"upside_down_{unit}", over_splits("worse_than_chance", unit, least), atol=1e-9)
run.say(
    "At ε = {least:g}, with the best settings on validation patients, hiding a patient's part"
    " costs this model of {n} weights {price_patient:.3ci} on average, and"
    " {upside_down_patient:.1%} of its trainings order patients worse than chance; hiding a"
    " hospital's part costs {price_hospital:.3ci}, and {upside_down_hospital:.1%} do.",
    least=least, n=trial.fixed["width"] + 1)

# %% [markdown]
# Read such a table with its sizes in mind: the price is that of one small model, of our choice. The
# task is easy, for nuclei of cancers are large. Noise grows with the square root of the number of
# weights and the sum with the number of patients: a network of a million weights on as few patients
# would drown. Few patients and much privacy do not go together, whoever adds up.
#
# ## What it costs to mask
#
# Bytes can be counted exactly. Each hospital sends its update, four bytes a word, and a letter to
# each other. That grows with the number of hospitals, and so do the masks to be made, one for each
# pair. Beyond some hundred one lets each agree with a few neighbours only.

# %%
cost = {}
for n in (5, n_hospitals, 2 * n_hospitals):
    small = rng.integers(0, 2**32, size=(n, 10_000), dtype=np.uint32)
    cost[n] = aggregate(small, threshold=2 * n // 3 + 1, rng=rng)
run.table(
    [{"hospitals": n, "letters up (bytes)": done.up[1] - 40_000,
      "letters down (bytes)": done.down[1],
      "up with a million words (MB)": f"{(done.up[1] - 40_000) / 1e6 + 4:.3f}"}
     for n, done in cost.items()],
    name="bytes", caption="What one hospital sends beside its update, and receives, in a round;"
    " counted on messages as they would lie on a wire.")
for n, done in cost.items():
    print(f"{n:3} hospitals: {1e3 * np.mean(list(done.client_cpu_s.values())):6.1f} ms of a"
          f" processor a hospital, for {small.shape[1]} words (printed, not recorded)")

# %% [markdown]
# `python -m bench secure_aggregation` holds a million words and ten hospitals against Flower's
# SecAgg+, with everybody staying, in processor time of one hospital; it also compares what both
# sums decode to with the plain one.
#
# ## What breaks it
#
# **A server that chooses the weights.** Seen above. Masks bound who sees the sum, never what the
# sum says.
#
# **A server that hands out different weights.** To all hospitals but one it gives weights with
# which no unit of the first layer answers: the gradients of that layer, where the images lie, are
# zero. In the exact sum that layer's gradient is then that of the one hospital left, and nobody had
# to collude ([Pasquini, Francati and Ateniese](https://doi.org/10.1145/3548606.3560557)). That two
# honest hospitals remain does not help: they are there, and add nothing. The cure is to sign what
# one was given. Each hospital takes a digest of its weights, signs it together with its fresh keys,
# and masks only with those whose signature fits its own digest; the `Terms` of our protocol have a
# field for it. To sign it later, with the list of survivors, would be too late: by then the shares
# of the others suffice to open the one. The rounds of this page leave the field empty.
#
# **A sum of one.** With all others colluding, or all others alike from round to round, the sum or a
# difference of two sums is one hospital's update. Rounds should not differ by one hospital.
#
# **A hospital that lies.** Nobody sees its words: it may send poison, or values out of range that
# run the sum over. What robust means do against it (trim, take medians) needs single updates; the
# two protections pull in opposite directions. Proofs in zero knowledge, which show that an update
# is short and nothing else of it, exist and cost much.
#
# **A short seed.** And a good one that is drawn badly, used twice, or written to a log.
#
# **Noise in floats.** Its lowest bits tell on the sum
# ([Mironov](https://doi.org/10.1145/2382196.2382264));
# a deployment draws whole numbers.
#
# **Our witnesses.** Patches of one eye are not patients, and one step of gradient descent gives
# more away than many local ones. For the division trained weights were easier prey than new ones;
# the search we tried on new ones only. A failed attack of ours bounds nobody else's; only the masks
# and the noise do that.
#
# **This is a teaching implementation.** A deployment needs beside it: a registry of hospitals' keys
# that the server does not run; lines that are encrypted and show who is at their end (TLS); code
# that reads messages from strangers and is not led astray by them (a parser); round numbers that
# survive a restart; keys from the operating system, wiped after use; a proof or a check that no
# update is absurd; discrete noise; an audit by somebody who has done this before. Take a library
# that has one.

# %%
run.finish()

# %% [markdown]
# ## What to take along
#
# - An update is made of the data. Out of the gradient of a layer that sees the pixels the image
#   comes by a division; larger batches only thin it out, and our training did not help.
# - Masks by pairs cancel exactly, in whole numbers and only there. Agree on the range, and refuse
#   what runs over.
# - Choose the threshold from who may collude and who may vanish, against a server that lies, and
#   compute who is exposed. Two honest hospitals must remain, with the same weights.
# - Looking random is not being secret. Ask how many bits the seed has.
# - The sum is not harmless. Ask who chose the weights, and whether one patient's presence shows.
# - Differential privacy bounds every question at once, for a unit that you must name: what a
#   patient adds, or a hospital. Its price depends on how many there are.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("secure-aggregation-threshold")` gives a hint, and then
# another; `run.solution("secure-aggregation-threshold")` shows how it is done.
#
# ```{exercise}
# :label: secure-aggregation-threshold
# Twelve hospitals; up to four may collude with a server that may lie. What is the largest number of
# hospitals that may vanish, if you choose the threshold as well as you can?
# ```

# %% tags=["self-check"]
answer = None  # hospitals
run.check("secure-aggregation-threshold", answer)

# %% [markdown]
# ```{exercise}
# :label: secure-aggregation-mask
# Write `masked(words, me, masks)`: `words` is an array of `uint32`; `me` the hospital's number; and
# `masks` a dictionary from the number of each other hospital to the mask that both share, an array
# of `uint32`. Return what the hospital sends, without a self-mask, so that the sum over all
# hospitals is right modulo $2^{32}$.
# ```

# %% tags=["self-check"]
masked = None  # a function
run.check("secure-aggregation-mask", masked)

# %% [markdown]
# ```{exercise}
# :label: secure-aggregation-noise
# Fifteen hospitals take part, ten must stay, and up to four collude. The sum must carry noise of
# standard deviation 12, even to the colluders, and even if as many vanish as may. Which standard
# deviation must the part of each hospital have?
# ```

# %% tags=["self-check"]
answer = None  # a standard deviation
run.check("secure-aggregation-noise", answer)

# %% [markdown]
# ```{exercise}
# :label: secure-aggregation-promise
# A company writes: "Your images never leave the hospital. Encrypted updates are summed by secure
# aggregation, and masked updates passed all tests of randomness." Which question do you ask first,
# to learn whether a patient's image could be read by the company's server?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("secure-aggregation-promise", answer)

# %% [markdown]
# ## Further reading
#
# - K. Bonawitz et al., the protocol of this page:
#   [doi:10.1145/3133956.3133982](https://doi.org/10.1145/3133956.3133982)
# - J. Geiping et al., images searched out of gradients, also of trained networks:
#   [doi:10.48550/arXiv.2003.14053](https://doi.org/10.48550/arXiv.2003.14053)
# - L. Fowl et al., a server that chooses the weights:
#   [doi:10.48550/arXiv.2110.13057](https://doi.org/10.48550/arXiv.2110.13057)
# - C. Dwork et al., who was in a sum:
#   [doi:10.1109/FOCS.2015.46](https://doi.org/10.1109/FOCS.2015.46)
# - M. Abadi et al., noise on clipped gradients:
#   [doi:10.1145/2976749.2978318](https://doi.org/10.1145/2976749.2978318)
