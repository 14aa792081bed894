"""What stands beside the data of a build: the lock, the citations, the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from medshelf.access.atomic import write_if_changed
from medshelf.catalogue.structure_json import to_plain
from medshelf.cohort.choose import Chosen, Cohort, Excluded
from medshelf.export.case_writer import sha256_of
from medshelf.export.nnunet import Target
from medshelf.export.report import write_report
from medshelf.export.work import FORMAT
from medshelf.model.dataset import UNKNOWN
from medshelf.samples.dataset import Dataset


def dataset_facts(cohort: Cohort) -> dict[str, Any]:
    """Return what ``dataset.json`` says of where the data come from."""
    records = [s.dataset.record for s in cohort.sources]
    licences = sorted({licence.id for r in records for licence in r.licences} or {UNKNOWN})
    return {
        "name": cohort.recipe.name,
        "description": f"Built by medshelf from {', '.join(r.id for r in records)}",
        "licence": ", ".join(licences),
        "reference": "see CITATIONS.bib",
    }


def write_provenance(
    cohort: Cohort,
    target: Target,
    kept: Sequence[Chosen],
    excluded: Sequence[Excluded],
    results: Mapping[str, dict[str, Any]],
    splits: Sequence[Mapping[str, Sequence[str]]],
) -> None:
    """Write the lock, the citations and the report beside the data."""
    lock = {
        "medshelf": version("medshelf"),
        "format": FORMAT,
        "recipe": to_plain(cohort.recipe),
        "sources": [_source_facts(s.dataset) for s in cohort.sources],
        "cases": {
            c.id: {
                "dataset": cohort.sources[c.source].dataset.id,
                "case": c.case,
                "patient": c.patient,
                **{k: results[c.id][k] for k in ("inputs", "files", "voxels", "shape", "spacing_mm", "same")},
            }
            for c in kept
        },
        "excluded": [asdict(e) for e in excluded],
        "notes": list(cohort.notes),
    }
    write_if_changed(target.root / "medshelf.lock", json.dumps(lock, indent=1, ensure_ascii=False) + "\n")
    bibtex = dict.fromkeys(c.bibtex.strip() for s in cohort.sources for c in s.dataset.record.citations)
    write_if_changed(target.root / "CITATIONS.bib", "\n\n".join(bibtex) + "\n")
    write_if_changed(target.root / "report.html", write_report(cohort, target, lock, splits))


def _source_facts(dataset: Dataset) -> dict[str, Any]:
    record = dataset.record
    refs = {ref.name for table in dataset.assembler.tables.values() for ref in table.refs}
    text = json.dumps(to_plain(record), sort_keys=True, ensure_ascii=False)
    return {
        "dataset": record.id,
        "variant": dataset.variant,
        "record_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "tables": {name: sha256_of(dataset.tree.blob(name)) for name in sorted(refs)},
        "licences": {licence.part: licence.id for licence in record.licences},
    }
