"""What a student typed, turned into what a check can use; or a kind sentence on its form.

Nothing here knows what is right. A missing answer, a text, nan, a flat list, a function that
stops: each becomes a sentence that says what was given and what is wanted, never a traceback.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


OPEN = "type your answer in place of `None` and run the cell again"


class NotYet(Exception):
    """The answer is not right, and these are the words on it; checks may raise it anywhere."""


class Unanswered(NotYet):
    """There is no answer yet."""


class WrongForm(NotYet):
    """The answer cannot be judged: it is not of the form that is asked for."""


def as_number(answer: Any, *, unit: str = "") -> float:
    """`answer` as a finite float.

    >>> as_number("0.3 mm", unit="mm")
    Traceback (most recent call last):
    medlib.experiment.answers.WrongForm: this is a text; give the number alone in mm, without quotes

    Raises:
        Unanswered: it is None or ``...``.
        WrongForm: it is no single finite number.
    """
    must_be_there(answer)
    wanted = f"one number{f' in {unit}' if unit else ''}"
    if isinstance(answer, str):
        inside = f" in {unit}" if unit else ""
        raise WrongForm(f"this is a text; give the number alone{inside}, without quotes")
    if isinstance(answer, bool):
        raise WrongForm(f"{answer} is yes or no; {wanted} is asked for")
    if callable(answer) and not hasattr(answer, "dtype"):
        raise WrongForm(f"this is a function; {wanted} is asked for, so call it")
    size = _size(answer)
    if size is not None and size != 1:
        raise WrongForm(f"these are {size} values; {wanted} is asked for")
    if isinstance(answer, list | tuple | set | dict):
        raise WrongForm(f"the number stands in a {type(answer).__name__}; give {wanted} alone")
    try:
        value = float(answer)
    except (TypeError, ValueError, OverflowError):
        raise WrongForm(f"{_what(answer)} is not a number; give {wanted}") from None
    if math.isnan(value):
        raise WrongForm("this is nan, no number: somewhere nothing was divided by nothing")
    if math.isinf(value):
        raise WrongForm("this is infinite: somewhere a number was divided by zero")
    return value


def as_array(answer: Any, *, shape: Sequence[int | None], means: str = "") -> np.ndarray:
    """`answer` (nested lists, an array, a tensor) as a float array of `shape`.

    Args:
        answer: what the student gave.
        shape: the shape that is wanted; None stands for any length.
        means: what the axes are, such as "tiles, rows, columns".

    Raises:
        Unanswered: it is None or ``...``.
        WrongForm: it is flat where it must be nested, ragged, of another shape, not numbers, or
            holds nan.
    """
    import numpy as np

    must_be_there(answer)
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu()
    wanted = (
        f"({', '.join('any' if n is None else str(n) for n in shape)}{',' * (len(shape) == 1)})"
    )
    wanted = f"an array of shape {wanted}{f' ({means})' if means else ''}"
    if isinstance(answer, str | dict | set) or callable(answer):
        raise WrongForm(f"{_what(answer)} is not an array of numbers; give {wanted}")
    try:
        array = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        ragged = "its rows differ in length, or it holds what is not a number"
        raise WrongForm(f"this cannot become an array: {ragged}; give {wanted}") from None
    if array.ndim == 1 and len(shape) > 1:
        raise WrongForm(f"this is a flat list of {array.size}; give {wanted}, nested")
    fits = array.ndim == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise WrongForm(f"its shape is {array.shape}; give {wanted}")
    if not np.isfinite(array).all():
        raise WrongForm("it holds nan or infinite values")
    return array


def as_function(answer: Any) -> Callable[..., Any]:
    """`answer` as a function.

    Raises:
        Unanswered: it is None or ``...``.
        WrongForm: it cannot be called, so it is no function.
    """
    must_be_there(answer)
    if isinstance(answer, str) or not callable(answer):
        raise WrongForm(f"{_what(answer)} is no function; give the name of yours, without brackets")
    return answer


def attempt(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What the student's function returns.

    Raises:
        Unanswered: it returns None, as the function does in which nothing was written yet.
        WrongForm: it stops; the words tell with which error.
    """
    try:
        returned = as_function(function)(*arguments, **keywords)
    except NotYet:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200] or "no further words"
        raise WrongForm(f"your function stops with {type(error).__name__}: {said}") from None
    if returned is None:
        raise Unanswered("your function returns None: write your lines, and return their result")
    return returned


def must_be_there(answer: Any) -> None:
    """Raise `Unanswered` where there is no answer."""
    if answer is None or answer is ...:
        raise Unanswered(OPEN)


def _size(answer: Any) -> int | None:
    shape = getattr(answer, "shape", None)
    if shape is not None:
        return math.prod(shape)
    return len(answer) if isinstance(answer, list | tuple | set | dict) else None


def _what(answer: Any) -> str:
    if isinstance(answer, str):
        return "a text"
    if callable(answer) and not isinstance(answer, type):
        return "a function"
    name = type(answer).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
