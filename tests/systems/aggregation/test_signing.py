"""The standard's vector, and signatures that fit nowhere else."""

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from medlib.systems.aggregation.signing import identity, identity_of, sign, verify

# RFC 8032, 7.1, test 2
PRIVATE = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_the_vector_of_the_standard():
    me = identity_of(bytes.fromhex(PRIVATE))
    assert me.public.hex() == PUBLIC
    assert sign(me, b"\x72").hex() == SIGNATURE
    verify(me.public, bytes.fromhex(SIGNATURE), b"\x72", who="the standard")


def test_another_library_signs_the_same(seeded):
    me = identity(draw=seeded)
    key = ECC.construct(curve="ed25519", seed=me.private)
    assert eddsa.new(key, "rfc8032").sign(b"words") == sign(me, b"words")


def test_what_does_not_fit_is_refused_by_name(seeded):
    me, other = identity(draw=seeded), identity(draw=seeded)
    good = sign(me, b"words")
    for public, signature, message in [
        (other.public, good, b"words"),
        (me.public, good, b"word"),
        (me.public, good[:-1] + bytes([good[-1] ^ 1]), b"words"),
        (me.public, b"", b"words"),
    ]:
        with pytest.raises(ValueError, match="signature of client 3 does not fit"):
            verify(public, signature, message, who="client 3")


def test_keys_are_32_bytes_and_not_shown():
    with pytest.raises(ValueError, match="31 bytes; Ed25519 takes 32"):
        identity_of(bytes(31))
    assert "private" not in repr(identity_of(bytes.fromhex(PRIVATE)))
