"""Two tasks on one encoder: what is wrong with a patient, and where.

- `two_headed`: one encoder, a head for the class and a head for the mask.
- `joint_likelihood`: the loss that follows from the probability of both answers.
- `learned_weights`: weights of two losses, learned as variances.
- `gradient_balance`: weights that keep two tasks' gradients equally long.
- `gradient_cosine`: whether two tasks pull the encoder the same way.
- `discs`: outlines that say where, and nothing of the shape.
- `roundness`: the shape of what a network marks, as one number.
- `kept`: the network's weights by several rules of keeping.
- `joint_training`: the network fitted on labels, and on masks of the same or of other images.
"""
