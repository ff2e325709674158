"""Is this image like anything that was learned? Scores, higher = more unusual, and how to use one.

`feature_scaling` (in what units), `gaussians`, `relative`, `nearest_mean`, `neighbours` and
`confidence` (six scores), `candidates` and `tuned_scores` (each tuned by one procedure),
`separation` (false alarms at a given share caught, and the other way round), `grouped_rates` (the
same where strangers come in groups), `ceiling` (what one could see who was taught the strangers),
`chi_square` and `gaussian_by_class` (what Gaussians would promise, and whether classes are any),
`conformal` and `conformal_by_class` (what ranks promise), `realised_level` (and keep on average),
`referral`, `tuned_gate` and `stratified_mean` (what a gate costs and saves, in a clinic's mix of
cases).
"""
