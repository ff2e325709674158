"""From photons to a slice, and how to take the noise out of it.

In reading order: `attenuation` (HU and μ), `photon_noise` (counts and their logarithm),
`dose_residual` (low dose against full dose), `grid` (slices of any spacing onto one grid),
`projection` (line integrals and their adjoint), `fbp` (the way back), `noise_propagation` and `nps`
(noise in the image), `classical` (filters and their tuning), `pwls` (weighted reconstruction),
`denoiser` (a small network), `inserts` (ellipses of known contrast), `observer` (can a lesion
still be found?), `retrained_observer` (how much of that is the observer's own training) and
`disc_signal` (a lesion's contrast and noise).
"""
