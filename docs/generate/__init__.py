"""What the documentation takes from the code: whole pages, and parts of pages that are written by hand.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; what is outside is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from generate import catalogue, checks, cli, formats, keys, project, python, vocabulary, words

DOCS = Path(__file__).resolve().parents[1]

PAGES: dict[str, Callable[[], str]] = {
    "reference/catalogue.md": catalogue.page,
    "reference/checks.md": checks.page,
    "reference/cli.md": cli.page,
    "reference/formats.md": formats.page,
    "reference/layout-words.md": words.page,
    "reference/licences.md": vocabulary.licences,
    "reference/python.md": python.page,
    "reference/vocabulary.md": vocabulary.page,
    "changelog.md": project.changelog,
}
"""Pages that are written whole."""

PARTS: dict[str, Callable[[], str]] = {
    "layout-keys": keys.layout,
    "layout-families": keys.families,
    "record-keys": keys.record,
    "record-example": keys.record_example,
    "recipe-keys": keys.recipe,
    "dependencies": project.dependencies,
    "floors": project.floors,
    "evidence-counts": catalogue.evidence_counts,
    "coverage": catalogue.coverage_table,
    "search-figures": catalogue.search_figures,
}
"""Parts of pages."""

_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NOTE = "<!-- Written by docs/build.py from {source}: change it there, and run `python docs/build.py`. -->\n\n"


def generated() -> dict[Path, str]:
    """Return the text of every page that holds anything generated, as it should be."""
    found = {}
    for name, make in PAGES.items():
        found[DOCS / name] = _NOTE.format(source=_source(make)) + make().rstrip() + "\n"
    for path in sorted(DOCS.rglob("*.md")):
        if path not in found and "<!-- generated:" in (text := path.read_text(encoding="utf-8")):
            found[path] = _PART.sub(lambda m: f"{m[1]}\n{PARTS[m[2]]().strip()}\n\n{m[3]}", text)
    return found


def _source(make: Callable[[], str]) -> str:
    module = __import__(make.__module__, fromlist=["SOURCE"])
    source = module.SOURCE
    return source[make.__name__] if isinstance(source, dict) else source


def stale() -> dict[Path, str]:
    """Return the pages that do not say what the code says, with what they should be."""
    return {
        path: text
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
