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
# # Can hospitals learn together and keep their images?
#
# **Question.** Five hospitals look for the edge of a glioma in stained tissue. Each has a few
# slides, one scanner, and patients of its own kind; none may hand its images out. A network that
# one of them trains alone may miss tumour in tissue that another has seen a hundred times, and the
# patient of the small hospital pays for it. Could the five train one network while every image
# stays where it is? And what of the hospital that is unlike the rest, the one whose line is down,
# and the one that lies?
#
# **Objectives.** After this chapter you will be able to
#
# - derive federated averaging from the sum over patients, and say what it leaves out;
# - run it by hand and on Flower, and show that both end at the same weights, bit by bit;
# - compare it fairly: every way tuned on the same rates and tried at several lengths, with a test
#   whether that was enough; at matched prevalence; the hospital that has least beside the mean;
# - say what skewed labels, other scanners and unequal sizes do to it, and what a dropout, a slow
#   hospital and a liar do.
#
# **Prerequisites.** Python, the gradient, stochastic gradient descent, and what an AUC is: the
# chance that an ill patient scores higher than a healthy one. Batch normalisation.
#
# **Data.** All tissue and all hospitals are simulated: tiles that look like haematoxylin and eosin,
# normal or crossed by a tumour's front; a patient gives at most one of each. Patients of all
# hospitals have the same disease. Tissue and slides were made so hard that forty images do not
# suffice: how much is gained is a property of that choice. So nothing below is about real
# hospitals, which differ in more. Real ones, if of another tissue and another question, stand in
# [Camelyon17](https://doi.org/10.1093/gigascience/giy065): lymph nodes of breast cancer from five
# centres, on scanners of three makes. To use them, put a function that returns their tiles by
# centre in the place of `hospitals` in the first cells.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_train: int = 200  # training images of all together, a multiple of 5, 50 ≤ x ≤ 100000
n_validation: int = 20  # validation images of each hospital, 4 ≤ x ≤ 10000
n_test: int = 100  # test images of each hospital, an even number, 10 ≤ x ≤ 10000
rounds: int = 8  # of a federation, 1 ≤ x ≤ 1000
steps: int = 5  # of a hospital in a round, 1 ≤ x ≤ 1000
rate: float = 0.05  # of learning, 0 < x ≤ 1
skew: float = 0.9  # how far shares of ill patients differ at the slider's end, 0 ≤ x ≤ 0.95
shift: float = 0.5  # how far scanners differ, 0 ≤ x ≤ 1
lie: float = 19.0  # times its update that a liar sends backwards; -1 is the truth, -1 ≤ x ≤ 100
weighted_by: str = "images"  # what counts in the mean by hand: "images" or "hospitals"
added: str = "by name"  # order of sums in the loop beside Flower: "by name" or "backwards"
control_holds: str = "copies"  # images of the control's hospitals: "copies" or "their own"
apart: str = "alike"  # the trial's hospitals that hold images of their own: "alike" or "copies"

# %%
import copy
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, cross_entropy

from data_fetch.tasks.hospitals import hospitals
from medlib import experiment
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.image_rows import image_rows
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.measures.mean_interval import mean_interval
from medlib.measures.rank_auc import rank_auc
from medlib.systems.federation.allotment import skewed_counts
from medlib.systems.federation.arms import learn
from medlib.systems.federation.baselines import pool
from medlib.systems.federation.federation import federate
from medlib.systems.federation.flower_rounds import federate_by_flower
from medlib.systems.federation.judged import auc_by_hospital, auc_over_all, eight_views
from medlib.systems.federation.judged import scores_by_hospital
from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.message_bytes import array_bytes, flower_bytes
from medlib.systems.federation.network import site_network
from medlib.systems.federation.poisoning import scaled, with_flipped_labels
from medlib.systems.federation.robust_mean import median, trimmed_mean
from medlib.systems.federation.site_training import Recipe, Site
from medlib.systems.federation.weighted_mean import weighted_mean

run = experiment.start("systems/federated_learning", locals())

# %% [markdown]
# ## A picture first
#
# A tile of normal tissue and one at the tumour's front, from each of five hospitals. What tells
# them apart, in the mean over many tiles, is how crowded the nuclei are, how large and how uneven.
# What tells the *hospitals* apart is colour, blur and noise, and that is no disease. And slides of
# one hospital differ among themselves: a thicker section is darker, in health as in illness.

# %%
EACH = n_train // 5
drawn = hospitals(np.full((5, 2), EACH), rng=run.rng("hospitals"), scanner_shift=shift,
                  validation=2 * n_validation, test=2 * n_test)
HERE = [h.name for h in drawn]


def tensors(part):
    """Halved to 2 µm a pixel; level and contrast are fixed, and the same for all hospitals."""
    x = torch.from_numpy(run.uses(part.sample).array).permute(0, 3, 1, 2).float() / 255
    x = ((avg_pool2d(x, 2) - 0.7) / 0.15).to(run.device)
    return x, torch.from_numpy(part.labels).to(run.device)

# %%
parts = {h.name: {"training": tensors(h.training), "validation": tensors(h.validation),
                  "test": tensors(h.balanced_test)} for h in drawn}


def shown_tile(hospital, label):
    part = hospital.training
    return part.sample.array[int(np.flatnonzero(part.labels == label)[0])] / 255


run.figure(
    image_rows([[shown_tile(h, label) for h in drawn] for label in (0, 1)],
               titles=[[f"{h.name}, {what}" for h in drawn] for what in ("normal", "front")],
               window=None),
    name="hospitals", data="simulated",
    alt="Two rows of five small pink and violet tiles with dark nuclei. Hospitals differ in colour;"
    " upper and lower row hardly differ to the eye.",
    caption=f"The first tile of either label from each hospital, of {EACH}; simulated. One pair"
    " does not show the label: it is in how crowded, large and uneven nuclei are over many tiles;"
    " and two sections of one hospital may differ in thickness more than two hospitals in colour.",
)

# %% [markdown]
# Before anything is trained: what does *one number* read? Crowded tissue is uneven. Take how far
# red spreads over a tile; and how far its optical density spreads, divided by its mean, so that the
# thickness of the section cancels. Whoever trains a network should know what it has to beat.

# %%
def one_number(hospital):
    """AUC of two untrained numbers at a hospital, half ill."""
    tiles, y = hospital.balanced_test.sample.array[..., 0], hospital.balanced_test.labels
    density = -np.log10(np.maximum(tiles, 1) / hospital.laboratory.white[0])
    uneven = density.std((1, 2)) / density.mean((1, 2))
    return [rank_auc(number, y).value for number in (tiles.std((1, 2)), uneven)]


spread, uneven = np.mean([one_number(h) for h in drawn], axis=0)
run.say("Mean AUC within hospitals, untrained: {spread:.2f} by the spread of red, {uneven:.2f} by"
        " the spread of density over its mean.", spread=spread, uneven=uneven)

# %% [markdown]
# ## One step together
#
# Write $w$ for the weights of a network, all in one list, and $L_k(w)$ for the mean loss over the
# $n_k$ images of hospital $k$. All hospitals together have $n = \sum_k n_k$ images. The mean loss
# over *all* images is
#
# $$ L(w) = \sum_k \frac{n_k}{n}\, L_k(w), \qquad
#    \nabla L(w) = \sum_k \frac{n_k}{n}\, \nabla L_k(w) . $$
#
# So whoever knows the gradients of the hospitals, and how many images each has, knows the gradient
# over all images, and has seen none. Or let each hospital make the step itself, with learning rate
# $\eta$, and send the weights where it arrived, $w_k = w - \eta \nabla L_k(w)$. Their mean,
# weighted by images, is
#
# $$ \sum_k \frac{n_k}{n}\, w_k = w - \eta \sum_k \frac{n_k}{n} \nabla L_k(w)
#    = w - \eta \nabla L(w) : $$
#
# one step on all images. This is exact, as long as a hospital makes *one* step, on all its images,
# and no layer looks at other images of the batch. We check it by hand, on hospitals of unequal
# size, with a network that normalises each image by itself.

# %%
few = {name: tuple(t[:: 2 ** i] for t in parts[name]["training"])
       for i, name in enumerate(HERE, start=1)}
few = {name: (x.double(), y) for name, (x, y) in few.items()}
by_hand = site_network(norm="group", generator=run.torch_generator("by hand")).double()
by_hand = by_hand.to(run.device)
everything = tuple(torch.cat([few[name][i] for name in HERE]) for i in (0, 1))
count = {name: len(y) if weighted_by == "images" else 1 for name, (x, y) in few.items()}

# %% tags=["key"]
def after(model, x, y, n_steps):
    """The weights after so many steps on all of these images."""
    own = copy.deepcopy(model)
    for _ in range(n_steps):
        gradients = torch.autograd.grad(cross_entropy(own(x), y), list(own.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(own.parameters(), gradients, strict=True):
                weight -= rate * gradient
    return own.state_dict()

# %% tags=["key"]
def gap(n_steps):
    """How far the mean of the hospitals' weights lies from weights trained on all images."""
    sent = {name: after(by_hand, x, y, n_steps) for name, (x, y) in few.items()}
    mean = weighted_mean(sent, images=count)
    all_images = after(by_hand, *everything, n_steps)
    way = sum((all_images[k] - w).square().sum() for k, w in by_hand.state_dict().items())
    return float((sum((all_images[k] - mean[k]).square().sum() for k in mean) / way).sqrt())

# %%
gaps = {n_steps: gap(n_steps) for n_steps in (1, 2, 6)}
digits = min(-np.log10(max(gaps[1], 1e-16)), 16.0)
run.result("one_step_digits", digits, unit="digits", atol=2)
run.say(
    "After one step the mean of five hospitals' weights agrees with a step on all images to"
    " {one_step_digits:.0f} digits. Let each hospital make more steps before they meet, and the"
    " mean parts from the training on all images, in shares of the way that it went: {apart}.",
    apart=", ".join(f"by {share:.1%} after {n}" for n, share in gaps.items() if n > 1),
)
run.claim("one step at each hospital, averaged by images, is one step on all images",
          digits > 6, margin=digits - 6, unit="digits", falsified_by="falsify_equal_weights")

# %% [markdown]
# ## Many steps apart
#
# To meet after every step is slow: each meeting sends the whole network twice. **Federated
# averaging**, FedAvg, lets each hospital make many steps and averages then
# ([McMahan et al.](https://doi.org/10.48550/arXiv.1602.05629)). A *round* is: the server sends the
# weights $w^t$ to all; each trains on its own images; the server puts
# $w^{t+1} = \sum_k (n_k / n)\, w_k$. Nothing but weights travels.
#
# It is no longer a step on all images. During a round each hospital walks towards its own best
# weights, and where these differ, the mean of five walks is not the walk of all: they *drift*
# ([Karimireddy et al.](https://doi.org/10.48550/arXiv.1910.06378), who send a correction along with
# the weights).
#
# Think of two hospitals whose losses are parabolas, $\frac12 h_k (w - m_k)^2$. Trained to the end
# of every round each sends its own $m_k$, and the mean is $\sum_k (n_k/n)\, m_k$, as if the
# curvatures $h_k$ were all the same. The loss of all images is lowest elsewhere, at
# $\sum_k n_k h_k m_k / \sum_k n_k h_k$. Two remedies are much used.
#
# - **FedProx** ties each hospital to where the round began. It adds
#   $\frac{\mu}{2} \lVert w - w^t \rVert^2$ to the loss; $\mu$, the *pull*, says how strongly
#   ([Li et al.](https://doi.org/10.48550/arXiv.1812.06127)). It is made for hospitals that walk
#   far, or are not always there; in the trial below each makes ten steps a round and all are
#   present, so expect little.
# - **FedBN** keeps at home what belongs to the scanner: the layers that normalise, with their
#   running means and variances. All else is averaged
#   ([Li et al.](https://doi.org/10.48550/arXiv.2102.07623)).
#
# There is a plainer trouble under the second. Batch normalisation divides by a spread over images.
# The mean of five hospitals' variances is the variance *within* hospitals: how far apart their
# means lie is left out. So where hospitals differ the averaged network centres at a mean that is no
# hospital's, and may divide by a spread that fits none.
# A layer that normalises each image by itself, such as group normalisation, keeps nothing that
# could be averaged wrongly ([Hsieh et al.](https://doi.org/10.48550/arXiv.1910.00189)). So when
# FedBN beats FedAvg, ask first whether FedAvg was let down by its normalisation.
#
# Here is our network's list of what would stay at home, and what a model weighs on the wire.

# %% tags=["key"]
start = site_network(generator=run.torch_generator("first weights")).to(run.device)
at_home = norm_entries(start)
numbers = array_bytes(start.state_dict())
without = array_bytes(start.state_dict(), local=at_home)
packed = flower_bytes(start.state_dict())

# %%
image_bytes = sum(h.training.sample.array.nbytes for h in drawn) // 2 / 5  # half are ever used
run.say(
    "{n} of {all} lists of numbers in the network, all short, stay at home under FedBN. One model"
    " is {numbers:,} bytes, {packed:,} as Flower packs them, and {without:,} under FedBN. The"
    " training images of one"
    " hospital are {image_bytes:,.0f} bytes: with images so few and small, {meets:.0f} trips of the"
    " weights, one way, weigh as much as the images. Beside gigabytes of slides a whole training"
    " would weigh next to nothing. Either way it is not bandwidth that keeps images at home.",
    n=len(at_home), all=len(start.state_dict()), numbers=numbers, packed=packed, without=without,
    image_bytes=image_bytes, meets=image_bytes / numbers,
)

# %% [markdown]
# ## The loop, and Flower
#
# The loop of rounds is some lines of Python, and `federate` is that loop. In a clinic there is a
# network between, with messages, nodes that come and go, and somebody who must keep it all running.
# [Flower](https://doi.org/10.48550/arXiv.2007.14390) is a library for that. It calls what a
# hospital does its *client app*, and how the server combines answers its *strategy*. We let
# Flower's own FedAvg combine what the same training sends, every message packed and unpacked as it
# would be on the wire, and ask for the strongest thing one may ask: the same bits.
#
# The mixture of patients is a dial: a skew of 0 gives every hospital as many ill as healthy ones; a
# skew of 1 would fill hospitals with ill patients until there are none left. Whatever it says, all
# hospitals together have as many ill as healthy. (Papers often draw each hospital's mixture from a
# Dirichlet distribution instead, as [Hsu et al.](https://doi.org/10.48550/arXiv.1909.06335) did;
# then what all have together is left to chance.) Wherever the page
# shows one federation without a slider, it is the slider's middle position.

# %%
mixing = run.rng("mixtures")
training = int(run.rng("training").integers(2**31))


def some(part, n, share):
    """The first n images of which such a share is ill; which are first is by chance."""
    x, y = part
    ill = int(np.rint(n * share))
    at = torch.cat([torch.nonzero(y == 0)[: n - ill, 0], torch.nonzero(y == 1)[:ill, 0]])
    return x[at], y[at]


# %%
def federation(skew):
    """Hospitals, shares of the ill, and tests: half ill everywhere, or as ill as the hospital."""
    counts = skewed_counts([EACH] * 5, prevalence=0.5, skew=skew, rng=copy.deepcopy(mixing))
    share = dict(zip(HERE, (counts[:, 1] / EACH).tolist(), strict=True))
    of = {name: {what: some(parts[name][what], n, share[name]) for what, n in (
        ("training", EACH), ("validation", n_validation), ("test", n_test))} for name in HERE}
    sites = {name: eight_views(Site(*of[name]["training"], *of[name]["validation"]))
             for name in HERE}
    matched = {name: some(parts[name]["test"], n_test, 0.5) for name in HERE}
    return sites, share, {"matched": matched, "own": {n: of[n]["test"] for n in HERE}}


# %%
SKEWS = [skew * part / 2 for part in range(3)]
sites, _, tests = federation(SKEWS[1])


def backwards(states, *, images):
    """The weighted mean, added from the last hospital to the first."""
    place = {name: str(-ord(name) + 200) for name in states}
    return weighted_mean({place[n]: s for n, s in states.items()},
                         images={place[n]: images[n] for n in states})


RULE = {"by name": weighted_mean, "backwards": backwards}[added]

# %% tags=["key"]
recipe = Recipe(rounds=rounds, steps=steps, rate=rate)
loop = federate(start, sites, recipe=recipe, seed=training, rule=RULE)
flower = federate_by_flower(start, sites, recipe=recipe, seed=training)
differ = sum(int((flower.last[k] != w.cpu()).sum()) for k, w in loop.last.items())

# %%
n_numbers = sum(w.numel() for w in loop.last.values())
sent_down, sent_up = flower.message_bytes
run.result("numbers_that_differ", differ, n=n_numbers, atol=0)
run.say(
    "After {rounds} rounds {numbers_that_differ:.0f} of {n:,} numbers differ between the loop and"
    " Flower. Flower's server sent {down:.2f} MB, the hospitals {up:.2f} MB, with all messages for"
    " validation; the weights in them are {bare:.2f} MB up.", n=n_numbers, down=sent_down / 1e6,
    up=sent_up / 1e6, bare=sum(r.bytes_up for r in loop.rounds) / 1e6,
)
run.claim("Flower's rounds in this process end at the weights of the plain loop, bit for bit",
          differ == 0, margin=0.5 - differ, unit="numbers", falsified_by="falsify_added_backwards")

# %% [markdown]
# That is not to be had for nothing. Floating-point sums depend on their order, and answers arrive
# in any order: both sort them by hospital. Add the same five weights backwards
# (`added="backwards"`), and the last bits differ; some rounds later, more than the last. Each draw
# is a function of seed, hospital and round, so that a hospital that was away shifts nobody's
# batches. And Flower's own choice of hospitals has no seed: all are asked, always.
#
# A process is not a hospital. In a recorded trial the same federation ran as real programs: a
# server and five nodes on one machine, over TLS, each node with a key of its own that the server
# had been told of.

# %%
programs = experiment.recorded(run, "_as_processes/sweep")
run.say(
    str(programs.made) + " In {n} federations {differ:.0f} numbers differ between the programs"
    " and the loop; a node with an unknown key was refused in {refused:.0f}; {ports:.0f} ports"
    " were open to other machines, and {left:.0f} processes were left behind.",
    n=len(programs.seeds), differ=programs.array("numbers_that_differ").sum(),
    refused=programs.array("stranger_refused").sum(),
    ports=programs.array("ports_for_others").sum(), left=programs.array("processes_left").sum())

# %% [markdown]
# ## How different may they be?
#
# Move the slider. On the left, who comes to which hospital; on the right, the AUC at each hospital
# of the network that it trained alone, of FedAvg's, and of one trained on all images in one place,
# which no hospital would allow. All tests have half of the patients ill, wherever the slider
# stands. Every network is that of the last round. One draw, one rate, a short training: an example,
# and no ranking. The ranking comes further down, from many federations.

# %%
SHOWN = {"local": "alone", "fedavg": "FedAvg", "pooled": "all in one place"}


positions = [federation(each) for each in SKEWS]


def learned_by(arm, place):
    """Weights of the last round by hospital; of one federation the loop above has them already."""
    if (arm, place) == ("fedavg", 1):
        return dict.fromkeys(HERE, loop.last)
    return learn(arm, start, positions[place][0], recipe=recipe, seed=training,
                 keep="last").by_hospital


weights = [{arm: learned_by(arm, place) for arm in SHOWN} for place in range(3)]

# %%
def scored(place, arm, kind):
    return scores_by_hospital(start, weights[place][arm], positions[place][2][kind])


here = [{arm: auc_by_hospital(scored(i, arm, "matched")) for arm in SHOWN} for i in range(3)]
looks = dict(zip(SHOWN, (("blue", "o"), ("orange", "s"), ("green", "^")), strict=True))

# %%
def draw_mixture(panel, place):
    """Who comes to which hospital."""
    ill = [EACH * positions[place][1][name] for name in HERE]
    panel.bar(HERE, ill, color=experiment.COLORS["purple"], label="tumour")
    panel.bar(HERE, [EACH - n for n in ill], bottom=ill, color="#cccccc", label="normal")
    panel.set(xlabel="hospital", ylabel="training images")
    panel.set_ylim(0, 1.35 * EACH)
    panel.legend(loc="upper right", ncols=2)


# %%
def draw_position(place):
    """Who comes to which hospital, and the AUC there by three ways to learn."""
    figure, axes = panels(1, 2, height_in=2.9)
    left, right = axes[0]
    draw_mixture(left, place)
    for arm, (color, marker) in looks.items():
        right.plot(HERE, list(here[place][arm].values()), marker, label=SHOWN[arm],
                   color=experiment.COLORS[color])
    right.set(xlabel="hospital", ylabel="AUC, half ill", ylim=(0.3, 1.02))
    right.legend(loc="lower right")
    return figure

# %%
run.frames(
    [draw_position(place) for place in range(3)], name="skew_slider", start=0, data="simulated",
    label="skew of labels", values=[f"{each:.2f}" for each in SKEWS],
    alt="Bars of ill and healthy training images at five hospitals, and beside them three AUCs for"
    " each hospital.",
    caption="The same patients dealt out more and more unevenly. Points are AUCs at each hospital"
    f" on {n_test} test images of which half are ill, uncertain by almost a tenth either way;"
    f" simulated, one federation, {EACH} training images each.",
)

# %%
def mean_of(place, arm):
    return np.mean(list(here[place][arm].values()))


run.say(
    "At the slider's ends, mean AUC over hospitals and the worst hospital's: {texts}.",
    texts="; ".join(
        f"{SHOWN[arm]} {mean_of(0, arm):.2f} (worst {min(here[0][arm].values()):.2f}) without skew,"
        f" {mean_of(2, arm):.2f} (worst {min(here[2][arm].values()):.2f}) with most"
        for arm in SHOWN))

# %% [markdown]
# Compare the spread of red at the top, which nobody trained: does a hospital alone reach it after
# so short a training?
#
# The worst of five is low also when all five are equally good, since each AUC has an error of its
# own, and five networks have five errors more than one. Whoever asks about fairness names the
# hospital *before* looking: the smallest, or the one that sees one kind of patient only.
#
# ## A test that rewards the wrong thing
#
# Why half ill everywhere? Within one hospital an AUC does not depend on how many are ill. But put
# all hospitals' patients into *one* list and ask for one AUC, as papers do, and pairs of patients
# from two hospitals count, too. Let nearly all be ill at one hospital and hardly any at another.
# Then whoever knows *where* a patient lies has most of these pairs right without a look at the
# tissue, and a hospital's own network has learned just that: expect the ill, for they are many.

# %% tags=["key"]
rows, over_all = [], {}
for arm, word in SHOWN.items():
    at_most = {kind: scored(2, arm, kind) for kind in ("matched", "own")}
    over_all[arm] = {kind: auc_over_all(one) for kind, one in at_most.items()}
    rows.append({"learned": word, "mean within hospitals": f"{mean_of(2, arm):.2f}"}
                | {f"one list, {kind} shares": f"{v:.2f}" for kind, v in over_all[arm].items()})

# %%
run.table(rows, name="one_list", caption="At the slider's end: the mean of AUCs within hospitals,"
          " half ill; one AUC over all hospitals' patients, half ill everywhere (matched), or as"
          f" ill as each hospital's own. Simulated; n = {5 * n_test} test images, one federation.")
flattered, in_one_place = (over_all[arm]["own"] - over_all[arm]["matched"]
                           for arm in ("local", "pooled"))

# %%
run.result("flattered", flattered, unit="AUC", n=5 * n_test, atol=0.05)
run.say("One list with each hospital's own share of the ill flatters the networks of hospitals"
        " alone by {flattered:+.2f} of AUC, and the one that saw all images in one place by"
        " {in_one_place:+.2f}. Not one tile was read better for it.", in_one_place=in_one_place)
run.claim("where mixtures differ, one list with each hospital's own share of the ill rates networks"
          " that were trained alone at least .05 of AUC higher than one in which half are ill",
          flattered >= 0.05, margin=flattered - 0.05, unit="AUC",
          falsified_by="falsify_same_mixture")

# %% [markdown]
# A network alone has learned how many are ill at home. One that saw all hospitals can read in the
# colour where it is, for our scanners differ, too; FedAvg's, which saw one colour at a time, gains
# little by it. It may work the other way: in a test with half ill, *this colour, mostly ill* can
# mislead, and what was learned in the place of tissue is missing. The trial below has hospitals
# that differ more. Before anything is ranked: match the
# prevalence of the tests, or stay within hospitals.
#
# ## A trial over federations
#
# Who is better, and for whom? One federation cannot tell, and no short training. In a recorded
# trial every draw is another *federation*: patients, scanners, mixtures, first weights and batches
# drawn anew. Its five hospitals differ in nothing; or in nothing and hold *copies* of the same
# images; in size, sixteenfold; in how often patients are ill, as at the slider's end; in scanner
# and stain, twice as far as on this page; or in illness and scanner at once. All ways are tuned
# by one procedure.
#
# - Every network is that of the last round, when the rate has fallen to zero. A round chosen by
#   validation loss would be a trap: where mixtures differ the loss rewards whoever knows the
#   mixture, and a small hospital's own loss is nearly blind.
# - A rate is chosen from four by AUC on validation images of which half are ill: by a hospital
#   alone on its own, else in the mean. FedProx has four rates and then two more pulls.
# - All make as many gradient steps, all hospitals together. But equal steps are no equal depth: in
#   one place they follow one another, at five hospitals five go side by side. So look at
#   one place and FedAvg at all lengths, and at whether training had ended.
# - Three lengths, each twice the one before. Rates are chosen at the middle one: at the shortest
#   some ways have hardly begun to learn, and chance would choose. Where one length stands for all,
#   it is the middle one; that was settled after these federations had been seen, so tables of
#   differences show all three.
#
# Each hospital has as many validation images as any other, however small it is: kinder to the small
# one than life. All intervals are of Student's $t$, over federations, and differences are taken
# federation by federation.

# %%
trial = experiment.recorded(run, "_arms_over_federations/sweep")
TIMES = (1, 2, 4)
DIFFER = {"alike": "nothing", "copies": "nothing: copies", "size2": "size", "skew2": "labels",
          "scan2": "scanners", "both": "labels, scanners"}
WAYS = {"local": "alone", "fedavg": "FedAvg", "fedprox": "FedProx", "fedbn": "FedBN",
        "fedavg_gn": "FedAvg, group norm", "pooled": "all in one place"}
NAMED = {"size2": "the smallest", "skew2": "the four one-sided", "scan2": "the farthest stain"}

# %%
def asked(way, key, times=TIMES[1]):
    """Whether a way was asked of these hospitals."""
    name = f"auc_mean_{way}_{times}"
    return name in trial.names and bool(trial.rows(name, setting=key))


def of_trial(what, way, key, times=TIMES[1]):
    """One value for each federation."""
    return trial.array(f"{what}_{way}_{times}", setting=key)

# %%
def lead(one, other, key, times=TIMES[1], what="auc_mean"):
    """By how much one way leads another, federation by federation."""
    return mean_interval(of_trial(what, one, key, times) - of_trial(what, other, key, times),
                         unit="AUC")


def tells(gaps):
    """At how many lengths an interval of a difference leaves zero, and on which side."""
    better, worse = sum(gap.low > 0 for gap in gaps), sum(gap.high < 0 for gap in gaps)
    words = [f"{word} at {n}" for word, n in (("better", better), ("worse", worse)) if n]
    return ", ".join(words) or "at none"


# %%
rounds_of = [trial.fixed["rounds"] * times for times in TIMES]
run.say(str(trial.made) + " {n} federations; {rounds} rounds.", n=len(trial.seeds),
        rounds=", ".join(str(each) for each in rounds_of))

# %%
def cell(way, key):
    """Mean over hospitals / at those named / at the worst; a dash where a way was not asked."""
    if not asked(way, key):
        return "–"
    whats = ("mean", "named", "worst") if key in NAMED else ("mean", "worst")
    return " / ".join(f"{of_trial(f'auc_{what}', way, key).mean():.3f}" for what in whats)


without = {"spread of red, untrained": "sd_of_red", "density, untrained": "sd_over_mean"}
run.table(
    [{"hospitals differ in": word} | {name: cell(way, key) for way, name in WAYS.items()}
     | {name: f"{trial.array(f'auc_{what}', setting=key).mean():.3f}"
        for name, what in without.items()} for key, word in DIFFER.items()],
    name="trial", caption=f"Recorded, {rounds_of[1]} rounds, half ill in all tests: AUC in the mean"
    " over hospitals / at those named beforehand, where there are any (the smallest; the four with"
    " patients of one kind; the one with the farthest stain) / at the worst of five. A dash: not"
    f" asked of these hospitals. Means over n = {len(trial.seeds)} federations, whose differences"
    " follow with their intervals; simulated.")

# %%
def beside_number(way, key):
    """How far a way leads the better of two numbers that need no training."""
    number = max((trial.array(f"auc_{what}", setting=key) for what in without.values()),
                 key=np.mean)
    return mean_interval(of_trial("auc_mean", way, key) - number, unit="AUC")


run.say("What is that beside one number without training? Alone less the better of the two:"
        " {alone:+.3ci} where hospitals differ in nothing; FedAvg {together:+.3ci}; FedAvg where"
        " scanners differ, {scan:+.3ci}, and where labels and scanners do, {both:+.3ci}. A network"
        " that does not lead this number has"
        " not earned its training; there are several such cells in the table.",
        alone=beside_number("local", "alike"), together=beside_number("fedavg", "alike"),
        both=beside_number("fedavg", "both"), scan=beside_number("fedavg", "scan2"))

# %% [markdown]
# What do hospitals gain by learning together? First in the mean over hospitals, at each length.
# The row of copies is the one to begin with: five hospitals that hold the same images can gain by
# averaging alone, and not by anybody's images. What the row above it has more is what the others'
# patients are worth.

# %%
GAIN = [key for key in DIFFER if key != "both"]
run.figure(
    interval_points(*[
        Column({DIFFER[key]: lead("fedavg", "local", key, times) for key in GAIN},
               x=("FedAvg - alone", "AUC"), reference=0.0, title=f"{n} rounds")
        for times, n in zip(TIMES, rounds_of, strict=True)]),
    name="leads", data="simulated",
    alt="Five kinds of difference in rows, three lengths of training in columns: differences"
    " of AUC with bars.",
    caption="Recorded: what FedAvg gains over hospitals alone, mean AUC over five hospitals, by"
    " what they differ in. It gains most where sizes or labels differ, and nothing that could be"
    " told from none where scanners do. Mind the axes: each panel has its own. Bars are 95 %"
    f" intervals over n = {len(trial.seeds)} federations; simulated.")

# %%
for key in GAIN:
    for what in ("mean", "named") if key in NAMED else ("mean",):
        gain = lead("fedavg", "local", key, what=f"auc_{what}")
        run.result(f"gain_{what}_{key}", gain, atol=0.01)
own_less_copies = mean_interval(
    (of_trial("auc_mean", "fedavg", "alike") - of_trial("auc_mean", "local", "alike"))
    - (of_trial("auc_mean", "fedavg", "copies") - of_trial("auc_mean", "local", "copies")),
    unit="AUC")
run.say("At the hospitals named beforehand, {n} rounds, FedAvg less alone: {gains}.",
        n=rounds_of[1], gains="; ".join(
            f"{word}, {lead('fedavg', 'local', key, what='auc_named'):+.3ci}"
            for key, word in NAMED.items()))
run.say("Copies of the same images gain {gain_mean_copies:+.3ci}, images of their own"
        " {gain_mean_alike:+.3ci}: the others' patients are worth {own_less_copies:+.3ci}.",
        own_less_copies=own_less_copies)

# %% [markdown]
# Now the remedies, beside FedAvg with batch normalisation; and one place for all images, which is
# no remedy but a yardstick: it can be beaten, and then one asks why. FedProx is there because it is
# in every comparison; hospitals that make ten steps and are always present leave it little to mend,
# so a difference that cannot be told from none is no verdict on it. Some networks grow worse again
# with more rounds, and the last round is judged, always: so read along a row before you believe a
# column.

# %%
PAIRS = [("fedprox", "fedavg", "skew2"), ("fedavg_gn", "fedavg", "skew2"),
         ("pooled", "fedavg", "skew2"), ("fedbn", "fedavg", "scan2"), ("fedbn", "local", "scan2"),
         ("fedavg_gn", "fedavg", "scan2"), ("pooled", "fedavg", "scan2"),
         ("pooled", "fedavg", "alike"), ("pooled", "fedavg", "both")]
rows = []
for one, other, key in PAIRS:
    gaps = [lead(one, other, key, times) for times in TIMES]
    rows.append(
        {"difference": f"{WAYS[one]} - {WAYS[other]}", "hospitals differ in": DIFFER[key]}
        | {f"{n} rounds": f"{gap:+.3ci}" for n, gap in zip(rounds_of, gaps, strict=True)}
        | {"clear of zero": tells(gaps)} | {f"named, {rounds_of[1]} rounds":
           f"{lead(one, other, key, what='auc_named'):+.3ci}" if key in NAMED else "–"})

# %%
run.table(rows, name="remedies", caption="Recorded: differences of AUC, mean over five hospitals,"
          f" 95 % intervals over n = {len(trial.seeds)} federations, at each length; simulated."
          " Then the"
          " number of lengths at which the interval does not hold zero, and the difference at the"
          " hospitals named beforehand.")

# %% [markdown]
# Here FedBN leads FedAvg. That was seen in this table and has not been tried on federations drawn
# afterwards, and it does not say why: FedBN keeps statistics at home and also layers of each
# hospital's own, how much of its lead is averaging alone was not asked, nor what it does where
# scanners are alike, and a part of the lead after the longest training is FedAvg's own decline.
# Nor is a normalisation of each image by itself a cheap way out: at rates that were not tuned out
# it is behind at first; its rows say whether it catches up. Whoever had looked at one short
# training would have declared it useless.
#
# And one place for all images? Within hospitals, see above. Then, where labels and scanners go
# together, on one list: there the same networks may change places with the list's mixture, and
# nobody reads tissue better.

# %%
for key in ("alike", "skew2", "scan2", "both"):
    run.result(f"one_place_{key}", lead("pooled", "fedavg", key), atol=0.01)
lists = {kind: lead("pooled", "fedavg", "both", what=f"over_all_{kind}")
         for kind in ("matched", "own")}
run.say("Where both differ, all images in one place lead FedAvg within hospitals by"
        " {one_place_both:+.3ci}, {n} rounds; on one list by {matched:+.3ci} with half ill"
        " everywhere, and by {own:+.3ci} with each hospital's own share of the ill.",
        n=rounds_of[1], **lists)

# %% [markdown]
# Had training ended, and were the rates tuned? Twice as many rounds again should change nothing,
# and a rate on the edge of those tried should be no better than its neighbour.

# %%
cells = [(way, key) for key in DIFFER for way in WAYS if asked(way, key)]
later = {at: mean_interval(of_trial("auc_mean", *at, 4) - of_trial("auc_mean", *at, 2),
                           unit="AUC") for at in cells}
ended = [gap.low > -0.01 and gap.high < 0.01 for gap in later.values()]
edge = {at: trial.array(f"edge_{at[0]}", setting=at[1]).mean() for at in cells}
took = {at: 10 ** trial.array(f"log_rate_{at[0]}", setting=at[1]).mean() for at in cells}

# %%
run.table([{"learned": WAYS[way], "hospitals differ in": DIFFER[key],
            "AUC, longest less half": f"{later[way, key]:+.3ci}",
            "rate": f"{took[way, key]:.2f}", "the edge brought": f"{edge[way, key]:+.3f}"}
           for way, key in cells],
          name="ended", caption="Recorded: mean AUC after the longest training less that after"
          " half of it, 95 % intervals; the rate taken, geometric mean; and validation AUC of a"
          " rate on the edge less its neighbour's, 0 where none was."
          f" n = {len(trial.seeds)} federations; simulated.")

# %%
longer = [(row.value, of_trial("auc_mean", way, key, 4)[trial.seeds.index(row.seed)])
          for way, key in cells if asked(way, key, 8)
          for row in trial.rows(f"auc_mean_{way}_8", setting=key)]
moves = [eightfold - fourfold for eightfold, fourfold in longer]
run.say("By the interval {ended} of {n} trainings had ended within a hundredth of AUC; at"
        " {tuned} of {n} the edge brought no more than that. In {few} federations, where"
        " hospitals are alike or differ in size, twice as many rounds again changed the mean AUC"
        " by {low:+.3f} to {high:+.3f}.", ended=sum(ended), n=len(cells),
        few=trial.fixed["checked"], low=min(moves), high=max(moves),
        tuned=sum(gain <= 0.01 for gain in edge.values()))

# %%
lost = sum((of_trial("rounds_missed", *at, 4) > 0).sum() for at in cells)
lowest = min(cells, key=lambda at: of_trial("auc_mean", *at, 4).min())
pulls = ", ".join(f"{pull:g}" for pull in trial.array("pull_taken", setting="skew2"))
run.say("The last round was not finite in {lost:.0f} of the longest trainings; there the last"
        " finite one is judged. The lowest mean AUC of a federation then is {least:.2f}, by {way}"
        " where hospitals differ in {what}. In the federations one by one, FedProx took a pull of"
        " {pulls}.", lost=lost, pulls=pulls, least=of_trial("auc_mean", *lowest, 4).min(),
        way=WAYS[lowest[0]], what=DIFFER[lowest[1]])

# %% [markdown]
# So by this bar, which an interval over so few federations seldom passes, most trainings are not
# shown to have ended; and hospitals alone often took a rate on the edge. A part of what an edge
# brings is luck, since the highest of a few noisy AUCs was taken; a part may be that the grid was
# too short, and then leads over *alone* are too large by it. Nor is one procedure the same luck for
# all: a hospital alone chooses on its own validation images, everybody else on those of five; and
# validation with half ill is a gift to a hospital that hardly ever sees one of the two kinds. What
# holds at all three lengths deserves more trust than any one number.

# %% [markdown]
# What it cost: the bytes of weights, up and down, and for one place the images themselves, once.

# %%
run.table(
    [{"learned": WAYS[way]}
     | {f"{n} rounds, {to}": f"{of_trial(f'bytes_{to}', way, key, t).mean() / 1e6:.2f} MB"
        for t, n in zip(TIMES, rounds_of, strict=True) for to in ("up", "down")}
     for way, key in (("local", "scan2"), ("fedavg", "scan2"), ("fedbn", "scan2"),
                      ("fedavg_gn", "scan2"), ("pooled", "scan2"))],
    name="bytes", caption="Recorded: bytes sent by, and to, all five hospitals together,"
    " weights as bare numbers; for one place, training and validation images up, once. The same"
          " in every federation.")

# %% [markdown]
# ### Stronger? Fairer?
#
# Two things are often said of learning together: that the network is stronger, and that it is
# fairer. The first is a mean. The second is about who gains: a large hospital may do well alone,
# and the small one cannot.

# %%
least = min(lead("fedavg", "local", apart, times).low for times in TIMES[1:])
run.claim("where hospitals are alike, a network that they learn together is better in the mean"
          " than each hospital's own, by at least .02 of AUC, after twice and after four times"
          " the shortest training", least >= 0.02, margin=least - 0.02, unit="AUC",
          falsified_by="falsify_copies")

# %% [markdown]
# A part of what grows with the length is that *alone* grows worse. Give each way, in each
# federation, the length at which it did best:

# %%
def at_best(way, key):
    return np.max([of_trial("auc_mean", way, key, times) for times in TIMES], axis=0)


run.say("Where hospitals are alike, FedAvg at its best length less alone at its best length:"
        " {gain:+.3ci}.",
        gain=mean_interval(at_best("fedavg", "alike") - at_best("local", "alike"), unit="AUC"))

# %% [markdown]
# So, can they learn together and keep their images? The title's question, for each kind of
# hospitals.

# %%
run.say(
    "{n} rounds. Alike: FedAvg {gain_mean_alike:+.3ci} over alone; one place"
    " {one_place_alike:+.3ci} over FedAvg. Sizes differ: FedAvg {gain_mean_size2:+.3ci} over alone."
    " Labels differ: FedAvg"
    " {gain_mean_skew2:+.3ci} over alone; one place {one_place_skew2:+.3ci} over FedAvg. Scanners"
    " differ: FedAvg {gain_mean_scan2:+.3ci} over alone, {bn:+.3ci} with normalisation kept at"
    " home; one place {one_place_scan2:+.3ci} over FedAvg.", n=rounds_of[1],
    bn=lead("fedbn", "local", "scan2"))

# %% [markdown]
# So: where they are alike, yes, as far as seven federations can see. Where sizes or labels differ
# they gain much; with skewed labels some hundredths are left that one place would add. With other
# scanners plain averaging gains nothing, and normalisation kept at home gains a little.
#
# Whether the small one gains *more* than the large one is another question than whether it gains,
# and a harder one: it takes the difference of two differences, at two hospitals with tests of their
# own. So it is asked with an interval and not claimed; and asked again where all are of one size,
# where the answer can only be chance.

# %%
def smallest_less_largest(key):
    """How much more the smallest hospital gains by FedAvg than the largest."""
    small, large = (of_trial(f"auc_{name}", "fedavg", key) - of_trial(f"auc_{name}", "local", key)
                    for name in ("e", "a"))
    return mean_interval(small - large, unit="AUC"), mean_interval(large, unit="AUC")


more, gain_largest = smallest_less_largest("size2")
run.result("smallest_less_largest", more, atol=0.01)
run.say("Where sizes differ sixteenfold, the smallest hospital gains {gain_named_size2:+.3ci}"
        " by FedAvg, the largest {large:+.3ci}, the smallest by {smallest_less_largest:+.3ci}"
        " more. Where all are of one size the same two differ by {chance:+.3ci}. Whether the"
        " largest should take part is a question that the mean does not answer.",
        large=gain_largest, chance=smallest_less_largest("alike")[0])

# %% [markdown]
# And the worst of five, whichever it is? That may be another hospital in every federation and for
# every way, and it is the lowest of five uncertain AUCs. It was not named beforehand, so no verdict
# rests on it. What averaging and luck do to it without anybody's images, the rows of copies say.

# %%
worst_of = [(key, way) for key in DIFFER for way in ("local", "fedavg", "fedbn", "pooled")
            if asked(way, key)]


def worst_less_alone(way, key, times):
    if way == "local" or not asked("local", key):
        return "–"
    return f"{lead(way, 'local', key, times, 'auc_worst'):+.3ci}"


run.table(
    [{"hospitals differ in": DIFFER[key], "learned": WAYS[way], f"worst AUC, {rounds_of[1]} rounds":
      f"{mean_interval(of_trial('auc_worst', way, key), unit='AUC'):.3ci}"}
     | {f"less alone, {n} rounds": worst_less_alone(way, key, times)
        for times, n in zip(TIMES, rounds_of, strict=True)} for key, way in worst_of],
    name="worst", caption="Recorded: AUC at the worst of five hospitals, and by how much it leads"
    " the worst of five that learn alone, at each length. Means and 95 % intervals over"
    f" n = {len(trial.seeds)} federations; half ill in all tests. A dash: not asked; simulated.")

# %%
def worst_beyond_mean(key):
    """By how much FedAvg lifts the worst of five more than it lifts the mean."""
    ways = [of_trial("auc_worst", way, key) - of_trial("auc_mean", way, key)
            for way in ("fedavg", "local")]
    return mean_interval(ways[0] - ways[1], unit="AUC")


run.say("What FedAvg adds at the worst of five beyond what it adds in the mean, {n} rounds:"
        " {beyond}. Where scanners differ the worst of five under FedBN leads the worst under"
        " FedAvg by {bn:+.3ci}.", n=rounds_of[1],
        beyond="; ".join(f"where hospitals differ in {DIFFER[key]}, {worst_beyond_mean(key):+.3ci}"
                         for key in GAIN),
        bn=lead("fedbn", "fedavg", "scan2", what="auc_worst"))

# %% [markdown]
# FedAvg lifts the worst of five where hospitals are alike, and most where sizes or labels differ:
# there somebody alone had nearly nothing to learn from, or one kind of patient only. Where scanners
# differ the worst cannot be said to gain: at all three lengths it lies lower than alone, and no
# interval is clear of zero. A mean that stands still does not show such a thing.
#
# ### The control
#
# Averaging must do nothing where there is nothing to average. (Copies in the trial may gain a
# little: there each hospital drew batches of its own and took its own rate, so five networks
# differed, and their mean is steadier than one.) Give five hospitals *copies* of the
# same images, and let each take all of them at every step. Then all five walk the same way, and
# what they learn together is what one learns alone, and what all images in one place teach, down to
# rounding. If it were not, the loop itself would add or lose something, and every difference above
# would be in doubt.

# %%
one_kind = {name: Site(*parts[HERE[0] if control_holds == "copies" else name]["training"],
                       *parts[name]["validation"]) for name in HERE}
even = site_network(norm="group", generator=run.torch_generator("control")).double()
even = even.to(run.device)
doubled = {name: replace(site, images=site.images.double(),
                         validation_images=site.validation_images.double())
           for name, site in one_kind.items()}
all_at_once = replace(recipe, rounds=2, steps=2, batch_size=10 * EACH)

# %% tags=["key"]
averaged = federate(even, doubled, recipe=all_at_once, seed=training).last
single = federate(even, {"A": doubled["A"]}, recipe=all_at_once, seed=training).last
in_one = federate(even, {"pool": pool(doubled)}, recipe=all_at_once, seed=training).last

# %%
def digits_between(one, other):
    """How many digits of the way that both went agree."""
    way = sum((other[k] - w).square().sum() for k, w in even.state_dict().items()).sqrt()
    apart = sum((one[k] - w).square().sum() for k, w in other.items()).sqrt()
    return min(-np.log10(max(float(apart / way), 1e-16)), 16.0)


agreed = min(digits_between(averaged, single), digits_between(averaged, in_one))
run.result("control_digits", agreed, unit="digits", atol=3)
run.say("Five hospitals with the same images agree with one of them, and with one place for all, to"
        " {control_digits:.0f} digits.")
run.claim("hospitals that hold the same images learn together what one of them learns alone, and"
          " what all images in one place teach", agreed > 6, margin=agreed - 6, unit="digits",
          control=True, falsified_by="falsify_hospitals_of_their_own")

# %% [markdown]
# ## One is away, one is slow
#
# Hospitals have maintenance nights. What should the server do? If one is *away*, the mean is over
# those who are there. If one is *slow*, it can wait, and everybody waits; it can leave the late
# answer out, and that hospital never counts; or it can take it when it comes, *stale*: learned from
# weights that the others have left. Here $E$ is late by two rounds, always, or $A$ is away.

# %% tags=["key"]
late = {"E": 2}
cases = {
    "all there": {},
    "A gone after the first": {"absent": {"A": range(2, rounds + 1)}},
    "E slow, waited for": {"late": late, "policy": "wait"},
    "E slow, left out": {"late": late, "policy": "leave_out"},
    "E slow, taken stale": {"late": late, "policy": "stale"},
}

# %%
def judged(done, names=tuple(HERE)):
    """AUC by hospital, half ill, last round; a network that is not finite knows nothing."""
    those = {n: tests["matched"][n] for n in names}
    found = scores_by_hospital(start, dict.fromkeys(names, done.last), those)
    return auc_by_hospital({n: (np.nan_to_num(s), y) for n, (s, y) in found.items()})


# %%
rows, met = [], {}
for name, case in cases.items():
    by_then = federate(start, sites, recipe=recipe, seed=training, **case) if case else loop
    aucs = met[name] = judged(by_then)
    rows.append({"what happens": name, "mean AUC": f"{np.mean(list(aucs.values())):.3f}",
                 "at A": f"{aucs['A']:.3f}", "at E": f"{aucs['E']:.3f}",
                 "waited": f"{sum(r.ticks for r in by_then.rounds)}",
                 "up": f"{sum(r.bytes_up for r in by_then.rounds) / 1e6:.2f} MB"})

# %%
run.table(rows, name="away", caption="One federation, the same draws: AUC in the mean and at the"
          " two hospitals concerned, how long the server waited, in units of a punctual hospital's"
          f" round, and bytes of weights up. Simulated; n = {n_test} test images a hospital. One"
          " draw: differences of some hundredths are no finding.")

# %% [markdown]
# To wait costs time and changes no weight. To leave out is cheap, and the hospital that is left out
# is not one drawn by lot: slow are those with old machines and thin lines, whose patients may be
# unlike the others'. (In one draw of some hundredths nothing of that need show, either way.) So ask
# of the hospital *that was left out*, not of the mean.

# %%
gone, there = met["A gone after the first"], met["all there"]
moved = np.mean(list(gone.values())) - np.mean(list(there.values()))
run.say("Gone after the first round, A ends {at_a:+.3f} of AUC from where it would have been; the"
        " mean over all five moves by {moved:+.3f}. One draw tells no more than where to look.",
        at_a=gone["A"] - there["A"], moved=moved)

# %% [markdown]
# ## One lies
#
# The server cannot see images, so it cannot see what a hospital learned from. Let $E$ send its
# update backwards, and many times as long. In the mean of five equal hospitals four honest steps
# then meet one lie that outweighs them. Two other rules do not weigh: the **median** of each number
# over the hospitals, and the **trimmed mean**, which leaves out the lowest and the highest of each
# number ([Yin et al.](https://doi.org/10.48550/arXiv.1803.01498)). With one liar among five every
# median lies between two numbers that honest hospitals sent. A subtler liar trains honestly, on
# labels that it has exchanged. Where a mean that is driven backwards ends is a matter of luck: five
# first weights are tried, each for half of the rounds at twice the rate, and the last round is
# judged.

# %% tags=["key"]
backward = {"E": scaled(-lie)}
on_lies = sites | {"E": with_flipped_labels(sites["E"])}
lies = {"nobody lies": (sites, None), "backwards": (sites, backward), "labels": (on_lies, None)}
RULES = {"mean": weighted_mean, "median": median, "trimmed mean": trimmed_mean}

# %%
short = replace(recipe, rounds=(rounds + 1) // 2, rate=2 * rate)
first_weights = [site_network(generator=run.torch_generator(f"first weights {i}")).to(run.device)
                 for i in range(5)]
honest = [name for name in HERE if name != "E"]


def under(what, rule, first):
    """AUC at the four honest hospitals."""
    those, liars = lies[what]
    ended = federate(first, those, recipe=short, seed=training, rule=rule, liars=liars)
    return list(judged(ended, honest).values())

# %%
firsts = {what: first_weights if what == "backwards" else first_weights[:1] for what in lies}
met = {(what, name): np.array([under(what, rule, first) for first in firsts[what]])
       for what in lies for name, rule in RULES.items()}

# %%
run.table([{"what E sends": what, "first weights": len(firsts[what])}
           | {name: f"{met[what, name].mean():.3f} / {met[what, name].mean(1).min():.3f}"
              for name in RULES} for what in lies],
          name="liars", caption="AUC at the four honest hospitals by what the fifth sends and how"
          " the server combines: mean over them and over first weights / mean over them at the"
          f" worst first weights. Rows with one and with five first weights are not to be compared."
          f" Simulated; n = {n_test} test images each, one federation.")

# %%
kept = {name: float(met["backwards", name].mean()) for name in RULES}
for name in ("mean", "median"):
    run.result(f"auc_{name}_under_lie", kept[name], unit="AUC", n=5, atol=0.05)
run.say("With the update of one in five sent backwards, {lie:g} times as long, the mean ends at an"
        " AUC of {auc_mean_under_lie:.2f} over five first weights (from {low:.2f} to {high:.2f}),"
        " the median at {auc_median_under_lie:.2f}, the trimmed mean at {trimmed:.2f}.",
        low=met["backwards", "mean"].mean(1).min(), high=met["backwards", "mean"].mean(1).max(),
        trimmed=kept["trimmed mean"])

# %%
margin = min(kept["median"], kept["trimmed mean"]) - kept["mean"] - 0.1
run.claim("when one of five sends its update backwards and many times as long, a median and a"
          " trimmed mean end at least .1 of AUC above the mean, over five first weights",
          margin >= 0, margin=margin, unit="AUC", falsified_by="falsify_truthful")

# %% [markdown]
# Against exchanged labels compare the rules in the table's last row before you trust one: a lie
# that stays within what honest hospitals send is not cut off. And robust rules have a price where
# nobody lies, even if one draw may not show it. They forget sizes, since a liar could claim any;
# and they cut off whoever is unlike the rest, honest or not: a rare disease seen at one hospital
# looks like a lie.
#
# ## What breaks it
#
# - **To think that weights are no data.** A gradient can give a patient's image back
#   ([Zhu et al.](https://doi.org/10.48550/arXiv.1906.08935),
#   [Geiping et al.](https://doi.org/10.48550/arXiv.2003.14053)). *The data stay* is not yet *the
#   data are safe*; that takes more than this chapter.
# - **A test with each hospital's own prevalence.** It rewards knowing the place.
# - **The mean alone.** It may rise while one hospital's patients lose. Name the hospital that you
#   worry about before you look; the worst of five is partly the luck of five draws.
# - **Baselines without care.** A hospital alone deserves its own rate, and as many tries. Let it
#   choose by the loss on three validation images of one kind, and it becomes a straw man.
# - **One number that reads the task.** If the spread of red does as well, five hospitals and a
#   network have shown nothing.
# - **Few federations.** Patients of five hospitals are many; federations are one. What is to hold
#   for the next federation is a mean over federations.
# - **What is alike here and not in clinics.** All our patients have the same disease, read by the
#   same rule. Where hospitals mean different things by one label, no averaging mends it.

# %%
run.finish()

# %% [markdown]
# ## What to take along
#
# - One step at each hospital, averaged by images, *is* a step on all images. Many steps are not:
#   hospitals drift, the further the more steps they make alone.
# - A federation that sorts its answers and draws by name is repeatable to the bit, on a library as
#   in a loop.
# - Skewed labels, other scanners and unequal sizes are three different troubles. Vary one at a
#   time, with every rival tuned alike.
# - What belongs to the scanner may be better kept at home. Here it was, by some hundredths of AUC,
#   in one table of simulated hospitals.
# - Match the prevalence of the tests before you rank anything, and of the validation images before
#   you choose anything.
# - Fairness is a question about hospitals that were named before, not about the mean.
# - A mean believes everybody. A median believes the middle, and nobody at the edge.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("federated-mean")` gives a hint, and then another;
# `run.solution("federated-mean")` shows how it is done.
#
# ```{exercise}
# :label: federated-mean
# Three hospitals have 800, 150 and 50 images. After a round the same weight is
# 0.2 <!-- number: posed -->, 0.5 <!-- number: posed --> and 1.1 <!-- number: posed --> there. What
# does FedAvg's server make of it?
# ```

# %% tags=["self-check"]
answer = None  # a weight
run.check("federated-mean", answer)

# %% [markdown]
# ```{exercise}
# :label: federated-drift
# Two hospitals of equal size have the losses $\frac12 (w - 0)^2$ and $\frac12 \cdot 3\,(w - 1)^2$.
# In each round both train until they are done. Over all images the loss is lowest at some $w$. How
# far from that $w$ does FedAvg come to rest?
# ```

# %% tags=["self-check"]
answer = None  # a distance in w
run.check("federated-drift", answer)

# %% [markdown]
# ```{exercise}
# :label: federated-bytes
# A network has 11 million weights of four bytes each. Five hospitals train for 100 rounds, all of
# them in every round. How many gigabytes ($10^9$ bytes) travel, up and down together?
# ```

# %% tags=["self-check"]
answer = None  # gigabytes
run.check("federated-bytes", answer)

# %% [markdown]
# ```{exercise}
# :label: federated-trimmed
# Write `trimmed(sent, each_end)`: `sent` is an array with one row a hospital and one column a
# weight. Return the trimmed mean of each weight, with `each_end` values left out at either end.
# ```

# %% tags=["self-check"]
trimmed = None  # a function
run.check("federated-trimmed", trimmed)

# %% [markdown]
# ```{exercise}
# :label: federated-too-good
# At five hospitals, 10 to 60 of a hundred patients are ill. A paper trains on all images in one
# place and by FedAvg, tests both on one list of all hospitals' patients with half ill everywhere,
# and finds FedAvg *better*. Which request would show whether FedAvg reads tissue better?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("federated-too-good", answer)

# %% [markdown]
# ## Further reading
#
# - H. B. McMahan et al., federated averaging:
#   [doi:10.48550/arXiv.1602.05629](https://doi.org/10.48550/arXiv.1602.05629)
# - T. Li et al., FedProx:
#   [doi:10.48550/arXiv.1812.06127](https://doi.org/10.48550/arXiv.1812.06127)
# - X. Li et al., FedBN:
#   [doi:10.48550/arXiv.2102.07623](https://doi.org/10.48550/arXiv.2102.07623)
# - D. Yin et al., medians and trimmed means against liars:
#   [doi:10.48550/arXiv.1803.01498](https://doi.org/10.48550/arXiv.1803.01498)
# - E. Bagdasaryan et al., how one participant can plant a back door:
#   [doi:10.48550/arXiv.1807.00459](https://doi.org/10.48550/arXiv.1807.00459)
# - T.-M. H. Hsu, H. Qi, M. Brown, labels that are not alike:
#   [doi:10.48550/arXiv.1909.06335](https://doi.org/10.48550/arXiv.1909.06335)
# - D. J. Beutel et al., Flower:
#   [doi:10.48550/arXiv.2007.14390](https://doi.org/10.48550/arXiv.2007.14390)
# - S. P. Karimireddy et al., SCAFFOLD, how far hospitals drift and what to send against it:
#   [doi:10.48550/arXiv.1910.06378](https://doi.org/10.48550/arXiv.1910.06378)
# - K. Hsieh et al., labels that are not alike, and what batch normalisation makes of them:
#   [doi:10.48550/arXiv.1910.00189](https://doi.org/10.48550/arXiv.1910.00189)
# - L. Zhu et al., images out of gradients:
#   [doi:10.48550/arXiv.1906.08935](https://doi.org/10.48550/arXiv.1906.08935)
# - J. Geiping et al., the same for networks of a usual size:
#   [doi:10.48550/arXiv.2003.14053](https://doi.org/10.48550/arXiv.2003.14053)
# - P. Bándi et al., the challenge on Camelyon17:
#   [doi:10.1109/TMI.2018.2867350](https://doi.org/10.1109/TMI.2018.2867350)
# - G. Litjens et al., its data, lymph nodes of breast cancer from five centres:
#   [doi:10.1093/gigascience/giy065](https://doi.org/10.1093/gigascience/giy065)
