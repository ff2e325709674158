"""Floor 1, architectures that no library ships, what is done to any of them, and the one loop.

- `training`: `train(model, loss, data, ...)`, repeatable to the bit, stopped by validation.
- `batches`: shuffled passes laid end to end.
- `global_draws`: torch's global draws, taken from a generator of one's own.
- `depthwise`: one kernel a channel, with a quick gradient on small maps.
- `efficientnet_lite`: the ImageNet network whose weights the book can install, in plain PyTorch.
- `segmenter`: a U-Net that marks one thing in an image, under the loss that is asked for.
- `stem`: a first layer for grey images out of one for colour.
- `trunk`: the ImageNet network up to a chosen depth, for planes or, once inflated, for volumes.
- `features`: features computed once for heads that never change them, and a head fitted on them.
- `by_depth`: what the network's maps say at every depth, read in one pass.
- `heads`: a new last layer, and where it starts.
- `depths`: the ten depths of the ImageNet network: where each parameter sits, how fast it moves.
- `norm_statistics`: batch normalisation's means and variances, estimated anew.
- `norm_affine`: its scales and shifts, and how few they are.
"""
