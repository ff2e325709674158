"""From lab to clinic: what a network learned elsewhere, and what becomes of it here.

Looking into a network, depth by depth:

- `derivative_filter`: what a change of scale and zero does to a filter's answer.
- `local_affine`: how well one image is a rescaled other one, window by window.
- `receptive_field`: how far a unit can see, and how far it looks.
- `strongest_crops`: where each channel answers most strongly.
- `linear_probe`: one question asked of every depth.
- `cka`: how alike two networks see the same images.

Extracting or fine-tuning:

- `arms`: which parameters of a pretrained network move, and how fast at each depth.
- `finetuning`: one arm fitted: a new head, then the common training loop.
- `features`: features computed once for arms that never change them, and a head fitted on them.
- `norm_statistics`: batch normalisation's means and variances, estimated anew.
- `study`: labelled images with cached features, and one arm measured on them.
- `domain_distance`: how far a data set lies from the source, as the network sees it.
- `forgetting`: what is left of the source task.

How to move a network, and what theory promises abroad:

- `freeze_plan`: everything below one depth stands still, its running statistics included.
- `gradual_unfreezing`: the head first, then one more depth at a time.
- `l2_sp`: weight decay toward a starting point, and toward zero.
- `new_head`: where the last layer starts.
- `norm_affine`: normalisation's scales and shifts, and how few they are.
- `planned_statistics`: running statistics renewed where a plan lets them move, and nowhere else.
- `renovation`: what moves, how fast, from when on, and what holds it back.
- `layer_movement`: how far each depth has moved.
- `graded_shifts`: families of shifts that grow by degrees.
- `proxy_distance`: how well a classifier tells two domains apart.
- `adaptation_bound`: Ben-David's bound, its terms, and what its guarantee would cost.

Three shifts, and what each of them asks for:

- `covariate_shift`: a shift followed through every layer; three repairs of the image.
- `prior_shift`: probabilities for another prevalence, known or estimated.
- `calibration`: reliability curves, and probabilities made to fit them.
- `two_sample`: can unlabelled images of two sites be told apart?
- `concept_shift`: a few labels against what was promised.

From planes to volumes:

- `stem`: a first layer for grey images out of one for colour.
- `trunk`: the network up to a chosen depth, for planes or volumes.
- `volume_layers`: normalisation, pooling and dropout in their 3D form.
- `inflation`: every kernel copied along depth and divided by a chosen number.
- `slice_correlation`: the variance of a sum of slices that resemble each other.
- `measured_inflation`: the divisor measured on the slices that a layer really gets.
- `slice_aggregation`: volumes read slice by slice: mean, attention, recurrent.
- `activation_memory`: bytes kept for the backward pass, counted.
- `volume_study`: one head, the same steps, whatever reads the slices.
"""
