"""Ids that a table of the release translates before names are joined."""

from __future__ import annotations

from pathlib import Path

import pytest

import medshelf
from medshelf.errors import FormatError
from medshelf.formats import nifti
from medshelf.layout.check import check_names
from medshelf.layout.lint import complaints
from medshelf.model.volume import Volume
from medshelf.samples import phantom
from tests.layout.made import layout, record

TEXT = """
key = ["patient"]
case = "{patient}"
[fields.patient]
replace = { "-0" = "-" }
map_from = { table = "people", column = "OriginalID", gives = "PatientID" }
[files.image]
role = "image"
path = "scans/{patient:word}.nii"
[files.outline]
role = "contours"
reader = "xy_lines"
path = "outlines/{patient:~[A-Z0-9-]+}.txt"
optional = true
[tables.people]
path = "people.csv"
key = { PatientID = "{patient}" }
"""
PEOPLE = "PatientID,OriginalID,Age\nSCD1,SC-HF-1,50\nSCD2,SC-N-10,60\nSCD3,,70\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    (tmp_path / "outlines").mkdir()
    array = phantom.picture(phantom.VOLUME_SHAPE, 0, 1)
    for name in ("SCD1", "SCD2", "SCD3"):
        nifti.write(tmp_path / "scans" / f"{name}.nii", Volume(array, "ijk", phantom.affine_ras(0)))
    (tmp_path / "outlines" / "SC-HF-01.txt").write_text("1 2\n3.5, 4\n")
    (tmp_path / "outlines" / "SC-N-10.txt").write_text("5 6\n")
    (tmp_path / "people.csv").write_text(PEOPLE)
    return tmp_path


def test_files_under_another_name_find_their_patient(root: Path) -> None:
    dataset = medshelf.open(record(TEXT), root)
    found = {s.case: [c.points_xy.tolist() for a in s.annotations.values() for c in a.read()] for s in dataset}
    assert found == {"SCD1": [[[1, 2], [3.5, 4]]], "SCD2": [[[5, 6]]], "SCD3": []}
    assert [sample.tables["people"][0]["Age"] for sample in dataset] == ["50", "60", "70"]
    assert [sample.patient for sample in dataset] == [None] * 3


def test_check_knows_them_and_names_those_that_nobody_knows(root: Path) -> None:
    assert [f for f in medshelf.check(record(TEXT), root).findings if f.severity != "info"] == []
    (root / "outlines" / "SC-N-99.txt").write_text("5 6\n")
    (finding,) = [f for f in medshelf.check(record(TEXT), root).findings if f.severity == "error"]
    assert (finding.check, finding.file) == ("layout.orphan", "outlines/SC-N-99.txt")


def test_a_list_of_names_calls_nothing_astray(root: Path) -> None:
    names = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    assert check_names(record(TEXT), names).findings == ()


def test_a_table_that_can_not_be_read_is_told(root: Path) -> None:
    (root / "people.csv").write_bytes(b"\xff\xfe\x00")
    assert "table.unreadable" in {f.check for f in medshelf.check(record(TEXT), root).findings}
    with pytest.raises(FormatError, match="utf-16"):
        medshelf.open(record(TEXT), root)


def test_twins_join(tmp_path: Path) -> None:
    made = record(TEXT + '[example.fields]\npatient = ["SCD1", "SCD2"]\n')
    medshelf.twin(made, tmp_path / "twin", cases=2)
    assert [f for f in medshelf.check(made, tmp_path / "twin").findings if f.severity != "info"] == []
    assert all(sample.annotations["outline"].read() for sample in medshelf.open(made, tmp_path / "twin"))


def test_a_table_that_is_not_there_is_told() -> None:
    found = [(path, message) for path, message in complaints(layout(TEXT.replace('table = "people"', 'table = "x"')))]
    assert found == [(("fields", "patient", "map_from"), "there is no table [tables.x]")]
