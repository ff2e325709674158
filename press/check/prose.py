"""What can be said against a chapter's prose: typed numbers, missing sections.

A number that looks like a result but is not (a quoted finding of somebody else, a definition) is
let through by a reason in the same paragraph: ``<!-- number: threshold of the guideline -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from press.source.cells import source_of


def lint_prose(cells: Sequence[Mapping]) -> Iterator[str]:
    """What is wrong with the Markdown cells, one message each."""
    yield from _lint_numbers(cells)
    yield from _lint_sections(cells)


_ESCAPE = re.compile(r"<!--\s*number\s*:\s*\S.*?-->", re.S)
_ESCAPE_FIRST = re.compile(r"^\s*<!--\s*number\s*:.*$", re.M)
_OPAQUE_DIRECTIVES = {
    "code",
    "code-block",
    "code-cell",
    "math",
    "mermaid",
    "bibliography",
    "toctree",
}
_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*(\{([\w:-]+)\})?")
_BLANKED = (
    re.compile(r"\$\$.*?\$\$", re.S),
    re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.S),
    re.compile(r"\\\[.*?\\\]|\\\(.*?\\\)", re.S),
    re.compile(r"(?<![\\$])\$(?!\s)[^$\n]*(?:\n[^$\n]+)*?(?<!\s)\$(?!\d)"),
    re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.S),
    re.compile(r"<!--.*?-->", re.S),
    re.compile(r"<[^<>\n]*>"),
    re.compile(r"\]\([^)\s]*\)"),
    re.compile(r"https?://\S+"),
    re.compile(r"\b10\.\d{4,9}/\S+"),
    re.compile(r"\b(?:9\d|[589]0)\s?%\s+(?=(?:[\w-]+\s+)?(?:intervals?|limits?)\b)", re.I),
    re.compile(
        r"\b(?:sections?|sect\.|§|chapter|fig\.|figure|table|eq\.|equation|exercise|version|part|"
        r"python|torch|pytorch|numpy|monai|v)\s?\d+(?:\.\d+)*",
        re.I,
    ),
)
_NUMBER = r"[-+−]?(?:\d+(?:[.,]\d+)*|\.\d+)"
_METRIC = (
    r"AUC|AUROC|AUPRC|PSNR|SSIM|RMSE|MAE|MSE|Dice|IoU|F1|accuracy|sensitivity|specificity|recall|precision|"
    r"correlation|ECE|kappa|C-index"
)
_RESULT_LIKE = re.compile(
    rf"(?<![\w.])(?:"
    rf"(?P<percent>{_NUMBER}\s?(?:%|percent\b|per cent\b))"
    rf"|(?P<metric>\b(?:{_METRIC})\b\s*(?:of|is|was|=|:|≈|at|about)?\s*{_NUMBER}(?![\w-]))"
    rf"|(?P<decibel>{_NUMBER}\s?dB\b)"
    rf"|(?P<factor>{_NUMBER}(?:\s?-?fold\b|\s?(?:×|x|times)\s+(?:faster|slower|smaller|larger|more|less|better|"
    rf"worse|higher|lower|fewer)\b))"
    rf"|(?P<decimal>[-+−]?(?:\d+)?\.\d+(?:[eE][-+]?\d+)?(?![\w]*\.?\d))"
    rf")"
)


def typed_numbers(markdown: str) -> list[str]:
    """The result-like numbers that stand typed in a Markdown text.

    Percentages, decimals, decibels, "AUC 0.93", "3-fold". Not: integers with other units, years,
    formulas, code spans, addresses, DOIs, section numbers, "95 % interval", nor a paragraph that
    holds ``<!-- number: reason -->``.

    >>> typed_numbers("The network gains 3.2 dB, and AUC rises to 0.93 in 40 % of cases.")
    ['3.2 dB', '0.93', '40 %']
    >>> typed_numbers("In 2006, at $x = 0.5$ and `dose=0.25`: see section 2.3, 95 % interval.")
    []
    >>> typed_numbers("The threshold is 7.5 %. <!-- number: quoted from the guideline -->")
    []
    """
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", _prose(markdown)):
        if _ESCAPE.search(paragraph):
            continue
        for pattern in _BLANKED:
            paragraph = pattern.sub(" ", paragraph)
        found += [match.group(0).strip() for match in _RESULT_LIKE.finditer(paragraph)]
    return found


def _prose(markdown: str) -> str:
    """Markdown without code fences and directive heads; prose inside directives stays."""
    kept: list[str] = []
    fences: list[tuple[str, bool]] = []  # (marker, opaque)
    for line in markdown.splitlines():
        fence = _FENCE.match(line)
        if fence:
            marker, directive = fence.group(1), fence.group(3)
            bare = line.strip() == marker
            if (
                bare
                and fences
                and marker[0] == fences[-1][0][0]
                and len(marker) >= len(fences[-1][0])
            ):
                fences.pop()
            elif not (fences and fences[-1][1]):
                fences.append((marker, directive is None or directive in _OPAQUE_DIRECTIVES))
            kept.append("")
            continue
        if (fences and fences[-1][1]) or (fences and re.match(r"^\s*:[\w-]+:", line)):
            kept.append("")
            continue
        kept.append(line)
    return "\n".join(kept)


def _lint_numbers(cells: Sequence[Mapping]) -> Iterator[str]:
    for index, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "markdown":
            continue
        for number in typed_numbers(source_of(cell)):
            yield (
                f"cell {index}: the number {number!r} is typed into prose; print it with"
                " run.say(...) so that it cannot drift, or give a reason in the paragraph:"
                " <!-- number: reason -->"
            )
        for reason in _ESCAPE_FIRST.findall(_prose(source_of(cell))):
            yield (
                f"cell {index}: {reason.strip()[:40]!r} begins a line, where Markdown takes it for"
                " a block of HTML and breaks the paragraph: put it behind a word of the line"
            )


_SECTIONS = (
    (
        "objectives",
        re.compile(r"\bobjectives?\b", re.I),
        'no objectives: say near the top what the reader "will be able to"',
    ),
    (
        "prerequisites",
        re.compile(r"\bprerequisites?\b", re.I),
        "no prerequisites: name what the reader must know first",
    ),
    (
        "what breaks it",
        re.compile(r"^#{1,6}\s+what breaks it\b", re.I | re.M),
        'no section "What breaks it"',
    ),
    (
        "further reading",
        re.compile(r"^#{1,6}\s+further reading\b", re.I | re.M),
        'no section "Further reading"',
    ),
)
_DOI = re.compile(r"\b10\.\d{4,9}/\S+|\{cite[\w:]*\}`")


def _lint_sections(cells: Sequence[Mapping]) -> Iterator[str]:
    text = "\n\n".join(source_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    if not re.match(r"\s*(\([\w-]+\)=\s*)?#\s+\S", text):
        yield "the chapter must begin with its title, a heading of the first level"
    if re.search(r"\*\*Minutes\b", text):
        yield "minutes are typed; the press computes them from what there is to read: drop them"
    for _, pattern, message in _SECTIONS:
        if not pattern.search(text):
            yield message
    reading = re.split(r"^#{1,6}\s+further reading\b", text, flags=re.I | re.M)
    if len(reading) > 1 and not _DOI.search(reading[-1]):
        yield "further reading names no DOI: cite at least one source by {cite}`key` or its DOI"
