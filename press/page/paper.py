"""Style sheets for paper: a page prints in its light colours, whatever the screen shows.

The theme's colours hang on ``html[data-theme="dark"]``, which stays when a reader prints from dark
mode; browsers leave backgrounds out, and pale letters come to stand on white paper. So what a sheet
says of dark is kept to the screen, and what it says of light is said of dark, too, on paper.
"""

from __future__ import annotations

import re

_DARK = re.compile(r"""\[data-theme\s*=\s*["']?dark["']?\]""")
_LIGHT = re.compile(r"""\[data-theme\s*=\s*["']?light["']?\]""")
# a rule without blocks in it, from behind a comment, a brace or an at-rule's end
_RULE = re.compile(r"(?P<selectors>[^{}/;]*\[data-theme[^{}/;]*)\{(?P<body>[^{}]*)\}")


def for_paper(css: str) -> str:
    """The style sheet, its dark colours kept to the screen.

    >>> for_paper('html[data-theme="dark"] a{color:#eee}')
    '@media screen{html[data-theme="dark"] a{color:#eee}}'
    >>> for_paper("html[data-theme=light] a{color:#111}")
    'html[data-theme=light] a{color:#111}@media print{html[data-theme="dark"] a{color:#111}}'
    """
    return _RULE.sub(lambda rule: _parted(rule["selectors"], rule["body"]), css)


def _parted(selectors: str, body: str) -> str:
    """One rule as up to three: for any theme, for dark on the screen, for light and paper."""
    dark, light, rest = [], [], []
    for selector in _split(selectors):
        is_dark, is_light = bool(_DARK.search(selector)), bool(_LIGHT.search(selector))
        (rest if is_dark == is_light else dark if is_dark else light).append(selector)
    said = [f"{','.join(rest + light)}{{{body}}}"] if rest or light else []
    if dark:
        said.append(f"@media screen{{{','.join(dark)}{{{body}}}}}")
    if light:
        also = (_LIGHT.sub('[data-theme="dark"]', selector) for selector in light)
        said.append(f"@media print{{{','.join(also)}{{{body}}}}}")
    return "".join(said)


def _split(selectors: str) -> list[str]:
    """The selectors of a list; a comma within parentheses parts none.

    >>> _split("a:not(.b,:is(c)), d")
    ['a:not(.b,:is(c))', ' d']
    """
    found, depth = [""], 0
    for letter in selectors:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found
