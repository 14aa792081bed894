"""The baked shelf: all records in one SQLite file, made from the TOML when that has changed.

An installed package carries a baked shelf. In a checkout it is baked into the user's cache and baked again
whenever a file of the catalogue changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.vocabulary import fold, nearest
from medshelf.errors import CatalogueError, UnknownDataset

if TYPE_CHECKING:
    from medshelf.model.dataset import Record

SCHEMA_VERSION = "5"

@cache
def ids() -> tuple[str, ...]:
    """Return the ids of all records, sorted."""
    return tuple(row[0] for row in connect().execute("select id from record order by id"))


def load(name: str) -> Record:
    """Return the record with this id or alias.

    Raises
    ------
    UnknownDataset
        With the nearest ids.
    """
    return _load(str(resolve(name)))


def resolve(name: str) -> str:
    """Return the id that an id or alias stands for; raises as `load`."""
    row = connect().execute("select id from alias where alias = ?", (fold(name),)).fetchone()
    if row is None:
        raise UnknownDataset(
            f"no dataset is called {name!r}", hint=nearest(name, ids()) + " Try: medshelf find WORDS"
        )
    return str(row[0])


@cache
def _load(name: str) -> Record:
    from medshelf.catalogue.structure_json import from_plain
    from medshelf.model.dataset import Record  # slow to import, and looking things up needs none

    row = connect().execute("select json from record where id = ?", (name,)).fetchone()
    return from_plain(Record, json.loads(row[0]))  # type: ignore[no-any-return]


def records() -> Iterator[Record]:
    """Yield every record, in the order of their ids."""
    return (_load(name) for name in ids())


@cache
def connect() -> sqlite3.Connection:
    """Open the baked shelf, baking it first when it is missing or older than the catalogue."""
    place = _place()
    if not place.is_file():
        try:
            bake(place, catalogue_root())
        except (OSError, sqlite3.OperationalError):  # a cache that can't be written
            return _in_memory(catalogue_root())
    return _read_only(place)


@cache
def _place() -> Path:
    """Return the file of the baked shelf; it need not exist yet."""
    root = catalogue_root()
    packed = root / "shelf.sqlite"
    return packed if packed.is_file() else cache_folder() / f"shelf-{_of(root)}-{signature(root)[:16]}.sqlite"


def baked_vocabulary(subject: str) -> dict[str, Any] | None:
    """Return a vocabulary as it was baked, which is faster to read than TOML; None when no shelf is baked yet."""
    if not _place().is_file():
        return None
    with closing(_read_only(_place())) as connection:
        row = connection.execute("select json from vocabulary where subject = ?", (subject,)).fetchone()
    return json.loads(row[0]) if row else None


def _read_only(place: Path) -> sqlite3.Connection:
    address = f"{place.resolve().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def _in_memory(root: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    _fill(connection, root)
    return connection


def cache_folder() -> Path:
    """Return the folder for what is made from the catalogue and can be made again."""
    named = os.environ.get("MEDSHELF_CACHE_DIR")
    if named:
        return Path(named) / "shelf"
    from platformdirs import user_cache_path

    return user_cache_path("medshelf") / "shelf"


def _of(root: Path) -> str:
    """Return a short name for a catalogue, so that shelves of several can lie side by side."""
    return hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]


def signature(root: Path) -> str:
    """Return a hash of the names, sizes and times of the catalogue's files and of the code that reads them."""
    told = [f"{SCHEMA_VERSION} {root}"]
    told += [f"{module.name} {module.stat().st_mtime_ns}" for module in sorted(Path(__file__).parent.glob("*.py"))]
    told += sorted(_told(root))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _told(folder: Path | str) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir():
                yield from _told(entry.path)
            elif entry.name.endswith((".toml", "id.txt", ".csv")):
                stat = entry.stat()
                yield f"{entry.path} {stat.st_size} {stat.st_mtime_ns}"


def bake(place: Path, root: Path | None = None, *, strict: bool = False) -> None:
    """Write the shelf as one SQLite file, whole or not at all.

    Parameters
    ----------
    place : Path
        The file to write.
    root : Path, optional
        The catalogue; by default the one in use.
    strict : bool
        Refuse to bake when a record is wrong; otherwise it is left out and a warning is logged.

    Raises
    ------
    CatalogueError
        A record is wrong and `strict` is true; nothing is written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as connection:
            _fill(connection, root or catalogue_root(), strict=strict)
        os.replace(part, place)
        for old in place.parent.glob(f"shelf-{_of(root or catalogue_root())}-*.sqlite"):
            if old != place:
                old.unlink(missing_ok=True)
    finally:
        part.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, root: Path, *, strict: bool = False) -> None:
    import logging
    import tomllib

    from medshelf.catalogue.index import index_conditions, index_of, index_record
    from medshelf.catalogue.read import read_presets, read_record, record_folders
    from medshelf.catalogue.structure_json import to_plain

    with connection:
        connection.executescript(
            """
            create table record (
                id text primary key, name text, summary text, kind text, licences text, facets text, json text not null
            );
            create table vocabulary (subject text primary key, json text not null);
            create table alias (alias text primary key, id text not null);
            create table facet (id text, facet text, value text, number real);
            create index facet_value on facet (facet, value);
            create virtual table words using fts5 (
                id unindexed, name, labels, raw, body, tokenize = 'porter unicode61'
            );
            """
        )
        for place in sorted((root / "vocabulary").glob("*.toml")):
            table = json.dumps(tomllib.loads(place.read_text(encoding="utf-8")), ensure_ascii=False)
            connection.execute("insert into vocabulary values (?, ?)", (place.stem, table))
        presets = read_presets(root)
        for folder in record_folders(root):
            try:
                record = _checked(folder, presets) if strict else read_record(folder, presets)
                index = index_of(record)
            except (CatalogueError, ValueError) as error:  # ValueError: the name of a structure is none
                if strict:
                    raise
                logging.getLogger(__name__).warning("left out of the shelf: %s", error)
                continue
            plain = json.dumps(to_plain(record), ensure_ascii=False)
            licences = json.dumps([licence.id for licence in record.licences])
            row = (record.id, record.name, record.summary.strip(), record.kind, licences, plain)
            connection.execute("insert into record values (?, ?, ?, ?, ?, null, ?)", row)
            connection.execute("insert or replace into alias values (?, ?)", (fold(record.id), record.id))
            for alias in (record.name, *record.aliases):
                connection.execute("insert or ignore into alias values (?, ?)", (fold(alias), record.id))
            index_record(connection, record.id, index)
        index_conditions(connection)
        _gather_facets(connection)


def _gather_facets(connection: sqlite3.Connection) -> None:
    """Write all facets of a record into one field, which is faster to read than a row for each."""
    found: dict[str, dict[str, list[str | float]]] = {}
    rows = connection.execute("select id, facet, value, number from facet order by rowid").fetchall()
    for name, facet, value, number in rows:
        found.setdefault(name, {}).setdefault(facet, []).append(value if number is None else number)
    for name, facets in found.items():
        text = json.dumps(facets, ensure_ascii=False)
        connection.execute("update record set facets = ? where id = ?", (text, name))


def _checked(folder: Path, presets: dict[str, Any]) -> Record:
    """Read a record, refusing it for anything that `medshelf.catalogue.check` complains of."""
    from medshelf.catalogue.check import check_folder

    record, problems = check_folder(folder, presets)
    if record is None or problems:
        told = [str(problem) for problem in problems]
        raise CatalogueError(f"the record has {len(told)} problem(s)", where=folder, problems=told)
    return record
