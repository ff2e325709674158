"""Registration: which place in one image is which place in another.

- `displacement`: what a field is, in voxels and in millimetres.
- `warp`: an image, a field or labels looked up where a field points, with gradients in one order.
- `composition`: one field after another, and the field that leads back.
- `stationary_velocity`: a velocity followed for one unit of time, by squaring or step by step.
- `time_dependent_velocity`: a velocity that changes with time.
- `integrator_error`: what the number of steps is worth.
- `jacobian`: how much each voxel grows, and where a field folds.
- `similarity`: how alike two images are.
- `smoothness`: what a field costs that is not smooth.
- `affine`: rigid and affine maps, and the one that fits two images best.
- `field_model`: what is fitted: a displacement or velocities, and the way back of each.
- `fold_barrier`: a displacement that pays for folds.
- `resolutions`: images made coarse and fields made fine.
- `registration_network`: a U-Net that sees two images and says a field.
- `network_fit`: such a network trained on pairs, until validation gains no more.
- `pair_fit`: the same field fitted to each pair by itself.
- `simpleitk_peers`: demons and B-splines, by SimpleITK.
- `known_warp`: smooth fields of stated size, with their inverses, to warp real anatomy by.
- `spline_warp`: such fields that no velocity made.
- `warped_pairs`: pairs of images whose map is known.
- `drawn_pairs`: pairs of three kinds, drawn from slices.
- `edge_search`: one knob, tried until the best lies inside its grid.
- `radial_growth`: a lesion that grows, and the Jacobian that it has.
- `grown_lesion`: a lesion on two scans, that pushes tissue aside or takes it over.
- `grey_sorting`: a map that is worth nothing, and overlaps well.
- `registration_scores`: overlap, surfaces, folds, the way back and the known truth, pair by pair.
"""
