"""Jupyter Book's own cache serves stale values and is green on errors; the press does neither.

The second half of each assertion documents the peer (Jupyter Book 1.x with jupyter-cache): should
it go red after an upgrade, the peer has improved, and our reason to differ wants a new look.
"""

import pytest

from bench.freshness_vs_jupyter_cache import compare
from press.errors import Exit


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    return compare(tmp_path_factory.mktemp("cache"))


def test_both_sides_show_the_first_value(sides):
    assert [side.before for side in sides] == ["42", "42"]


def test_after_a_library_edit_ours_is_right_and_the_peer_is_stale(sides):
    ours, peer = sides
    assert ours.after == "43"
    assert peer.after == "42"


def test_on_a_raising_notebook_ours_is_red_and_the_peer_is_green(sides):
    ours, peer = sides
    assert ours.exit_on_error == Exit.CHAPTER_FAILED
    assert peer.exit_on_error == 0
