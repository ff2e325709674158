"""From one kind of microscope image to another: stains computed instead of dripped.

`optical_density` and `stain` (dyes in colours), `autofluorescence` and `misregistration` (what a
network is given), `patches`, `stainer` (the network), `pair_training`, `forgiving` and `pix2pix`
(learning from pairs), `patch_discriminator`, `adversarial`, `image_pool` and `cyclegan` (critics,
and learning without pairs), and what to ask of the result: `sharpness`, `structure`, `nuclei` and
`appearance`, gathered by `judgement`.
"""
