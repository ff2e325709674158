"""FedBN: what normalises the images of a place stays at that place."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["NORMALISATIONS", "norm_entries"]

# Batch and instance normalisation share a base, which holds their running statistics.
NORMALISATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def norm_entries(model: nn.Module) -> frozenset[str]:
    """Names of a state's entries that belong to normalisation layers: scales, shifts, statistics.

    Layers are found by their type, whatever they are called: a layer named `bn` may be anything.

    Args:
        model: whose `state_dict` the names are of.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        >>> sorted(norm_entries(net))  # doctest: +NORMALIZE_WHITESPACE
        ['1.bias', '1.num_batches_tracked', '1.running_mean', '1.running_var', '1.weight']

    Source: Li et al. 2021, doi:10.48550/arXiv.2102.07623. The paper has batch normalisation in
    mind; the other kinds of layer keep no statistics, and here stay at home with it.
    """
    found = set()
    for path, module in model.named_modules(remove_duplicate=False):
        if isinstance(module, NORMALISATIONS):
            found |= {f"{path}.{entry}".lstrip(".") for entry in module.state_dict()}
    return frozenset(found)
