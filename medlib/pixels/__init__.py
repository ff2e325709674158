"""Part I, image to image: how photons become pixels, and what may be done to them afterwards.

In reading order: `attenuation` (HU and μ), `photon_noise` (counts and their logarithm),
`dose_residual` (low dose against full dose), `projection` (line integrals and their adjoint),
`fbp` (the way back), `noise_propagation` and `nps` (noise in the image), `classical` (filters and
their tuning), `pwls` (weighted reconstruction), `denoiser` (a small network), `quality` and
`observer` (is it closer to the truth, and can a lesion still be found?).
"""
