"""Records with gaps and images at other times: what may be known at an hour, and what follows.

- `hourly`: measurements in rows of an hour, masks, hours since the last, and the scale of values.
- `filling`: mean, last value, next value, interpolation.
- `gru_d`: GRU-D, and the plain GRU that it is without decays, masks and intervals.
- `arms`: what each arm of a comparison sees.
- `risk_training`: the one training for all arms, filled first or cut first.
- `tuned_risk`: an arm at the rate and weight decay that its validation files choose.
- `replay`: risks as computed afterwards, and as they would have been at the hour.
- `summaries`: last values, counts and times since in a table, and a tuned classifier of it.
- `trust_slope`: how far probabilities may be trusted, with an interval.
- `film_reader`: films as vectors, read by a network that was taught a radiologist's grades.
- `film_attention`: attention from hours to the films taken so far.
- `film_risk`: record and films in one network, fused by attention or added at the end.
"""
