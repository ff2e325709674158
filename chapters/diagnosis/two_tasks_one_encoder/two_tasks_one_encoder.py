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
# # Does it help to be told where?
#
# **Question.** An eye clinic wants a network that tells a round haemorrhage from a streak along a
# nerve fibre, for the two mean different diseases. There are few images with a diagnosis. A doctor
# offers an afternoon: more diagnoses, or outlines around the lesions of the images that there are?
# Will a network that must also say *where* be better at saying *what*?
#
# **Objectives.** After this chapter you will be able to
#
# - derive the loss of two tasks from the probability of both answers, with the weights that follow;
# - say what learned weights minimise, and where that goes wrong;
# - measure whether a second task helps, with a second task that cannot help beside it;
# - tell what outlines of the same images add from what more images would;
# - read the cosine between two tasks' gradients, and not too much into it.
#
# **Prerequisites.** {doc}`choosing_a_metric`; cross-entropy; what a convolution is.
#
# **Data.** Texture is real: patches of one fundus photograph. Lesions and specks are simulated, so
# that their outlines are right to the pixel. One eye: no interval here speaks of patients.

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # where to compute: "auto", "cpu" or "cuda"
n_labels: int = 20  # labelled patches on this page, a multiple of 2, 4 ≤ x ≤ 2000
n_validation: int = 200  # patches to choose by, 20 ≤ x ≤ 10000
n_test: int = 500  # patches to judge by, 20 ≤ x ≤ 10000
n_steps: int = 300  # training steps of each network on this page, 1 ≤ x ≤ 100000
peak_rate: float = 0.003  # highest learning rate, 0 < x ≤ 0.1
mask_weight: float = 30.0  # of the mask's loss on this page, 0 < x ≤ 100000
contrast: float = 0.35  # light lost in the middle of a lesion, 0 < x ≤ 0.8
over: str = "sum"  # how pixels are gathered in the check of the derivation: "sum" or "mean"

# %%
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from data_fetch.tasks.outlined_lesions import outlined_lesions
from medlib import experiment
from medlib.diagnosis.joint.joint_likelihood import two_losses
from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed
from medlib.diagnosis.joint.learned_weights import LearnedWeights
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.measures.mean_interval import mean_interval

run = experiment.start("diagnosis/two_tasks_one_encoder", locals())

# %% [markdown]
# ## A picture first
#
# Six patches: a dark lesion in each, a dot or a streak, and a bright speck. Below them what an
# outline of the lesion would say, and one of the speck.

# %% tags=["key"]
sizes = {"train": n_labels, "validation": n_validation, "test": n_test}
drawn = {
    name: outlined_lesions(n, split=name, rng=run.rng(f"{name} patches"), contrast=contrast)
    for name, n in sizes.items()
}
patches = {name: run.uses(part.sample).array for name, part in drawn.items()}

# %%
some = [int(i) for kind in (1, 0) for i in np.flatnonzero(drawn["test"].labels == kind)[:3]]
names = drawn["test"].names
run.figure(
    image_rows(
        [[patches["test"][i] for i in some], [255.0 * drawn["test"].lesions[i] for i in some],
         [255.0 * drawn["test"].specks[i] for i in some]],
        titles=[[names[drawn["test"].labels[i]] for i in some], ["lesion"] * 6, ["speck"] * 6],
        window=Window(0, 255, ("green", "")),
    ),
    name="patches", data="simulated",
    alt="Six grey patches with a dark dot or streak and a bright speck; below, two rows of masks.",
    caption="Dots and streaks of one area in real retina texture, their outlines, and the outline of"
    f" a bright speck whose place and shape mean nothing. Simulated lesions, n = {n_test} test"
    " patches, six shown.",
)

# %% [markdown]
# ## Two answers, one probability
#
# An image $x$ has a class $y$ and a mask $S$, one yes or no for each pixel. What should a network
# that answers both be trained for? For the probability of the right answers. If, given the image,
# knowing the mask would not change the class's probability, then
#
# $$ p(S, y \mid x) = p(S \mid x)\; p(y \mid x), \qquad p(S \mid x) = \prod_i p(S_i \mid x), $$
#
# the last if pixels are independent given the image, which they are not quite. Take minus the
# logarithm, and products become sums:
#
# $$ -\ln p(S, y \mid x) = \underbrace{-\ln p(y \mid x)}_{L_c}
#    + \underbrace{\sum_i -\ln p(S_i \mid x)}_{N\, \bar L_s} , $$
#
# with $\bar L_s$ the *mean* cross-entropy of the $N$ pixels. So the joint loss is a weighted sum,
# and the likelihood names the weight: it is the number of pixels. What libraries give you,
# $L_c + \bar L_s$, is another weight, smaller by a factor of thousands.

# %% tags=["key"]
draw = run.rng("check")
class_scores = torch.from_numpy(draw.normal(size=(4, 2)))
pixel_scores = torch.from_numpy(draw.normal(size=(4, 1, 8, 8)))
labels, masks = torch.tensor([0, 1, 1, 0]), pixel_scores > 1
p_class = class_scores.softmax(dim=1)[range(4), labels]
p_pixels = torch.where(masks, pixel_scores.sigmoid(), 1 - pixel_scores.sigmoid())
by_hand = -(p_class * p_pixels.flatten(1).prod(dim=1)).log().mean()

# %%
both = two_losses(class_scores, pixel_scores, labels=labels, masks=masks)
joint = both.weighted(both.n_pixels if over == "sum" else 1.0)
off = abs(float(joint - by_hand)) / float(by_hand)
digits = min(-np.log10(max(off, 1e-16)), 16.0)
run.result("joint_digits", digits, unit="digits", atol=2)
run.say("By hand and by the weighted sum the joint loss agrees to {joint_digits:.0f} digits.")
run.claim(
    "the joint likelihood is the class's loss and the mean pixel loss times the number of pixels",
    digits > 6, margin=digits - 6, unit="digits", falsified_by="falsify_mean_of_pixels",
)

# %% [markdown]
# The factors are an assumption, and a mild one for the class: given the image, a mask that is right
# to the pixel does hold the shape. What is *not* assumed is that the two tasks help each other. They
# share the image and, in our network, an encoder; whether that helps is a question of fact.
#
# ## One encoder, two heads
#
# Four convolutions see the image; from their last maps one head reads the class, by means and
# maxima over all places, and another the mask, by squares of four by four pixels. Here is the
# network with the class alone, and with the outlines of the same few patches.

# %%
middle, spread = float(patches["train"].mean()), float(patches["train"].std())
x = {name: torch.from_numpy((part - middle) / spread)[:, None].to(run.device)
     for name, part in patches.items()}
y = {name: torch.from_numpy(part.labels).to(run.device) for name, part in drawn.items()}
lesions = {name: torch.from_numpy(part.lesions)[:, None].to(run.device)
           for name, part in drawn.items()}

# %% tags=["key"]
def fit(name, masked, weight):
    return fit_two_headed(
        x["train"], y["train"], masked=masked, weight=weight, steps=n_steps, peak_rate=peak_rate,
        validation=(x["validation"], y["validation"]), generator=run.torch_generator(name),
    ).network


outlines = Masked(x["train"], lesions["train"], same=True)
networks = {"label alone": fit("label alone", None, 0.0),
            "label and outline": fit("label and outline", outlines, mask_weight)}

# %%
@torch.no_grad()
def auc_of(network):
    scores = network(x["test"]).classes
    return roc_auc_score(y["test"].cpu(), (scores[:, 1] - scores[:, 0]).cpu())


for name, network in networks.items():
    run.result(f"here_{name.replace(' ', '_')}", auc_of(network), unit="AUC", n=n_test, atol=0.03)
run.say(
    "With {n} labelled patches, one training each: an AUC of {here_label_alone:.2f} from labels"
    " alone, and {here_label_and_outline:.2f} with outlines. One draw; the trial has more.",
    n=n_labels,
)

# %% [markdown]
# ## The trial
#
# Seven ways to learn, each of which chose its learning rate and, where there is one to choose, the
# weight of its masks on validation patches, kept the weights that validated best, and was trained
# three times, each time twice as long:
#
# | Way | What it learns from |
# |---|---|
# | single | the labels |
# | own | and the outlines of the same patches |
# | others | and the outlines of as many *other* patches |
# | speck | and the outlines of the bright speck, which means nothing |
# | learned | as own, with weights learned as variances |
# | balanced | as own, with a weight that keeps both gradients equally long |
# | likelihood | as own, with the number of pixels for a weight |

# %% tags=["key"]
trial = experiment.recorded(run, "_arms_of_two_tasks/sweep")
COUNTS, LENGTHS = trial.grid["labels"], (1, 2, 4)


def auc(arm, labels, times=4):
    """Test AUC of a way to learn, one number a draw."""
    return trial.array(f"auc_{arm}_{times}", labels=labels)


def gain(arm, labels, over="single", times=4):
    """What it gains over another, draw by draw."""
    return mean_interval(auc(arm, labels, times) - auc(over, labels, times), unit="AUC")
