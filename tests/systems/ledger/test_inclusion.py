"""The published trees and proofs, the verifiers against every wrong proof of small trees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.ledger.inclusion import (
    consistency_proof,
    includes,
    inclusion_proof,
    is_extension,
    leaf_digest,
    root,
)

# of the reference implementations of RFC 6962: github.com/transparency-dev/merkle, testonly/
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 2): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"],
    (1, 2): ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def texts(digests):
    return [digest.hex() for digest in digests]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size):
    assert root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("case", INCLUSION)
def test_published_inclusion_proofs(case):
    index, size = case
    assert texts(inclusion_proof(LEAVES[:size], index)) == INCLUSION[case]


@pytest.mark.parametrize("case", CONSISTENCY)
def test_published_consistency_proofs(case):
    earlier, size = case
    assert texts(consistency_proof(LEAVES[:size], earlier)) == CONSISTENCY[case]


@given(st.integers(1, 40), st.data())
@settings(max_examples=30)
def test_a_proof_of_inclusion_holds_and_no_other(size, data):
    leaves = [bytes([i]) for i in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof, top = inclusion_proof(leaves, index), root(leaves)

    def holds(**change):
        said = {"data": leaves[index], "index": index, "size": size, "proof": proof, "root": top}
        said |= change
        return includes(said.pop("data"), **said)

    assert holds()
    assert len(proof) <= max(size - 1, 1).bit_length()
    assert not any(holds(index=other) for other in range(-1, size + 2) if other != index)
    assert not holds(data=b"other")
    assert not holds(root=leaf_digest(top))
    assert not holds(proof=[*proof, top])
    assert not proof or not holds(proof=proof[:-1])
    for i in range(len(proof)):
        assert not holds(proof=[*proof[:i], leaf_digest(proof[i]), *proof[i + 1 :]])


@given(st.integers(1, 40), st.data())
@settings(max_examples=30)
def test_a_proof_of_growth_holds_and_no_other(size, data):
    leaves = [bytes([i]) for i in range(size)]
    earlier = data.draw(st.integers(1, size))
    proof = consistency_proof(leaves, earlier)

    def holds(**change):
        said = {
            "earlier": earlier, "earlier_root": root(leaves[:earlier]), "size": size,
            "root": root(leaves), "proof": proof,
        } | change  # fmt: skip
        return is_extension(**said)

    assert holds()
    rewritten = [b"other", *leaves[1:earlier]]
    assert not holds(earlier_root=root(rewritten))
    assert not holds(root=root([*leaves[:-1], b"other"]))
    assert not holds(proof=[*proof, root(leaves)])
    assert not proof or not holds(proof=proof[:-1])
    assert not holds(earlier=0)
    assert not holds(earlier=size + 1)


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="leaf 3 of 3"):
        inclusion_proof(LEAVES[:3], 3)
    for earlier in (0, 4):
        with pytest.raises(ValueError, match=f"an earlier tree of {earlier} leaves"):
            consistency_proof(LEAVES[:3], earlier)
