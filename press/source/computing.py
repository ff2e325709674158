"""What of a notebook's code, and of a library file's, decides numbers: all of it but the words.

A sentence that is printed, a caption, an alternative text and a comment say what was found; a
tolerance says to what it is held. A change of one of these changes what a chapter's own run
shows, and the chapter is run again. It changes no number, so the tables of other seeds, of
falsifiers and of longer trainings, which took hours, are still what the code would make. Of a
library file only what no run can see is left out: docstrings and comments.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable

SENTENCES = "say"  # run.say(...): all that it is given is words
RESULTS = "result"  # run.result(..., atol=, rtol=)
WORDS = ("alt", "caption")  # of a figure or a table, as keywords or as variables
TOLERANCES = ("atol", "rtol")
_STRUCTURE = (ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.IfExp, ast.Tuple, ast.List)
_LOOPS = (ast.ListComp, ast.GeneratorExp)  # a text for each frame of a slider
_ACTS = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.comprehension)


def computing_digest(sources: Iterable[str]) -> str:
    """The sha256 of code cells without their words, tolerances, comments and line breaks.

    What a sentence calls is kept: a function may draw a random number. Where one cell ends and the
    next begins does not count. A cell that is no Python counts as it stands.

    Args:
        sources: the code cells, in their order.

    >>> one = computing_digest(['x = 1  # one', 'run.say("It is " "{x}.")'])
    >>> one == computing_digest(['x = 1', 'run.say("We found {x}.")  # shown'])
    True
    >>> one == computing_digest(['x = 2', 'run.say("It is {x}.")'])
    False
    """
    code = "\n".join(wordless for source in sources if (wordless := _wordless(source)))
    return hashlib.sha256(code.encode()).hexdigest()


def library_digest(source: str) -> str:
    """The sha256 of a library file without its docstrings, comments and line breaks.

    Messages of errors, names and numbers count. A file that is no Python counts as it stands.

    >>> one = library_digest("def two():  # a comment\\n    'Twice one.'\\n    return 2")
    >>> one == library_digest("def two():\\n    'One and one.'\\n\\n    return 2")
    True
    >>> one == library_digest("def two():\\n    return 3")
    False
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source.encode()).hexdigest()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [*filter(_is_no_text, node.body)] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(ast.fix_missing_locations(tree)).encode()).hexdigest()


def _is_no_text(statement: ast.stmt) -> bool:
    """Whether a statement is other than a text that stands alone: a docstring, a note."""
    return not (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _wordless(source: str) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source.strip()
    return ast.unparse(ast.fix_missing_locations(_Wordless().visit(tree)))


class _Wordless(ast.NodeTransformer):
    """Puts in the place of words what they call, and nothing in the place of tolerances."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == SENTENCES:
            said = [*node.args, *(k.value for k in node.keywords)]
            node.args, node.keywords = [_called_by(*said)], []
        given = [k for k in node.keywords if name != RESULTS or k.arg not in TOLERANCES]
        node.keywords = [
            ast.keyword(k.arg, _called_by(k.value)) if k.arg in WORDS else k for k in given
        ]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        (first, *others) = node.targets
        named = isinstance(first, ast.Name) and first.id in WORDS and not others
        if named and _is_text(node.value):
            node.value = _called_by(node.value)
        return node


def _is_text(node: ast.expr) -> bool:
    """Whether this is a text, a list or a sum of texts, or a choice between them."""
    if isinstance(node, ast.ListComp):
        return _is_text(node.elt)
    if isinstance(node, ast.List):
        return bool(node.elts) and all(_is_text(each) for each in node.elts)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) and _is_text(node.orelse)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _called_by(*words: ast.expr) -> ast.expr:
    """The parts of texts that do something, as a tuple: empty for words and plain names."""
    return ast.Tuple([part for each in words for part in _acting(each)], ast.Load())


def _acting(node: ast.expr) -> Iterable[ast.expr]:
    if not any(isinstance(part, _ACTS) for part in ast.walk(node)):
        return
    if isinstance(node, _LOOPS):
        parts = [node.elt, *(part for loop in node.generators for part in (loop.iter, *loop.ifs))]
    elif isinstance(node, _STRUCTURE):
        parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    elif _joins(node):
        parts = node.args
    else:
        yield node
        return
    for part in parts:
        yield from _acting(part)


def _joins(node: ast.expr) -> bool:
    """Whether this is ``"...".join(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "join"
        and _is_text(node.func.value)
        and not node.keywords
    )
