"""Carry out a recipe: choose, check, map, split and write a folder that a trainer accepts.

A run can be stopped at any moment and run again: each case is a task of its own, recorded when its files are
whole. A run on unchanged input writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from medshelf.audit.run import case_findings
from medshelf.cohort.choose import Chosen, Cohort, Excluded, Source, choose
from medshelf.cohort.recipe import Recipe, read_recipe
from medshelf.cohort.split import Member, folds
from medshelf.engine.journal import Journal
from medshelf.errors import AccessError, FormatError, RecipeError
from medshelf.export.nnunet import Target
from medshelf.export.provenance import dataset_facts, write_provenance
from medshelf.export.work import fingerprints_of, write_cases
from medshelf.model.finding import Finding
from medshelf.model.volume import Header


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made."""

    root: Path
    """The folder for the trainer."""
    cases: tuple[str, ...]
    """Ids of the cases in the result."""
    excluded: tuple[Excluded, ...]
    """Cases that were left out."""
    n_written: int
    """Cases written in this run; 0 when there was nothing to do."""
    n_folds: int
    """Number of folds in ``splits_final.json``."""
    notes: tuple[str, ...]
    """What to know before training."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {**asdict(self), "root": str(self.root)}


def build(
    recipe: str | os.PathLike[str] | Recipe,
    *,
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    jobs: int = 1,
    progress: Callable[[int, int | None], None] | None = None,
) -> Built:
    """Carry out a recipe.

    Parameters
    ----------
    recipe : path or Recipe
        What to build; see docs/reference/recipe.md.
    data : path
        Folder below which the datasets lie.
    out : path
        Folder to write into; the result is ``Dataset<number>_<name>`` in it, as nnU-Net wants.
    jobs : int
        Number of processes.
    progress : callable, optional
        Told how many cases have ended, of how many; first while they are audited, then while they are written.

    Raises
    ------
    RecipeError
        The recipe can't be carried out; lists every reason.
    AccessError
        The folder is in use by another run, or holds something else.
    """
    read = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    cohort = choose(read, data)
    target = _target(cohort, Path(out))
    hidden = target.root / ".medshelf"
    _claim(target.root, hidden)
    with Journal(hidden / "journal.jsonl") as journal:
        cohort = _audited(cohort, hidden, jobs, progress) if "audit" in read.exclude else cohort
        results, excluded, n_written = write_cases(cohort, target, journal, jobs, progress)
        kept, doubled = _without_doubles(cohort, results)
        _remember_doubles(cohort, target, journal, doubled, results)
        doubles = [_double(cohort, one, same) for one, same in doubled.items()]
        excluded = (*cohort.excluded, *excluded, *doubles)
        if not kept:
            said = [f"{e.dataset} {e.case}: {e.reason}" for e in excluded]
            raise RecipeError("no case is left", where=read.name, problems=said[:40])
        _clear(target, {f for one in kept for f in results[one.id]["files"]})
        splits = folds([Member(c.id, c.patient, str(c.source)) for c in kept], read.folds, read.seed)
        target.finish([c.id for c in kept], splits, dataset_facts(cohort))
        write_provenance(cohort, target, kept, excluded, results, splits)
    names = tuple(c.id for c in kept)
    return Built(target.root, names, excluded, n_written, len(splits), cohort.notes)


def _target(cohort: Cohort, out: Path) -> Target:
    recipe = cohort.recipe
    lacking = {label for s in cohort.sources for label in s.mapped.lacking}
    root = out / f"Dataset{recipe.number:03d}_{recipe.name}"
    ignore = recipe.not_annotated == "ignore" and bool(lacking)
    header = _first_header(cohort)
    flat = header is not None and header.axes.startswith("y")
    channels = cohort.channels
    if header is not None and flat and len(channels) == 1 and header.shape[2:] == (3,):
        channels = ("R", "G", "B")
    return Target(root, channels, tuple(recipe.labels), ignore, flat)


def _first_header(cohort: Cohort) -> Header | None:
    """Return the header of the first image that can be read; those that can't are left out when their turn comes."""
    for one in cohort.chosen:
        with suppress(FormatError):
            return cohort.sample(one).images[cohort.sources[one.source].channels[0]].header()
    return None


def _claim(root: Path, hidden: Path) -> None:
    """Refuse a folder that holds something that medshelf did not write."""
    try:
        if root.exists() and not hidden.is_dir() and any(root.iterdir()):
            raise AccessError("this folder holds something else", where=root, hint="Choose another --out")
        hidden.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AccessError(
            "the folder can't be made", where=root, why=error.strerror, hint="Choose another --out"
        ) from error


def _audited(
    cohort: Cohort, hidden: Path, jobs: int, progress: Callable[[int, int | None], None] | None
) -> Cohort:
    """Leave out the cases in which an audit finds errors; what it found is kept for the next run."""
    kept: list[Chosen] = []
    excluded: list[Excluded] = []
    for number, source in enumerate(cohort.sources):
        mine = [one for one in cohort.chosen if one.source == number]
        journal = hidden / f"audit-{number}-{source.dataset.id}.jsonl"
        found = case_findings(source.dataset, {one.case for one in mine}, jobs=jobs, journal=journal, progress=progress)
        for one in mine:
            errors = [f for f in found.get(one.case, ()) if f.severity == "error" and _concerns(source, one.case, f)]
            if errors:
                excluded.append(Excluded(source.dataset.id, one.case, _told(errors[0])))
            else:
                kept.append(one)
    return replace(cohort, chosen=tuple(kept), excluded=(*cohort.excluded, *excluded))


def _told(finding: Finding) -> str:
    return f"{finding.check}: {finding.message}" + (f" ({finding.file})" if finding.file else "")


def _concerns(source: Source, case: str, finding: Finding) -> bool:
    """True unless a finding is about a file of another annotation than the recipe takes."""
    own = source.annotation.partition("@")[0]
    files = source.dataset.layout.files
    others = {
        ref.name
        for slot, refs in source.dataset.case(case).files.items()
        if files[slot].role != "image" and slot != own
        for ref in refs
    }
    return finding.file not in others


def _without_doubles(
    cohort: Cohort, results: Mapping[str, dict[str, Any]]
) -> tuple[list[Chosen], dict[Chosen, Chosen]]:
    """Return the cases to keep, and those whose image is, voxel by voxel, that of a case before them."""
    kept: list[Chosen] = []
    doubled: dict[Chosen, Chosen] = {}
    first: dict[str, Chosen] = {}
    for one in cohort.chosen:
        if one.id not in results:
            continue
        same = first.setdefault(str(results[one.id]["same"]), one)
        if same is one or "duplicates" not in cohort.recipe.exclude:
            kept.append(one)
        else:
            doubled[one] = same
    return kept, doubled


def _remember_doubles(
    cohort: Cohort,
    target: Target,
    journal: Journal,
    doubled: Mapping[Chosen, Chosen],
    results: Mapping[str, dict[str, Any]],
) -> None:
    """Note in the journal that the files of a double are not wanted, so that no later run writes them again."""
    if not any("files" in results[one.id] and results[one.id]["files"] for one in doubled):
        return
    fingerprints = fingerprints_of(cohort, target)
    for one, same in doubled.items():
        double = {"double_of": same.id, "double_fingerprint": fingerprints[same.id]}
        noted = {**results[one.id], "files": {}, "sizes": {}, **double}
        journal.record(one.id, fingerprints[one.id], noted)


def _double(cohort: Cohort, one: Chosen, same: Chosen) -> Excluded:
    dataset, other = (cohort.sources[c.source].dataset.id for c in (one, same))
    return Excluded(dataset, one.case, f"the same voxels as {other} {same.case}")


def _clear(target: Target, wanted: set[str]) -> None:
    """Remove what an earlier recipe wrote here and this one doesn't, and what a stopped run left."""
    for left in target.root.glob(".part-*"):
        left.unlink()
    folders = [target.root / name for name in ("imagesTr", "labelsTr")]
    there = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    unwanted = [file for file in there if f"{file.parent.name}/{file.name}" not in wanted]
    if unwanted:
        target.reopen()
    for file in unwanted:
        file.unlink()
