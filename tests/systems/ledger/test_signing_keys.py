"""A key file is its owner's alone, or is refused."""

import os

import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from medlib.systems.ledger.signing_keys import (
    key_id,
    new_key,
    read_key,
    read_public_key,
    write_public_key,
)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_a_new_key_is_its_owners_alone(tmp_path, umask):
    before = os.umask(umask)
    try:
        key = new_key(tmp_path / "key.pem")
    finally:
        os.umask(before)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path / "key.pem").private_bytes_raw() == key.private_bytes_raw()
    assert key.private_bytes_raw() != new_key(tmp_path / "other.pem").private_bytes_raw()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666, 0o610])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "key.pem"
    new_key(path)
    path.chmod(mode)
    with pytest.raises(ValueError, match=f"mode {mode:04o}"):
        read_key(path)
    path.chmod(0o400)
    read_key(path)


def test_a_key_is_not_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    new_key(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not overwritten"):
        new_key(path)
    assert path.read_bytes() == before


def test_the_public_half(tmp_path):
    key = new_key(tmp_path / "key.pem").public_key()
    write_public_key(tmp_path / "key.pub", key)
    assert key_id(read_public_key(tmp_path / "key.pub")) == key_id(key)
    assert b"PRIVATE" not in (tmp_path / "key.pub").read_bytes()


def private_text(key, encryption=None):
    return key.private_bytes(
        pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption or pem.NoEncryption()
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"hello", "no unencrypted private key"),
        (private_text(X25519PrivateKey.generate()), "not a key for Ed25519"),
        (
            private_text(Ed25519PrivateKey.generate(), pem.BestAvailableEncryption(b"x")),
            "no unencrypted private key",
        ),
    ],
)
def test_what_is_no_key_is_refused(tmp_path, text, words):
    path = tmp_path / "key.pem"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match=words):
        read_key(path)
    with pytest.raises(ValueError, match="no public key"):
        read_public_key(path)
