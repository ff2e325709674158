"""From lab to clinic: what a network learned elsewhere, and what becomes of it here.

- `arms`: which parameters of a pretrained network move, and how fast at each depth.
- `finetuning`: one arm fitted: a new head, then the common training loop.
- `features`: features computed once for arms that never change them, and a head fitted on them.
- `norm_statistics`: batch normalisation's means and variances, estimated anew.
- `study`: labelled images with cached features, and one arm measured on them.
- `domain_distance`: how far a data set lies from the source, as the network sees it.
- `forgetting`: what is left of the source task.
"""
