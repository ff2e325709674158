"""Which cells a page folds, with the chapter on the reader's path and off it."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.page.code_switch import fold_code, switch_markdown

TAGS = ([], ["key"], ["parameters"], ["hide-input"], ["remove-cell"], ["self-check"], ["solution"])


def notebook(**metadata):
    cells = [new_code_cell(f"x = {i}", metadata={"tags": tags}) for i, tags in enumerate(TAGS)]
    return new_notebook(cells=[new_markdown_cell("Words."), *cells], metadata=metadata)


def folded(book):
    return [cell.metadata.get("tags", []) for cell in fold_code(book).cells[1:]]


def test_on_the_path_all_is_folded_but_key_cells_and_exercises():
    book = notebook(medbook={"reader_path": True})
    assert folded(book) == [
        ["hide-input"],
        ["key"],
        ["parameters", "hide-input"],
        ["hide-input"],
        ["remove-cell"],
        ["self-check"],
        ["solution"],
    ]
    assert [cell.metadata["tags"] for cell in book.cells[1:]] == list(TAGS)  # a copy was folded


def test_off_the_path_what_was_open_stays_open_and_counts_as_key():
    assert folded(notebook())[:4] == [
        ["key"],
        ["key"],
        ["parameters", "hide-input"],
        ["hide-input"],
    ]


def test_the_switch_is_three_radio_buttons_of_one_name():
    text = switch_markdown()
    assert text.count('type="radio" name="medbook-code"') == 3
    assert text.count(" checked") == 1
    assert "<legend>Code</legend>" in text
