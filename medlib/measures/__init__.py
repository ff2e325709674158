"""Floor 1, what every part measures with. NumPy, SciPy and torch; no network is trained here.

- `mean_interval`: means and paired differences of independent units, with Student's interval.
- `share_interval`: shares of independent units, with the exact binomial interval.
- `auc`: how well scores tell two classes apart, with DeLong's interval, paired or not.
- `rank_auc`: the same by ranks, for many thousands of cases.
- `auc_by_chance`: what an area may be by chance alone, the bound of a control.
- `patient_bootstrap`: means of tiles of which many come from one patient, with an interval.
- `calibration`: reliability curves, and probabilities made to fit them.
- `quality`: how close an image is to a known truth, pixel by pixel.
- `frechet`: how far two sets of vectors lie from each other.
"""
