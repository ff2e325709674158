"""Addresses of schedulers: what cannot be right is said, and what others may read is warned of."""

import pytest

from press.cli.main import main
from press.errors import Exit, UserError
from press.run.address import Tls, read_address


@pytest.fixture
def certificates(tmp_path):
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "url",
    ["gpu1:8786", "http://gpu1:8786", "tcp://gpu1", "tcp://:8786", "tcp://gpu1:x", "tcp://a:99999"],
)
def test_what_is_no_address_is_refused_with_an_example(url):
    with pytest.raises(UserError, match="give one such as tls://host:8786") as error:
        read_address(url)
    assert error.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://10.0.0.7:8786", True),
        ("tcp://gpu1:8786", True),
        ("tcp://127.0.0.1.example.org:8786", True),
    ],
)
def test_a_plain_address_of_another_machine_is_warned_of(url, warned):
    caution = read_address(url).caution
    assert bool(caution) == warned
    assert not warned or f"{url} is not encrypted" in caution


def test_certificates_come_from_a_folder_or_one_by_one(certificates, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "mine.pem"
    other.write_text("")
    files = [certificates / name for name in ("ca.pem", "cert.pem", "key.pem")]
    address = read_address("tls://gpu1:8786", folder=certificates)
    assert address.tls == Tls(*files)
    assert address.caution == ""
    mixed = read_address("tls://gpu1:8786", folder=certificates, key=other)
    assert mixed.tls == Tls(*files[:2], other)


def test_a_missing_certificate_is_named(certificates):
    with pytest.raises(UserError, match=r"needs --tls FOLDER.* or --tls-cert, --tls-key$"):
        read_address("tls://gpu1:8786", ca=certificates / "ca.pem")
    (certificates / "key.pem").unlink()
    with pytest.raises(UserError, match=r"key.pem: there is no such file"):
        read_address("tls://gpu1:8786", folder=certificates)


def test_certificates_for_a_plain_address_are_a_mistake(certificates):
    with pytest.raises(UserError, match="certificates need an address tls://"):
        read_address("tcp://gpu1:8786", folder=certificates)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sweep", "alpha", "--seeds", "1", "--tls", "x"], "belong to --scheduler"),
        (["sweep", "alpha", "--seeds", "1", "--scheduler", "gpu1"], "no address of a Dask"),
        (["check", "alpha", "--scheduler", "tcp://127.0.0.1:1"], "--scheduler has nothing to run"),
    ],
)
def test_the_verbs_tell_it_in_one_line(executed_book, capsys, words, told):
    assert main(["--root", str(executed_book.root), *words]) == Exit.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
