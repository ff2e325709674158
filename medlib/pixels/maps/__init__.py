"""From an image to what a network looked at in it, and what to ask of such a map.

`tile_classifier` (a network to explain), `layer_gradient`, `attribution`, `grad_cam`,
`integrated_gradients` and `occlusion` (maps), `map_agreement`, `cascading_randomisation`,
`deletion_insertion` and `dealt_labels` (what to ask of one), `channel_effect` (what a channel is
worth, and what its gradient says of that).
"""
