"""Masks and probabilities held against the truth, in counts, in millimetres, in lesions, in costs.

- `overlap`: counts of right and wrong pixels, and all that is made of them.
- `surfaces`: how far two surfaces lie apart, in millimetres.
- `lesions`: lesions found, missed and invented, one by one; recall at a number of false alarms.
- `costs`: from what an error costs to a threshold, and back.
- `scorecard`: one set of masks by every measure at once.
- `pooled_difference`: two models on the same scans, a pooled measure, patients drawn anew.
- `one_pixel`: what an error of one pixel does to the overlap of discs.
"""
