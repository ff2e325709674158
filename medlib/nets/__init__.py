"""Floor 1: the networks that no library ships, and the one loop that trains them all.

- `training`: `train(model, loss, data, ...)`, repeatable to the bit, stopped by validation.
- `efficientnet_lite`: the ImageNet network whose weights the book can install, in plain PyTorch.
"""
