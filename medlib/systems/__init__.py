"""Part IV, from one site to many: what leaves a hospital, and what can be shown about it later.

- `federation`: the data stay, the models move: one network learned at several hospitals.

The rooms do not import each other.
"""
