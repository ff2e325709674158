"""The masthead of a chapter's page: how the page was made, and how to make it again."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from medlib.experiment.parameters import Parameter, ParameterError
from medlib.experiment.record import Record

FENCE = "`" * 9
NBSP = "\u00a0"


def masthead(
    chapter: str,
    record: Record,
    *,
    parameters: Mapping[str, Parameter],
    minutes: int,
    folder: str,
    recorded: Sequence[str] = (),
) -> str:
    """What stands below a chapter's title: how this page was made, and how to make it again.

    `recorded` tells, in Markdown, what the page shows of runs that a build does not repeat.
    """
    name = chapter.rsplit("/", 1)[-1]
    held = sum(claim.holds for claim in record.claims)
    facts: list[tuple[str, str]] = [
        ("Data", data_badge(data_kinds(record))),
        ("To work through", f"about {minutes} min"),
        ("Claims", f"{held} of {len(record.claims)} hold" if record.claims else "none"),
        ("Profile", _code(record.profile)),
        ("Seed", _code(str(record.seed))),
        ("Commit", commit_html(record)),
        ("Wall time", seconds(record.wall_s)),
        ("CPU time", seconds(record.cpu_s)),
        ("Peak memory", mebibytes(record.peak_memory_mib)),
        ("Device", html.escape(device_text(record))),
    ]
    items = "".join(f"<div><dt>{key}</dt><dd>{value}</dd></div>" for key, value in facts)
    banner = ""
    if record.profile != "book":
        banner = (
            f":::{{warning}}\nThis page shows a run of profile `{record.profile}`, not the book's"
            " own: its numbers are not the book's.\n:::\n\n"
        )
    return "\n".join(
        [
            banner + "::::::{div} medbook-run",
            f'{FENCE}{{raw}} html\n<dl class="medbook-facts">{items}</dl>\n{FENCE}',
            "",
            ":::::{div} medbook-downloads",
            f"{{download}}`Notebook with results (.ipynb) <{folder}/{name}.ipynb>`",
            f"{{download}}`Source (.py) <{folder}/{name}.py>`",
            ":::::",
            "",
            *recorded,
            ":::::{dropdown} Parameters: rerun this chapter with your own",
            parameter_table(parameters, record.parameters),
            "",
            rerun_text(chapter, parameters),
            ":::::",
            "",
            *_data_dropdown(record),
            "::::::",
        ]
    )


def parameter_table(parameters: Mapping[str, Parameter], used: Mapping[str, Any]) -> str:
    """Name, type, default, range and meaning; and the value of this run where it differs."""
    own = any(used.get(p.name, p.default) != p.default for p in parameters.values())
    head = ["Name", "Type", "Default", *(["This run"] if own else []), "Range", "Meaning"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for p in parameters.values():
        row = [f"`{p.name}`", p.type, f"`{_literal(p.default)}`"]
        if own:
            row.append(f"`{_literal(used.get(p.name, p.default))}`")
        words = p.range_text().replace("<=", "≤").replace(">=", "≥").replace("<", "\\<")
        row += [words or "any", p.meaning]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines)


def rerun_text(chapter: str, parameters: Mapping[str, Parameter]) -> str:
    """The two commands that rerun a chapter with one parameter changed."""
    name = chapter.rsplit("/", 1)[-1]
    parameter, value = example_parameter(parameters)
    return "\n".join(
        [
            "Change any of them from a terminal; a name, type or range that is wrong is refused"
            " with the nearest right one.",
            "",
            "```bash",
            f"medbook run {chapter} -p {parameter}={value} -o {name}_mine.ipynb",
            "# the same with papermill alone",
            "medbook weave",
            f"papermill build/notebooks/{chapter}.ipynb {name}_mine.ipynb -p {parameter} {value}",
            "```",
        ]
    )


def example_parameter(parameters: Mapping[str, Parameter]) -> tuple[str, str]:
    """A parameter worth changing, and a value it allows: half or twice its default, else seed 1."""
    for p in parameters.values():
        if p.name in ("seed", "device") or p.type not in ("int", "float") or not p.default:
            continue
        for factor in (0.5, 2):
            value = type(p.default)(p.default * factor)
            try:
                if p.check(value) != p.default:
                    return p.name, f"{value:g}" if isinstance(value, float) else str(value)
            except ParameterError:
                continue
    return "seed", "1"


def _data_dropdown(record: Record) -> list[str]:
    if not record.data:
        return []
    lines = [
        ":::::{dropdown} Data that this run read",
        "| Data set | Kind | Values | Licence | Source |",
        "|---|---|---|---|---|",
    ]
    for use in record.data:
        source = use.cite or ""
        if use.doi:
            source = f"{source} [{use.doi}](https://doi.org/{use.doi})".strip()
        row = [use.name, use.kind, use.unit, use.licence, source]
        lines.append("| " + " | ".join(_cell(text) for text in row) + " |")
    return [*lines, "", "The digests stand in the run's record.", ":::::", ""]


def data_kinds(record: Record) -> list[str]:
    """Which kinds of data the run used or showed: "real", "simulated", both, or none."""
    said = {use.kind for use in record.data}
    for figure in record.figures:
        said.update(figure.data.split(" and "))
    return [kind for kind in ("real", "simulated") if kind in said]


def data_badge(kinds: list[str]) -> str:
    """The badges that tell a reader whether the data are real."""
    if not kinds:
        return "none"
    return " ".join(f'<span class="medbook-badge medbook-{k}">{k}</span>' for k in kinds)


def commit_html(record: Record) -> str:
    """The commit that the code stood at, and whether it had been changed since."""
    if record.git is None:
        return "not under version control"
    changed = " with local changes" if record.git.dirty else ""
    return _code(record.git.sha[:10]) + changed


def device_text(record: Record) -> str:
    """The device that computed, and how many threads it used."""
    if record.device.used == "cpu":
        return f"CPU, {record.threads}{NBSP}thread" + ("s" if record.threads != 1 else "")
    return record.device.name or record.device.used


def seconds(value: float) -> str:
    """A duration as a person says it.

    The space before the unit does not break.

    >>> [seconds(value).replace(NBSP, " ") for value in (7.26, 41.6, 200, 20000)]
    ['7.3 s', '42 s', '3 min 20 s', '5.6 h']
    """
    if value < 10:
        return f"{value:.1f}{NBSP}s"
    if value < 120:
        return f"{value:.0f}{NBSP}s"
    if value >= 7200:
        return f"{value / 3600:.1f}{NBSP}h"
    return f"{int(value) // 60}{NBSP}min {int(value) % 60}{NBSP}s"


def mebibytes(value: float) -> str:
    """An amount of memory as a person says it.

    >>> [mebibytes(value).replace(NBSP, " ") for value in (612.3, 1536)]
    ['612 MiB', '1.5 GiB']
    """
    return f"{value:.0f}{NBSP}MiB" if value < 1024 else f"{value / 1024:.1f}{NBSP}GiB"


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value)
