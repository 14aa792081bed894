"""Statistics of the shelf, computed from the records and set against what the lists claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from medshelf.catalogue import shelf
from medshelf.catalogue.guide import answer, lines
from medshelf.catalogue.index import structures_named
from medshelf.catalogue.profile import profiles
from medshelf.model.dataset import UNKNOWN, Fact, Record


def statistics() -> dict[str, Any]:
    """Return counts over all records: how many there are, of what, under which terms, how well described.

    Returns
    -------
    dict
        ``records`` (by kind), ``counts`` (facet to value to number of datasets), ``sums`` (unit-free numbers),
        ``known`` (fact to share of the datasets that state it) and ``claims`` (what a list says, what the records do).
    """
    datasets = [record for record in shelf.records() if record.kind == "dataset"]
    return {
        "records": dict(Counter(record.kind for record in shelf.records())),
        "counts": {facet: _count(facet, datasets) for facet in _COUNTED},
        "sums": _sums(datasets),
        "known": {name: round(_share(datasets, known), 4) for name, known in COVERAGE.items()},
        "claims": list(_claims()),
    }


_COUNTED = ("modality", "dimension", "region", "task", "formats", "access", "licence", "host", "layout")


def _count(facet: str, datasets: Iterable[Record]) -> dict[str, int]:
    counts = Counter(value for one in datasets for value in profiles()[one.id].facets.get(facet, ()))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _sums(datasets: list[Record]) -> dict[str, int]:
    return {
        "relations": sum(len(one.relations) for one in datasets),
        "known defects": sum(len(one.errata) for one in datasets),
        "disagreements": len({d.id for one in shelf.records() for d in one.disagreements}),
        "sources": sum(len(one.sources) for one in datasets),
        "works to cite": sum(len(one.citations) for one in datasets),
        "structures": len({name for one in datasets for name in structures_named(one)}),
        "commercial use allowed": sum(profiles()[one.id].rights.get("commercial") == "yes" for one in datasets),
    }


def _states(name: str) -> Callable[[Record], bool]:
    def known(record: Record) -> bool:
        fact: Fact | None = getattr(record.facts, name)
        return fact is not None and fact.value != UNKNOWN

    return known


def is_outlined(record: Record) -> bool:
    """Return whether a dataset has structures that are outlined: masks or instances."""
    tasks = record.facts.task.value
    return bool({"segmentation", "instance-segmentation"} & set(tasks if isinstance(tasks, tuple) else ()))


def _has_values(record: Record) -> bool:
    """Return whether it is known what stands for each structure in the files."""
    layout = record.layout
    in_layout = layout is not None and (any(layout.labels.values()) or any(s.label for s in layout.files.values()))
    return in_layout or any(
        label.value is not None for one in record.label_sets for label in one.labels if label.structure
    )


COVERAGE: dict[str, Callable[[Record], bool]] = {
    **{name: _states(name) for name in ("modality", "dimension", "region", "task", "cases", "year", "formats")},
    "access": lambda record: record.access.kind != UNKNOWN,
    "homepage": lambda record: record.homepage != "none found",
    "citation": lambda record: bool(record.citations),
    "licence": lambda record: bool(record.licences) and all(licence.id != UNKNOWN for licence in record.licences),
    "layout": lambda record: record.layout is not None,
}
"""What it means that a fact is known, by fact."""

OUTLINED_COVERAGE: dict[str, Callable[[Record], bool]] = {
    "structure names": lambda record: bool(structures_named(record)),
    "structure values": _has_values,
}
"""The same for what only datasets with outlined structures have."""


def coverage(datasets: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """Return, by fact, how many of these datasets state it, of how many could."""
    outlined = [record for record in datasets if is_outlined(record)]
    found = {name: (sum(map(known, datasets)), len(datasets)) for name, known in COVERAGE.items()}
    return found | {name: (sum(map(known, outlined)), len(outlined)) for name, known in OUTLINED_COVERAGE.items()}


def _share(datasets: list[Record], known: Callable[[Record], bool]) -> float:
    return sum(map(known, datasets)) / len(datasets) if datasets else 0.0


def _claims() -> Iterable[dict[str, Any]]:
    """Yield what the list called Medical-Imaging-Datasets says of numbers, and what the records say."""
    for line in lines():
        if line.total is not None:
            ours = answer(line).total
            yield {
                "about": f"scans in {line.label} ({', '.join(n['name'] for n in line.named)})",
                "list": line.total,
                "records": ours,
            }
        for named in line.named:
            if "cases" in named:
                for one in named["datasets"]:
                    said = shelf.load(one).facts.cases.value
                    yield {"about": f"cases of {one}", "list": named["cases"], "records": said}
