"""What a person gives on the command line: parameters, a grid of them, and seeds, all checked.

Whatever is wrong is said before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medlib.experiment.parameters import (
    Parameter,
    ParameterError,
    check_parameters,
    coerce,
)
from press.errors import UserError
from press.source.project import Chapter, Project, read_yaml

MOST_SEEDS = 10_000
PATHS = ("_file", "_folder")  # endings of the names of parameters that name a person's own data


def declared_parameters(project: Project, chapter: Chapter) -> dict[str, Parameter]:
    """The parameters that a chapter declares.

    Raises:
        UserError: its parameters cell is missing or wrong.
    """
    return chapter.declared


def read_parameters(
    project: Project, chapter: Chapter, given: Sequence[str], file: Path | None = None
) -> dict[str, Any]:
    """What the command line and the YAML file say, as typed values.

    Raises:
        UserError: NAME=VALUE is malformed, the name is unknown, the value is of the wrong type, or
            the file is not a YAML mapping.
    """
    values: dict[str, Any] = {}
    if not given and file is None:
        return values
    declared = declared_parameters(project, chapter)
    try:
        for name, text in _texts_in(file).items() if file is not None else ():
            _must_be_declared(declared, name, chapter=chapter)
            values[name] = _typed(declared[name], text)
        for item in given:
            name, equals, text = item.partition("=")
            if not equals:
                raise UserError(f"-p {item}: expected NAME=VALUE, such as -p seed=3")
            _must_be_declared(declared, name, chapter=chapter)
            values[name] = _typed(declared[name], text)
    except ParameterError as error:
        raise UserError(str(error)) from None
    return values


def _texts_in(file: Path) -> dict[str, str]:
    """What a YAML file gives each parameter, as the text that ``-p`` would have been given.

    Both ways have one grammar, so that ``010`` and ``1e5`` mean the same in either.
    """
    content = read_yaml(file, texts=True)
    if not isinstance(content, dict):
        raise UserError(f"{file}: expected `name: value` lines, found {_kind(content)}")
    texts = {}
    for name, value in content.items():
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise UserError(f"{file}: {name} must be one value, or a list of values in one line")
        texts[str(name)] = f"[{','.join(items)}]" if isinstance(value, list) else value
    return texts


def _typed(parameter: Parameter, text: str) -> Any:
    """The value that a text gives a parameter; a path is resolved from where the person stands."""
    value = coerce(parameter, text)
    if value and parameter.type == "str" and parameter.name.endswith(PATHS):
        path = Path(value).expanduser()
        if not path.exists():
            what = "folder" if parameter.name.endswith(PATHS[1]) else "file"
            raise ParameterError(f"{parameter.name} = {value}: there is no such {what}")
        return str(path.resolve())
    return value


def read_grid(
    declared: Mapping[str, Parameter], items: Sequence[str], *, chapter: Chapter
) -> dict[str, list[Any]]:
    """The values to try of each parameter, from texts ``NAME=V1,V2,...``.

    The values of a parameter that is itself a list stand in brackets: ``sizes=[1,2],[3]``.

    Raises:
        UserError: a text is malformed or names a parameter twice, the name is unknown, a value is
            missing, repeated, of the wrong type or out of range.
    """
    grid: dict[str, list[Any]] = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"-g {item}: expected NAME=V1,V2,..., such as -g seed=1,2,3")
        try:
            _must_be_declared(declared, name, chapter=chapter)
            if name in grid:
                raise UserError(f"-g {name} is given twice: put all its values into one -g")
            values = [_typed(declared[name], part) for part in _split(text, declared[name])]
        except ParameterError as error:
            raise UserError(f"-g {item}: {error}") from None
        for place, value in enumerate(values):
            if value in values[:place]:
                raise UserError(f"-g {item}: {value!r} stands there twice")
        grid[name] = values
    return grid


def _split(text: str, parameter: Parameter) -> list[str]:
    """The values in `text`, as texts."""
    if not parameter.is_list:
        parts = [part.strip() for part in text.split(",")]
        if "" in parts and not (parameter.type == "str" and len(parts) > 1):
            raise ParameterError("a value is missing")
        return parts
    parts = re.findall(r"\[[^\[\]]*\]", text)
    if not parts or ",".join(parts) != re.sub(r"\s*,\s*(?=\[)", ",", text.strip()):
        raise ParameterError(
            f"{parameter.name} is a {parameter.type}: write each of its values in brackets,"
            f" such as {parameter.name}=[1,2],[3]"
        )
    return parts


def read_seeds(text: str) -> list[int]:
    """The seeds that a text such as ``1-5`` or ``1-3,7`` names, in its order.

    >>> read_seeds("1-3,7")
    [1, 2, 3, 7]

    Raises:
        UserError: it is none such, a range runs backwards, a seed is named twice, or there are more
            than anyone means.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", part)
        if match is None:
            raise UserError(f"--seeds {text}: expected seeds such as 1-5 or 1,2,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UserError(f"--seeds {text}: {first}-{last} runs backwards; {last}-{first}?")
        if last - first + len(seeds) >= MOST_SEEDS:
            raise UserError(f"--seeds {text}: at most {MOST_SEEDS:,} seeds")
        seeds += range(first, last + 1)
    for place, seed in enumerate(seeds):
        if seed in seeds[:place]:
            raise UserError(f"--seeds {text}: seed {seed} stands there twice")
    return seeds


def _must_be_declared(declared: Mapping[str, Parameter], name: str, *, chapter: Chapter) -> None:
    if name not in declared:
        check_parameters(declared, {name: None}, chapter=chapter.id)


def _kind(content: Any) -> str:
    return "nothing" if content is None else f"a {type(content).__name__}"
