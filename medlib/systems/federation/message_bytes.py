"""What one model costs on the wire: its numbers alone, and as Flower packs them."""

from __future__ import annotations

from collections.abc import Collection

from medlib.systems.federation.weighted_mean import State

__all__ = ["array_bytes", "flower_bytes"]


def array_bytes(state: State, *, local: Collection[str] = ()) -> int:
    """Bytes of a state's numbers, as they are: four for each float32, eight for each int64.

    Args:
        state: that is sent.
        local: names of entries that stay at home.

    Example:
        >>> import torch
        >>> array_bytes({"w": torch.zeros(3, 4), "norm": torch.zeros(4)}, local={"norm"})
        48
    """
    return sum(
        tensor.numel() * tensor.element_size()
        for name, tensor in state.items()
        if name not in local
    )


def flower_bytes(state: State, *, local: Collection[str] = ()) -> int:
    """Bytes of the same state in the objects that Flower pushes and pulls.

    Flower takes a message apart into a tree of objects, each named by its SHA-256, down to chunks
    of arrays in NumPy's own file format; equal objects are sent once. Counted here are the objects
    of the record of arrays; what HTTP/2 and TLS add is not, nor the message's other records.

    Args:
        state: that is sent.
        local: names of entries that stay at home.

    Example:
        >>> import torch
        >>> flower_bytes({"w": torch.zeros(3, 4)}) > array_bytes({"w": torch.zeros(3, 4)})
        True
    """
    from medlib.systems.federation.quiet_flower import import_flower

    import_flower()
    from flwr.app import ArrayRecord
    from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects

    sent = {name: tensor.cpu() for name, tensor in state.items() if name not in local}
    return sum(len(part.deflate()) for part in get_all_nested_objects(ArrayRecord(sent)).values())
