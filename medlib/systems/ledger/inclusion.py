"""A Merkle tree over a ledger: short proofs that an entry is in it, and that it only grew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = [
    "consistency_proof",
    "includes",
    "inclusion_proof",
    "is_extension",
    "leaf_digest",
    "root",
]


def leaf_digest(data: bytes) -> bytes:
    r"""The digest of a leaf, :math:`\mathrm{SHA256}(0 \,\|\, \mathit{data})`: never a node's."""
    return hashlib.sha256(b"\x00" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    r"""The root of the tree over leaves.

    :math:`r(D_n) = \mathrm{SHA256}(1 \,\|\, r(D_{0:k}) \,\|\, r(D_{k:n}))`, where k is the largest
    power of two below n.

    Args:
        leaves: data of each, in order; of a ledger, the lines of its entries.

    Example:
        >>> root([b"one", b"two"]).hex()[:8]
        '4f55f619'

    Laurie, Langley and Kasper 2013, RFC 6962, section 2.1, doi:10.17487/RFC6962; the same in
    RFC 9162, section 2.1, doi:10.17487/RFC9162.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_digest(leaves[0])
    k = _split(len(leaves))
    return _node(root(leaves[:k]), root(leaves[k:]))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The digests that lead from a leaf to the root, the lowest first.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"leaf {index} of {len(leaves)} does not exist")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), root(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), root(leaves[:k])]


def includes(data: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf stands at an index of a tree, known only by its size and root.

    Example:
        >>> leaves = [b"one", b"two", b"three"]
        >>> proof, top = inclusion_proof(leaves, 2), root(leaves)
        >>> includes(b"three", index=2, size=3, proof=proof, root=top)
        True
        >>> includes(b"four", index=2, size=3, proof=proof, root=top)
        False

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_digest(data)
    for sibling in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            found = _node(sibling, found)
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """The digests that show that the first leaves are those of an earlier tree.

    Args:
        leaves: of the tree as it is now.
        earlier: how many there were, 1 to all.

    Raises:
        ValueError: more than there are, or none.
    """
    if not 1 <= earlier <= len(leaves):
        raise ValueError(f"an earlier tree of {earlier} leaves; there are {len(leaves)} now")
    return _subproof(leaves, earlier, whole=True)


def is_extension(
    *, earlier: int, earlier_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a tree only grew, known only by two sizes and roots.

    Example:
        >>> leaves = [b"one", b"two", b"three"]
        >>> is_extension(earlier=2, earlier_root=root(leaves[:2]), size=3, root=root(leaves),
        ...              proof=consistency_proof(leaves, 2))
        True

    RFC 9162, section 2.1.4.2.
    """
    if not 1 <= earlier <= size:
        return False
    if earlier == size:
        return not proof and earlier_root == root
    if earlier & (earlier - 1) == 0:  # a whole subtree: its root is not in the proof
        proof = [earlier_root, *proof]
    if not proof:
        return False
    at, last = earlier - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == earlier_root and new == root


def _subproof(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root(leaves)]
    k = _split(len(leaves))
    if earlier <= k:
        return [*_subproof(leaves[:k], earlier, whole=whole), root(leaves[k:])]
    return [*_subproof(leaves[k:], earlier - k, whole=False), root(leaves[:k])]


def _split(n: int) -> int:
    """The largest power of two below n, which is 2 or more."""
    return 1 << (n - 1).bit_length() - 1


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
