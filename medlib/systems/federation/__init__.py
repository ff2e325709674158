"""One network learned at several hospitals: the images stay, the weights move.

- `allotment`: how many images each hospital has, and of which class.
- `weighted_mean`: FedAvg's aggregation, the same bits in any order of arrival.
- `robust_mean`: the median and the trimmed mean, which one liar cannot move far.
- `proximal`: FedProx's pull back to where the round began.
- `local_norms`: what stays at home under FedBN.
"""
