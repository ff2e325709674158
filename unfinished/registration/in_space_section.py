# %% [markdown]
# In space all formulas stay. A cell has eight corners, and to look at them no longer suffices: a
# fold can hide between them. One recorded run, an example and no more:

# %%
space = experiment.recorded(run, "_in_space/sweep", optional=True)
if space is None:
    run.say("That run has not been made yet, and nothing is said of it here.")
else:
    run.say(str(space.made) + " In space, network with displacement / with velocity / velocity pair"
            " by pair: true distance {error} mm (before: {none:.2f}), cells folded {folded} %.",
            none=space.array("error_none").mean(),
            **{what: " / ".join(f"{space.array(f'{what}_{arm}').mean():.3f}" for arm in
                                ("net_displacement", "net_velocity", "pair_velocity"))
               for what in ("error", "folded")})

