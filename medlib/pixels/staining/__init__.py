"""From one kind of microscope image to another: stains computed instead of dripped.

`field` (a picture as tissue to train and to test on), `optical_density` and `stain` (dyes in
colours), `autofluorescence` and `misregistration` (what a network is given), `patches`, `stainer`
(the network), `pair_training`, `forgiving` and `pix2pix` (learning from pairs), `adversarial`,
`patch_discriminator`, `image_pool` and `cyclegan` (critics, and learning without pairs), and what
to ask of the result: `sharpness`, `structure` and `nuclei`, gathered by `judgement`, and
`known_nuclei`, where the counter is tried on tissue whose nuclei are known.
"""
