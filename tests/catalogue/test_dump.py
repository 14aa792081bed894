"""Ways out of the catalogue: every format holds what the records say, and other programs read it."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.dump import FORMATS, dump
from medshelf.catalogue.dump.tables import tables
from medshelf.errors import AccessError, MissingExtra, UnknownTerm

RECORDS = [record for record in shelf.records() if record.kind != "test-data"]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_and_names_every_dataset(form: str, tmp_path: Path) -> None:
    place = dump(tmp_path / "out", form, RECORDS)
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    assert files and all(file.stat().st_size for file in files)
    if form != "parquet":
        text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
        named = [r for r in RECORDS if r.kind == "dataset" and isinstance(r.facts.region.value, tuple)]
        missing = [r.id for r in named if r.name.replace("|", "\\|") not in text and r.id not in text]
        assert missing == []


@pytest.mark.parametrize("form", ["csv", "croissant"])
def test_a_folder_with_something_in_it_is_left_alone(form: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AccessError, match="something here already"):
        dump(tmp_path, form, RECORDS)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownTerm, match="sqlite, json, csv"):
        dump(tmp_path / "x", "xlsx", RECORDS)


def test_a_format_whose_package_is_absent_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"medshelf\[parquet\]"):
        dump(tmp_path / "out", "parquet", RECORDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["sqlite", "json", "csv"])
def test_a_dump_that_breaks_off_leaves_what_was_there(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise OSError(28, "No space left on device")

    place = tmp_path / "out"
    if form != "csv":
        place.write_text("before")
    monkeypatch.setattr(f"medshelf.catalogue.dump.{form}.write", stop)
    with pytest.raises(OSError, match="No space left"):
        dump(place, form, RECORDS)
    assert [p.name for p in tmp_path.iterdir()] == ([] if form == "csv" else ["out"])
    assert form == "csv" or place.read_text() == "before"


def test_the_database_keeps_its_references_and_searches(tmp_path: Path) -> None:
    place = dump(tmp_path / "shelf.sqlite", "sqlite", RECORDS)
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        (n,) = connection.execute("select count(*) from datasets").fetchone()
        assert n == len(RECORDS)
        found = connection.execute(
            "select id from datasets_fts join datasets on datasets.rowid = datasets_fts.rowid "
            "where datasets_fts match 'hippocampus'"
        ).fetchall()
        assert ("msd-hippocampus",) in found
        query = "select commercial from licence_terms where licence = 'CC-BY-NC-4.0'"
        assert connection.execute(query).fetchone() == ("no",)
    assert [p.name for p in tmp_path.iterdir()] == ["shelf.sqlite"]


def test_tables_have_unique_keys_and_rows_as_wide_as_their_columns() -> None:
    for table in tables(RECORDS):
        assert all(len(row) == len(table.columns) for row in table.rows), table.name
        if table.key is not None:
            keys = [row[table.columns.index(table.key)] for row in table.rows]
            assert len(keys) == len(set(keys)), table.name


def test_csv_and_parquet_hold_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = dump(tmp_path / "csv", "csv", RECORDS)
    columns = dump(tmp_path / "parquet", "parquet", RECORDS)
    for file in sorted(rows.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            text = list(csv.DictReader(stream))
        table = parquet.read_table(columns / f"{file.stem}.parquet").to_pylist()
        assert len(text) == len(table)
        for one, other in zip(text, table, strict=True):
            for name, value in other.items():
                said = "" if value is None else value
                assert one[name] == said or float(one[name]) == said, (file.stem, name)


def test_json_is_the_record(tmp_path: Path) -> None:
    from medshelf.catalogue.structure_json import from_plain
    from medshelf.model.dataset import Record

    told = json.loads(dump(tmp_path / "all.json", "json", RECORDS).read_text(encoding="utf-8"))
    assert from_plain(Record, told["kits23"]) == shelf.load("kits23")


def test_a_description_says_only_what_is_known(tmp_path: Path) -> None:
    place = dump(tmp_path / "out", "schema-org", RECORDS)
    told = json.loads((place / "busi.jsonld").read_text(encoding="utf-8"))
    assert told["@type"] == "Dataset"
    assert told["datePublished"] == "2019"
    assert "license" not in told, "nobody states its licence"
    platforms = {record.id for record in RECORDS if record.kind == "platform"}
    assert platforms and not platforms & {file.stem for file in place.iterdir()}
