"""Carry out a recipe: choose, check, map, split and write a folder that a trainer accepts.

A run can be stopped at any moment and run again: each case is a task of its own, recorded when its files are
whole. A run on unchanged input writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from medshelf.access.atomic import write_atomically
from medshelf.audit.run import case_findings
from medshelf.catalogue.structure_json import to_plain
from medshelf.cohort.choose import Chosen, Cohort, Excluded, Source, choose
from medshelf.cohort.recipe import Recipe, read_recipe
from medshelf.cohort.split import Member, folds
from medshelf.engine import worklist
from medshelf.engine.journal import Journal
from medshelf.errors import AccessError, FormatError, RecipeError
from medshelf.export.case_writer import Job, write_case
from medshelf.export.nnunet import Target
from medshelf.export.report import write_report
from medshelf.model.dataset import UNKNOWN, Record
from medshelf.model.finding import Finding
from medshelf.model.volume import Header

FORMAT = "1"
"""Changes when the same recipe would be written otherwise."""


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
        Told how many cases have ended, of how many.

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
        cohort = _audited(cohort, hidden, jobs) if "audit" in read.exclude else cohort
        results, excluded, n_written = _write(cohort, target, journal, jobs, progress)
        kept, doubled = _without_doubles(cohort, results)
        _remember_doubles(cohort, target, journal, doubled, results)
        doubles = [_double(cohort, one, same) for one, same in doubled.items()]
        excluded = (*cohort.excluded, *excluded, *doubles)
        if not kept:
            said = [f"{e.dataset} {e.case}: {e.reason}" for e in excluded]
            raise RecipeError("no case is left", where=read.name, problems=said[:40])
        _clear(target.root, {f for one in kept for f in results[one.id]["files"]})
        splits = folds([Member(c.id, c.patient, str(c.source)) for c in kept], read.folds, read.seed)
        target.finish([c.id for c in kept], splits, _facts(cohort))
        _provenance(cohort, target, kept, excluded, results, splits)
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


def _audited(cohort: Cohort, hidden: Path, jobs: int) -> Cohort:
    """Leave out the cases in which an audit finds errors; what it found is kept for the next run."""
    kept: list[Chosen] = []
    excluded: list[Excluded] = []
    for number, source in enumerate(cohort.sources):
        mine = [one for one in cohort.chosen if one.source == number]
        journal = hidden / f"audit-{number}-{source.dataset.id}.jsonl"
        found = case_findings(source.dataset, {one.case for one in mine}, jobs=jobs, journal=journal)
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


def _write(
    cohort: Cohort, target: Target, journal: Journal, jobs: int, progress: Callable[[int, int | None], None] | None
) -> tuple[dict[str, dict[str, Any]], tuple[Excluded, ...], int]:
    tasks = list(_tasks(cohort, target))
    fingerprints = {name: fingerprint for name, fingerprint, _ in tasks}
    known = {name: _known(cohort, journal, name, fingerprints, target.root) for name in fingerprints}
    results: dict[str, dict[str, Any]] = {}
    excluded: list[Excluded] = []
    by_id = {one.id: one for one in cohort.chosen}
    for name, result in known.items():
        if result is not None:
            _sort(cohort, by_id[name], result, results, excluded)
    todo = [task for task in tasks if known[task[0]] is None]
    n_written = 0
    for number, outcome in enumerate(worklist.run(todo, write_case, journal=None, jobs=jobs), start=1):
        result = outcome.result
        if outcome.error is not None:
            if "audit" not in cohort.recipe.exclude:
                raise outcome.error
            result = {"excluded": f"can't be read: {outcome.error}"}
        assert result is not None
        if outcome.error is None or isinstance(outcome.error, FormatError):  # others may pass: a disk that was away
            journal.record(outcome.task_id, fingerprints[outcome.task_id], result)
        _sort(cohort, by_id[outcome.task_id], result, results, excluded)
        n_written += "files" in result
        if progress is not None:
            progress(number, len(todo))
    order = {one.id: n for n, one in enumerate(cohort.chosen)}
    excluded.sort(key=lambda e: (e.dataset, e.case))
    return dict(sorted(results.items(), key=lambda item: order[item[0]])), tuple(excluded), n_written


def _tasks(cohort: Cohort, target: Target) -> Iterator[tuple[str, str, Job]]:
    rules = hashlib.sha256(
        json.dumps([FORMAT, target.channels, target.labels, target.ignore, target.flat]).encode()
    ).hexdigest()
    for one in cohort.chosen:
        source = cohort.sources[one.source]
        sample = cohort.sample(one)
        images = tuple(sample.images[name] for name in source.channels)
        mask = sample.annotations[source.annotation]
        job = Job(one.id, images, mask, source.mapped.parts, target)  # type: ignore[arg-type]
        yield one.id, _fingerprint(rules, job, mask), job


def _fingerprint(rules: str, job: Job, mask: Any) -> str:
    """Return a hash of all that a case's files depend on: rules, label map, and the inputs' names, sizes and times."""
    told = hashlib.sha256(rules.encode())
    meant = [to_plain(x) for x in (job.parts, mask.labels, mask.regions)]
    told.update(json.dumps([meant, mask.kind, mask.missing], sort_keys=True).encode())
    for image in (*job.images, *mask.images.values(), *mask.union):
        told.update(json.dumps([image.reader, image.axes, list(image.ops)], default=str).encode())
        for blob in image.blobs:
            stat = os.stat(blob.path) if blob.path is not None else None
            size = stat.st_size if stat else blob.size_bytes
            told.update(f"{blob.name} {size} {stat.st_mtime_ns if stat else 0}".encode())
    return told.hexdigest()


def _known(
    cohort: Cohort, journal: Journal, name: str, fingerprints: Mapping[str, str], root: Path
) -> dict[str, Any] | None:
    """Return what an earlier run did with a case, when it still holds.

    Its files are there; or it has none because it is the double of a case that stands before it, unchanged.
    """
    done = journal.done(name, fingerprints[name])
    if done is None or not all((root / file).is_file() for file in done.get("files", {})):
        return None
    if done.get("double_of") is None:
        return done
    before = list(fingerprints)[: list(fingerprints).index(name)]
    same = done["double_of"] in before and fingerprints[done["double_of"]] == done.get("double_fingerprint")
    return done if same and "duplicates" in cohort.recipe.exclude else None


def _sort(
    cohort: Cohort,
    one: Chosen,
    result: dict[str, Any],
    results: dict[str, dict[str, Any]],
    excluded: list[Excluded],
) -> None:
    if "excluded" in result:
        excluded.append(Excluded(cohort.sources[one.source].dataset.id, one.case, str(result["excluded"])))
    else:
        results[one.id] = result


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
    fingerprints = {name: fingerprint for name, fingerprint, _ in _tasks(cohort, target)}
    for one, same in doubled.items():
        noted = {**results[one.id], "files": {}, "double_of": same.id, "double_fingerprint": fingerprints[same.id]}
        journal.record(one.id, fingerprints[one.id], noted)


def _double(cohort: Cohort, one: Chosen, same: Chosen) -> Excluded:
    dataset, other = (cohort.sources[c.source].dataset.id for c in (one, same))
    return Excluded(dataset, one.case, f"the same voxels as {other} {same.case}")


def _clear(root: Path, wanted: set[str]) -> None:
    """Remove what an earlier recipe wrote here and this one doesn't."""
    for left in root.glob(".part-*"):  # of a run that was stopped while it wrote
        left.unlink()
    for folder in ("imagesTr", "labelsTr"):
        for file in (root / folder).iterdir() if (root / folder).is_dir() else ():
            if f"{folder}/{file.name}" not in wanted:
                file.unlink()


def _facts(cohort: Cohort) -> dict[str, Any]:
    records = [s.dataset.record for s in cohort.sources]
    licences = sorted({licence.id for r in records for licence in r.licences} or {UNKNOWN})
    return {
        "name": cohort.recipe.name,
        "description": f"Built by medshelf from {', '.join(r.id for r in records)}",
        "licence": ", ".join(licences),
        "reference": "see CITATIONS.bib",
    }


def _provenance(
    cohort: Cohort,
    target: Target,
    kept: Sequence[Chosen],
    excluded: Sequence[Excluded],
    results: Mapping[str, dict[str, Any]],
    splits: Sequence[Mapping[str, Sequence[str]]],
) -> None:
    """Write the lock, the citations and the report beside the data."""
    lock = {
        "format": FORMAT,
        "recipe": to_plain(cohort.recipe),
        "sources": [_source_facts(s.dataset.record, s.dataset.variant) for s in cohort.sources],
        "cases": {
            c.id: {
                "dataset": cohort.sources[c.source].dataset.id,
                "case": c.case,
                "patient": c.patient,
                **{k: results[c.id][k] for k in ("files", "voxels", "shape", "spacing_mm", "same")},
            }
            for c in kept
        },
        "excluded": [asdict(e) for e in excluded],
        "notes": list(cohort.notes),
    }
    _write_text(target.root / "medshelf.lock", json.dumps(lock, indent=1, ensure_ascii=False) + "\n")
    bibtex = dict.fromkeys(c.bibtex.strip() for s in cohort.sources for c in s.dataset.record.citations)
    _write_text(target.root / "CITATIONS.bib", "\n\n".join(bibtex) + "\n")
    _write_text(target.root / "report.html", write_report(cohort, target, lock, splits))


def _source_facts(record: Record, variant: str) -> dict[str, Any]:
    text = json.dumps(to_plain(record), sort_keys=True, ensure_ascii=False)
    return {
        "dataset": record.id,
        "variant": variant,
        "record_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "licences": {licence.part: licence.id for licence in record.licences},
    }


def _write_text(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    with write_atomically(path) as stream:
        stream.write(text.encode())
