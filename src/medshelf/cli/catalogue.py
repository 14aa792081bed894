"""``python -m medshelf.cli.catalogue``: check every record, and count what the shelf holds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from medshelf.catalogue.check import check_folder
from medshelf.catalogue.entries import entries
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.read import Problem, RawRecord, read_presets, read_raw, record_folders
from medshelf.catalogue.statistics import coverage
from medshelf.errors import MedshelfError
from medshelf.layout.check import check_names
from medshelf.layout.lint import complaints
from medshelf.layout.twin import names_of, plan
from medshelf.layout.variants import layouts_of
from medshelf.model.dataset import Record
from medshelf.model.finding import is_problem


def main(arguments: Sequence[str]) -> int:
    """Check the records with these ids, or all; print every problem with its file and line, then counts."""
    root = catalogue_root()
    presets = read_presets(root)
    folders = [root / "datasets" / name for name in arguments] or record_folders(root)
    records: list[Record] = []
    problems: list[Problem] = []
    for folder in folders:
        record, found = check_folder(folder, presets)
        problems += found
        if record is not None:
            records.append(record)
            problems += _check_layouts(record, read_raw(folder)[0])
            problems += _check_listings(record, folder)
    for problem in problems:
        click.echo(problem)
    for line in [*_counts(records), *_coverage(records)]:
        click.echo(line)
    click.echo(f"{len(folders)} records, {len(problems)} problems")
    return 1 if problems else 0


def _check_layouts(record: Record, raw: RawRecord) -> Iterator[Problem]:
    """Check that every layout is well formed and that its twin's names check clean."""
    if record.layout is None:
        return
    for name, layout in layouts_of(record).items():
        where = ("layout", "variants", name) if name else ("layout",)
        wrong = list(complaints(layout))
        yield from (raw.problem((*where, *path), message) for path, message in wrong)
        if wrong:
            continue
        try:
            planned = plan(layout, 2)
        except MedshelfError as error:
            yield raw.problem(where, f"no twin can be planned: {error}")
            continue
        for finding in check_names(record, names_of(layout, planned), variant=name).findings:
            if is_problem(finding) and finding.check != "layout.count":
                yield raw.problem(where, f"its own twin: {finding.check} {finding.file or ''} {finding.message}")


def _check_listings(record: Record, folder: Path) -> Iterator[Problem]:
    """Check every listing of real names beside the record: something must match, and little be extra."""
    if record.layout is None:
        return
    for listing in sorted(folder.glob("listing*.txt")):
        lines = listing.read_text(encoding="utf-8").splitlines()
        names = [line for line in lines if line and not line.startswith("#")]
        report = check_names(record, names)
        extra = [f for f in report.findings if f.check == "layout.extra"]
        if not report.slots or len(extra) > 0.02 * len(names):
            yield Problem(listing, 1, f"the layout explains {len(names) - len(extra)} of {len(names)} names")


def _counts(records: Sequence[Record]) -> Iterator[str]:
    with_layout = [r for r in records if r.layout is not None]
    families = Counter(r.layout.family for r in with_layout if r.layout)
    evidence = Counter(r.layout.evidence for r in with_layout if r.layout)
    yield f"layouts: {len(with_layout)}, variants: {sum(len(r.layout.variants) for r in with_layout if r.layout)}"
    yield "by family: " + ", ".join(f"{name} {n}" for name, n in families.most_common())
    yield "by evidence: " + ", ".join(f"{name} {n}" for name, n in evidence.most_common())


def _coverage(records: Sequence[Record]) -> Iterator[str]:
    """Yield what share of the datasets that the lists name states each fact."""
    listed = [record for record in records if record.kind == "dataset" and record.entries]
    kinds = Counter(record.kind for record in records)
    yield "records: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    reached = {number for record in records for number in record.entries}
    yield f"entries of the lists: {len(reached)} of {len(entries())} reached"
    disagreements = {one.id for record in records for one in record.disagreements}
    yield f"contradictions with an outcome: {len(disagreements)}"
    for name, (n, of) in coverage(listed).items():
        yield f"known {name}: {n} of {of}, {n / of:.1%}" if of else f"known {name}: none of none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
