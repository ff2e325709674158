"""Part IV, from one site to many: results that can be audited, data that can be shared.

- `ledger`: what a result rests on, in a chain of entries in which a change shows.
- `deidentification`: images without the patient's identity, and how to look for what is left.

The rooms do not import each other.
"""
