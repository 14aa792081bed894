"""What the documentation takes from the project's own files."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

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

FLOORS = (
    ("cli", "one file a verb"),
    ("export", "writes for a trainer, with lock, report and citations"),
    ("cohort", "recipes: choose cases, map labels, deal folds"),
    ("audit", "looks at samples and yields findings"),
    ("samples", "joins names with bytes: what a user holds; opens, checks, writes twins"),
    ("layout", "templates, matching, joining, checking, identifying: names only, never opens a file"),
    ("access", "folders, archives and lists of names as one tree; files that are whole or absent; the cache"),
    ("formats", "one reader a format: bytes in, array and geometry out"),
    ("catalogue", "reads, checks and bakes the records; finds; the vocabularies"),
    ("engine", "works through a list of tasks, with a journal; knows none of the others"),
    ("model", "the nouns, frozen: record, layout, case, volume, geometry, finding"),
)
"""Folders of src/medshelf from the top floor to the ground, and what each is for."""


def changelog() -> str:
    """The changelog, as it stands in the repository."""
    return (REPO / "CHANGELOG.md").read_text(encoding="utf-8")


def dependencies() -> str:
    """Every package that medshelf needs to run: its licence and why it is needed."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=!~\[ ;]", line)[0] for line in project["dependencies"]]
    rows = [(code(name), licence_of(name), _WHY[name.lower()]) for name in names]
    return table(("Package", "Licence", "Why"), rows)


_LICENCE_WORDS = {"BSD License": "BSD-3-Clause", "MIT License": "MIT", "MIT License\n": "MIT"}


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
    """The folders of the code, and what each module of them is for."""
    source = REPO / "src" / "medshelf"
    there = {p.name for p in source.iterdir() if p.is_dir() and (p / "__init__.py").is_file()}
    missing = there - {name for name, _ in FLOORS}
    if missing:
        raise LookupError(f"docs/generate/project.py does not say what is in {', '.join(sorted(missing))}")
    return table(("Folder", "What is in it"), [(code(n), said) for n, said in FLOORS if n in there])
