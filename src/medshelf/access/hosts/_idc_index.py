"""The index of the NCI Imaging Data Commons: which series there are, and in which bucket. A file; no network.

The shelf holds the rows of the collections that its records name (catalogue/idc). All others are in the package
``idc-index-data``, which is used when it is installed, and in any file of the same form that ``MEDSHELF_IDC_INDEX``
names. Columns: github.com/ImagingDataCommons/idc-index-data, idc_index_schema.json.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from medshelf.catalogue.place import catalogue_root
from medshelf.errors import AccessError, CatalogueError, NotFound, need

FILTERS = (
    "collection_id", "analysis_result_id", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
    "license_short_name", "crdc_series_uuid",
)  # fmt: skip
"""Columns by which a reference may choose."""
_REF = re.compile(r"([^@?\s]+)(?:@v(\d{1,4}))?(?:\?(.*))?")
_SHELFS, _NAMES = "series.parquet", "names.txt"
_UID = re.compile(r"\d+(\.\d+){3,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Series:
    """A series of DICOM, as the index has it."""

    collection_id: str
    patient_id: str
    study_uid: str
    uid: str
    modality: str
    instances: int
    size_bytes: int
    """Of all its files; the index has it in megabytes of 10^6 bytes, to the byte."""
    licence: str
    bucket: str
    """Of Amazon S3."""
    doi: str
    """Of the release that the series is from, in lower case."""
    uuid: str
    """The folder in the bucket: it stands for this series in this version, and never changes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a reference chooses."""

    series: tuple[Series, ...]
    pinned: str
    """The reference with the version of the index, where that is known."""
    version: str | None


def chosen(ref: str) -> Chosen:
    """Return the series of a reference.

    Parameters
    ----------
    ref : str
        ``NAME[@vVERSION][?COLUMN=VALUE&...]``. The name is a collection (its own series, without results of others), a
        result of an analysis, both with a slash between, a DOI, or the UID of a study or series.

    Raises
    ------
    NotFound
        No index has any.
    AccessError
        The reference is none, or is of another version of the index.
    MissingExtra
        The package ``duckdb`` is absent.
    """
    found = _REF.fullmatch(ref)
    if found is None:
        raise AccessError(
            "this is no reference of the Imaging Data Commons", hint="Such as lctsc or nlst?PatientID=100002"
        )
    name, version, query = found.groups()
    filters = parse_qsl(query or "", keep_blank_values=True)
    for column, _ in filters:
        if column not in FILTERS:
            raise AccessError(
                "the index has no such column to choose by", why=column, hint=f"Columns: {', '.join(FILTERS)}"
            )
    for index in _indexes():
        facts = _facts(index)
        partial = facts.get("partial", "").split()
        if _plain(name) in partial:
            continue
        condition, values = _named(name, partial)
        for column, value in filters:
            condition, values = f"({condition}) AND {column} = ?", [*values, value]
        rows = _asked(index, condition, values)
        if rows:
            here = facts.get("idc_version")
            if version and here and version != here:
                hint = "Take the reference without it, or set MEDSHELF_IDC_INDEX to an index of that version"
                raise AccessError(
                    f"the index here is of version {here} of the Commons", why=f"asked for {version}", hint=hint
                )
            pinned = f"{name}@v{here}" if here else name
            return Chosen(tuple(_series(row) for row in rows), pinned + (f"?{query}" if query else ""), here)
    hint = "Others than those of the shelf need all of it: pip install idc-index-data"
    raise NotFound("no series of the index fits", hint=hint)


def may_have(name: str) -> bool:
    """Return whether an index that is here could have a collection, a result of an analysis or a DOI.

    The shelf lists these names beside its own index, so that ``duckdb`` is not needed to see that it lacks one.
    """
    for index in _indexes():
        names = index.with_name(_NAMES)
        if index.name != _SHELFS or not names.is_file():
            return True
        if _plain(name) in _listed(names):
            return True
    return False


@lru_cache
def _listed(names: Path) -> frozenset[str]:
    return frozenset(names.read_text(encoding="utf-8").split())


def by_uid(uids: Sequence[str]) -> dict[str, Series]:
    """Return those of some series that the indexes have, by UID; errors as in `chosen`."""
    found: dict[str, Series] = {}
    for index in _indexes():
        missing = [uid for uid in uids if uid not in found]
        if missing:
            rows = _asked(index, "list_contains(?, SeriesInstanceUID)", [missing])
            found |= {one.uid: one for one in map(_series, rows)}
    return found


def _named(name: str, partial: list[str]) -> tuple[str, list[Any]]:
    """Return the condition for a name, and its values."""
    if name.startswith("10."):
        return "source_DOI = ?", [_plain(name)]
    if _UID.fullmatch(name):
        return "SeriesInstanceUID = ? OR StudyInstanceUID = ? AND NOT list_contains(?, collection_id)", [
            name,
            name,
            partial,
        ]
    collection, _, result = _plain(name).partition("/")
    if result:
        return "collection_id = ? AND analysis_result_id = ?", [collection, result]
    return "collection_id = ? AND analysis_result_id IS NULL OR analysis_result_id = ?", [collection, collection]


def _plain(name: str) -> str:
    """Return a name as the index writes it."""
    return name.lower() if name.startswith("10.") else name.lower().replace("-", "_")


def _indexes() -> Iterator[Path]:
    """Yield the files to ask, in order."""
    named = os.environ.get("MEDSHELF_IDC_INDEX")
    if named:
        yield Path(named)
        return
    try:
        yield catalogue_root() / "idc" / _SHELFS
    except CatalogueError as error:
        raise AccessError(error.what, why=error.why, hint=error.hint) from None
    spec = find_spec("idc_index_data")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "idc_index.parquet"


def _asked(index: Path, condition: str, values: list[Any]) -> list[tuple[Any, ...]]:
    columns = (
        "collection_id, PatientID, StudyInstanceUID, SeriesInstanceUID, Modality, instanceCount, series_size_MB, "
        "license_short_name, aws_bucket, source_DOI, crdc_series_uuid"
    )
    order = "collection_id, PatientID, StudyInstanceUID, SeriesInstanceUID"
    return _query(index, f"SELECT {columns} FROM read_parquet(?) WHERE {condition} ORDER BY {order}", values)


@lru_cache
def _facts(index: Path) -> dict[str, str]:
    """Return what the shelf's file says of itself: ``idc_version``, and ``partial``, the collections,
    results and DOIs of which it has some rows and not all. The full index says nothing."""
    rows = _query(index, "SELECT key, value FROM parquet_kv_metadata(?)", [])
    return {bytes(key).decode("utf-8", "replace"): bytes(value).decode("utf-8", "replace") for key, value in rows}


def _query(index: Path, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    duckdb: Any = need("duckdb", "idc")
    try:
        with duckdb.connect(":memory:") as connection:
            return connection.execute(sql, [str(index), *values]).fetchall()
    except duckdb.Error as error:
        raise AccessError(
            "the index of the Imaging Data Commons can't be read", why=f"{index}: {str(error)[:120]}"
        ) from None


def _series(row: tuple[Any, ...]) -> Series:
    collection, patient, study, uid, modality, instances, megabytes, licence, bucket, doi, uuid = row
    if not (_UUID.fullmatch(str(uuid)) and _BUCKET.fullmatch(str(bucket))):
        raise AccessError("a series of the index has no good place", why=f"{bucket}/{uuid}"[:80])
    return Series(
        str(collection), str(patient), str(study), str(uid), str(modality), int(instances or 0),
        round(float(megabytes or 0) * 1e6), str(licence), str(bucket), str(doi).lower(), str(uuid),
    )  # fmt: skip
