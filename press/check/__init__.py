"""Checks: whether the book keeps its word, and whether a run, made again, gives the same.

Of the source, without running it:

- `lint`: what a chapter's source must have, and must not.
- `prose`: typed numbers and missing sections.
- `reader_path`: what a page shows teaches, and is no more than its reader can follow.
- `exercise_lint`: the exercises that are posed, and the sheet of their checks.
- `plain_sight`: whether an answer can be read in a page, a notebook or the student edition.

Of runs and kept tables:

- `verify`: a run held to its word: claims, results, figures.
- `budgets`: what it may cost.
- `drift`: a run against what was accepted.
- `recorded`: kept tables against the present code.
- `live`: a recorded sweep against the one point that a build runs again.
- `verdicts`: what the runs say of each assertion of the sources.
- `grounds`: whether each claim says what it was run on, and can have been.

Of a run done again, and of crates:

- `reproduce`: a recorded run again, and the first thing that differs.
- `reproduce_crate`: the same with the code that a crate brings.
- `crate`: whether a crate is whole, and true to itself.
- `crate_profile`: what the profiles require of its description.
"""
