"""Part I, image to image: how photons become pixels, and what may be done to them afterwards.

In reading order: `attenuation` (HU and μ), `photon_noise` (counts and their logarithm),
`dose_residual` (low dose against full dose), `projection` (line integrals and their adjoint),
`fbp` (the way back), `noise_propagation` and `nps` (noise in the image), `classical` (filters and
their tuning), `pwls` (weighted reconstruction), `denoiser` (a small network), `quality` and
`observer` (is it closer to the truth, and can a lesion still be found?).

Then from one kind of image to another: `optical_density` and `stain` (dyes in colours),
`autofluorescence` and `misregistration` (what a network is given), `patches`, `stainer` (the
network), `patch_discriminator`, `image_pool` and `cyclegan` (learning without pairs), and what
to ask of the result: `sharpness`, `structure`, `nuclei` and `frechet`.

Then from an image to its explanation: `tile_classifier` (a network to explain), `layer_gradient`,
`attribution`, `grad_cam` and `integrated_gradients` (maps of what it looked at), and what to ask of
a map: `map_agreement`, `patient_bootstrap`, `cascading_randomisation` and `deletion_insertion`.
"""
