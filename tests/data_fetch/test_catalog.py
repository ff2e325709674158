import importlib

import pytest

from data_fetch.catalog import catalog, dataset, read_registry
from data_fetch.errors import DataError

CARDS = dataset("retina").card_path.parent


@pytest.mark.parametrize("name", catalog())
def test_every_entry_has_a_card_and_a_function(name):
    entry = dataset(name)
    card = entry.card_path.read_text(encoding="utf-8")
    assert card.startswith("# ")
    assert ("simulated" if entry.source == "simulated" else "real") in card.lower()
    for heading in ("**Licence**", "**Cite**", "**Shows**", "**Does not show**"):
        assert heading in card, heading
    assert entry.doi in card
    assert entry.call.rsplit(".", 1)[1] in card
    module, function = entry.call.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), function))


def test_every_card_belongs_to_an_entry():
    assert {p.name for p in CARDS.glob("*.md")} == {entry.card for entry in catalog().values()}


@pytest.mark.parametrize("name", [n for n, d in catalog().items() if d.source == "network"])
def test_network_cards_print_the_digest_of_the_registry(name):
    entry = dataset(name)
    assert entry.known_hash.split(":")[1] in entry.card_path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "near"), [("pathmint", "pathmnist"), ("Retina", "retina"), ("CT", "head_ct")]
)
def test_unknown_name_is_answered_with_the_nearest(typed, near):
    with pytest.raises(DataError, match=f"nearest is '{near}'"):
        dataset(typed)


GOOD = """
[x]
title = "X"
source = "network"
card = "x.md"
call = "a.b"
urls = ["http://127.0.0.1/x"]
file = "x.bin"
md5 = "00000000000000000000000000000000"
licence = "CC0"
cite = "Nobody"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[x]", "[x", "not a valid registry"),
        ('source = "network"', 'source = "magic"', "source"),
        ('md5 = "00000000000000000000000000000000"', "", "needs sha256 or md5"),
        ('urls = ["http://127.0.0.1/x"]', "", "needs urls and file"),
        ('file = "x.bin"', 'file = "../x.bin"', "file"),
        ('file = "x.bin"', 'fiel = "x.bin"', "fiel"),
        ('licence = "CC0"', "", "licence"),
        ('md5 = "0', 'md5 = "X', "md5"),
    ],
)
def test_incomplete_registry_says_where(tmp_path, old, new, says):
    path = tmp_path / "registry.toml"
    path.write_text(GOOD)
    assert read_registry(path)["x"].known_hash.startswith("md5:")
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(DataError, match=says):
        read_registry(path)
