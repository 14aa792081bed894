"""Which cases of a build are done, which are to do, and doing them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medshelf.catalogue.structure_json import to_plain
from medshelf.cohort.choose import Chosen, Cohort, Excluded, Source
from medshelf.engine import worklist
from medshelf.engine.journal import Journal
from medshelf.errors import FormatError
from medshelf.export.case_writer import Job, write_case
from medshelf.export.nnunet import Target
from medshelf.model.blob import Blob
from medshelf.samples.annotation import Mask
from medshelf.samples.image import Image

FORMAT = "1"
"""Changes when the same recipe would be written otherwise."""


def write_cases(
    cohort: Cohort, target: Target, journal: Journal, jobs: int, progress: Callable[[int, int | None], None] | None
) -> tuple[dict[str, dict[str, Any]], tuple[Excluded, ...], int]:
    """Write the cases that no earlier run has written.

    Returns
    -------
    results : dict
        What `write_case` returned, by id of the case, in the order of the cohort.
    excluded : tuple of Excluded
        Cases that could not be written, and why.
    n_written : int
        Number of cases written now.
    """
    fingerprints = fingerprints_of(cohort, target)
    known = {name: _known(cohort, journal, name, fingerprints, target.root) for name in fingerprints}
    results: dict[str, dict[str, Any]] = {}
    excluded: list[Excluded] = []
    by_id = {one.id: one for one in cohort.chosen}
    for name, result in known.items():
        if result is not None:
            _sort(cohort, by_id[name], result, results, excluded)
    n_todo = sum(result is None for result in known.values())
    todo = (task for task in _tasks(cohort, target) if known[task[0]] is None)  # one by one: a job keeps what it read
    if n_todo:
        target.reopen()
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
            progress(number, n_todo)
    order = {one.id: n for n, one in enumerate(cohort.chosen)}
    excluded.sort(key=lambda e: (e.dataset, e.case))
    return dict(sorted(results.items(), key=lambda item: order[item[0]])), tuple(excluded), n_written


def fingerprints_of(cohort: Cohort, target: Target) -> dict[str, str]:
    """Return a hash of all that each case's files depend on, by id of the case."""
    return {name: fingerprint for name, fingerprint, _ in _tasks(cohort, target)}


def _tasks(cohort: Cohort, target: Target) -> Iterator[tuple[str, str, Job]]:
    rules = hashlib.sha256(
        json.dumps([FORMAT, target.channels, target.labels, target.ignore, target.flat]).encode()
    ).hexdigest()
    for one in cohort.chosen:
        source = cohort.sources[one.source]
        sample = cohort.sample(one)
        images = tuple(sample.images[name] for name in source.channels)
        mask = sample.annotations[source.annotation]
        job = Job(one.id, images, mask, source.mapped.parts, target, _inputs(source, one.case, (*images, mask)))  # type: ignore[arg-type]
        yield one.id, _fingerprint(rules, job, mask), job


def _inputs(source: Source, case: str, parts: Sequence[Image | Mask]) -> tuple[tuple[str, Blob], ...]:
    """Return the files that a case is made from: name below the root of its dataset, and bytes."""
    used = {name for part in parts for name in (part.files if isinstance(part, Mask) else [b.name for b in part.blobs])}
    refs = [ref for refs in source.dataset.case(case).files.values() for ref in refs]
    blobs = {ref.name: source.dataset.tree.blob(ref.name) for ref in refs}
    return tuple(sorted((name, blob) for name, blob in blobs.items() if blob.name in used))


def _fingerprint(rules: str, job: Job, mask: Any) -> str:
    """Return a hash of all that a case's files depend on: rules, label map, and the inputs' names, sizes and times."""
    told = hashlib.sha256(rules.encode())
    meant = [to_plain(x) for x in (job.parts, mask.labels, mask.regions)]
    told.update(json.dumps([meant, mask.kind, mask.missing], sort_keys=True).encode())
    for image in (*job.images, *mask.images.values(), *mask.union):
        told.update(json.dumps([image.reader, image.key, image.axes, list(image.ops)], default=str).encode())
    for name, blob in (*job.inputs, *mask.tables):
        stat = os.stat(blob.path) if blob.path is not None else None
        size = stat.st_size if stat else blob.size_bytes
        told.update(f"{name} {blob.name} {size} {stat.st_mtime_ns if stat else 0}".encode())
    return told.hexdigest()


def _known(
    cohort: Cohort, journal: Journal, name: str, fingerprints: Mapping[str, str], root: Path
) -> dict[str, Any] | None:
    """Return what an earlier run did with a case, when it still holds.

    Its files are there; or it has none because it is the double of a case that stands before it, unchanged.
    """
    done = journal.done(name, fingerprints[name])
    if done is None or not all(_is_whole(root / file, size) for file, size in done.get("sizes", {}).items()):
        return None
    if done.get("double_of") is None:
        return done
    before = list(fingerprints)[: list(fingerprints).index(name)]
    same = done["double_of"] in before and fingerprints[done["double_of"]] == done.get("double_fingerprint")
    return done if same and "duplicates" in cohort.recipe.exclude else None


def _is_whole(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


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
