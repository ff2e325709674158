"""A run packed up for others: an RO-Crate that says what ran, on what, and what came out.

What goes in (`contents`, with `imports` and `citation`), how it is described (`graph`, `terms`),
under which digests (`manifest`), how it is written whole or not at all (`packing`) and how a
stranger's is opened without harm (`opening`).
"""
