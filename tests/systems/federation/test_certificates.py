"""A real handshake accepts the server by its authority, and nobody else's; node keys are P-384."""

import contextlib
import ssl
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_private_key

from medlib.systems.federation.certificates import make_node_key, make_server_certificate


def handshake(folder, *, trusting, name="127.0.0.1"):
    """TLS in memory, no socket."""
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(folder / "server.pem", folder / "server.key")
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    there.load_verify_locations(trusting / "ca.pem")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = there.wrap_bio(down, up, server_hostname=name)
    server = here.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for end in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return client.version()


def test_the_server_is_known_by_its_authority_only(tmp_path):
    ours, others = tmp_path / "ours", tmp_path / "others"
    for folder in (ours, others):
        folder.mkdir()
        make_server_certificate(folder)
    assert handshake(ours, trusting=ours) == "TLSv1.3"
    assert handshake(ours, trusting=ours, name="localhost") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ours, trusting=others)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"10\.0\.0\.1"):
        handshake(ours, trusting=ours, name="10.0.0.1")


def test_private_keys_are_readable_by_their_owner_only(tmp_path):
    make_server_certificate(tmp_path)
    make_node_key(tmp_path / "node")
    for name in ("server.key", "node"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {
        "ca.pem", "server.pem", "server.key", "node"
    }, "the authority's key is not among them"  # fmt: skip


def test_a_nodes_key_is_p_384_in_openssh_and_its_public_half_belongs_to_it(tmp_path):
    path, public = make_node_key(tmp_path / "node")
    key = load_ssh_private_key(path.read_bytes(), None)
    assert isinstance(key.curve, ec.SECP384R1)
    assert load_pem_public_key(public) == key.public_key()
    with pytest.raises(FileExistsError):
        make_node_key(path)
