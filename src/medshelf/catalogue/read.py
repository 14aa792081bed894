"""Read records: TOML in, frozen records out, every problem of a folder reported together."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.toml_lines import line_of
from medshelf.errors import CatalogueError
from medshelf.model.dataset import Record

PARTS = {"dataset.toml": None, "access.toml": "access", "layout.toml": "layout", "errata.toml": None}
"""Files of a record, and the attribute of `Record` that each fills (None: the record itself)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in one file of the catalogue."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.message}"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it stands in its files: text and parsed tables, nothing checked yet."""

    folder: Path
    texts: dict[str, str]
    tables: dict[str, dict[str, Any]]

    def problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        """Return a problem at `path`, a path from the top of the assembled record."""
        file, inner = self.locate(path)
        return Problem(self.folder / file, line_of(self.texts.get(file, ""), inner), message)

    def locate(self, path: tuple[str | int, ...]) -> tuple[str, tuple[str | int, ...]]:
        """Return the file in which `path` of the assembled record stands, and the path inside it."""
        head = path[0] if path else None
        for file, attribute in PARTS.items():
            if attribute is not None and head == attribute:
                return file, path[1:]
        return ("errata.toml" if head == "errata" else "dataset.toml"), path


def record_folders(root: Path | None = None) -> list[Path]:
    """Return the folders of all records, sorted by id."""
    return sorted(p for p in ((root or catalogue_root()) / "datasets").iterdir() if p.is_dir())


def read_raw(folder: Path) -> tuple[RawRecord, list[Problem]]:
    """Parse the TOML files of one record."""
    texts: dict[str, str] = {}
    tables: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for file in PARTS:
        place = folder / file
        if not place.is_file():
            continue
        try:
            texts[file] = place.read_text(encoding="utf-8")
            tables[file] = tomllib.loads(texts[file])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(Problem(place, _line_in(str(error)), f"not valid TOML: {error}"))
    if "dataset.toml" not in tables and not problems:
        problems.append(Problem(folder / "dataset.toml", 1, "the file is missing"))
    return RawRecord(folder, texts, tables), problems


def _line_in(message: str) -> int:
    words = message.split("line ")
    return int(words[1].split(",")[0].rstrip(")")) if len(words) > 1 else 1


def assemble(raw: RawRecord, presets: Mapping[str, Any]) -> dict[str, Any]:
    """Join the files of a record into one table and expand presets and variants of its layout."""
    whole: dict[str, Any] = deepcopy(raw.tables.get("dataset.toml", {}))
    if "access.toml" in raw.tables:
        whole["access"] = deepcopy(raw.tables["access.toml"])
    if "errata.toml" in raw.tables:
        whole["errata"] = deepcopy(raw.tables["errata.toml"].get("errata", []))
    if "layout.toml" in raw.tables:
        whole["layout"] = expand_layout(deepcopy(raw.tables["layout.toml"]), presets)
    return whole


def expand_layout(layout: dict[str, Any], presets: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in a layout's preset, and let each variant inherit what it does not state.

    A variant (or a layout with a preset) may say ``drop = ["files.mask", …]`` to leave out what it
    would inherit, and ``with = {name = "text"}`` to fill the ``<name>`` places of a preset.
    """
    variants = layout.pop("variants", {})
    whole = _with_preset(layout, presets)
    if not _are_tables(variants):
        return {**whole, "variants": variants}
    expanded = {}
    for name, variant in variants.items():
        own_preset = "use" in variant
        base = {} if own_preset else deepcopy(whole)
        for key in ("expect", "disputed", "roots"):
            base.pop(key, None)
        dropped = {"drop": variant.pop("drop", [])}
        own = _with_preset(variant, presets) if own_preset else variant
        inherited = {k: deepcopy(v) for k, v in whole.items() if k in ("labels", "regions", "family")}
        left = _drop({**_merge(inherited, base), **dropped})
        expanded[name] = _merge(left, {"title": name, **own})
    if expanded:
        whole["variants"] = expanded
    return whole


def _are_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(inner, dict) for inner in value.values())


def _with_preset(layout: dict[str, Any], presets: Mapping[str, Any]) -> dict[str, Any]:
    values = layout.pop("with", {})
    name = layout.get("use")
    if name is None or name not in presets:
        return _drop(layout)
    return _drop(_merge(_fill(deepcopy(presets[name]), values), layout))


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: _fill(v, values) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, values) for v in value]
    if isinstance(value, str):
        for name, text in values.items():
            value = value.replace(f"<{name}>", text)
    return value


def _merge(base: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `own` laid over it; tables are merged, everything else replaced."""
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict) and key not in _WHOLE:
            base[key] = _merge(base[key], value)
        else:
            base[key] = deepcopy(value)
    return base


_WHOLE = {"map", "only", "key", "columns", "ranges", "splits"}
"""Tables that are replaced as a whole, since half of an inherited one would mean nothing."""


def _drop(layout: dict[str, Any]) -> dict[str, Any]:
    for dotted in layout.pop("drop", []):
        table: Any = layout
        *parents, last = dotted.split(".")
        for parent in parents:
            table = table.get(parent) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table.pop(last, None)
    return layout


def read_presets(root: Path | None = None) -> dict[str, Any]:
    """Return the layout presets of ``vocabulary/preset.toml``."""
    place = (root or catalogue_root()) / "vocabulary" / "preset.toml"
    return tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def build(raw: RawRecord, presets: Mapping[str, Any]) -> tuple[Record | None, list[Problem]]:
    """Assemble and validate one record; None when anything is wrong with its shape."""
    record, problems = validate(raw, assemble(raw, presets))
    problems = [*_unknown_presets(raw, presets), *problems]
    return (None if problems else record), problems


def _unknown_presets(raw: RawRecord, presets: Mapping[str, Any]) -> Iterator[Problem]:
    layout = raw.tables.get("layout.toml", {})
    used = {("layout", "use"): layout.get("use")}
    if _are_tables(layout.get("variants")):
        used |= {("layout", "variants", name, "use"): v.get("use") for name, v in layout["variants"].items()}
    for path, name in used.items():
        if name is not None and name not in presets:
            known = ", ".join(presets)
            yield raw.problem(path, f"{'.'.join(path)}: there is no preset {name!r}. Known: {known}")


def validate(raw: RawRecord, whole: Mapping[str, Any]) -> tuple[Record | None, list[Problem]]:
    """Turn an assembled table into a `Record`, or say everything that is wrong with its shape."""
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(whole), []
    except ValidationError as error:
        return None, [raw.problem(_clean(e["loc"], whole), _worded(e)) for e in error.errors()]


def _clean(loc: tuple[str | int, ...], whole: Any) -> tuple[str | int, ...]:
    """Leave out the parts of pydantic's path that name types, not keys."""
    path: list[str | int] = []
    for part in loc:
        if part in _keys(whole):
            whole = whole[part]
        elif isinstance(part, str) and (part in ("str", "int", "float") or "[" in part):
            continue
        path.append(part)
    return tuple(path)


def _keys(value: Any) -> Collection[Any]:
    """Return the keys of a table, the indices of an array, nothing of anything else."""
    if isinstance(value, Mapping):
        return value.keys()
    return range(len(value)) if isinstance(value, list | tuple) else ()


def _worded(error: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument" or error["type"] == "extra_forbidden":
        return f"{key}: no such key"
    if error["type"] == "missing" or error["type"] == "missing_argument":
        return f"{key}: this is required"
    return f"{key}: {error['msg']} (it says {str(error.get('input'))[:60]!r})"


def read_record(folder: Path, presets: Mapping[str, Any] | None = None) -> Record:
    """Read one record.

    Raises
    ------
    CatalogueError
        With every problem of the folder, each with file and line.
    """
    raw, problems = read_raw(folder)
    record = None
    if not problems:
        record, problems = build(raw, read_presets() if presets is None else presets)
    if record is None:
        raise CatalogueError(
            f"the record has {len(problems)} problem(s)", where=folder, problems=[str(p) for p in problems]
        )
    return record
