"""What is sealed cannot be read, opens with its key, and with no other."""

import base64
import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from press.page.sealed import box, open_box, open_sealed, salt_of, seal


@given(st.text(), st.text(min_size=1))
def test_a_seal_opens_with_its_label_alone(text, label):
    sealed = seal(text, salt="0f", label=label)
    assert open_sealed(sealed, salt="0f", label=label) == text
    if len(text) > 8:
        for salt, other in (("0f", label + "x"), ("10", label)):
            with contextlib.suppress(UnicodeDecodeError):
                assert open_sealed(sealed, salt=salt, label=other) != text


def test_a_sealed_text_cannot_be_read():
    text = "The variance goes as one over the dose, so the noise as one over its root." * 3
    sealed = base64.b64decode(seal(text, salt="0f", label="x"))
    assert b"variance" not in sealed
    assert len(set(sealed)) > 100  # no letter stays one letter


def test_a_box_opens_for_its_answer_alone():
    content = {"right": True, "words": "Ω is right"}
    boxes = dict([box("42", content, salt="0f", name="n")])
    assert open_box(boxes, "42", salt="0f", name="n") == content
    for answer, salt, name in (("41", "0f", "n"), ("42", "10", "n"), ("42", "0f", "m")):
        assert open_box(boxes, answer, salt=salt, name=name) is None
    assert "42" not in boxes
    assert "right" not in json.dumps(boxes)


def test_an_unchanged_chapter_makes_an_unchanged_page():
    assert salt_of("pixels/x") == salt_of("pixels/x") != salt_of("pixels/y")
    assert box("1", {}, salt="a", name="n") == box("1", {}, salt="a", name="n")
