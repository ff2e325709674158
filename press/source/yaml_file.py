"""YAML as people mean it: ``010`` is ten, ``12:30`` a text, ``no`` a word; a key stands once.

YAML 1.1, which PyYAML reads by default, has octal numbers, numbers in base sixty and yes and no
for truth, and lets the last of two equal keys win in silence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from press.errors import UserError

_FLOAT = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"


class _Values(yaml.SafeLoader):
    """YAML as people mean it: no octals, no base sixty, no yes and no; a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word or a number", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key} stands there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Texts(_Values):
    """The same, with every scalar left the text that it was written as."""


_Values.yaml_implicit_resolvers = {}
_Texts.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Values.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )
_Values.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
_Values.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))


def read_yaml(path: Path, *, texts: bool = False) -> Any:
    """The content of a YAML file.

    Args:
        path: the file.
        texts: leave every scalar the text that it was written as.

    Raises:
        UserError: the file is missing, unreadable or not YAML, or a key stands in it twice; the
            message gives the line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Texts if texts else _Values)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a YAML file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: cannot be read: not text in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise UserError(f"{path}{where}: bad YAML: {problem}") from None
