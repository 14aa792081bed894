"""What the names and the record tell before any file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medshelf.model.dataset import Erratum
from medshelf.model.finding import Finding
from medshelf.samples.dataset import Dataset

_SHOWN = 50
_NOTE = {
    "warn": "Look at these cases before using them",
    "exclude": "A build leaves them out",
    "fix": "Known to the record, which tells readers how to take it",
}


def shadowed_files(opened: Dataset) -> Iterator[Finding]:
    """Report ``x.nii`` beside ``x.nii.gz``: SimpleITK reads the first when asked for the second."""
    there = set(opened.tree.names)
    for name in opened.tree.names:
        if name.endswith(".nii.gz") and name.removesuffix(".gz") in there:
            yield Finding(
                "file.shadowed", "warning", "an uncompressed file of the same name lies beside this one", file=name,
                evidence={"other": name.removesuffix(".gz")},
                proposal="Remove one: ITK and SimpleITK open the uncompressed one whichever is asked for",
            )  # fmt: skip


def known_defects(opened: Dataset) -> Iterator[Finding]:
    """Report the errata of the record that touch what is here."""
    for erratum in opened.record.errata:
        if erratum.status == "fixed":
            continue
        cases, files = _touched(erratum, opened)
        if not cases and not files and (erratum.cases or erratum.files):
            continue
        known = f"{erratum.n_cases} cases, not listed: " if erratum.n_cases and not cases and not files else ""
        yield Finding(
            "known.defect", "info", f"{erratum.id}: {known}{erratum.what}",
            case=cases[0] if len(cases) == 1 else None, file=files[0] if len(files) == 1 else None,
            evidence={
                "erratum": erratum.id, "cases": cases[:_SHOWN], "files": files[:_SHOWN],
                "n": len(cases) or len(files) or erratum.n_cases, "effect": erratum.effect,
                "action": erratum.action, "status": erratum.status,
            },
            proposal=_NOTE[erratum.action],
        )  # fmt: skip


def _touched(erratum: Erratum, opened: Dataset) -> tuple[Sequence[str], Sequence[str]]:
    wanted = set(erratum.cases)
    cases = [case.id for case in opened.cases if case.id in wanted]
    files = [name for name in opened.tree.names if erratum.touches_file(name)] if erratum.files else []
    return cases, files
