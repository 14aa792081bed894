"""Checks of a place: names and the rows of tables together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import medshelf
from medshelf.errors import LayoutError, NotFound, UnknownDataset
from tests.layout.made import record

LAYOUT = """
key = ["n"]
[files.image]
role = "image"
path = "images/p{n:3d}.png"
[tables.meta]
path = "meta.csv"
key = { id = "p{n}" }
"""


def place(root: Path, rows: str, cases: tuple[int, ...] = (1, 2, 3)) -> Path:
    (root / "images").mkdir()
    for n in cases:
        (root / "images" / f"p{n:03d}.png").write_bytes(b"never opened")
    (root / "meta.csv").write_text(rows)
    return root


def told(root: Path, layout: str = LAYOUT) -> list[tuple[str, str, str | None]]:
    report = medshelf.check(record(layout), root)
    return [(finding.check, finding.severity, finding.file) for finding in report.findings]


def test_rows_and_files_that_agree_are_not_worth_a_word(tmp_path: Path) -> None:
    assert told(place(tmp_path, "id,sex\np001,F\np002,M\np003,F\n")) == []


def test_a_file_without_row_and_a_row_without_file_are_named(tmp_path: Path) -> None:
    report = medshelf.check(record(LAYOUT), place(tmp_path, "id,sex\np001,F\np002,M\np009,F\np010,M\n"))
    row, file = report.findings
    assert (row.check, row.severity, row.file, row.dataset) == (
        "table.row-without-file", "warning", "meta.csv", "made",
    )  # fmt: skip
    assert row.message == "2 rows of the table meta belong to no file that is here"
    assert row.evidence == {"n": 2, "keys": ["p009", "p010"]}
    assert file.message == "1 cases have no row in the table meta"
    assert file.evidence["keys"] == ["p003"]


def test_an_optional_table_is_only_worth_knowing(tmp_path: Path) -> None:
    root = place(tmp_path, "id,sex\np001,F\n")
    assert told(root, LAYOUT + "optional = true\n") == [("table.file-without-row", "info", "meta.csv")]


def test_a_table_without_its_key_column_is_an_error(tmp_path: Path) -> None:
    report = medshelf.check(record(LAYOUT), place(tmp_path, "name,sex\np001,F\n"))
    (finding,) = report.findings
    assert (finding.check, finding.severity, finding.file) == ("table.column", "error", "meta.csv")
    assert finding.message == "the table meta has no column id"
    assert finding.evidence == {"columns": ["name", "sex"]}


def test_a_table_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    root = place(tmp_path, "")
    (root / "meta.csv").write_bytes(b"PK\x03\x04" + bytes(300))
    assert ("table.unreadable", "error", "meta.csv") in told(root)


def test_tables_may_be_left_closed(tmp_path: Path) -> None:
    root = place(tmp_path, "name,sex\np001,F\n")
    assert medshelf.check(record(LAYOUT), root, tables=False).findings == ()


def test_names_alone_are_checked_without_tables(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("images/p001.png\nmeta.csv\n")
    assert medshelf.check(record(LAYOUT), tmp_path / "names.txt").verdict == "whole"


def test_rows_that_are_cases_are_counted(tmp_path: Path) -> None:
    layout = """
key = ["id"]
[tables.qa]
path = "qa.json"
records = "$[*]"
key = { id = "{id}" }
kind = "qa"
columns = { question = "q", answer = "a" }
anchor = true
[expect]
cases = 3
"""
    (tmp_path / "qa.json").write_text(json.dumps([{"id": 1, "q": "?", "a": "!"}, {"id": 2, "q": "?", "a": "!"}]))
    report = medshelf.check(record(layout), tmp_path)
    assert report.n_cases == 2
    assert [(f.check, f.evidence["expected"], f.evidence["found"]) for f in report.findings] == [("layout.count", 3, 2)]


def test_an_archive_that_can_not_be_opened_is_an_error_of_its_own(data: Path) -> None:
    (data / "word" / "more.zip").write_bytes(b"PK\x03\x04 broken")
    report = medshelf.check("word", data / "word")
    (finding,) = [f for f in report.findings if f.check == "access.unreadable"]
    assert (finding.severity, finding.file) == ("error", "more.zip")


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_is_checked_like_a_folder(data: Path, tmp_path: Path, kind: str) -> None:
    gone = next((data / "word").rglob("labelsTr/*1.nii.gz"))
    gone.unlink()
    folder = medshelf.check("word", data / "word")
    archive = medshelf.check("word", shutil.make_archive(str(tmp_path / "w"), kind, data / "word"))
    assert [(f.check, f.file, f.message) for f in archive.findings] == [
        (f.check, f.file, f.message) for f in folder.findings
    ]
    assert folder.findings[0].file == "WORD-V0.1.0/labelsTr/word_0001.nii.gz"


def test_what_can_not_be_checked_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownDataset):
        medshelf.check("wordd", tmp_path)
    with pytest.raises(NotFound):
        medshelf.check("word", tmp_path / "no")
    with pytest.raises(LayoutError, match="no variant"):
        medshelf.check("word", tmp_path, variant="flat")
    report = medshelf.check("word", tmp_path)
    assert report.verdict == "not this dataset, or another edition of it"


# --- identify ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["amos-2022", "btcv", "word", "busi"])
def test_a_twin_is_identified(twins: Path, name: str) -> None:
    answer = medshelf.identify(twins / name)
    assert answer.dataset == name
    assert answer.guesses[0].dataset == name
    assert json.loads(json.dumps(answer.as_dict()))["dataset"] == name


def test_what_is_no_dataset_is_unknown(tmp_path: Path) -> None:
    for name in ("a.txt", "b/c.py", "d/e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert medshelf.identify(tmp_path).dataset is None
    assert medshelf.identify(tmp_path / "b").dataset is None


def test_an_empty_folder_is_unknown(tmp_path: Path) -> None:
    answer = medshelf.identify(tmp_path)
    assert (answer.dataset, answer.n_names) == (None, 0)
