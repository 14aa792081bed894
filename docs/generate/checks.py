"""The page that names every check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import medshelf
from generate.markdown import code, table
from medshelf.audit.checks import catalogue_of_checks

SOURCE = "the checks in src/medshelf"

NAMES = {
    "layout.nothing-matched": "no name fits the layout: another folder, another release or another dataset",
    "layout.missing": "a case lacks a file that it should have, a header its data file, or the release a table",
    "layout.incomplete": "a case lacks some files of a set of which it should have all",
    "layout.orphan": "an annotation that belongs to no image that is here, or a data file without its header",
    "layout.duplicate": "a case has several files where one is expected",
    "layout.ambiguous": "a name fits two kinds of file",
    "layout.repeated-id": "two cases would have the same id: the record needs another field",
    "layout.gap": "the numbers of a DICOM series leave out a few files",
    "layout.extra": "a file that the layout does not know",
    "layout.count": "more or fewer cases or files than the whole release has",
    "table.unreadable": "a table can't be read",
    "table.column": "a table lacks a column by which its rows are joined",
    "table.row-without-file": "rows of a table belong to no file that is here",
    "table.file-without-row": "cases have no row in a table",
    "access.unreadable": "something in the folder or archive can't be read, or has a name that could lead out of it",
    "case.unreadable": "a case can't be read at all",
}
"""Checks that look at names and tables, and what each says."""


_TOLD = {
    "table.row-without-file": "info or warning",
    "table.file-without-row": "info or warning",
    "file.unsupported": "info or warning",
    "label.empty": "info or warning",
}
"""Severities that the code works out; those that it writes down are read from it."""


def page() -> str:
    """Every check, with its severity and what it says."""
    audits = catalogue_of_checks()
    return "\n".join([
        "# Checks",
        "",
        "A finding names the check that made it. Names are `subject.what`, and stable: programs may rely on them.",
        "",
        "`error` would make a wrong sample or none; `warning`: look at it; `info`: worth knowing. Errors and warnings",
        "make a command end with exit code 1.",
        "",
        "## Names and tables",
        "",
        "What [`medshelf check`](cli.md#check) says. It reads names and tables, and nothing else.",
        "",
        _table(NAMES),
        "## Files",
        "",
        "What [`medshelf audit`](cli.md#audit) says on top of that. It reads every image and mask.",
        "",
        *(f"### {subject}\n\n{_table(dict(group))}" for subject, group in _by_subject(audits)),
    ])  # fmt: skip


def _by_subject(found: dict[str, str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    ordered = sorted(found.items(), key=lambda item: list(found).index(item[0]))
    subjects = list(dict.fromkeys(name.partition(".")[0] for name in found))
    ordered.sort(key=lambda item: subjects.index(item[0].partition(".")[0]))
    for subject, group in groupby(ordered, key=lambda item: item[0].partition(".")[0]):
        yield subject, list(group)


def _table(found: dict[str, str]) -> str:
    levels = severities()
    rows = [(code(name), _severity(name, levels), said) for name, said in found.items()]
    return table(("Check", "Severity", "Says"), rows)


def _severity(name: str, levels: dict[str, set[str]]) -> str:
    if name in _TOLD:
        return _TOLD[name]
    told = levels.get(name, set()) or ({"error"} if name.startswith("file.") else set())
    if not told:
        raise LookupError(f"docs/generate/checks.py does not know how severe {name} is")
    return " or ".join(sorted(told))


def severities() -> dict[str, set[str]]:
    """Return which severities the code gives to each check that it names in so many words."""
    found: dict[str, set[str]] = {}
    for path in sorted(Path(medshelf.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and _is_finding(n)):
            name, severity = (_constants(argument) for argument in call.args[:2])
            for one in name:
                found.setdefault(one, set()).update(severity & {"error", "warning", "info"})
    return found


def _is_finding(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Finding" and len(call.args) > 1


def _constants(node: ast.expr) -> set[str]:
    if isinstance(node, ast.JoinedStr):
        return set()
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
