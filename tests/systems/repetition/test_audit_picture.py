"""The picture of an audit: every box and line is there, and too many are refused."""

import matplotlib.pyplot as plt
import pytest

from medlib.systems.repetition.audit_picture import Box, audit_picture


def links(boxes):
    """The line styles of the links between boxes."""
    figure = audit_picture(boxes, says=[], signed=False)
    drawn = [text.arrow_patch.get_linestyle() for text in figure.axes[0].texts
             if getattr(text, "arrow_patch", None) is not None]  # fmt: skip
    plt.close(figure)
    return drawn


def test_a_chain_in_doubt_is_whole_and_a_break_is_none():
    doubtful = [Box("a", "in doubt"), Box("b", "in doubt"), Box("c", "cut off")]
    assert links(doubtful) == ["-", ":"]
    assert links([Box("a", "behind a break")] * 2) == [":"]


def test_every_box_and_line_is_drawn():
    states = ("agrees", "changed", "behind a break", "cut off", "agrees", "no longer so")
    boxes = [Box(f"entry{i}", state) for i, state in enumerate(states)]
    figure = audit_picture(boxes, says=["first line", "second line"], signed=False)
    texts = [text.get_text() for text in figure.axes[0].texts]
    for i in range(6):
        assert any(f"{i} entry{i}" in text for text in texts)
    assert "first line" in texts
    assert any("does not fit" in text for text in texts)
    assert [text for text in texts if text in states] == list(states)
    assert texts.count("✗") == texts.count("≠") == 1
    plt.close(figure)


@pytest.mark.parametrize(("boxes", "lines"), [(0, 1), (16, 1), (1, 6)])
def test_what_does_not_fit_is_refused(boxes, lines):
    with pytest.raises(ValueError, match="boxes"):
        audit_picture([Box("a", "agrees")] * boxes, says=["a"] * lines, signed=True)
