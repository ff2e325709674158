"""From planes to volumes.

- `volume_layers`: normalisation, pooling and dropout in their 3D form.
- `inflation`: every kernel copied along depth and divided by a chosen number.
- `slice_correlation`: the variance of a sum of slices that resemble each other.
- `measured_inflation`: the divisor measured on the slices that a layer really gets.
- `slice_aggregation`: volumes read slice by slice: mean, attention, recurrent.
- `activation_memory`: bytes kept for the backward pass, counted.
- `step_time`: how long one forward and backward pass takes.
- `volume_study`: one head, the same steps, whatever reads the slices.
- `first_heads`: a head or an aggregation on a reader, fitted before any training, and tuned.
- `tuned_reader`: a reader with its own rate, trained on and on and looked at on the way.
"""
