"""What the documentation takes from the project's own files."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from generate.markdown import code, table

REPO = Path(__file__).resolve().parents[2]
SOURCE = "CHANGELOG.md"

_WHY = {
    "click": "the command line: verbs that are imported only when they are used",
    "rich": "tables and progress bars in a terminal",
    "numpy": "arrays",
    "pydicom": "DICOM: unusual headers, segmentations, writing",
    "pillow": "PNG, JPEG, BMP and GIF",
    "imagecodecs": "decompression: deflate, JPEG, JPEG-LS, JPEG 2000, PNG of 16 bits",
    "tifffile": "TIFF and whole slides",
    "platformdirs": "where the cache folder of a system is",
    "pydantic": "checking records and recipes at the edge, every problem at once",
    "openpyxl": "Excel tables",
    "jinja2": "the pages of reports and of the web",
}

_ROOMS = {
    "cli": "one file a verb",
    "web": "the pages that `serve` shows",
    "export": "writes for a trainer, with lock, report and citations",
    "cohort": "recipes: choose cases, map labels, deal folds",
    "audit": "looks at samples and yields findings",
    "samples": "joins names with bytes: what a user holds; opens, checks, writes twins",
    "layout": "templates, matching, joining, checking, identifying: names only, never opens a file",
    "access": "folders, archives and lists of names as one tree; files that are whole or absent; the cache",
    "formats": "one reader a format: bytes in, array and geometry out",
    "catalogue": "reads, checks and bakes the records; finds; the vocabularies",
    "model": "the nouns, frozen: record, layout, case, volume, geometry, finding",
    "errors": "every error",
    "engine": "works through a list of tasks, with a journal",
}
"""Folders of src/medshelf, and what each is for."""


def changelog() -> str:
    """The changelog, as it stands in the repository."""
    return (REPO / "CHANGELOG.md").read_text(encoding="utf-8")


def dependencies() -> str:
    """Every package that medshelf needs to run: its licence and why it is needed."""
    lines = _project()["project"]["dependencies"]
    names = [re.split(r"[<>=!~\[ ;]", line)[0] for line in lines]
    rows = [(code(name), licence_of(name), _WHY[name.lower()]) for name in names]
    return table(("Package", "Licence", "Why"), rows)


_LICENCE_WORDS = {"BSD License": "BSD-3-Clause", "MIT License": "MIT"}


def licence_of(package: str) -> str:
    """Return the licence that an installed package states: its SPDX expression, else its classifiers or text."""
    told = metadata(package)
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classified = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier", []) if c.startswith("License ::")]
    if classified:
        return _LICENCE_WORDS.get(classified[0], classified[0])
    return str(told.get("License", "not stated")).splitlines()[0]


def floors() -> str:
    """The floors from the top to the ground, as the contracts of import-linter have them, and what is in each room."""
    contracts = _project()["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    named = [[room.strip().rpartition(".")[2] for room in layer.split("|")] for layer in layers]
    rows = [(n or "ground", code(room), _ROOMS[room]) for n, rooms in zip(_counting_down(named), named, strict=True) for room in rooms]
    beside = _folders() - {room for rooms in named for room in rooms}
    return table(("Floor", "Folder", "What is in it"), [*rows, *(("beside", code(n), _ROOMS[n]) for n in sorted(beside))])


def _counting_down(floors: list[list[str]]) -> list[int]:
    return list(range(len(floors) - 1, -1, -1))


def _folders() -> set[str]:
    return {p.parent.name for p in (REPO / "src" / "medshelf").glob("*/__init__.py")}


def _project() -> dict[str, Any]:
    return tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
