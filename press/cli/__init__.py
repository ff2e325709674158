"""The `medbook` command: its verbs, and how it speaks.

- `main`: the command itself, and the verbs for running, reading and building.
- `build`: from sources to a verified book.
- `verified`: what it last found in order, so that it need not look again.
- `verify_cli`: check and accept; new, rename and remove.
- `sweep_cli`: a chapter over a grid.
- `crate_cli`: a run carried elsewhere, and done again.
- `door_cli`: the book without Jupyter Book.
- `replicates`: other seeds, falsifiers and longer training, as `medbook check` runs them.
- `scaffold`: a new chapter that passes every check.
- `relocate`: a chapter under another name, or gone.
- `scheduler_options`: the options that name a scheduler.
- `desk`: what every verb is handed, and how it speaks and is interrupted.
- `claim_lines`: tables of claims as they read in a terminal.
"""
