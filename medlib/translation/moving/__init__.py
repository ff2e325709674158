"""Extracting or fine-tuning: what moves, how fast, and what is left of the source.

- `arms`: what moves, how fast at each depth, from when on, and what holds it back.
- `depth_window`: arms of which some depths move, and gradings that differ in order alone.
- `finetuning`: one arm fitted: a head to start from, then the common training loop.
- `study`: labelled images with cached features, and one arm measured on them.
- `tuned`: one procedure that tunes every arm on validation images, the frozen one first.
- `forgetting`: what is left of the source task.
- `freeze_plan`: everything below one depth stands still, its running statistics included.
- `gradual_unfreezing`: the head first, then one more depth at a time.
- `l2_sp`: weight decay toward a starting point, and toward zero.
- `paired_arms`: arms of a recorded trial compared seed by seed.
- `planned_statistics`: running statistics renewed where a plan lets them move, and nowhere else.
- `layer_movement`: how far each depth has moved.
"""
