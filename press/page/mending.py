"""What the theme's pages keep from readers who use a keyboard or a screen reader, put right.

Sphinx, the theme and MyST-NB write some attributes that say less than the page shows, or the wrong
thing. Each is mended in the finished HTML, by a pattern that changes attributes, or adds a word
that only a screen reader reads: no word that a sighted reader reads is touched. A test asks of each
whether there is still something to mend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    """One fault: what a reader would meet, the text that has it, and the text without it."""

    fault: str
    pattern: re.Pattern[str]
    instead: str


def _mend(fault: str, pattern: str, instead: str) -> Mend:
    return Mend(fault, re.compile(pattern), instead)


MENDS = (
    _mend(
        "the empty corner of a table is a heading without a word",
        r'<th class="head"><p></p></th>',
        '<th class="head"><p><span class="visually-hidden">name</span></p></th>',
    ),
    _mend(
        "the title and the search of the sidebar stand in no landmark, and are skipped",
        r'(<div id="pst-primary-sidebar" class="[^"]*")>',
        r'\1 role="navigation" aria-label="Book">',
    ),
    _mend(
        "the search field is called 'Search', but shows its keys as well",
        r'(<button class="btn search-button-field[^>]*) aria-label="Search"',
        r"\1",
    ),
    _mend(
        "the theme's switch is called 'Color mode', but shows one of three words",
        r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"',
        r"\1",
    ),
    _mend(
        "each fold is called 'Toggle hidden content', but shows what it holds",
        r'<summary aria-label="Toggle hidden content">',
        "<summary>",
    ),
    _mend(
        "the items of a list of citations are no list items (their role was taken out of ARIA)",
        r'(<div class="citation" id="[^"]*") role="doc-biblioentry"',
        r'\1 role="listitem"',
    ),
    _mend(
        "the title of the box of claims looks like a heading and is none",
        r'(<div class="medbook-claims admonition">\s*<p class="admonition-title")',
        r'\1 role="heading" aria-level="3"',
    ),
    _mend(
        "so does the name of each part on the front page",
        r'(<div class="medbook-step docutils">\s*<p)(?=><strong>)',
        r'\1 role="heading" aria-level="3"',
    ),
)


def mended(html: str) -> str:
    """A page of the site with every fault mended.

    >>> mended('<summary aria-label="Toggle hidden content">Show the code</summary>')
    '<summary>Show the code</summary>'
    """
    for mend in MENDS:
        html = mend.pattern.sub(mend.instead, html)
    return html
