# %% [markdown]
# ## The trial
#
# One page is one draw, and nothing above was learned. In a recorded trial everything was drawn anew
# for each seed: training pairs of three kinds (bent by flows that change with time, by splines, and
# pairs of slices some way apart, whose true map nobody knows), validation and test pairs from other
# levels of the brain. A displacement and a stationary velocity were fitted pair by pair, and by a
# network: the U-Net of [VoxelMorph](https://doi.org/10.1109/TMI.2019.2897538), which sees both
# images, says the field in one pass, and was trained by the same loss without any truth. A
# displacement that pays for folds and a velocity of two intervals were fitted pair by pair. Beside
# them stand rigid and affine maps and two methods of SimpleITK: *diffeomorphic demons*, which push
# along the image's slope and smooth after every step, and *B-splines*, displacements on a lattice.
# A displacement is charged for its own roughness, a velocity for *its* own: what differs between
# them is both.
#
# - Each elastic method has one knob of smoothness. If the best value lies on the edge of those that
#   were tried, more are tried. The validation pairs' Dice chooses, as for somebody who has labels
#   and no truth. What the truth would have chosen is told beside it.
# - No loss sees a label. Networks are judged on pairs that they have not seen, and had three
#   learning rates to choose from.
# - Every fit is made at one, two and four times its length.
# - Flows are the home of velocities, splines that of displacements and B-splines. The kinds are
#   reported apart.
#
# Intervals are Student's $t$ over seeds. A seed draws warps, noise, first weights and batches, and
# no other brain.

# %%
trial = experiment.recorded(run, "_arms_over_pairs/sweep", optional=True)
TIMES = (1, 2, 4)
ARMS = {"none": "nothing", "truth": "the true map", "sorted": "greys, sorted", "rigid": "rigid",
        "affine": "affine", "net_displacement": "network, displacement",
        "net_velocity": "network, velocity", "pair_displacement": "pair, displacement",
        "pair_barred": "pair, paying for folds", "pair_velocity": "pair, velocity",
        "pair_timed": "pair, two velocities", "diffeomorphic_demons": "diffeomorphic demons",
        "b_spline": "B-spline"}
ONCE = ("none", "truth", "sorted", "rigid", "affine")
LONGEST = {name: 1 if name in ONCE else 4 for name in ARMS}


# %%
def of_trial(what, arm, kinds, times=None):
    """One value for each seed: the mean over kinds of pairs."""
    return np.mean([trial.array(f"{what}_{kind}_{arm}_{times or LONGEST[arm]}")
                    for kind in kinds], axis=0)


def over_seeds(one, other, what, unit, times):
    """By how much one arm has more than another, seed by seed."""
    return mean_interval(of_trial(what, one, BENT, times) - of_trial(what, other, BENT, times),
                         unit=unit)


if trial is None:
    run.say("The trial has not been run yet: what follows is empty, and nothing is claimed of it.")
else:
    run.say(str(trial.made) + " {n} seeds.", n=len(trial.seeds))

# %%
KINDS = (*BENT, "levels")


def by_kind(what, arm, kinds, digits):
    return " / ".join(f"{of_trial(what, arm, [kind]).mean():.{digits}f}" for kind in kinds)


def kinds_of(arm):
    return BENT if arm == "truth" else KINDS  # of levels nobody knows it


def trial_row(arm):
    return {"": ARMS[arm], "off, flow / spline": by_kind("error", arm, BENT, 2) + " mm",
            "Dice, flow / spline / levels": by_kind("dice", arm, kinds_of(arm), 3),
            "folded, flow / spline / levels": by_kind("folded", arm, kinds_of(arm), 2) + " %"}


# %%
if trial is not None:
    SEEDS = f"n = {len(trial.seeds)} seeds; real anatomy of one template, simulated warps."
    run.table([trial_row(arm) for arm in ARMS], name="trial", caption="Recorded, longest fits,"
              " knobs chosen by validation Dice: true distance, overlap, folded cells. Means over"
              f" {SEEDS}")
    run.table([{"": ARMS[arm]} | {
        words: f"{of_trial(what, arm, kinds_of(arm)).mean():.2f}{unit}" for words, what, unit in (
            ("surfaces", "surface", " mm"), ("there and back", "inverse", " mm"),
            ("sd of ln det J", "unevenness", ""))} for arm in ARMS if arm != "sorted"],
        name="trial_besides", caption=f"The same fits, all kinds together. Means over {SEEDS}")

# %%
FOUGHT = {"displacement less velocity, network": ("net_displacement", "net_velocity"),
          "displacement less velocity, pair": ("pair_displacement", "pair_velocity"),
          "paying less velocity, pair": ("pair_barred", "pair_velocity"),
          "two velocities less one, pair": ("pair_timed", "pair_velocity"),
          "network less pair, velocity": ("net_velocity", "pair_velocity"),
          "demons less pair, velocity": ("diffeomorphic_demons", "pair_velocity"),
          "B-spline less pair, velocity": ("b_spline", "pair_velocity")}
if trial is not None:
    run.figure(
        interval_points(*[
            Column({word: over_seeds(*two, what, unit, 4) for word, two in FOUGHT.items()},
                   x=(title, unit), reference=0.0)
            for what, title, unit in (("error", "true distance", "mm"),
                                      ("folded", "cells folded", "%"))]),
        name="contrasts", data="real and simulated",
        alt="Differences between ways to register, in rows, with bars: of the true distance and of"
        " the share of folded cells.",
        caption="Left of zero the first named is nearer to the truth, or folds less. Recorded,"
        f" longest fits, the same pairs, 95 % intervals over {SEEDS}")

# %% [markdown]
# First the folds, at every length. A twentieth of a per cent of the cells is about one
# cell of a slice of the brain: less than that we do not call a difference.

# %%
if trial is not None:
    torn, smooth = f"net_{tearing}", "net_velocity"
    folds = {t: over_seeds(torn, smooth, "folded", "%", t) for t in TIMES}
    low = min(gap.low for gap in folds.values())
    run.result("network_folds_more", folds[4], atol=0.2)
    run.say("A network's displacement folds {network_folds_more:.2ci} of the cells more than its"
            " velocity, after the longest training.")
    run.claim("at the smoothness that overlap chooses, a network's displacement folds more cells"
              " than its velocity, at every length of training", low >= 0.05, margin=low - 0.05,
              unit="%", falsified_by="falsify_velocity_twice")

# %% [markdown]
# Overlap has chosen a λ for each. Here are both at one λ, on test pairs, after the shortest
# training:

# %%
def at_one_weight(what, model, place):
    found = [trial.array(f"curve_{what}_test_{kind}_net_{model}_{place}") for kind in BENT]
    return " / ".join(f"{one.mean():.2f}" for one in found)


if trial is not None:
    run.table([{"λ": f"{weight:g}"} | {
        f"{what}, {model}": at_one_weight(key, model, place) + unit
        for what, key, unit in (("folded", "folded", " %"), ("off", "error", " mm"))
        for model in ("displacement", "velocity")}
        for place, weight in enumerate(trial.fixed["weights"])],
        name="one_weight", caption="Recorded: networks at the same λ after the shortest training,"
        f" flow / spline. Means over {SEEDS}")

# %% [markdown]
# Then what the velocity costs: how far it stays behind the displacement in true distance, beside
# what registration gains at all.

# %%
if trial is not None:
    COSTS = {"velocity": ("net_velocity", None), "rigid": ("rigid", 1)}[cheap]
    spare, gained, lost = [], [], []
    for times in TIMES:
        direct = of_trial("error", "net_displacement", BENT, times)
        gained.append(of_trial("error", "none", BENT) - direct)
        lost.append(of_trial("error", COSTS[0], BENT, COSTS[1] or times) - direct)
        spare.append(mean_interval(0.1 * gained[-1] - lost[-1], unit="mm"))

# %%
if trial is not None:
    run.result("gained_by_displacement", mean_interval(gained[-1], unit="mm"), atol=0.05)
    run.result("lost_by_velocity", mean_interval(lost[-1], unit="mm"), atol=0.05)
    run.say("A displacement network gains {gained_by_displacement:.2ci} of true distance; the"
            " velocity loses {lost_by_velocity:+.2ci} of that (below zero it gains).")
    low = min(one.low for one in (*spare, *(mean_interval(one) for one in gained)))
    run.claim("a network's velocity loses at most a tenth of the true distance that registration"
              " gains, at every length of training", low >= 0, margin=low, unit="mm",
              falsified_by="falsify_rigid_is_cheap")

# %% [markdown]
# Now the chooser. What if the truth had chosen the smoothness, which nobody has outside of a
# simulation? Where the two disagree, somebody who trusts overlap pays. Both choose by the same
# pairs here, those whose map is known.

# %%
CHOSEN, CHOOSERS = [arm for arm in ARMS if arm not in ONCE], ("known_dice", "truth")


def chosen(arm):
    def both(name, digits, unit=""):
        found = [trial.array(f"{name}_by_{key}_{arm}").mean() for key in CHOOSERS]
        return " / ".join(f"{one:.{digits}f}" for one in found) + unit
    knobs = [10 ** trial.array(f"log_knob_by_{key}_{arm}").mean() for key in CHOOSERS]
    return {"chosen by Dice / by the truth": ARMS[arm],
            "knob": " / ".join(f"{one:.2g}" for one in knobs),
            "cells folded": both("folded", 3, " %"), "off": both("error", 2, " mm")}

# %%
if trial is not None:
    run.table([chosen(arm) for arm in CHOSEN], name="choosers", caption="Recorded, shortest fits:"
              " smoothness chosen by the Dice of validation pairs whose map is known, and by their"
              " true distance (λ, or mm; geometric means), and what each brings on test pairs of"
              f" these kinds. Means over {SEEDS}")
    for arm in ("net_displacement", "pair_displacement"):
        more, further = (mean_interval(trial.array(f"{what}_by_known_dice_{arm}")
                                       - trial.array(f"{what}_by_truth_{arm}"), unit=unit)
                         for what, unit in (("folded", "%"), ("error", "mm")))
        run.say(f"By Dice a {ARMS[arm]} folds {{more:+.2ci}} more than by the truth, and is off by"
                " {further:+.2ci} more.", more=more, further=further)

# %% [markdown]
# Had training ended? Twice as long should change little. A network that does better on its training
# pairs than on fresh pairs of the same levels has learned by heart. What it loses from there to the
# test comes of other anatomy.

# %%
if trial is not None:
    late = {arm: mean_interval(of_trial("error", arm, BENT, 4) - of_trial("error", arm, BENT, 2),
                               unit="mm") for arm in CHOSEN}
    ended = [{"": ARMS[arm], "longest less half": f"{late[arm]:+.3ci}",
              "off in training": f"{trial.array(f'error_in_training_{arm}').mean():.2f} mm"
              if arm.startswith("net") else "–", "off on fresh pairs":
              f"{trial.array(f'error_in_fresh_{arm}').mean():.2f} mm"
              if arm.startswith("net") else "–"}
             for arm in CHOSEN]
    run.table(ended, name="ended", caption="Recorded: true distance after the longest fit less that"
              f" after half of it, 95 % intervals over n = {len(trial.seeds)} seeds; real anatomy,"
              " simulated warps.")

