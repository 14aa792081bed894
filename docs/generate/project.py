"""What the documentation takes from the project's own files."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from generate.markdown import code, parse_doc, table

REPO = Path(__file__).resolve().parents[2]
_SOURCE = REPO / "src" / "medshelf"
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
    "pybtex": "reading BibTeX, for citations as text and CSL-JSON",
    "jinja2": "the pages of reports and of the web",
    "urllib3": "connections over HTTP: pools, proxies, certificates",
}

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
    told = metadata(package).json
    if told.get("license_expression"):
        return str(told["license_expression"])
    classified = [c.rpartition(" :: ")[2] for c in told.get("classifier", []) if c.startswith("License ::")]
    if classified:
        return _LICENCE_WORDS.get(classified[0], classified[0])
    return str(told.get("license", "not stated")).splitlines()[0]


def floors() -> str:
    """The floors from the top to the ground, as the contracts of import-linter have them, and what is in each room."""
    contracts = _project()["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    named = [[room.strip().rpartition(".")[2] for room in layer.split("|")] for layer in layers]
    rows = [
        (str(height) if height else "ground", code(room), _purpose(room))
        for height, rooms in zip(range(len(named) - 1, -1, -1), named, strict=True)
        for room in rooms
    ]
    beside = {p.parent.name for p in _SOURCE.glob("*/__init__.py")} - {room for rooms in named for room in rooms}
    rows += [("beside", code(room), _purpose(room)) for room in sorted(beside)]
    return table(("Floor", "Room", "What is in it"), rows)


def _purpose(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    place = _SOURCE / room / "__init__.py"
    tree = ast.parse((place if place.is_file() else _SOURCE / f"{room}.py").read_text(encoding="utf-8"))
    told = ast.get_docstring(tree)
    if not told:
        raise LookupError(f"src/medshelf/{room} does not say what it is for")
    return parse_doc(told).summary


def _project() -> dict[str, Any]:
    return tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
