"""What changes between two places, and what each change asks for.

- `covariate_shift`: a shift followed through every layer; three repairs of the image.
- `image_shift`: the size of each image's shift in every layer, before any mean is taken.
- `norm_inputs`: what enters each batch normalisation, for whoever measures there.
- `chosen_at_home`: a depth and a probe's strength, chosen on the tiles to learn from alone.
- `prior_shift`: probabilities for another prevalence, known or estimated.
- `concept_shift`: a few labels against what was promised.
- `two_sample`: can unlabelled images of two sites be told apart?
- `dealt_again`: a control of that test, by dealing one pool to two sites again and again.
- `graded_shifts`: families of shifts that grow by degrees.
- `proxy_distance`: how well a classifier tells two domains apart.
- `adaptation_bound`: Ben-David's bound, its terms, and what its guarantee would cost.
- `shifted_domain`: a shifted domain beside home, and which estimate ranks many of them by harm.
"""
