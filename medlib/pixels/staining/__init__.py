"""From one kind of microscope image to another: stains computed instead of dripped.

`optical_density` and `stain` (dyes in colours), `autofluorescence` and `misregistration` (what a
network is given), `patches`, `stainer` (the network), `patch_discriminator`, `image_pool` and
`cyclegan` (learning without pairs), and what to ask of the result: `sharpness`, `structure`,
`nuclei` and `appearance`.
"""
