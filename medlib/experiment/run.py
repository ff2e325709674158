"""A run: one execution of a chapter, from its parameters to its record."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from medlib.experiment import environment, figures, streams
from medlib.experiment.arithmetic import arithmetic
from medlib.experiment.estimate import Estimate
from medlib.experiment.parameters import (
    Parameter,
    ParameterError,
    check_parameters,
    nearest,
    parse_parameters,
)
from medlib.experiment.record import (
    Claim,
    DataUse,
    Figure,
    Record,
    Result,
    Table,
)

if TYPE_CHECKING:
    import numpy as np
    import torch

    from medlib.experiment.exercise_sheet import Desk


class Provenance(Protocol):
    """What `Run.uses` wants to know of a data set (data_fetch's Sample has it all)."""

    name: str
    kind: str
    sha256: str


Sample = TypeVar("Sample", bound=Provenance)
DATA_KINDS = ("real", "simulated", "real and simulated", "none")


def start(chapter: str, namespace: Mapping[str, Any]) -> Run:
    """Start a chapter's run: check its parameters, derive its random streams, open its record.

    Args:
        chapter: the chapter's name, ``part/name``.
        namespace: ``locals()`` of the notebook, right below the parameters cell.

    Raises:
        ParameterError: a parameter is unknown, of the wrong type, or out of range.
        RuntimeError: the parameters cell cannot be found.
    """
    cells = [cell for cell in namespace.get("In", []) if isinstance(cell, str)]
    declared, injected = _read_cells(cells)
    if not declared and (file := namespace.get("__file__")):
        declared = _declarations_in(Path(file).read_text(encoding="utf-8"))
    if not declared:
        raise RuntimeError(
            f"{chapter}: no parameters cell was executed before start; it must come first and"
            " hold lines such as `seed: int = 0  # master seed`"
        )
    unknown = {name: None for name in injected if name not in declared}
    given = {name: namespace[name] for name in declared if name in namespace}
    values = check_parameters(declared, {**given, **unknown}, chapter=chapter)
    return Run(chapter, values)


def _read_cells(cells: Sequence[str]) -> tuple[dict[str, Parameter], list[str]]:
    """The declared parameters, and the names that papermill injected, from the executed cells."""
    declared: dict[str, Parameter] = {}
    injected: list[str] = []
    for cell in cells:
        if cell.lstrip().startswith("# Parameters\n"):
            injected += [
                target.id
                for statement in ast.parse(cell).body
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name)
            ]
        elif found := _declarations_in(cell, whole=True):
            declared = found
    return declared, injected


def _declarations_in(source: str, *, whole: bool = False) -> dict[str, Parameter]:
    """The first run of annotated assignments in `source` that declares a seed; else nothing."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a cell with IPython magic is no parameters cell
        return {}
    block: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.AnnAssign):
            block.append(statement)
        elif block or whole:
            break
    names = [s.target.id for s in block if isinstance(s, ast.AnnAssign) and _is_name(s)]
    if "seed" not in names or (whole and len(block) != len(body)):
        return {}
    lines = source.splitlines()[block[0].lineno - 1 : block[-1].end_lineno]
    return parse_parameters("\n".join(lines))


def _is_name(statement: ast.AnnAssign) -> bool:
    return isinstance(statement.target, ast.Name)


def own_folder(chapter: str, parameters: Mapping[str, Any]) -> Path:
    """Where a run that the press did not start leaves its record: one folder a set of parameters.

    >>> own_folder("pixels/dose", {"seed": 1}) == own_folder("pixels/dose", {"seed": 2})
    False
    """
    key = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:12]
    return Path("medbook-runs") / chapter / key


class Run:
    """One execution of a chapter. Made by `start`; a chapter calls it `run`.

    Executed by the press (MEDBOOK_STRICT=1) each random stream may be taken once, because two
    takers would draw the same numbers; in a live notebook cells may be run again freely.
    """

    def __init__(self, chapter: str, parameters: dict[str, Any]) -> None:
        self.chapter = chapter
        self.parameters = parameters
        self.profile = os.environ.get("MEDBOOK_PROFILE", "custom")
        self.folder = Path(os.environ.get("MEDBOOK_RUN_DIR") or own_folder(chapter, parameters))
        self._strict = os.environ.get("MEDBOOK_STRICT") == "1"
        self._started = datetime.now(UTC)
        self._commit = environment.commit(environment.project_root())  # not one made meanwhile
        self._files = environment.tracked_files(environment.project_root())
        self._clock = time.perf_counter()
        self._device: torch.device | None = None
        self._streams: list[str] = []
        self._results: dict[str, Result] = {}
        self._claims: dict[str, Claim] = {}
        self._figures: dict[str, Figure] = {}
        self._tables: dict[str, Table] = {}
        self._sentences: list[str] = []
        self._data: dict[str, DataUse] = {}
        self._desk: Desk | None = None
        figures.apply_style()
        if "torch" in sys.modules:
            self._prepare_torch()
        elif parameters.get("device") == "cuda":
            self.device  # noqa: B018  (say at once, not in minutes, that there is no GPU)

    def require(self, holds: bool, *names: str, right: str) -> None:
        """Refuse parameters that are each in range and do not go together.

        It stands right below `start`, before the chapter draws, reads or computes anything.

        Args:
            holds: whether they go together.
            names: the parameters, two or more; what one may be alone, its range says.
            right: what would be right, in a clause such as "few must be at most many".

        Raises:
            ParameterError: they do not; the message gives the value of each.
            ValueError: a name is no parameter, or there are fewer than two.
            RuntimeError: the run has drawn, read or recorded something before.
        """
        unknown = [name for name in names if name not in self.parameters]
        if unknown or len(names) < 2:
            raise ValueError(
                f"require({', '.join(names)}): name two parameters or more"
                + (f"; there is no {', '.join(unknown)}" if unknown else "")
            )
        if self._strict and (self._streams or self._data or self._results):
            raise RuntimeError(
                f"require({', '.join(names)}): parameters are refused before anything is drawn,"
                " read or recorded; move it up, right below experiment.start"
            )
        if not holds:
            given = ", ".join(f"{name} = {self.parameters[name]!r}" for name in names)
            raise ParameterError(f"{given}: {right} [{self.chapter}]")

    # -- what the chapter draws from -----------------------------------------------------------

    @property
    def seed(self) -> int:
        """The master seed."""
        return self.parameters["seed"]

    @property
    def device(self) -> torch.device:
        """The device that the parameter `device` names."""
        return self._prepare_torch()

    def _prepare_torch(self) -> torch.device:
        if self._device is None:
            self._device = environment.resolve_device(self.parameters.get("device", "cpu"))
            environment.make_torch_deterministic()
        return self._device

    def rng(self, name: str) -> np.random.Generator:
        """The NumPy generator of the random stream `name`, independent of every other.

        Raises:
            ValueError: the stream was taken before in an executed run.
        """
        self._take_stream(name)
        return streams.generator(self.seed, name)

    def torch_generator(self, name: str) -> torch.Generator:
        """The torch generator (on the CPU) of the random stream `name`.

        Raises:
            ValueError: the stream was taken before in an executed run.
        """
        self._take_stream(name)
        self._prepare_torch()
        return streams.torch_generator(self.seed, name)

    def _take_stream(self, name: str) -> None:
        if name in self._streams and self._strict:
            raise ValueError(
                f"random stream {name!r} was taken before and would repeat its numbers;"
                " keep the generator, or take a stream of another name"
            )
        if name not in self._streams:
            self._streams.append(name)

    def uses(self, sample: Sample) -> Sample:
        """Record the provenance of a data set, and hand it back unchanged.

        Raises:
            ValueError: it names a folder, but not the files that were read there: nobody could
                tell later that one of them has changed.
        """
        path = getattr(sample, "path", None)
        members = dict(getattr(sample, "members", ()))  # of a folder, such as a series of slices
        if path is not None:
            path = Path(path).absolute()  # the run's own folder means nothing to a later reader
        if path is not None and path.is_dir() and not members:
            raise ValueError(
                f"data {sample.name} come from the folder {path} but do not say which files were"
                " read: give `members`, pairs of a file's name and its sha256"
            )
        whole = path is not None and path.is_file()
        use = DataUse(
            name=sample.name,
            kind=sample.kind,
            sha256=sample.sha256,
            unit=getattr(sample, "unit", "") or "",
            path=None if path is None else str(path),
            file_sha256=environment.sha256_of_file(path) if whole else None,
            members=members,
            members_glob=getattr(sample, "members_glob", "") or "",
            licence=getattr(sample, "licence", "") or "",
            cite=getattr(sample, "cite", "") or "",
            doi=getattr(sample, "doi", "") or "",
        )
        self.note_data(use)
        return sample

    def note_data(self, use: DataUse) -> None:
        """Put a data set into the record; `uses` and `experiment.recorded` do.

        What one generator draws anew is numbered: "name", "name (2)", ...

        Raises:
            ValueError: another data set, not drawn but read, has its name.
        """
        name, number = use.name, 1
        while self._strict and name in self._data and self._data[name].sha256 != use.sha256:
            if use.kind != "simulated" or use.path is not None:
                raise ValueError(f"two different data sets are called {name!r}; rename one")
            number += 1
            name = f"{use.name} ({number})"
        self._data[name] = use.model_copy(update={"name": name})

    # -- what the chapter finds ----------------------------------------------------------------

    def result(
        self,
        name: str,
        value: float | Estimate,
        *,
        unit: str | None = None,
        interval: tuple[float, float] | None = None,
        level: float | None = None,
        n: int | None = None,
        atol: float = 0.0,
        rtol: float = 1e-6,
    ) -> Result:
        """Record a measured number.

        Args:
            name: snake_case, unique in the run.
            value: a finite number (NumPy's and torch's scalars will do), or an `Estimate`, which
                brings unit, interval, level and n with it.
            unit: the unit as printed, such as "dB"; empty for a pure number.
            interval: lower and upper bound at `level` (0.95), around the value.
            n: the number of observations behind it.
            atol: absolute tolerance for another run of the same parameters on another machine.
            rtol: relative tolerance, added to `atol`.

        Raises:
            ValueError: the value is not finite, the interval does not hold it, the name is
                taken, or something that an estimate brings is given a second time.
        """
        if isinstance(value, Estimate):
            twice = {"unit": unit, "interval": interval, "level": level, "n": n}
            twice = [word for word, given in twice.items() if given is not None]
            if twice:
                raise ValueError(
                    f"result {name}: {' and '.join(twice)} given twice; an estimate brings its"
                    " own: write run.result(name, estimate, atol=...)"
                )
            unit, interval, level, n = value.unit, value.interval, value.level, value.n
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(f"result {name}: {value} is not a finite number")
        low = high = None
        if interval is not None:
            low, high = (float(bound) for bound in interval)
            if not low <= value <= high:
                raise ValueError(f"result {name}: {value:g} lies outside [{low:g}, {high:g}]")
        self._must_be_new("result", name, self._results)
        self._results[name] = Result(
            name=name,
            value=value,
            unit=unit or "",
            low=low,
            high=high,
            level=0.95 if level is None else level,
            n=None if n is None else int(n),
            atol=atol,
            rtol=rtol,
        )
        return self._results[name]

    def claim(
        self,
        text: str,
        holds: bool,
        *,
        margin: float,
        unit: str = "",
        control: bool = False,
        falsified_by: str = "",
    ) -> Claim:
        """Record a conclusion, and by how much it held.

        Args:
            text: the conclusion; it names no number that another seed would change.
            holds: whether it held in this run.
            margin: the distance to the point where it would no longer hold; >= 0 when it holds.
            unit: the margin's unit.
            control: a negative control: the conclusion is that an effect is absent.
            falsified_by: what must make it fail: a parameter set of the chapter's profiles, or a
                companion (``_name``) that makes the same claim with a defect planted;
                `medbook check --falsify` runs it.

        Raises:
            ValueError: the sign of the margin contradicts `holds`, or the claim was made before.
        """
        holds, margin = bool(holds), float(margin)
        if math.isnan(margin):
            raise ValueError(f"claim {text!r}: its margin is not a number")
        if holds != (margin >= 0) and margin != 0:
            raise ValueError(
                f"claim {text!r}: holds is {holds} but the margin is {margin:g};"
                " a margin is >= 0 exactly when the claim holds"
            )
        self._must_be_new("claim", text, self._claims)
        self._claims[text] = Claim(
            text=text,
            holds=holds,
            margin=margin,
            unit=unit,
            control=control,
            falsified_by=falsified_by,
        )
        return self._claims[text]

    def _must_be_new(self, what: str, name: str, known: Mapping[str, Any]) -> None:
        if name in known and self._strict:
            raise ValueError(f"{what} {name!r} is recorded twice in one run")

    # -- what the chapter shows ----------------------------------------------------------------

    def say(self, template: str, **values: Any) -> None:
        """Print a sentence with measured numbers in it, as Markdown.

        Fields are looked up in `values`, then among the results, then among the parameters:
        ``{psnr:.1f}``, ``{psnr.low:.1f}``; ``{psnr:ci}`` prints value, unit and interval, with as
        many digits as the interval supports, ``{psnr:.1ci}`` with one decimal.

        Raises:
            KeyError: a field is none of those; the nearest name is given.
            ValueError: a field has no such format, or ``ci`` is asked of a result without interval.
        """
        text = template.format_map(_Lookup(values, self._results, self.parameters))
        self._sentences.append(text)
        self._show({"text/markdown": text, "text/plain": text}, kind="say")

    def table(self, rows: Sequence[Mapping[str, Any]], *, name: str, caption: str = "") -> None:
        """Print rows as a Markdown table; numbers must be formatted by the caller or be short.

        Raises:
            ValueError: there are no rows, or they differ in their columns.
        """
        rows = [dict(row) for row in rows]
        if not rows:
            raise ValueError(f"table {name}: no rows")
        columns = list(rows[0])
        if any(list(row) != columns for row in rows):
            raise ValueError(f"table {name}: every row needs the columns {columns}")
        self._must_be_new("table", name, self._tables)
        plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
        self._tables[name] = Table(name=name, caption=caption, rows=plain)
        numeric = {c: all(isinstance(row[c], int | float) for row in plain) for c in columns}
        lines = [
            "| " + " | ".join(columns) + " |",
            "|" + "|".join("---:" if numeric[c] else "---" for c in columns) + "|",
            *("| " + " | ".join(_cell(row[c]) for c in columns) + " |" for row in plain),
        ]
        text = "\n".join(lines) + (f"\n\n*{caption}*" if caption else "")
        self._show({"text/markdown": text, "text/plain": text}, kind="table", name=name)

    def figure(self, figure: Any, *, name: str, alt: str, caption: str, data: str) -> None:
        """Show a figure, with what a reader who cannot see it needs, and close it.

        Args:
            figure: a matplotlib figure, or an array as `figures.to_png` takes it.
            name: snake_case, unique in the run.
            alt: what the figure shows, in a sentence or two.
            caption: the finding, with n.
            data: "real", "simulated", "real and simulated", or "none" for a diagram.

        Raises:
            ValueError: alt text or caption is missing, or `data` is none of the four.
        """
        self._check_figure(name, [alt], caption, data)
        png = figures.to_png(figure)
        self._keep_figure(name, "static", [png], [f"{name}.png"], [alt], caption, data)
        bundle = {
            "image/png": png,
            "text/html": figures.as_html(png, alt=alt, caption=caption),
            "text/plain": f"[{alt}]",
        }
        self._show(bundle, kind="figure", name=name, alt=alt, caption=caption, data=data)

    def frames(
        self,
        pictures: Sequence[Any],
        *,
        name: str,
        label: str,
        values: Sequence[Any],
        alt: str | Sequence[str],
        caption: str,
        data: str,
        start: int = 0,
    ) -> None:
        """Show a slider over pictures computed in advance; it works with no kernel behind it.

        Args:
            pictures: figures or arrays, all of one size.
            label: what the slider changes, with its unit.
            values: the slider's positions, one for each picture, as shown to the reader.
            alt: one text for each picture, or one text to which the slider's position is added.
            caption: the finding, with n.
            data: as for `figure`.
            start: the index of the picture shown first.

        Raises:
            ValueError: lengths differ, fewer than two pictures, or what `figure` raises.
        """
        count = len(pictures)
        alts = [f"{alt} {label}: {v}." for v in values] if isinstance(alt, str) else list(alt)
        if count < 2 or len(values) != count or len(alts) != count or not 0 <= start < count:
            raise ValueError(
                f"frames {name}: {count} pictures, {len(values)} values, {len(alts)} alt texts,"
                f" start {start}; two pictures or more, and one value and alt text for each"
            )
        self._check_figure(name, alts if not isinstance(alt, str) else [alt], caption, data)
        pngs = figures.to_pngs(pictures, first=start)
        files = [f"{name}-{index:02d}.png" for index in range(count)]
        self._keep_figure(name, "interactive", pngs, files, alts, caption, data)
        widget = figures.slider(
            pngs, alts=alts, values=[str(v) for v in values], label=label, start=start
        )
        self._show_widget(
            widget, kind="frames", name=name, alt=alts[start], caption=caption, data=data
        )

    def _check_figure(self, name: str, alts: Sequence[str], caption: str, data: str) -> None:
        if any(len(alt.strip()) < 15 for alt in alts):
            raise ValueError(
                f"figure {name}: alt text is missing or says nothing; write a sentence for a"
                " reader who cannot see the figure"
            )
        if len(caption.strip()) < 15:
            raise ValueError(f"figure {name}: the caption must state the finding")
        if data not in DATA_KINDS:
            raise ValueError(f"figure {name}: data = {data!r}; must be one of {DATA_KINDS}")
        if data != "none" and not all(word in caption.lower() for word in data.split(" and ")):
            raise ValueError(f"figure {name}: its data are {data}; the caption must say so")
        self._must_be_new("figure", name, self._figures)

    def _keep_figure(
        self,
        name: str,
        kind: str,
        pngs: list[bytes],
        files: list[str],
        alts: list[str],
        caption: str,
        data: str,
    ) -> None:
        for png, file in zip(pngs, files, strict=True):
            figures.save(png, self.folder / "figures" / file)
        self._figures[name] = Figure(
            name=name,
            kind=kind,
            pixels_sha256=[figures.pixels_sha256(png) for png in pngs],
            files=[f"figures/{file}" for file in files],
            alt=alts,
            caption=caption,
            data=data,
        )

    # -- what the reader is asked --------------------------------------------------------------

    def check(self, name: str, answer: Any, *, given: Mapping[str, Any] | None = None) -> None:
        """Say whether the answer to an exercise is right, or what kind of wrong it is.

        Args:
            name: the exercise's label.
            answer: a number, a letter, a function, an array; None is kindly refused.
            given: the notebook's objects that the check of a piece of code needs, by name.

        Raises:
            SheetError: executed by the press, and there is no such exercise.
        """
        self._say_of_exercise(name, self._exercises().check(name, answer, given))

    def hint(self, name: str) -> None:
        """Print the next hint on an exercise."""
        self._say_of_exercise(name, self._exercises().hint(name))

    def solution(self, name: str) -> None:
        """Print the solution of an exercise."""
        self._say_of_exercise(name, self._exercises().solution(name))

    def _exercises(self) -> Desk:
        from medlib.experiment.exercise_sheet import Desk
        from medlib.experiment.exercises import Known

        def known() -> Known:
            return Known(self.parameters, {r.name: r.value for r in self._results.values()})

        if self._desk is None:
            self._desk = Desk(self.chapter, known, strict=self._strict)
        return self._desk

    def _say_of_exercise(self, name: str, text: str) -> None:
        self._show({"text/markdown": text, "text/plain": text}, kind="exercise", name=name)

    # -- the end -------------------------------------------------------------------------------

    def finish(self) -> None:
        """Print the claims, and write the run's record."""
        root = environment.project_root()
        if "torch" in sys.modules and self._device is None:
            raise RuntimeError(
                f"{self.chapter} uses torch but asked neither run.device nor run.torch_generator:"
                " its device and determinism were never set"
            )
        requested = self.parameters.get("device", "cpu")
        if self._device is None:
            device = environment.Device(
                requested=requested, used="cpu", name=environment.processor()
            )
        else:
            device = environment.describe_device(requested, self._device)
        record = Record(
            chapter=self.chapter,
            profile=self.profile,
            seed=self.seed,
            parameters=self.parameters,
            results=list(self._results.values()),
            claims=list(self._claims.values()),
            figures=list(self._figures.values()),
            tables=list(self._tables.values()),
            sentences=self._sentences,
            data=list(self._data.values()),
            streams=self._streams,
            modules=environment.imported_files(root, before=self._files),
            constraints_sha256=environment.constraints_digest(root),
            packages=environment.imported_packages(),
            python=".".join(str(part) for part in sys.version_info[:3]),
            platform=sys.platform,
            processor=environment.processor(),
            git=self._commit,
            device=device,
            arithmetic=arithmetic(),
            threads=int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
            started=self._started,
            wall_s=round(time.perf_counter() - self._clock, 3),
            cpu_s=round(environment.cpu_seconds(), 3),
            peak_memory_mib=round(environment.peak_memory_mib(), 1),
        )
        record.write(self.folder / "record.json")
        text = claims_markdown(record.claims)
        self._show({"text/markdown": text, "text/plain": text}, kind="claims")

    def _show(self, bundle: dict[str, Any], **about: Any) -> None:
        if not _in_ipython():
            print(bundle["text/plain"])
            return
        from IPython.display import display

        display(bundle, metadata={"medbook": about}, raw=True)

    def _show_widget(self, widget: Any, **about: Any) -> None:
        if not _in_ipython():
            print(f"[{about['alt']}]")
            return
        from IPython.display import display

        bundle = widget._repr_mimebundle_()
        display(bundle, metadata={"medbook": about}, raw=True)


def claims_markdown(claims: Sequence[Claim]) -> str:
    """The claims as a Markdown table: what held, and by how much."""
    if not claims:
        return "This run makes no claim."
    lines = ["| | Claim | Margin |", "|---|---|---:|"]
    for claim in claims:
        mark = "✓" if claim.holds else "✗"
        kind = " *(negative control)*" if claim.control else ""
        margin = f"{claim.margin:+.3g} {claim.unit}".strip()
        lines.append(f"| {mark} | {claim.text}{kind} | {margin} |")
    return "\n".join(lines)


class _Lookup(dict):
    """Template fields: the sentence's own values, then results, then parameters."""

    def __missing__(self, key: str) -> Any:
        near = nearest(key, self)
        hint = f"did you mean {near!r}?" if near else f"there are {sorted(self)}"
        raise KeyError(f"run.say knows no {key!r}; {hint}")

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        super().__init__()
        for layer in reversed(layers):
            self.update(layer)


def _plain(value: Any) -> Any:
    if isinstance(value, Result | Estimate):
        return f"{value}"
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    return value


def _cell(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _in_ipython() -> bool:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and get_ipython() is not None


__all__ = ["ParameterError", "Run", "claims_markdown", "start"]
