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
# # Could you show it again?
#
# **Question.** Two years after a network went into a clinic, it overlooks a bleeding. An auditor
# has the paper with its AUC and asks two things. Does the number come out if you run it again? And
# can you show that these scans, this program and nothing else stand behind it? If you cannot,
# nobody will ever know whether the patient was harmed by chance, by a changed scan, or by a number
# that never was true.
#
# **Objectives.** After this chapter you will be able to
#
# - say why two runs of one program differ, and find the cause by changing one thing at a time;
# - tell whether a conclusion survives where the bits do not;
# - say what seeds, flags, pins and a container's digest each buy, and what none of them does;
# - keep a ledger in which a changed byte shows, and say what only a signature kept elsewhere finds;
# - take a patient's identity out of scans, and tell a hash that protects from one that does not.
#
# **Prerequisites.** {doc}`/translation/three_shifts` for what training on one's own images means;
# bits and bytes; AUC and its interval.
#
# **Data.** Scans with real headers: test files of pydicom's wheel. For the trainings the texture is
# real, patches of one fundus photograph, and the lesions are simulated. Record numbers and keys are
# simulated. To audit scans of your own, set `own_scans` to a folder of uncompressed CT images, such
# as a series of [LIDC-IDRI](https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX).

# %% tags=["parameters"]
seed: int = 0  # master seed; every generator is derived from it by name, x ≥ 0
device: str = "auto"  # "auto", "cpu" or "cuda"; what is about the processor stays on it
n_train: int = 240  # patches to learn from, a multiple of 2, 16 ≤ x ≤ 5000
n_test: int = 256  # patches to decide on, a multiple of 2, 16 ≤ x ≤ 5000
n_steps: int = 150  # training steps, 1 ≤ x ≤ 100000
n_orders: int = 1000  # orders of one sum, 2 ≤ x ≤ 100000
again_threads: int = 1  # threads of the repetition in which nothing else changes, 1 ≤ x ≤ 4
elsewhere: str = "other instructions"  # the other process: "other instructions" or "the same"
refuse_chance: str = "yes"  # deterministic algorithms in the scatter that must repeat: "yes", "no"
n_changes: int = 40  # single bits changed in each part, 1 ≤ x ≤ 1000
watched: str = "every byte"  # what the audit compares of the data: "every byte" or "nothing"
head_held: str = "the newest"  # signed end that the auditor has: "the newest" or "an old one"
yardstick: str = "weights and batches"  # of the trial: that or "another layout"
cleaned_by: str = "this book"  # who takes identities out: "this book" or "the library alone"
scan_entries: str = "one each"  # the ledger's entries of the scans: "one each" or "one for all"
record_digits: int = 6  # digits of a record number, 3 ≤ x ≤ 7
n_stolen: int = 50  # record numbers in a stolen table, 1 ≤ x ≤ 900
key_from: str = "chance"  # where the hospital's key comes from: "chance" or "a password"
own_scans: str = ""  # folder of CT images of your own, uncompressed DICOM; else empty

# %%
import copy
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import numpy as np
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dicomanonymizer import simpledicomanonymizer
from pydicom import dcmread
from pydicom.tag import Tag

from data_fetch.packaged.wheel import packaged_file
from data_fetch.readers import read_dicom
from data_fetch.tasks.fundus_lesions import fundus_lesions
from medlib import experiment
from medlib.experiment.environment import project_root
from medlib.experiment.plots.image_rows import Window, image_rows
from medlib.experiment.plots.line_band import Line, line_band
from medlib.measures.auc import auc
from medlib.measures.mean_interval import mean_interval
from medlib.measures.share_interval import share_of
from medlib.systems.deidentification.burned_in import Rectangle
from medlib.systems.deidentification.canaries import canaries_left, plant_canaries
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.kept_text import MACHINE_BYTES, MACHINE_TEXT
from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.profile import EDITION, code_of, table_tags
from medlib.systems.deidentification.pseudonyms import break_plain_hashes, plain_hash, pseudonym
from medlib.systems.deidentification.validator import identifiers_of, leaks
from medlib.systems.ledger import kinds
from medlib.systems.ledger.audit import World, audit
from medlib.systems.ledger.canonical_json import canonical_json
from medlib.systems.ledger.chain import first_fault
from medlib.systems.ledger.entry import FIRST, Draft, entry_after, to_line
from medlib.systems.ledger.ledger_file import append, read_ledger
from medlib.systems.ledger.lineage import lineage, metrics_from
from medlib.systems.ledger.signed_head import sign_head
from medlib.systems.ledger.signing_keys import key_id
from medlib.systems.repetition.audit_picture import Box, audit_picture
from medlib.systems.repetition.bits import flip_bit, relative_distance, share_differing
from medlib.systems.repetition.byte_changes import one_bit_changed, random_place
from medlib.systems.repetition.fresh_process import train_elsewhere
from medlib.systems.repetition.scatter import repeated_gradients
from medlib.systems.repetition.set_order import order_of_set
from medlib.systems.repetition.small_training import Settings, learned_numbers, train_small
from medlib.systems.repetition.sums import exact_sum, orders_tried
from medlib.systems.repetition.surroundings import differing_layers, surroundings
from medlib.systems.repetition.switches import Switches, switched

run = experiment.start("systems/reproducible_to_the_bit", locals())

# %%
run.device  # sets what torch may do; the trainings stay on the processor, whose sums they are about
folder = Path(tempfile.mkdtemp(prefix="ledger-"))
NOON = "2026-03-02T12:00:00Z"  # no clock is read, so that a rerun writes the same ledger


# %% [markdown]
# ## A picture first
#
# A small network tells a round haemorrhage from a streak along a nerve fibre. It is trained twice,
# by the same program, from the same seed, on the same patches. One thing differs: in the first step
# two threads shared the work, where one did it alone the other time. Then both went on alike.

# %%
drawn = {split: fundus_lesions(n, split=split, rng=run.rng(f"{split} patches"), size=32)
         for split, n in (("train", n_train), ("test", n_test))}
images, test_images = (run.uses(drawn[split].sample).array for split in ("train", "test"))
labels, truth = drawn["train"].labels, drawn["test"].labels
start = run.rng("seeds of the trainings")
seeds = [int(one) for one in start.integers(2**31, size=6)]
plain = Settings(seed_of_weights=seeds[0], seed_of_batches=seeds[1], steps=n_steps)
KEPT = sorted({step for step in (1, 2, 3, 5, 10, 20, 50) if step < n_steps} | {n_steps})

# %% tags=["key"]
def trained(settings, on=images, called=labels):
    return train_small(on, called, test_images, settings=settings, keep_at=KEPT)


first = trained(plain)
two_threads = trained(replace(plain, switches=Switches(threads=2), switched_steps=1))

# %%
share = share_differing(first.last, two_threads.last)
apart = np.flatnonzero(first.decisions != two_threads.decisions)
size = np.abs(first.logits - two_threads.logits)
shown = np.lexsort((-size, first.decisions == two_threads.decisions))[:6]  # flipped ones first
verdict = {True: "dot", False: "streak"}
said = [f"{verdict[bool(truth[i])]}:\n{verdict[bool(first.decisions[i])]} /"
        f" {verdict[bool(two_threads.decisions[i])]}" for i in shown]
run.figure(
    image_rows([[test_images[i][..., 1].astype(float) for i in shown]], titles=[said],
               window=Window(0, 255, ("green", ""))),
    name="twins", data="simulated",
    alt="Six grey patches with a dark lesion each; above each what it is and what either training"
    " says.",
    caption="What six patches show, and below it what the first / the second training say: those on"
    " which they disagree come first. The bar is the grey level of the colour green, in which blood"
    f" is darkest. Simulated lesions in real texture, n = {n_test} test patches; in all the"
    f" decision differs for {len(apart)}.",
)

# %%
run.say(
    "After {n_steps} steps {share:.0%} of the two networks' {count} numbers are not the same to the"
    " bit, and {flips} of {n_test} decisions differ. Whoever reruns the study on another number of"
    " threads does not get its network.", share=share, count=len(first.last), flips=len(apart),
)

# %% [markdown]
# ## Why a sum has no last digit
#
# A computer keeps a number in a few bits; ours in thirty-two. Its digits
# take twenty-three of them, and one more, the leading one, is not stored as it is never zero.
# Each addition is rounded to them. Write $\mathrm{fl}(a + b)$ for what the computer keeps of the
# sum, and $\delta$ for the error relative to it: $\mathrm{fl}(a + b) = (a + b)(1 + \delta)$ with
# $|\delta| \le 2^{-24}$. So $\mathrm{fl}(a + b) = \mathrm{fl}(b + a)$ still holds, but
#
# $$ \mathrm{fl}(\mathrm{fl}(a + b) + c) \;\ne\; \mathrm{fl}(a + \mathrm{fl}(b + c)) $$
#
# in general {cite}`goldberg1991`. *In which order* a sum is added decides its last digits. Take one
# patch's grey values and add them in many orders: as they are, divided by their largest value, and
# standardised. Whole numbers of this size are added exactly. Fractions are not. And standardised
# numbers cancel: their exact sum is nearly zero, so that all that is left is rounding.

# %% tags=["key"]
grey = test_images[0].astype(np.float32).ravel()
ways = {"grey levels": grey, "divided by the largest": grey / np.float32(255),
        "standardised": (grey - grey.mean()) / grey.std()}
sums = {name: orders_tried(values, orders=n_orders, rng=run.rng(f"orders, {name}"))
        for name, values in ways.items()}

# %%
exact = {name: exact_sum(values) for name, values in ways.items()}
run.table([{"numbers": name, "different sums": len(np.unique(found)),
            "smallest": f"{found.min():.7g}", "largest": f"{found.max():.7g}",
            "rounded only at the end": f"{exact[name]:.7g}"} for name, found in sums.items()],
          name="sums", caption=f"One sum of {grey.size} numbers in {n_orders} random orders. Of the"
          " standardised ones not a single digit is sure. Real texture with a simulated lesion.")
run.result("distinct_sums_grey", len(np.unique(sums["grey levels"])), n=n_orders)

# %% [markdown]
# Nothing is wrong with any of them. But a convolution is millions of such sums, and *who adds what
# first* is decided by things that no program mentions: how many threads share the rows, how many
# numbers the processor adds at once, which library's routine for a convolution (its *kernel*) fits
# the shape, how the numbers lie in memory. A training then multiplies the difference: each step
# starts where the last one ended.
#
# ## One cause at a time
#
# So let us change one thing and nothing else. Each of these leaves the seeds, the images and the
# formula alone; only the last would change the result in exact arithmetic, by one grey level of one
# pixel of one patch.
#
# - *Two threads, first step*: each of two adds up a part of the sums, and then the parts are added.
# - *Another library's kernels*: torch leaves convolutions to oneDNN, a library of routines for
#   processors. Switched off, torch's own take over.
# - *Another layout*: the three colours of a pixel lie side by side in memory, where one colour's
#   whole plane came before the next. The values are the same.
# - *A fused optimiser*: the same formula of AdamW in one loop over the weights, where one operation
#   after another went over all of them.
# - *Batches back to front*: the same patches in each batch, the last one first.
# - *One bit of one pixel*: a change of the data, but one that nobody would call one.

# %% tags=["key"]
middle = images.size // 2
one_bit = flip_bit(images, place=middle)  # one grey level, in one of all pixels
causes = {
    "two threads, first step": two_threads,
    "another library's kernels": trained(replace(plain, switches=Switches(onednn=False))),
    "another layout": trained(replace(plain, channels_last=True)),
    "a fused optimiser": trained(replace(plain, optimizer="fused")),
    "batches back to front": trained(replace(plain, reverse=True)),
    "one bit of one pixel": trained(plain, on=one_bit),
}

# %% [markdown]
# Some things are settled when a process starts and never again: which instructions of the processor
# may be used, and the number, drawn anew, by which Python sorts texts into a `set`. So we train in
# new processes as well, of the same interpreter, the same packages, the same files. The first of
# them gives the most important row of all: a new process in which *nothing* was changed.

# %% tags=["key"]
def in_new_process(**variables):
    return train_elsewhere(images, labels, test_images, settings=[plain], keep_at=KEPT,
                           variables={"PYTHONHASHSEED": "random", **variables})


OTHER = {"ATEN_CPU_CAPABILITY": "default"}  # no wide registers: any processor can do this
here_again = in_new_process()
other_place = in_new_process(**(OTHER if elsewhere == "other instructions" else {}))

# %% [markdown]
# And one that has nothing to do with rounding. A program collects the names of its files in a
# `set`, to be rid of doubles, and walks through it. In which order? Python hashes texts with a
# number that it draws for each process, so the order is another in each. If the label travels with
# its name, other images meet in a batch, as under another seed. If labels were read from a sorted
# list, each image gets somebody else's diagnosis.

# %% tags=["key"]
names = [f"patient{i:04d}.png" for i in range(n_train)]
place = {name: i for i, name in enumerate(names)}
walk = [place[name] for name in order_of_set(names, hash_seed=2)]
causes["names in a set"] = trained(plain, on=images[walk], called=labels[walk])
apart_in_set = trained(plain, on=images[walk])  # labels still in the sorted order
seeds_differ = {
    "other weights at the start": trained(replace(plain, seed_of_weights=seeds[2])),
    "other batches": trained(replace(plain, seed_of_batches=seeds[3])),
    "both": trained(replace(plain, seed_of_weights=seeds[4], seed_of_batches=seeds[5])),
}

# %%
def timed(settings):
    """A training, and its seconds of wall clock."""
    begun = time.perf_counter()
    return trained(settings), time.perf_counter() - begun


again, seconds = timed(replace(plain, switches=Switches(threads=again_threads),
                               switched_steps=min(5, n_steps)))
flag_off, seconds_off = timed(replace(plain, switches=Switches(deterministic=False)))
threads_again = trained(replace(plain, switches=Switches(threads=2), switched_steps=1))

# %%
everything = {
    "nothing, here": again, "nothing, new process": here_again.trained[0],
    "deterministic algorithms off": flag_off,
    "new process, other instructions": other_place.trained[0], **causes, **seeds_differ,
    "labels left behind by a set": apart_in_set,
}
right = auc(first.logits[truth == 1], first.logits[truth == 0])
aucs = {name: auc(one.logits[truth == 1], one.logits[truth == 0])
        for name, one in everything.items()}

# %%
EARLY = max(step for step in KEPT if step <= 10)
learned = learned_numbers()


def count(one, step):
    return round(share_differing(first.weights[step], one.weights[step]) * len(first.last))


def count_between(one, other):
    return round(share_differing(one.last, other.last) * len(one.last))


def percent(one, step):
    return f"{100 * share_differing(first.weights[step], one.weights[step]):.0f} %"


# %%
run.table(
    [{"what differs": name, f"after {KEPT[0]} step": count(one, KEPT[0]),
      f"after {EARLY} steps": count(one, EARLY), "at the end": count(one, n_steps),
      "distance": f"{relative_distance(first.last[learned], one.last[learned]):.2f}",
      "decisions flipped": int((one.decisions != first.decisions).sum()),
      "AUC": f"{aucs[name].value:.3f}"} for name, one in everything.items()],
    name="causes", caption="Numbers of the network that are not the same to the bit as those of the"
    f" first training (of {len(first.last)}), after some steps; how far those that are learned lie"
    f" apart at the end, relative to their length (all but {(~learned).sum()} running statistics,"
    " the means and variances of features that are only counted); and decisions that differ (of"
    f" n = {n_test}). One draw, simulated lesions.")
run.say("The training that shared its first step between two threads was run a second time as well."
        " Against its own first run {same} of {total} numbers differ: a cause gives the same other"
        " result again.", same=count_between(two_threads, threads_again), total=len(first.last))

# %% [markdown]
# Read the table from the top. *Nothing* makes no difference, not in a new process either: this
# program, on this machine, is reproducible to the bit. (Without deterministic algorithms, too: on
# one thread nothing in it is left to chance.) So whatever stands below is a cause and no noise.
# Then come the causes that nobody would call a change of the study. They may begin with very few
# numbers. A bit of one pixel has no effect until its patch is drawn into a batch, and after that it
# is like all the others. The count of numbers soon says no more, since all of them differ. The
# distance still tells causes apart.

# %%
quiet = max(share_differing(first.last, one.last) for one in (again, here_again.trained[0]))
flipped = int((again.decisions != first.decisions).sum())
run.claim(
    "trained again, here and in a new process on this machine, the network is the same to the last"
    " bit of every number", quiet == 0, margin=0.0 - quiet, unit="of the numbers", control=True,
    falsified_by="falsify_again_on_two_threads",
)

# %%
moved = {name: [share_differing(first.weights[step], one.weights[step]) for step in KEPT]
         for name, one in causes.items()
         if name in ("two threads, first step", "a fused optimiser", "one bit of one pixel")}
figure = line_band({name: Line(KEPT, [100 * share for share in shares])
                    for name, shares in moved.items()},
                   x=("step", ""), y=("numbers that differ", "%"), log_x=True, height_in=3.0)
run.figure(
    figure, name="spread", data="simulated",
    alt="Three lines of the share of differing numbers against the step, all rising to nearly all"
    " of them; that of one bit rises last.",
    caption="Whatever began it, soon nearly all numbers of the network differ: the share that is"
    f" not the same to the bit, by step. One draw, simulated lesions, n = {len(first.last)}.",
)

# %% [markdown]
# ## Bits are chaotic; are conclusions?
#
# That numbers differ is no harm by itself: nobody is treated by a weight. What a study concludes is
# an AUC, with an interval; what a patient meets is one decision. Two yardsticks are at hand. The
# interval says how far the AUC would move with other test patches. And *another seed* says how far
# it moves by what everybody accepts as chance. But a seed decides two things: the weights at the
# start, and which patches meet in a batch. So we change the one, the other, and both.

# %%
APART, BIT = "labels left behind by a set", "one bit of one pixel"
rounded = [name for name in everything if name not in (*seeds_differ, APART, BIT, "names in a set")]
rounded = [name for name in rounded if not name.startswith(("nothing", "deterministic"))]


def moved_by(name):
    flipped = everything[name].decisions != first.decisions
    return abs(aucs[name].value - right.value), int(flipped.sum())


# %%
flips = sorted(moved_by(name)[1] for name in rounded)
by_seed = [moved_by(name)[1] for name in seeds_differ]
run.result("auc_first", right, atol=0.008)
run.result("auc_apart", aucs[APART], atol=0.03)
run.say(
    "On this page the AUC is {auc_first:.3ci}. {n} causes of rounding move it by up to {most:.3f}"
    " and flip {few} to {many} of {n_test} decisions; one bit of one pixel, which is no rounding,"
    " flips {bit}. Other weights flip {weights}, other batches {batches}, both {both}. Labels that"
    " a set left behind give an AUC of {auc_apart:.2ci}: no rounding, and no error message either.",
    n=len(rounded), most=max(moved_by(name)[0] for name in rounded), few=flips[0], many=flips[-1],
    weights=by_seed[0], batches=by_seed[1], both=by_seed[2], bit=moved_by(BIT)[1],
)

# %% [markdown]
# One draw proves little here, and in single draws the order of causes turns. Nor need trainings as
# short as these be at their end. The recorded trial draws patches, weights and batches anew for
# each seed; the eye is one, and with it the texture. It *ends* each training by a schedule, under
# which the rate of learning sinks to nothing, at three lengths. And once it *stops* at full rate;
# there it also judges the network whose weights are the mean over the last steps (*averaged*).
# Chaotic numbers are shown as means over seeds, never as one number.

# %%
trial = experiment.recorded(run, "_causes_and_seeds/sweep")
LENGTHS = {"1": "ended", "2": "ended, twice as long", "4": "ended, four times as long",
           "stopped": "stopped"}
CLAIMED = ("1", "2", "4")  # the lengths of which something is claimed: not of what is stopped
ROUNDING = {"threads": "two threads, first step", "layout": "another layout",
            "onednn": "another library's kernels", "fused": "a fused optimiser",
            "reverse": "batches back to front", "instructions": "new process, other instructions"}
TRIED = {"process": "new process, nothing else", **ROUNDING, "bit": "one bit of one pixel",
         "weights": "other weights", "batches": "other batches", "both": "both"}

# %%
steps = trial.fixed["first_steps"]
STEPS = {"1": steps, "2": 2 * steps, "4": 4 * steps, "stopped": steps}
HOW = (f"Ended after {STEPS['1']}, {STEPS['2']} or {STEPS['4']} steps, or stopped after"
       f" {STEPS['stopped']}")
# a cause that changes no bits flips nothing, for free: it must not help a mean
IDLE = [(cause, key) for cause in ROUNDING for key in LENGTHS
        if trial.array(f"share_{cause}_{key}").min() <= 0.5]


# %%
def of_seed(word, cause, length):
    """A value a seed, of one cause."""
    return np.abs(trial.array(f"{word}_{cause}_{length}"))


def of_causes(word, causes, length):
    """A value a seed: the mean over causes, the idle ones left out."""
    return np.mean([of_seed(word, cause, length) for cause in causes
                    if (cause, length) not in IDLE], axis=0)


# %%
def first_row(key):
    """How good the first training of each seed is, and whether it is at its end."""
    test, train = (trial.array(f"wrong_{each}") for each in (key, f"train_{key}"))
    done = int((train == 0).sum())
    return {"trained": LENGTHS[key], "steps": STEPS[key],
            "AUC": f"{mean_interval(trial.array(f'auc_first_{key}')):.3ci}",
            "wrong in the test": f"{mean_interval(test):.1ci}",
            "wrong in training": f"{mean_interval(train):.1ci}",
            "without error in training": f"{done} of {len(train)} seeds"}


# %%
def trial_table(word, name, digits, says):
    rows = [{"what differs": said, **{title: f"{mean_interval(of_seed(word, cause, key)):{digits}}"
             for key, title in LENGTHS.items()}} for cause, said in TRIED.items()]
    if word != "distance":
        for row, cause in zip(rows, TRIED, strict=True):
            mean = mean_interval(of_seed(f"averaged_{word}", cause, "stopped"))
            row["stopped, averaged"] = f"{mean:{digits}}"
    averaged = (f"; averaged: the mean weights of the last {trial.fixed['averaged_steps']} steps"
                if word != "distance" else "")
    run.table(rows, name=name, caption=f"Recorded, simulated lesions: {says}. {HOW}{averaged}. Mean"
              f" over n = {len(trial.seeds)} seeds with 95 % t intervals.")


# %%
run.say("{made}", made=trial.made)
run.table([first_row(key) for key in LENGTHS], name="trial_first", caption="Recorded, simulated"
          f" lesions: the first training of each seed, of {trial.fixed['n_test']} test and"
          f" {trial.fixed['n_train']} training patches. {HOW}. Mean over n ="
          f" {len(trial.seeds)} seeds with 95 % t intervals.")
ends = {key: bool((trial.array(f"wrong_train_{key}") == 0).all()) for key in LENGTHS}

# %%
run.say("At their end, with no error left in training in any seed, are the trainings called:"
        " {done}. Not at their end are: {undone}. Of the causes of rounding, these changed no"
        " more than half of some network's numbers, and are left out of the means below:"
        " {idle}.",
        done="; ".join(LENGTHS[key] for key in LENGTHS if ends[key]) or "none",
        undone="; ".join(LENGTHS[key] for key in LENGTHS if not ends[key]) or "none",
        idle="; ".join(f"{ROUNDING[c]} ({LENGTHS[k]})" for c, k in IDLE) or "none")

# %%
trial_table("flips", "trial", ".1ci", "decisions that differ from the first training's, of"
            f" {trial.fixed['n_test']}")
trial_table("moved", "trial_auc", ".4ci", "by how much the AUC moves, up or down")
trial_table("distance", "trial_distance", ".2ci", "how far what networks learned lies apart,"
            " relative to its length, without running statistics. A distance of about one for"
            " other weights mainly means other filters at other places, not another function")

# %%
YARD = ["both"] if yardstick == "weights and batches" else ["layout"]
REST = [cause for cause in ROUNDING if cause not in YARD]


def ratio_of_means(top, bottom):
    """Of two means over seeds, with the jackknife's interval: each seed is left out in turn."""
    n, whole = len(top), top.sum() / bottom.sum()
    without = (top.sum() - top) / (bottom.sum() - bottom)
    return mean_interval(n * whole - (n - 1) * without)


# %%
gained, compared = {}, []
for key in LENGTHS:
    rest, yard = (of_causes("flips", causes, key) for causes in (REST, YARD))
    gained[key] = yard - rest
    less, part = mean_interval(gained[key]), ratio_of_means(rest, yard)
    further = mean_interval(of_causes("moved", YARD, key) - of_causes("moved", REST, key))
    for name, found in (("flips_less", less), ("flips_ratio", part), ("moved_less", further)):
        run.result(f"{name}_{key}", found)
    compared.append({
        "trained": LENGTHS[key], "rounding flips fewer by": f"{less:.1ci}",
        "ratio": f"{part:.2ci}", "it moves the AUC less by": f"{further:.4ci}",
        "so it flips": less.verdict(gain="fewer", loss="more", neither="not surely fewer")})

# %%
run.table(compared, name="trial_compared", caption="Recorded, simulated lesions: the mean over"
          f" the {len(REST)} causes of rounding beside other weights and batches together, seed"
          f" by seed; of n = {len(trial.seeds)} seeds mean and 95 % t interval. Ratio: of the"
          " mean flips by rounding to those by the other, with the jackknife's interval."
          f" {HOW}.")

# %%
open_at = [LENGTHS[key] for key in LENGTHS if mean_interval(gained[key]).low <= 0]
run.say("The question was put to all {n} kinds of training. It is not answered for these:"
        " {open_at}. There rounding may flip as many decisions as another seed does, and nothing is"
        " claimed. One may guess why: at full rate the last steps throw a training about, whatever"
        " it began with.", n=len(LENGTHS), open_at="; ".join(open_at) or "none")
least = min(mean_interval(gained[key]).low for key in CLAIMED)
run.claim(
    f"in trainings that are {' / '.join(LENGTHS[key] for key in CLAIMED)}, causes of rounding"
    " flip on average fewer decisions than other weights and batches do",
    least > 0, margin=least, unit="decisions", falsified_by="falsify_another_layout",
)

# %% [markdown]
# What should you take from such tables? A trajectory that rounding has thrown off its way wanders,
# but it began at the same weights with the same batches; another seed begins elsewhere. To demand
# equal bits of a rerun is to demand that nothing was changed that rounds. To demand *nothing* is to
# believe any rerun. In between lies the sensible demand: equal bits in the surroundings that the
# record names; elsewhere a difference no larger than the same program shows under other threads,
# kernels and instructions. How much more another seed moved on average, the tables say of this
# trial; no law makes it a bound. And whoever reports one training reports one draw of that chance.
#
# ## When the same machine does not repeat
#
# So far nothing was random: the cause that was repeated gave the same other result again. There is
# also true chance.
# A network that reads features *at places*, at the pixels of a lesion's outline, sends back a
# gradient to each place. Reading number $k$, at place $p_k$, sends back a number $u_k$. Many pixels
# share a place, so that place $i$ gets a sum, $g_i = \sum_{k:\,p_k = i} u_k$, over all readings
# there. Two threads add to it as they come. Who comes first is decided by the operating system.

# %% tags=["key"]
reads = run.torch_generator("places")
places = torch.randint(0, 1000, (2_000_000,), generator=reads)
upstream = torch.randn(len(places), generator=reads)
scattered = {
    wanted: repeated_gradients(torch.zeros(1000), places, upstream, repeats=8,
                               switches=Switches(threads=2, deterministic=wanted))
    for wanted in (False, True)
}

# %%
must_repeat = scattered[refuse_chance == "yes"]
run.say(
    "Eight times the same gradient, from the same numbers, on two threads: {by_chance} different"
    " results{apart}. With deterministic algorithms the eight are {fixed}. No seed is"
    " involved, so none can help.", by_chance="several" if scattered[False].distinct > 1 else "no",
    apart=", differing in their last digits" if scattered[False].distinct > 1 else "",
    fixed="one" if scattered[True].distinct == 1 else "several",
)
run.claim(
    "with deterministic algorithms two threads add the same gradient to the same bits, eight times"
    " of eight", must_repeat.distinct == 1, margin=1 - must_repeat.distinct, unit="results",
    falsified_by="falsify_chance_allowed",
)

# %% [markdown]
# What does that cost? Seconds, which no rerun repeats; so they are printed and not recorded:

# %%
ratio = scattered[True].seconds / scattered[False].seconds
print(f"the scatter, with deterministic algorithms: {ratio:.2f} times the time without;"
      f" the training above: {seconds / seconds_off:.2f} times")

# %% [markdown]
# For this operation on a processor the cost is small, or none. On a graphics card it may be a
# factor, and some operations have no deterministic version at all: then torch, asked to be
# deterministic, refuses to run. A refusal is worth having. It names the line.
#
# ## What each precaution buys
#
# Four precautions are usually named together: seeds, deterministic algorithms, pinned versions (the
# program's commit, and a list of the exact version of each package), and the digest of a
# container's image, which holds all files of a system. A fifth is hardly ever named:
# the variables and threads that decide which kernels add. What is each good for? Here no container
# was run and no second processor was tried, and all packages stayed the same. What *can* be tried
# on one machine is to break one and keep the others. The other process above is such a case. One
# variable, `ATEN_CPU_CAPABILITY`, was set, so that torch's own kernels use other instructions
# (oneDNN goes on with its own). Everything else was the same:

# %% tags=["key"]
here, there = here_again.surroundings, other_place.surroundings
unlike = differing_layers(here, there)
pinned_alike = "pins" not in unlike and "flags" not in unlike
elsewhere_moved = share_differing(here_again.trained[0].last, other_place.trained[0].last)

# %%
run.result("share_elsewhere", elsewhere_moved, atol=0.2)
run.say(
    "Both processes have the same seeds, flags, files and versions of {packages} packages; what"
    " each says of itself differs in these layers: {layers}. And {share_elsewhere:.0%} of the"
    " network's numbers differ.", packages=len(here["pins"]["packages"]),
    layers=", ".join(unlike) or "none",
)
run.claim(
    "with seeds, flags, code and versions the same, one variable that has torch's own kernels use"
    " other instructions changes more than half of the network's numbers",
    pinned_alike and elsewhere_moved > 0.5, margin=(elsewhere_moved if pinned_alike else 0) - 0.5,
    unit="of the numbers", falsified_by="falsify_the_same_elsewhere",
)

# %%
BROKEN = {
    "seeds": ("other weights and batches", percent(everything["both"], n_steps)),
    "deterministic algorithms, network": ("switched off", percent(flag_off, n_steps)),
    "deterministic algorithms, scatter": ("switched off, two threads", "other bits by chance"
                                          if scattered[False].distinct > 1 else "none this time"),
    "the code": ("a fused optimiser", percent(causes["a fused optimiser"], n_steps)),
    "the data": ("one bit of one pixel", percent(causes["one bit of one pixel"], n_steps)),
    "threads": ("two threads, first step", percent(two_threads, n_steps)),
    "a variable": ("other instructions", percent(other_place.trained[0], n_steps)),
    "versions, a container, a processor": ("not tried here", "–"),
}

# %%
run.table(
    [{"given up, all else kept": what, "by": how, "numbers that differ": left}
     for what, (how, left) in BROKEN.items()],
    name="buys", caption="What happens when one precaution is given up and all others are kept."
    " Most could not be spared, so none of the others alone suffices. One draw, simulated lesions,"
    f" one machine; n = {len(first.last)} numbers of the network.")

# %% [markdown]
# A container's image holds files, and may set variables as well. It does not hold a processor, nor
# how many cores the host gives it. Nor does it know its own digest: whoever starts it has to say it
# (`CONTAINER_IMAGE_DIGEST=sha256:…`; for `medbook crate`, `--image`), and then our environment
# below records it. A *tag* such as `latest` is refused, for it may be another image tomorrow. That
# another processor adds in another order is likely by the same reasons; this page did not try it.
# So *write down* threads, variables, instructions and libraries' kernels. Every run of this book
# records them.
#
# So much for running again. But an auditor has a second question: are these still the same scans?
#
# ## Whose scans are these?
#
# Before scans can be named in a record that leaves the hospital, their patients must not be. Here
# is the first try of many: replace each record number by its SHA-256, a *hash*: a short digest of
# any text. Nobody can turn it back, and nobody finds two texts with one digest. It is irreversible.
# Does it protect?

# %% tags=["key"]
patients = run.rng("patients")
numbers = [f"{n:0{record_digits}d}"
           for n in patients.choice(10**record_digits, size=n_stolen, replace=False)]
stolen = [plain_hash(number) for number in numbers]  # a table that got out
every_number = (f"{n:0{record_digits}d}" for n in range(10**record_digits))
broken = break_plain_hashes(stolen, every_number)

# %%
print(f"{len(broken.numbers)} of {n_stolen} patients in {broken.seconds:.1f} s, on one core;"
      f" all numbers of eight digits: {1e8 / broken.per_second:.0f} s,"
      f" of ten: {1e10 / broken.per_second / 3600:.1f} hours")

# %% [markdown]
# Nobody turned the hash back. There was no need: all record numbers there are were hashed, one
# after the other, and looked up. A *salt* is another text for each patient, hashed along with the
# number. It is no secret: it lies beside the hash, and who steals the one has the other. But it
# makes the thief begin anew for each patient. And a hash can be made slow on purpose:

# %%
begun = time.process_time()
hashlib.pbkdf2_hmac("sha256", numbers[0].encode(), b"a salt", 600_000)
slow = time.process_time() - begun
print(f"PBKDF2 with 600 000 rounds: {slow:.2f} s a number, {slow * broken.per_second:.0f} times the"
      f" price; all numbers of six digits {slow * 1e6 / 3600:.0f} core-hours, of eight"
      f" {slow * 1e8 / 86400:.0f} core-days, for each patient who has his own salt")

# %% [markdown]
# To hash slowly raises the price by such a factor, for each patient if each has his own salt. But a
# thief with time pays it for short numbers. What is missing is something that the
# thief does not have: a **key**. HMAC mixes a secret $K$ into the digest, $d =
# \mathrm{HMAC}_K(\text{number})$ ([RFC 2104](https://doi.org/10.17487/RFC2104)). The thief may know
# the method, and all numbers; he has to guess $K$ as well, one of $2^{256}$. Unless it was made
# from something that people make up. We spare him the search: he is told the right numbers and has
# to find the key alone, which is easier than what the thief above did.

# %% tags=["key"]
LIKELY = ("password", "hospital", "radiology", "dicom", "changeme", "secret2026")
by_chance = run.rng("key").bytes(32)  # here from the seed, to be rerun; else secrets.token_bytes
key = by_chance if key_from == "chance" else b"radiology".ljust(32, b"\0")
keyed = [pseudonym(number, key=key) for number in numbers]
guessed = {pseudonym(number, key=word.encode().ljust(32, b"\0"))
           for word in LIKELY for number in numbers}
found_keyed = np.isin(keyed, list(guessed))

# %%
found_plain = np.isin(stolen, list(broken.numbers))
run.result("plain_found", float(found_plain.mean()), n=n_stolen)
run.result("keyed_found", float(found_keyed.mean()), n=n_stolen)
run.say(
    "Of {n} plain hashes {plain_found:.0%} gave their number away, of as many keyed ones"
    " {keyed_found:.0%}, with {words} likely keys. This is a demonstration and no estimate: that a"
    " key drawn by chance is one of {words} guesses has a probability of {chance:.0e}.",
    n=n_stolen, words=len(LIKELY), chance=len(LIKELY) / 2.0**256,
)

# %% [markdown]
# A key is no cure for everything. Who holds it can name every patient, and two tables with one key
# can be joined; the key lies where the data do not.
#
# A scan says much more than a number. DICOM's standard names hundreds of attributes that may
# identify (PS3.15, table E.1-1), and what to do with each: remove it, empty it, put a dummy in its
# place, give another UID. A *UID* is a number that is given once in the world: one names the study,
# one the series, and one each single image, its *SOP instance*. A *sequence* is an attribute that
# holds whole datasets, which may hold sequences in turn. *Private* attributes are those that a
# maker has invented, so that no standard says what is in them.
#
# A library keeps that table (`dicom-anonymizer`). We go into every sequence, at all depths, and
# drop all private attributes. What the table does not name and can hold free text is emptied as
# well, short texts included, but for a few that a machine writes and physics reads, such as the
# name of a reconstruction's filter. Those too are emptied if a person's name from the header stands
# in them, or the patient's number: of three letters or digits even inside a word, of two as a word.
# Bytes go unless their attribute is for numbers, such as pixels. A code must be on its scheme's
# published list; where that list is not whole here, its form must be right, and its check digit if
# it has one; and it must not equal a date of the header, nor the patient's number, if that has
# three characters or more. Bytes behind the last pixel are cut. UIDs and dates are replaced by
# keyed digests: the same UID becomes the same other one in all files, and all of a patient's dates
# move by the same days.

# %%
CT = packaged_file("pydicom", "data/test_files/CT_small.dcm", sha256="3dd31e5cc835b3f2cdd46c9da1982"
                   "f59251e78518fefa8163d914631c66437d6")
MR = packaged_file("pydicom", "data/test_files/MR_small.dcm", sha256="3f27d1c22f1a66e80d7bb7c911e86"
                   "10fd0bb70325a76746a7adb1c0ddefcf2bb")
mine = sorted(Path(own_scans).glob("*.dcm"))[:6] if own_scans else []
if own_scans and not mine:
    raise ValueError(f"own_scans is {own_scans!r}: there is no file *.dcm in it")
originals = {path.name: path for path in (mine or [CT, MR])}
for name, path in originals.items():
    run.uses(read_dicom(path, name=f"scan/{name}"))

# %% tags=["key"]
(folder / "data").mkdir()
cleaned = {}
for name, path in originals.items():
    before = dcmread(path)
    cleaned[name] = deidentify(before, key=key, options=Options(dates="shift"))
    cleaned[name].dataset.save_as(folder / "data" / name)

# %%
one = next(iter(originals))
before, after = dcmread(originals[one]), cleaned[one].dataset
why = {action.path: f"{action.done}: {action.reason}" for action in cleaned[one].actions}
LOOKED_AT = ("PatientName", "PatientID", "InstitutionName", "StudyDate", "SeriesDate",
             "StudyInstanceUID", "Manufacturer", "KVP", "RescaleIntercept", "PixelSpacing")


def cell(value):
    text = str(value if value not in (None, "") else "–")
    return text if len(text) < 22 else f"{text[:20]}…"


# %%
run.table(
    [{"attribute": name, "before": cell(before.get(name)), "after": cell(after.get(name)),
      "done": why.get(f"({before[name].tag.group:04X},{before[name].tag.element:04X})", "kept")}
     for name in LOOKED_AT if name in before],
    name="before_after", caption="A real header before and after: what says who is gone or keyed,"
    " what physics needs stays. A test file of pydicom's wheel, itself anonymised long ago, n = 1"
    " file.")

# %%
private = sum(action.reason == "private" for each in cleaned.values() for action in each.actions)
marks = [identifiers_of(dcmread(path)) for path in originals.values()]


def stands_in(text, dataset):
    """The attributes of the cleaned dataset that hold a text."""
    return [element.keyword for element in dataset if text.lower() in str(element.value).lower()
            and element.VR != "OW"]


found = [f"a {leak.identifier.kind} of {name}, in "
         + (" and ".join(stands_in(leak.identifier.text, cleaned[name].dataset)) or "the bytes")
         for name, path in originals.items()
         for leak in leaks(dcmread(path), (folder / "data" / name).read_bytes())]

# %%
run.say(
    "A validator that knows no table looked in the {files} files for {marks} names of four letters"
    " or more, numbers, places, UIDs and dates of the originals; for the patient's own number"
    " however short, in the place of other numbers as well. Of these it found: {found}. Private"
    " elements that went: {private}.",
    files=len(originals), marks=sum(map(len, marks)), private=private,
    found="; ".join(found) or "none",
)

# %% [markdown]
# Each find is to be judged by a person. In the wheel's MR file the scanner's maker had also been
# put down as the institution, and the maker stays, because physics depends on it: no patient is in
# that word. A date that was moved may fall on another date of the same file, and is no leak either.
#
# ### Canaries
#
# A header that happens to be clean proves nothing about the next one. So plant a *canary*, a value
# that stands nowhere else, in every attribute that the table knows, and in every other one of the
# dictionary that may hold words or bytes, but for the pixels and a few that say how to read them or
# whether a file is refused: at the top, in a sequence, and in a sequence of that; in private
# elements and sequences, in an overlay, behind the last pixel, in the file's own header. Clean,
# with dates shifted as in the scans, and look for each of them. Two more options are needed, as
# such a file would be refused: text of reports may pass to be cleaned, and somebody is said to have
# looked at the pixels. As a yardstick the library's own call, which goes by the same table, does
# the same job.

# %% tags=["key"]
planted, canaries = plant_canaries(dcmread(originals[one]))
del planted.EncapsulatedDocument  # a whole document inside a scan is refused, not cleaned
canaries = [each for each in canaries if not each.path.startswith("(0042,0011)")]
allowed = Options(dates="shift", structured_text=True, pixels_inspected=True)
by_us = deidentify(planted, key=key, options=allowed).dataset

# %%
def by_library(dataset):
    own = copy.deepcopy(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that are too long for their kind
        simpledicomanonymizer.anonymize_dataset(
            own, base_rules_gen=lambda: simpledicomanonymizer.initialize_actions(
                f"dicomfields_{EDITION}"))
    return own


# %%
def let_stand(each):
    """For what an attribute is in which a canary may stay; None if it may not."""
    group, element = each.canary.path[-10:-1].split(",")
    tag = Tag(int(group, 16), int(element, 16))
    if code_of(tag) is not None:
        return None
    return (("codes", tag) if each.canary.kind == "CS" else ("texts", tag) if tag in MACHINE_TEXT
            else ("bytes", tag) if tag in MACHINE_BYTES else None)


# %%
all_left = {"this book": canaries_left(by_us, canaries),
            "the library alone": canaries_left(by_library(planted), canaries)}
left_by = {name: [each for each in left if not let_stand(each)] for name, left in all_left.items()}
rows = [{"cleaned by": name, **{title: sum(min(each.where.count("["), 2) == depth for each in left)
         for depth, title in enumerate(("left at the top", "in a sequence", "deeper"))},
         "let stand": len(all_left[name]) - len(left)} for name, left in left_by.items()]
stays = {let_stand(each) for each in all_left["this book"]} - {None}
stay = {what: sum(kind == what for kind, _ in stays) for what in ("codes", "texts", "bytes")}

# %%
numbers_only = sum(each.kind in ("DA", "DT", "TM", "DS", "AS", "US", "IS") for each in canaries)
run.table(
    rows, name="canaries", caption=f"Canaries that are left, of n = {len(canaries)} planted in a"
    f" real header, at three depths, for {len(table_tags())} attributes of the table and all others"
    f" that may hold words or bytes; planted values are simulated. {numbers_only} of them, dates"
    " and numbers, are sought as values of attributes and not in the raw bytes. Let stand: capital"
    f" letters in {stay['codes']} attributes for codes, texts in {stay['texts']} that a machine"
    f" writes, and {stay['bytes']} whose bytes mean numbers, at three depths each."
    " The library's call does not enter sequences that the table does not name.")

# %%
left = len(left_by[cleaned_by])
run.result("canaries_left", len(left_by["this book"]), unit="canaries", n=len(canaries))
run.result("canaries_let_stand", rows[0]["let stand"], unit="canaries", n=len(canaries))
run.claim(
    "of the canaries planted where words or bytes may stand, in the table or beside it, at the top"
    " and two sequences deep, in private elements, in the header and behind the pixels, none is"
    f" left but in {stay['codes']} attributes for codes, {stay['texts']} for a machine's texts and"
    f" {stay['bytes']} for numbers in bytes", left == 0, margin=-left,
    unit="canaries", falsified_by="falsify_library_alone",
)

# %% [markdown]
# The claim is exact and does not depend on the seed: it is one case, however many canaries. And
# there are ways past it. A name in capital letters, in an attribute that expects a code, is taken
# for a code. A name that somebody typed into the scanner's model stays if no attribute for persons'
# names holds it. Digits that happen to look like a code of a large scheme may stay as one. A record
# number in the place of another number is emptied if it has four digits or more. A shorter one
# stays, as it may be there by chance, and so does any that stands in a binary number; the validator
# finds both. Bytes that should be numbers may say anything. Comments inside a compressed image are
# not looked into.
#
# **Text in the pixels** is the worst: ultrasound machines write the name into the image. We
# recognise no text. We *refuse* where the *header* gives cause for suspicion, until somebody says
# which rectangles to paint over, or that a person has looked at every frame. Whether there are
# letters makes no difference: those in an image that calls itself CT pass, and so do those in one
# that says `BurnedInAnnotation` NO.

# %%
REFUSED = ("examples_ybr_color.dcm", "SC_rgb_small_odd.dcm", "test-SR.dcm")


def asked(dataset):
    try:
        deidentify(dataset, key=key)
    except ValueError as error:
        return str(error).split(":", 1)[-1].split(", so")[0].split(": ")[0].strip()
    return "cleaned"


# %%
def slice_with(letters, **header):
    """A real slice, with or without white letters in a corner, and another header."""
    capture = dcmread(CT)
    for name, value in header.items():
        setattr(capture, name, value)
    pixels = capture.pixel_array.copy()
    if letters:
        pixels[4:12, 4:60:2] = 2000
    capture.PixelData = pixels.tobytes()
    return capture


SCREEN = {"Modality": "OT", "ConversionType": "WSD"}

# %%
wheel = CT.parent
rows = [{"file": name, "answer": asked(dcmread(wheel / name))} for name in REFUSED]
rows += [{"file": name, "answer": asked(slice_with(letters, **header))}
         for name, letters, header in (
             ("a screen capture with letters", True, SCREEN),
             ("a screen capture without letters", False, SCREEN),
             ("letters in what calls itself CT", True, {}),
             ("letters in ultrasound that says NO", True,
              {"Modality": "US", "BurnedInAnnotation": "NO"}))]

# %%
corner = Options(rectangles=(Rectangle(0, 0, 16, 64),))
painted = deidentify(slice_with(True, **SCREEN), key=key, options=corner)
seen = int(painted.dataset.pixel_array[:16, :64].max())
rows.append({"file": "the capture with letters, a rectangle named",
             "answer": f"cleaned; brightest pixel left inside: {seen}"})
run.table(rows, name="refused", caption="What is refused, and why: the header decides, not the"
          " letters. Real test files of pydicom's wheel, and one with simulated letters.")

# %% [markdown]
# ## A chain by hand
#
# Now the record itself. An *entry* says what was done: these scans, that program, this result.
# Write it as text in one way only (canonical JSON: keys in order, no spaces), put the digest of the
# entry before into it, and take the digest of all:
#
# $$ d_i = \mathrm{SHA256}\bigl(\textit{domain}\ \|\ \mathrm{JSON}(i,\ \text{time},\ \text{kind},\
#    \text{body},\ d_{i-1})\bigr), $$
#
# the chain of {cite}`haber1991`. The *domain* is a fixed line of text in front, so that no other
# use of SHA-256 gives such a digest, and $\|$ joins the two. Change one letter in entry $i$ and
# $d_i$ is another, since nobody finds a second text with the same digest. Then what the next entry
# holds as the digest before it no longer fits. By hand, with three entries:

# %% tags=["key"]
DOMAIN = b"pixels-to-patients ledger entry v1\n"
chain, previous = [], FIRST
for index, text in enumerate(("a scan came", "a network was trained", "its AUC is high")):
    said = {"index": index, "time": NOON, "kind": "note", "body": {"text": text},
            "previous": previous}
    written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    previous = hashlib.sha256(DOMAIN + written.encode()).hexdigest()
    chain.append({**said, "digest": previous})

# %%
library, last = [], None
for each in chain:
    last = entry_after(last, Draft(each["kind"], each["body"]), time=NOON)
    library.append(last)
same = [one.digest == other["digest"] for one, other in zip(library, chain, strict=True)]
changed = [library[0], replace(library[1], body={"text": "a network was fitted"}), library[2]]
fault = first_fault(changed)
run.say("By hand and by the library {same} of {n} digests are equal. With one word changed, the"
        " first broken link is entry {position}: {wrong}.", same=sum(same), n=len(same),
        position=fault.position, wrong=fault.wrong)

# %% [markdown]
# ## From a metric back to its scans
#
# Here is a whole study, entry by entry. The scans, an entry each, with study, series and SOP
# instance UID (the de-identified ones), the digest of its file, and how it was acquired; the
# patches, of training and test, with their labels; the files of the program, all of this project's
# that this page has imported, those that measure included; the environment, part by part. Then four
# runs. Each names the *digests of the entries* that it rests on, among them other runs, and the
# digests of the files that it wrote. And two metrics: the AUC of the first network, and the area of
# bone in the CT, for which the header's slope, intercept and pixel spacing are as much data as its
# pixels. Thresholding reads the CT and writes where bone is, and how large a pixel; measuring reads
# that file and nothing else.

# %%
data, code, ledger = folder / "data", folder / "code", folder / "study.ledger"
root = project_root()
np.savez(data / "patches.npz", images=images, labels=labels, test_images=test_images, truth=truth)
np.save(data / "scores.npy", first.logits)
imported = sorted({Path(module.__file__) for module in list(sys.modules.values())
                   if getattr(module, "__file__", None)
                   and Path(module.__file__).is_relative_to(root)
                   and module.__name__.split(".")[0] in ("medlib", "data_fetch")})
page = root / "chapters" / "systems" / "reproducible_to_the_bit" / "reproducible_to_the_bit.py"

# %%
for path in [*imported, page]:
    (code / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
    (code / path.relative_to(root)).write_bytes(path.read_bytes())
environment = surroundings(root)


# %% tags=["key"]
def bone():
    """Where a CT slice has more than 300 HU: it needs what the header says of its pixels."""
    slices = [read_dicom(data / name) for name in originals
              if dcmread(data / name).Modality == "CT"]
    return {f"mask{i}": each.array > 300 for i, each in enumerate(slices)} | {
        f"spacing{i}": each.spacing_mm for i, each in enumerate(slices)}


def bone_mm2():
    """The area of what thresholding wrote; no scan is read."""
    with np.load(data / "bone.npz") as found:
        return sum(float(found[f"mask{i}"].sum()) * np.prod(found[f"spacing{i}"])
                   for i in range(len(found.files) // 2))


# %%
def auc_of_scores():
    with np.load(data / "patches.npz") as patches:
        called, scores = patches["truth"], np.load(data / "scores.npy")
    return auc(scores[called == 1], scores[called == 0]).value


np.savez(data / "bone.npz", **bone())
MEASURES = {"bone area": bone_mm2, "AUC": auc_of_scores}


# %%
def recompute(metric, run_entry):
    """The value now; minus one where a damaged file cannot be read at all."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return round(float(MEASURES[metric.body["name"]]()), 9)
    except Exception:
        return -1.0


# %%
TITLES, behind = [], {}


def write(title, draft):
    TITLES.append(title)
    behind[title] = append(ledger, [draft], time=NOON).entries[0].digest


digests = kinds.digests_of_files(data)
scans = [kinds.image_source(each.dataset, file=name, sha256=digests[name])
         for name, each in cleaned.items()]
shelves = ({f"scan {i:c}, {each.acquisition['Modality']}": [each]
            for i, each in enumerate(scans, ord("a"))}
           if scan_entries == "one each" else {"all scans": scans})

# %% tags=["key"]
for title, some in shelves.items():
    write(title, kinds.images_draft(some))
write("patches", kinds.data_draft({"patches.npz": digests["patches.npz"]}))
write("code", kinds.code_draft(kinds.digests_of_files(code)))
write("environment", kinds.environment_draft(environment))
cts = [title for title, some in shelves.items()
       if any(each.acquisition["Modality"] == "CT" for each in some)]

# %%
def run_on(name, *rests_on, parameters, wrote=()):
    named = (*rests_on, "code", "environment")
    write(name, kinds.run_draft(
        name=name, parameters=parameters, rests_on={each: behind[each] for each in named},
        outputs={file: digests[file] for file in wrote}))


def metric_of(name, value, unit, of):
    write(name, kinds.metric_draft(name=name, value=round(value, 9), unit=unit, run=behind[of]))


# %%
run_on("training", "patches", parameters={"seeds": seeds[:2], "steps": n_steps},
       wrote=["scores.npy"])
run_on("judging", "training", "patches", parameters={})
metric_of("AUC", auc_of_scores(), "AUC", of="judging")
run_on("thresholding", *cts, parameters={"above_hu": 300}, wrote=["bone.npz"])
run_on("measuring", "thresholding", parameters={})
metric_of("bone area", bone_mm2(), "mm²", of="measuring")
entries = read_ledger(ledger).entries

# %% [markdown]
# Now both directions can be asked. *From the metric:* which images, acquired how? *From the image:*
# a patient withdraws consent; which results have to be done again? The CT is two runs away from the
# area: measuring rests on thresholding, and only that on the CT. Such an answer is as fine as the
# entries. Had both scans shared one, the area would seem to rest on the MR as well.

# %% tags=["key"]
area = lineage(entries, entries[-1])
source = next(each for each in area.behind if each.kind == "images").body["images"][0]
to_redo = metrics_from(entries, source["instance_uid"])
ct_uids = {each.instance_uid for each in scans if each.acquisition["Modality"] == "CT"}
wrong_uids = ct_uids ^ set(area.instance_uids)  # missing, or too many
for_others = [metric for each in scans if each.instance_uid not in ct_uids
              for metric in metrics_from(entries, each.instance_uid)]

# %%
acquired = {name: source["acquisition"][name] for name in ("KVP", "RescaleIntercept",
            "PixelSpacing", "SliceThickness") if name in source["acquisition"]}
run.result("bone_area", entries[-1].body["value"], unit="mm²")
run.result("images_behind", len(area.instance_uids), unit="images")
run.say(
    "The bone area, {bone_area:.0f} mm², rests on images by their UIDs: {images_behind:.0f} of"
    " {files}. The first ends in …{uid} and was acquired with {how}. If that patient withdraws, to"
    " be done again: {redo}. If that of another scan does: {others}.",
    uid=source["instance_uid"][-8:], files=len(scans), how=", ".join(
        f"{name} {value}" for name, value in json.loads(canonical_json(acquired)).items()),
    redo=" and ".join(m.body["name"] for m in to_redo),
    others=" and ".join(m.body["name"] for m in for_others) or "nothing",
)

# %%
wrong_links = len(wrong_uids) + len(for_others)
run.claim(
    "through two runs the identifiers behind the bone area are those of the CT and of no other"
    " scan, and to withdraw another scan touches no result", wrong_links == 0, margin=-wrong_links,
    unit="images and results", falsified_by="falsify_one_entry_for_all",
)

# %% [markdown]
# That is one case, and the same for every seed: it shows that the links are right, not how often.
#
# ## One byte
#
# The ledger must find what nobody would see. Against those who could write it anew it needs a
# *signature*. Two keys belong together. Who has the private one can sign a text; everyone who has
# the public one can check that the text is what was signed; and nobody else can sign. The auditor
# holds a signature over the ledger's last digest, its *signed end*.
#
# Now break things. Turn one random bit of one random byte, of a file of
# the data, of the program, of the ledger itself; or change one word of what the environment says of
# itself when it is asked again. Let the audit say what changed; put it back. The audit compares
# everything, and calls *causes* those findings that nothing upstream explains, however many runs
# upstream.

# %%
signer = Ed25519PrivateKey.from_private_bytes(run.rng("signer").bytes(32))
head = sign_head(entries, key=signer, time=NOON)  # printed, mailed, kept at another place
trust = {key_id(signer.public_key()): signer.public_key()}
first_metric = next(entry.index for entry in entries if entry.kind == "metric")
old_head = sign_head(entries[:first_metric], key=signer, time=NOON)  # the AUC was not there yet
heads = [head if head_held == "the newest" else old_head]


measured = surroundings(root)  # anew


def look(path=None, *, with_heads=heads, **other):
    """The audit of the study, or of another ledger beside it."""
    found = {"data": data, "code": code, "environment": measured, "recompute": recompute,
             "heads": with_heads, "keys": trust, **other}
    return audit(path or ledger, World(**found))


# %%
clean = look()
run.say("With nothing changed the audit {agrees}. Digests and numbers that it compared: {said}.",
        agrees="agrees" if clean.agrees else "does not agree",
        said=", ".join(f"{part} {n}" for part, n in clean.checked.items()))
chance = run.rng("one bit")
scan_files = [data / name for name in originals]
PLACES = {"data": [*scan_files, *(data / name for name in ("patches.npz", "scores.npy",
                                                           "bone.npz"))],
          "code": sorted(code.rglob("*.py")), "ledger": [ledger]}
watches = {"data": data if watched == "every byte" else None}


# %%
def after_one_bit(part):
    """What the audit names as causes when one bit of a part is another."""
    if part == "environment":
        flat = kinds.flat(surroundings(root))  # asked again
        name = str(chance.choice(sorted(flat)))
        other = {**flat, name: f"{flat[name]}x"}
        return {found.part for found in look(environment=other, **watches).causes}
    path, at, bit = random_place(PLACES[part], rng=chance)
    with one_bit_changed(path, at=at, bit=bit):
        return {found.part for found in look(**watches).causes}


# %%
named = {part: [after_one_bit(part) for _ in range(n_changes)]
         for part in ("data", "code", "environment", "ledger")}
right_part = {part: np.array([causes == {part} for causes in found])
              for part, found in named.items()}

# %%
really = []
for what in (Switches(threads=2), Switches(onednn=False), Switches(deterministic=False)):
    with switched(replace(what, threads=3) if what.threads == torch.get_num_threads() else what):
        really.append(look(environment=surroundings(root)).causes)
real = [{found.part for found in causes} == {"environment"} for causes in really]

# %%
for part, hits in right_part.items():
    run.result(f"named_{part}", share_of(hits))
run.say(
    "Of {n_changes} changes each, the audit named the part that had changed, and no other, in"
    " {named_data:.0%ci} for data, {named_code:.0%ci} for code, {named_environment:.0%ci} for the"
    " environment and {named_ledger:.0%ci} for the ledger. Other threads, oneDNN off, and"
    " deterministic algorithms off were really set, and named in {real} of {n} cases: {paths}.",
    real=sum(real), n=len(real), paths=", ".join(causes[0].path for causes in really if causes),
)

# %%
worst = min(*(hits.mean() for hits in right_part.values()), np.mean(real))
run.claim(
    "one random bit of a recorded file or of the ledger, or one recorded word of the environment,"
    " is found, and the audit names that part as the cause and no other", worst == 1,
    margin=worst - 1, unit="of the changes", falsified_by="falsify_data_unwatched",
)

# %%
def unseen():
    added, kept = data / "more.dcm", data / "patches.npz"
    aside, other = folder / "aside.npz", folder / "other.ledger"
    added.write_bytes(b"not in the ledger")
    yield "a file added to the data", look()
    added.unlink()
    kept.rename(aside)
    kept.symlink_to(aside)
    yield "a file that is now a link to the same bytes", look()
    aside.replace(kept)
    other.write_bytes(ledger.read_bytes()[:-1])
    yield "the ledger's last line break deleted", look(other)


# %%
run.table([{"changed": what, "the audit": "sees nothing" if report.agrees
            else f"names {report.causes[0].part}: {report.causes[0].path}"}
           for what, report in unseen()], name="unseen", caption="Changes that leave every recorded"
          f" byte as it was. What no entry speaks of is not found. n = {len(entries)} entries.")

# %% [markdown]
# Nor is everything computed again. The audit takes the AUC from the scores and the area from
# the file that thresholding wrote; that a scan gives that file, and a training those scores, it
# takes from the digests.
#
# Would UIDs and acquisition parameters have been enough? They lead from a metric to its scans, and
# that is what is often asked for. But they are *names*. Turn one bit of a scan and read its header
# again: how often do they tell?

# %%
def header_tells():
    path, at, bit = random_place(scan_files, rng=chance)
    with one_bit_changed(path, at=at, bit=bit), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            now = kinds.image_source(dcmread(path), file=path.name, sha256=digests[path.name])
        except Exception:
            return True
        return now != next(one for one in scans if one.file == path.name)


told = np.array([header_tells() for _ in range(4 * n_changes)])
run.result("header_tells", share_of(told))
run.say("UIDs and acquisition parameters notice {header_tells:.0%ci} of such changes: most of a"
        " scan is pixels, and no name speaks of them.")

# %% [markdown]
# ## Who forges thoroughly
#
# A chain finds accidents. Does it find somebody who *wants* to deceive? He changes an early entry
# and then writes everything after it anew, with right digests. It takes a few lines, and
# milliseconds:

# %% tags=["key"]
def forged(entries, at, body):
    """A whole chain, in which entry `at` says something else and all later ones agree."""
    new, renamed = [], {}
    for entry in entries:
        text = canonical_json(body if entry.index == at else entry.body).decode()
        for old, now in renamed.items():
            text = text.replace(old, now)
        new.append(entry_after(new[-1] if new else None, Draft(entry.kind, json.loads(text)),
                               time=entry.time))
        renamed[entry.digest] = new[-1].digest
    return new

# %%
def audit_of(chain, *, heads):
    other = folder / "other.ledger"
    other.write_bytes(b"".join(map(to_line, chain)))
    return look(other, with_heads=heads, data=None, code=None, environment=None,
                recompute=None)


last_metric = next(entry for entry in entries if entry.kind == "metric")
better = {**last_metric.body, "value": 0.999}
forgeries = {f"entry {at} noted otherwise": forged(
    entries, at, {**entries[at].body, "note": "as it should be"}) for at in range(len(entries))}
forgeries["a better AUC"] = forged(entries, last_metric.index, better)
forgeries |= {f"the last {n} cut off": list(entries[:-n]) for n in (1, 2, 5)}

# %%
without = [audit_of(chain, heads=[]).agrees for chain in forgeries.values()]
with_head = [not audit_of(chain, heads=heads).agrees for chain in forgeries.values()]


def and_then(chain, *drafts, time=NOON):
    """A chain that goes on from another one."""
    grown = list(chain)
    for draft in drafts:
        grown.append(entry_after(grown[-1], draft, time=time))
    return grown


# %%
cut = list(entries[:last_metric.index])  # as the old end has it
auc_again = and_then(cut, Draft("metric", better))
past = {
    "cut back to an old end, which is all that he shows": (cut, [old_head]),
    "cut back to an old end, a better AUC appended": (auc_again, [old_head]),
    "a better AUC appended after the newest end, dated years back": (
        and_then(entries, Draft("metric", better), time="2020-01-01T00:00:00Z"), [head]),
    "a second history, signed with the signer's own key": (
        auc_again, [sign_head(auc_again, key=signer, time=NOON)]),
}

# %%
passed = [audit_of(chain, heads=shown).agrees for chain, shown in past.values()]
run.table([{"forgery": name, "the auditor's signed end": "an old one" if shown == [old_head]
            else "the newest" if shown == [head] else "the forger's own",
            "passes": "yes" if passes else "no"}
           for (name, (_, shown)), passes in zip(past.items(), passed, strict=True)],
          name="past_the_head", caption="What a signed end does not find, made by hand, one case a"
          " row; nothing is recomputed from the data.")
run.say("Without a signature {pass_by} of {n} forged ledgers pass as whole. Against the signed end"
        " that the auditor holds {caught} of {n} are found. They were made by hand: every entry in"
        " turn noted otherwise, a better AUC, and ends cut off.", pass_by=sum(without),
        n=len(without), caught=sum(with_head))

# %%
caught = min(np.mean(with_head), np.mean(without))
run.claim(
    "each forgery made here passes by its chain alone, and is found by the signed end that the"
    " auditor holds", caught == 1, margin=caught - 1, unit="of the forgeries",
    falsified_by="falsify_an_old_head",
)

# %% [markdown]
# So a signed end fixes what came before it, and nothing after it. It must be the *newest* one that
# the auditor trusts in: a forger who can show him an old one has all the room behind it. The
# signature (Ed25519, [RFC 8032](https://doi.org/10.17487/RFC8032)) is over the last entry's index
# and digest, the signer's time and the name of his key. It is useless beside the ledger, where the
# forger signs anew if he has the key, or takes both away. Mail it to the auditor, print it in the
# paper: then the history up to that day is fixed. Two different ends signed for one index are a
# proof of two histories, even to somebody who has never seen the ledger; of two histories of
# unequal length their ends alone prove nothing.
#
# ## A ledger to break
#
# Choose what is changed, and read what the audit says: which entry, which link, which cause.

# %%
def states_of(report, cut):
    """What an audit's findings say of each entry, and whether the signed end fits."""
    at = {found.entry for found in report.findings if found.entry is not None}
    words = [found.path for found in report.findings if found.part == "ledger"]
    breaks = [int(path.split()[1].rstrip(":")) for path in words if path.startswith("entry")]
    broken, n = min(breaks, default=len(TITLES)), len(TITLES)
    doubt = broken == n and any(path.startswith("head") for path in words)
    states = ["cut off" if i >= n - cut else "in doubt" if doubt else "changed" if i == broken
              else "no longer so" if i in at else "behind a break" if i > broken else "agrees"
              for i in range(n)]
    return states, not doubt and broken == n

# %%
FORGED = "in a whole chain nobody can say which entry was forged"
LEFT = "the signed end vouches for none of the entries that are left"


def picture(report, cut=0):
    """The ledger with an audit's findings in it; digests are left out."""
    states, signed = states_of(report, cut)
    boxes = [Box(title, state) for title, state in zip(TITLES, states, strict=True)]
    says = [shorten(f"{'follows' if found.follows else 'cause'} · {found.part} · {found.path}:"
                    f" {re.sub('[0-9a-f]{8,}[.…]*', '…', found.detail)}", 96, placeholder=" …")
            for found in report.findings[:4]]
    says += [LEFT if cut else FORGED] * ("in doubt" in states)
    return audit_picture(boxes, says=says or ["everything agrees"], signed=signed)


# %%
def with_change(path, at):
    with one_bit_changed(path, at=at):
        return picture(look(with_heads=[head]))


# %%
def cut_short():
    other = folder / "short.ledger"
    other.write_bytes(b"".join(map(to_line, entries[:-2])))
    return picture(look(other, with_heads=[head]), cut=2)


def rewritten():
    chain = forged(entries, last_metric.index, better)
    other = folder / "forged.ledger"
    other.write_bytes(b"".join(map(to_line, chain)))
    return picture(look(other, with_heads=[head]))


# %%
inside = ledger.read_bytes().index(b'"name":"training"') + 10
spoilt = {
    "nothing": picture(look(with_heads=[head])),
    "a pixel of a scan": with_change(scan_files[0], scan_files[0].stat().st_size - 4001),
    "a line of the program": with_change(code / imported[-1].relative_to(root), 40),
    "a version": picture(look(with_heads=[head], environment={
        **environment, "pins": {**environment["pins"], "python": "0"}})),
    "a letter of the training": with_change(ledger, inside),
    "two entries cut off": cut_short(),
    "a better AUC, well forged": rewritten(),
}

# %%
run.frames(
    list(spoilt.values()), name="ledger", label="changed", values=list(spoilt), data="none",
    start=list(spoilt).index("a letter of the training"),
    alt="Boxes in rows of five joined by arrows, each an entry; words and marks show which agree,"
    " which are changed or behind a break; below, lines of an audit's report.",
    caption="Which entry is not as it was, and what the audit says. A tick agrees; at ≠ the entry"
    " is whole, but what it speaks of is another now; a cross is an entry that was changed; a"
    " question mark stands behind a broken link, or in a chain whose signed end does not fit: any"
    " of its entries may be forged. A dash was cut off. The better AUC was found by computing it"
    f" again as well, the cut by the signed end alone. n = {len(entries)} entries.",
)

# %% [markdown]
# ## Many writers, and one that is killed
#
# A ledger that a crash can spoil is none. Many may write to ours: each takes a lock, reads the last
# line, writes, waits for the disk. Six threads of this process play them, all at once. And a writer
# may be killed within its line. That is played as well: at many places of the last line all that
# comes behind is cut off, and the next writer comes.

# %%
busy = folder / "busy.ledger"
with ThreadPoolExecutor(6) as pool:
    list(pool.map(lambda n: append(busy, [Draft("note", {"writer": n})], time=NOON), range(24)))
crowd = read_ledger(busy)
whole = ledger.read_bytes()
start_of_last = whole[:-1].rindex(b"\n") + 1


# %%
def after_kill(kept):
    """Whether all earlier entries, and a new one, are there after a writer was killed."""
    torn = folder / "torn.ledger"
    torn.write_bytes(whole[:kept])
    append(torn, [Draft("note", {"after": "the kill"})], time=NOON)
    found = read_ledger(torn)
    lived = kept >= len(whole) - 1  # only the line break was missing
    return found.fault is None and len(found.entries) == len(entries) + lived


step = max(1, (len(whole) - start_of_last) // max(8, n_changes))
kills = [after_kill(kept) for kept in range(start_of_last, len(whole) + 1, step)]
run.say(
    "Six threads at once left {crowd} entries in one chain, {ok}. The last line, cut short at"
    " {kills} places, cost that entry and nothing else at {fine} of them.",
    crowd=len(crowd.entries), ok="broken" if crowd.fault else "whole",
    kills=len(kills), fine=sum(kills),
)

# %% [markdown]
# ## To hand it over
#
# An auditor has not your programs. `medbook crate RUN` packs a run of this book as an *RO-Crate*: a
# folder or `.zip` with one JSON-LD file in a published vocabulary (the profile *Workflow Run*) that
# names the notebook, its parameters, the library files that it imported, outputs and software, with
# a digest for each file. Data are not in it, their digests are. Other tools read it without knowing
# this book. `medbook crate --check` holds every file against its digest. But who changes all
# digests in a crate makes another sound one: publish the crate's own digest beside it, as you would
# a signed end.
#
# ## What breaks it
#
# **A ledger records what it is told.** If the wrong scans were entered, or the test set was looked
# at thirty times before the entry was written, every digest is right and the metric is worth
# nothing. The chain fixes a history; it does not make it honest.
#
# **Time is what the writer says.** No clock is checked. A signed end that left the house on a day
# proves that all entries before it are older than that day, and nothing else.
#
# **De-identified is not anonymous.** A face can be rebuilt from a head scan, a rare disease is a
# name, and a shift of dates keeps the rhythm of a patient's visits. Here dates say how many days
# lie between two scans; whoever knows one of them knows the other.
#
# **One small network, one processor.** The shares of flipped decisions are those of a small
# training on one eye's texture, on one machine; no container was run, and other processors were not
# tried. What carries over is the method: change one thing, count in bits and in decisions, and hold
# it against other weights and other batches. On a graphics card many threads that add to one place
# at once, and libraries that try several kernels and take the fastest, add causes of their own.

# %%
shutil.rmtree(folder)
run.finish()

# %% [markdown]
# ## What to take along
#
# - Rounding makes the order of a sum visible, and training multiplies what is visible. Equal bits
#   belong to a program in its surroundings, not to a program.
# - Change one thing at a time, and begin with none. If nothing changed and something differs, look
#   for chance: threads that add to one place, a clock, a set.
# - Hold a cause against other weights, other batches, and both. Whoever reports one training
#   reports one draw.
# - Seeds fix what is drawn, deterministic algorithms what is left to chance, pins and digests which
#   files run. Threads and variables decide the order in which sums are added: record them.
# - A hash of a record number is the record number. A keyed one is worth as much as its key.
# - Identifiers lead to the scans, through every run on the way; digests say whether they are still
#   the same.
# - A chain finds accidents. The newest signed end, kept where the forger is not, finds what was
#   forged before it.
#
# ## Exercises
#
# Answer here on the page, or in Jupyter in place of `None`: you are told whether you are right, or
# what kind of wrong. In Jupyter, `run.hint("reproducible-float")` gives a hint, and then another;
# `run.solution("reproducible-float")` shows how it is done.
#
# ```{exercise}
# :label: reproducible-float
# A program counts voxels by adding one to a thirty-two-bit floating-point number, again and again.
# It has twenty-four binary digits, the leading one among them. At which count does it stop for
# ever, because one more makes no difference?
# ```

# %% tags=["self-check"]
answer = None  # a count
run.check("reproducible-float", answer)

# %% [markdown]
# ```{exercise}
# :label: reproducible-dictionary
# A hospital gives out SHA-256 hashes of record numbers of nine digits. A laptop hashes five million
# numbers a second. Leading zeros count. After how many seconds, at the latest, is every patient
# known?
# ```

# %% tags=["self-check"]
answer = None  # seconds
run.check("reproducible-dictionary", answer)

# %% [markdown]
# ```{exercise}
# :label: reproducible-link
# Write `first_broken(texts, digests)`. Digest $i$ shall be the SHA-256, in hexadecimal, of the
# digest before it (an empty text for the first) followed by text $i$, in UTF-8. Return the index of
# the first entry whose digest is not that, or minus one if there is none. As *before* counts what
# stands in `digests`, be it right or wrong.
# ```

# %% tags=["self-check"]
first_broken = None  # a function
run.check("reproducible-link", first_broken)

# %% [markdown]
# ```{exercise}
# :label: reproducible-cause
# A colleague runs your study on the same data, by digest, on the processor, in the container with
# your digest, from your commit, with your seeds, `PYTHONHASHSEED` set, and deterministic
# algorithms. His AUC differs in the third digit, and each of his reruns gives him
# his own value again, to the last bit. What do you look at first?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("reproducible-cause", answer)

# %% [markdown]
# ```{exercise}
# :label: reproducible-head
# The head of a department wants to be able to prove, in five years, that no result was edited.
# Which of these lets an outsider find an edit of anything that was recorded before the last
# message?
# ```

# %% tags=["self-check"]
answer = None  # a letter; run the cell to see the options
run.check("reproducible-head", answer)

# %% [markdown]
# ## Further reading
#
# - What every sum on a computer does: {cite}`goldberg1991`; the exact sum, J. R. Shewchuk:
#   [doi:10.1007/PL00009321](https://doi.org/10.1007/PL00009321)
# - The chain of digests: {cite}`haber1991`; public logs that are kept so, with short proofs that an
#   entry is in them: [RFC 9162](https://doi.org/10.17487/RFC9162)
# - Canonical JSON: [RFC 8785](https://doi.org/10.17487/RFC8785)
# - DICOM PS3.15, Annex E: attribute confidentiality profiles, and their table.
# - S. Soiland-Reyes et al., packaging research artefacts with RO-Crate:
#   [doi:10.3233/DS-210053](https://doi.org/10.3233/DS-210053)
