"""Part IV, from one site to many: what leaves a hospital, and what can be shown about it later.

- `repetition`: the same run again: what makes it differ, how much, and what it stands on.
- `ledger`: what a result rests on, in a chain of entries in which a change shows.
- `deidentification`: images without the patient's identity, and how to look for what is left.
- `federation`: the data stay, the models move: one network learned at several hospitals.
- `aggregation`: a sum over hospitals of which nobody sees the parts.
- `clinic`: one study from the scanner to a decision, and back to the archive.

The rooms do not import each other, but for `clinic`, which joins what others know.
"""
