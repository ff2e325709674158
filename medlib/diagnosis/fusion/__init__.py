"""Two images of one place: how to weigh them, how to join them, what to do when one is missing.

- `inverse_variance`: the weights of several estimates that leave least error, with their sum.
- `two_estimates`: one map, estimated twice: by MRI, and by PET at a dose that is drawn.
- `weighing`: a small network that learns such weights from what it is shown.
- `networks`: early, middle, late fusion, spatial attention, and each modality alone.
- `missing`: images with one modality taken away, now and then or always.
- `filling`: a missing image guessed from the one that is there.
- `fusion_training`: the one training for all of them, each at a rate that validates best.
- `insertion`: a lesion put into one modality, and how far the answer moves.
- `scan_precision`: average precision and found lesions, scan by scan.
"""
