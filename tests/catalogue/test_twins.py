"""Every record, and every repackaging of it: its twin checks clean, loads, and shows what is declared."""

from __future__ import annotations

from pathlib import Path

import pytest

import medshelf
from medshelf.catalogue import shelf
from medshelf.errors import Unsupported
from medshelf.layout.check import check_names
from medshelf.layout.twin import names_of, plan
from medshelf.layout.variants import layouts_of
from medshelf.samples.annotation import Mask

CASES = [
    (record.id, variant)
    for record in shelf.records()
    if record.layout is not None
    for variant in layouts_of(record)
]
NAMED = [f"{name}@{variant}" if variant else name for name, variant in CASES]

NO_READER_YET = {"rtplan"}
"""Readers that layouts name and nobody has written yet: their files are found and checked by name, not read."""


@pytest.fixture(scope="module", params=CASES, ids=NAMED)
def twin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    name, variant = request.param
    root = tmp_path_factory.mktemp("twin") / "data"
    medshelf.twin(name, root, cases=2, variant=variant)
    return name, variant, root


def test_checks_clean(twin: tuple[str, str, Path]) -> None:
    name, variant, root = twin
    report = medshelf.check(name, root, variant=variant)
    wrong = [f for f in report.findings if f.severity != "info" and f.check != "layout.count"]
    assert not wrong, "\n".join(f"{f.check} {f.file}: {f.message}" for f in wrong)
    assert report.n_cases > 0 or any(t.anchor for t in layouts_of(medshelf.show(name))[variant].tables.values())


def test_loads_and_shows_what_is_declared(twin: tuple[str, str, Path]) -> None:
    name, variant, root = twin
    dataset = medshelf.open(name, root, variant=variant)
    assert len(dataset) > 0
    shown: set[str] = set()
    told: set[str] = set()
    for sample in dataset:
        for image in sample.images.values():
            volume = image.read()
            assert volume.array.size > 0
            header = image.header()
            assert tuple(header.shape) == volume.array.shape
            assert header.dtype == volume.array.dtype.name
        for key, annotation in sample.annotations.items():
            slot = dataset.layout.files.get(key.partition("@")[0])
            if slot is not None and slot.reader in NO_READER_YET:
                with pytest.raises(Unsupported, match="no reader is called"):
                    annotation.read()  # type: ignore[union-attr]
                continue
            if isinstance(annotation, Mask):
                states = annotation.states()
                shown |= {s for s, state in states.items() if state == "present"}
            else:
                assert annotation.read() is not None
                shown |= set(annotation.structures)
        told |= {target for target in dataset.layout.targets if sample.targets[target] is not None}
        for table in sample.tables:
            assert isinstance(sample.tables[table], list)
        for record in sample.records:
            assert sample.records[record]
    masks = {k for k, s in dataset.layout.files.items() if s.role == "mask"}
    wanted = {s for k, v in dataset.structures.items() if k in masks for s in v if "#" not in s}
    assert wanted <= shown, f"declared and not shown: {sorted(wanted - shown)[:8]}"
    assert told == set(dataset.layout.targets)


@pytest.mark.parametrize(("name", "variant"), CASES, ids=NAMED)
def test_renaming_any_required_file_is_reported(name: str, variant: str) -> None:
    record = medshelf.show(name)
    layout = layouts_of(record)[variant]
    names = names_of(layout, plan(layout, 2))
    clean = {(f.check, f.file) for f in check_names(record, names, variant=variant).findings}
    silent = []
    for number, old in enumerate(names):
        changed = [*names[:number], f"{old}.renamed", *names[number + 1 :]]
        found = {(f.check, f.file) for f in check_names(record, changed, variant=variant).findings}
        if not found - clean:
            silent.append(old)
    assert not silent
