"""Looking into a network, depth by depth.

- `derivative_filter`: what a change of scale and zero does to a filter's answer.
- `local_affine`: how well one image is a rescaled other one, window by window.
- `receptive_field`: how far a unit can see, and how far it looks.
- `rearranged_kernels`: the same weights at other places within their kernels.
- `strongest_crops`: where each channel answers most strongly.
- `linear_probe`: one question asked of every depth.
- `tuned_probe`: the same, with a shrinkage that validation images choose.
- `pooled_features`: more than means of every channel, and means one layer behind each depth.
- `depth_and_scale`: the recorded trial of how well each depth reads a lesion, at which size.
- `one_curve`: whether several curves are one over some variable.
- `cka`: how alike two networks see the same images.
"""
