"""Ways out of the shelf: the whole catalogue as a database, tables, JSON, lists to read, or dataset descriptions.

Each format is one module with a ``write(records, place)``, listed in `FORMATS`; one test tries them all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from medshelf.errors import AccessError, UnknownTerm
from medshelf.model.dataset import Record

FORMATS = {
    "sqlite": "one SQLite file, which Datasette opens",
    "json": "one JSON file, everything that the records say",
    "csv": "a folder of CSV tables",
    "parquet": "a folder of Parquet tables (needs the extra parquet)",
    "markdown": "a folder of lists to read, one a region",
    "croissant": "a folder of Croissant 1.1 files, one a dataset",
    "schema-org": "a folder of schema.org descriptions, one a dataset",
}
"""Every format and what it is."""
_ONE_FILE = ("sqlite", "json")

Writer = Callable[[Sequence[Record], Path], None]


def dump(place: Path, form: str, records: Sequence[Record]) -> Path:
    """Write records in one of the `FORMATS`.

    Parameters
    ----------
    place : Path
        The file, or the folder, to write. A file is replaced as a whole; a folder must be new or empty.
    form : str
        One of `FORMATS`.
    records : sequence of Record
        What to write. It is written beside its place and moved there when it is whole.

    Returns
    -------
    Path
        The file or folder.

    Raises
    ------
    UnknownTerm
        No such format.
    AccessError
        The folder has something in it.
    MissingExtra
        The format needs a package that is absent.
    """
    if form not in FORMATS:
        raise UnknownTerm(f"there is no format {form!r}", hint=f"Known: {', '.join(FORMATS)}")
    write: Writer = import_module(f"medshelf.catalogue.dump.{form.replace('-', '_')}").write
    if form in _ONE_FILE:
        place.parent.mkdir(parents=True, exist_ok=True)
    else:
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise AccessError("there is something here already", where=place, hint="Choose another place")
    part = place.with_name(f".{place.name}.part-{os.getpid()}")
    try:
        if form not in _ONE_FILE:
            part.mkdir(parents=True)
        write(records, part)
        if place.is_dir():
            place.rmdir()  # empty, as was looked at above; a folder is not replaced on every system
        part.replace(place)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    return place
