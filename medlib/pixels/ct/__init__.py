"""From photons to a slice, and how to take the noise out of it.

In reading order: `attenuation` (HU and μ), `photon_noise` (counts and their logarithm),
`dose_residual` (low dose against full dose), `air_kerma` (dose in grays), `grid` (slices of any
spacing onto one grid), `projection` (line integrals and their adjoint), `fbp` (the way back),
`noise_propagation` and `nps` (noise in the image), `classical` (filters and their tuning), `pwls`
and `quadratic_pwls` (weighted reconstruction), `denoiser` and `denoiser_training` (a small
network), `inserts` (ellipses of known contrast), `observer` and `lesion_reader` (can a lesion still
be found?), `retrained_observer` (how much of that is the observer's own training), `null_control`
(what it finds where nothing is), `dose_needed` (for an AUC that is wanted) and `disc_signal` (a
lesion's contrast and noise).
"""
