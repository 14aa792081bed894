"""Write a twin: a small synthetic copy of a release, so that a record can be tried without its data.

A twin proves that a record is consistent, never that it is true.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from medshelf.catalogue.shelf import load
from medshelf.errors import AccessError, LayoutError
from medshelf.layout.twin import TwinFile, TwinPlan, plan
from medshelf.layout.variants import layouts_of
from medshelf.model.case import Case
from medshelf.model.dataset import Record
from medshelf.model.layout import Layout
from medshelf.samples.twin_drawn import SHARED, write_shared
from medshelf.samples.twin_files import write_files
from medshelf.samples.twin_tables import write_table

NOTE = """These files are synthetic: medshelf made them from the layout of the dataset {id}{variant}.
They show how the release is laid out. They hold no data of anybody, and they prove nothing about the real release.
"""


@dataclass(frozen=True, slots=True)
class Twin:
    """What was written."""

    dataset: str
    variant: str
    root: Path
    n_files: int
    cases: tuple[Case, ...]


def twin(
    dataset: str | Record,
    out: str | os.PathLike[str],
    *,
    cases: int = 3,
    variant: str = "",
    progress: Callable[[], None] | None = None,
) -> Twin:
    """Write a small synthetic tree in the layout of a dataset.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    out : path
        Folder to write; it must not exist or be empty.
    cases : int
        Number of cases for each combination of split, modality and the like.
    variant : str
        Which repackaging; the release itself by default.
    progress : callable, optional
        Called once for every file written.

    Returns
    -------
    Twin

    Raises
    ------
    LayoutError
        The record has no layout, no such variant, or lacks an example that is needed.
    AccessError
        `out` holds something already.
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    layouts = layouts_of(record)
    if variant not in layouts:
        raise LayoutError(f"there is no variant {variant!r}", where=record.id, hint=f"Known: {', '.join(layouts)}")
    place = Path(out)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise AccessError("this is there already", where=place, hint="Choose a folder that does not exist")
    planned = plan(layouts[variant], cases)
    place.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        n_files = _write(layouts[variant], planned, stage, progress)
        told = f", variant {variant}" if variant else ""
        (stage / "README.txt").write_text(NOTE.format(id=record.id, variant=told), encoding="utf-8")
        stage.chmod(0o755)
        if place.is_dir():
            place.rmdir()
        os.replace(stage, place)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return Twin(record.id, variant, place, n_files, planned.cases)


def _write(layout: Layout, planned: TwinPlan, stage: Path, progress: Callable[[], None] | None) -> int:
    count = sum(layout.files[file.slot].reader in SHARED for file in planned.files)
    for group in _series(layout, (f for f in planned.files if layout.files[f.slot].reader not in SHARED)):
        write_files(layout, group, stage)
        count += len(group)
        if progress is not None:
            progress()
    write_shared(layout, planned.cases, stage)
    for table in planned.tables:
        write_table(layout, table, planned.cases, stage)
        count += 1
    _pack(stage)
    return count


def _series(layout: Layout, files: Iterable[TwinFile]) -> Iterable[list[TwinFile]]:
    """Group the files of one series, which are written together."""

    def key(file: TwinFile) -> tuple[str, int, str]:
        series = layout.files[file.slot].reader in ("dicom_series", "slices")
        return file.slot, file.number, os.path.dirname(file.name) if series else file.name

    return (list(group) for _, group in groupby(sorted(files, key=lambda f: (*key(f), f.member)), key=key))


def _pack(stage: Path) -> None:
    """Turn every staged folder whose name ends with ``!`` into the archive that it stands for."""
    for folder in sorted((p for p in stage.rglob("*!") if p.is_dir()), key=lambda p: -len(p.parts)):
        archive = folder.with_name(folder.name[:-1])
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in _files_below(folder):
                packed.write(file, file.relative_to(folder).as_posix())
        shutil.rmtree(folder)


def _files_below(folder: Path) -> Sequence[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())
