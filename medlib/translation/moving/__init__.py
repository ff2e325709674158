"""Extracting or fine-tuning: what moves, how fast, and what is left of the source.

- `arms`: which parameters of a pretrained network move, and how fast at each depth.
- `finetuning`: one arm fitted: a new head, then the common training loop.
- `study`: labelled images with cached features, and one arm measured on them.
- `forgetting`: what is left of the source task.
- `freeze_plan`: everything below one depth stands still, its running statistics included.
- `gradual_unfreezing`: the head first, then one more depth at a time.
- `l2_sp`: weight decay toward a starting point, and toward zero.
- `planned_statistics`: running statistics renewed where a plan lets them move, and nowhere else.
- `renovation`: what moves, how fast, from when on, and what holds it back.
- `layer_movement`: how far each depth has moved.
"""
