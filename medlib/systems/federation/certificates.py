"""Keys and certificates for a federation on one machine: an authority, a server, its nodes."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

__all__ = ["make_node_key", "make_server_certificate"]

_DAYS = datetime.timedelta(days=1)


def make_server_certificate(folder: Path) -> None:
    """Write `ca.pem`, and `server.pem` and `server.key` signed by it, for 127.0.0.1, for a day.

    The authority's own key is thrown away: nobody can sign a second server.

    Args:
        folder: exists.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    begins = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def certificate(name: str, key, *, is_authority: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("authority of this run"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + _DAYS)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
                critical=False,
            )
        )

    signs = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "crl_sign", "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    root = certificate("authority of this run", authority, is_authority=True).add_extension(
        x509.KeyUsage(**signs, key_cert_sign=True), critical=True
    )
    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    leaf = (
        certificate("server", server, is_authority=False)
        .add_extension(x509.SubjectAlternativeName(here), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    for name, builder in (("ca.pem", root), ("server.pem", leaf)):
        signed = builder.sign(authority, hashes.SHA256())
        (folder / name).write_bytes(signed.public_bytes(Encoding.PEM))
    _write_private(folder / "server.key", server, openssh=False)


def make_node_key(path: Path) -> tuple[Path, bytes]:
    """Write a new P-384 key in OpenSSH's format; return its path and the public half, as PEM.

    Args:
        path: of the private key; readable by its owner only.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP384R1())
    _write_private(path, key, openssh=True)
    public = key.public_key()
    return path, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_private(path: Path, key, *, openssh: bool) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = PrivateFormat.OpenSSH if openssh else PrivateFormat.PKCS8
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
