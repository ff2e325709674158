"""Part II, from an image to a decision: whether it is right, and what it does to a patient.

- `scoring`: masks and probabilities held against the truth, by what an error costs.

The rooms do not import each other.
"""
