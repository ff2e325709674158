"""Part II, from an image to a decision: whether it is right, and what it does to a patient.

- `scoring`: masks and probabilities held against the truth, by what an error costs.
- `joint`: two tasks on one encoder, and how their losses are weighed.
- `fusion`: two images of one place, joined early or late, and what is left when one is missing.
- `novelty`: is this image like anything that was learned, and who should look at it if not.
- `records`: records with gaps, and images at other times: what may be known at an hour.

The rooms do not import each other.
"""
