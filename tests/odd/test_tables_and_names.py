"""Oddities 26, 33, 34 and 36: what names and tables tell, and what must not be trusted."""

from __future__ import annotations

import io
import pickle
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

import medshelf
from medshelf.errors import MedshelfError, Unsupported
from tests.layout.made import record
from tests.odd.conftest import Twinned

NAMED = """
key = ["id"]
[fields.class]
of = "code"
map = { BAR = "barrett", GAST = "gastric metaplasia", NPL = "neoplasia" }
[fields.id]
of = "n"
[files.image]
role = "image"
path = "{code:BAR|GAST|NPL}_{n:~\\\\d+_\\\\d+}.jpg"
[targets.diagnosis]
of = "class"
[example.fields]
n = ["02_004", "03_001"]
"""
"""As AIDA-E2, whose file names begin with the class."""


def test_26_a_class_in_the_file_name_is_a_target(twinned: Twinned) -> None:
    told = {s.targets["diagnosis"] for s in twinned(record(NAMED), 3)}
    assert told == {"barrett", "gastric metaplasia", "neoplasia"}
    assert {s.targets["tuberculosis"] for s in twinned("shenzhen-chest-xray")} == {"normal", "tuberculosis"}


GRADED_IN_A_PAPER = """
key = ["n"]
[files.image]
role = "image"
path = "image{n:2d}.tif"
[tables.grades]
rows = [{ n = 1, grade = "high" }, { n = 2, grade = "low" }]
key = { n = "{n}" }
[targets.tortuosity]
of = "grades.grade"
[example.fields]
n = ["01", "02"]
"""
"""As corneal nerve tortuosity, whose grades stand in a PDF."""


def test_26_a_table_that_the_release_prints_on_paper_stands_in_the_layout(twinned: Twinned) -> None:
    opened = twinned(record(GRADED_IN_A_PAPER))
    assert {s.case: s.targets["tortuosity"] for s in opened} == {"01": "high", "02": "low"}
    assert opened[0].tables["grades"] == [{"n": 1, "grade": "high"}]


TABLES = {
    "semicolons": ('sep = ";"', "utf-8", "image_id;age\ns0001;61\ns0002;47\n"),
    "bars": ('sep = "|"', "utf-8", "image_id|age\ns0001|61\ns0002|47\n"),
    "found by itself": ("", "utf-8", "image_id;age\ns0001;61\ns0002;47\n"),
    "with a mark of byte order": ("", "utf-8-sig", "image_id,age\ns0001,61\ns0002,47\n"),
    "in the encoding of China": ('encoding = "gbk"', "gbk", "image_id,age,诊断\ns0001,61,肺炎\ns0002,47,正常\n"),
    "in sixteen bits": ("", "utf-16", "image_id\tage\ns0001\t61\ns0002\t47\n"),
}


@pytest.mark.parametrize("how", TABLES, ids=str)
def test_33_tables_are_read_however_they_are_written(twinned: Twinned, how: str) -> None:
    said, encoding, text = TABLES[how]
    made = record(f"""
key = ["id"]
[files.ct]
role = "image"
path = "{{id:~s\\\\d{{4}}}}.nii.gz"
[tables.meta]
path = "meta.csv"
key = {{ image_id = "{{id}}" }}
{said}
[example.fields]
id = ["s0001", "s0002"]
""")
    opened = twinned(made)
    (Path(opened.tree.where) / "meta.csv").write_bytes(text.encode(encoding))
    again = medshelf.open(made, opened.tree.where)
    assert [s.tables["meta"][0]["age"] for s in again] == ["61", "47"]
    if encoding == "gbk":
        assert again[0].tables["meta"][0]["诊断"] == "肺炎"
    assert not [f for f in medshelf.check(made, opened.tree.where).findings if f.severity != "info"]


def test_33_two_rows_of_names_are_one(twinned: Twinned) -> None:
    made = record("""
key = ["id"]
[files.ct]
role = "image"
path = "{id:~s\\\\d{4}}.nii.gz"
[tables.meta]
path = "meta.xlsx"
key = { image_id = "{id}" }
header = [0, 1]
[example.fields]
id = ["s0001", "s0002"]
""")
    opened = twinned(made)
    book = Workbook()
    for line in (["image_id", "lesion", "lesion"], [None, "number", "size"], ["s0001", 3, 12.5], ["s0002", 1, 4.0]):
        book.active.append(line)
    book.save(next(Path(opened.tree.where).rglob("meta.xlsx")))
    (row,) = medshelf.open(made, opened.tree.where)[0].tables["meta"]
    assert [value for name, value in row.items() if name.startswith("lesion")] == [3, 12.5]


def test_33_whole_numbers_agree_whatever_their_zeros(twinned: Twinned) -> None:
    opened = twinned("lndb")  # LNDb-0001.mhd, and 1 in the table
    assert all(sample.tables["findings"] for sample in opened if sample.annotations)


def test_33_uncertain_is_neither_yes_nor_no_nor_nothing(twinned: Twinned) -> None:
    found = [s.targets["observations"] for s in twinned("chexpert", cases=3)]
    assert {row["Cardiomegaly"] for row in found} == {"1.0", "0.0", "-1.0"}
    assert "" in {row["Pleural Effusion"] for row in found}


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("/tmp/a-pickle-was-opened"),))


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_34_pickles_are_refused_and_never_run(tmp_path: Path, ending: str) -> None:
    trap = np.array([_Trap()], dtype=object)
    path = tmp_path / f"a{ending}"
    np.save(path, trap) if ending == ".npy" else np.savez(path, x=trap)
    with pytest.raises(Unsupported, match="object"):
        medshelf.read(path)
    assert not Path("/tmp/a-pickle-was-opened").exists()


def test_34_a_pickle_or_a_database_as_a_table_is_an_error_of_ours(tmp_path: Path) -> None:
    from medshelf.formats.table import read_rows
    from medshelf.model.blob import LocalFile

    held = io.BytesIO()
    pickle.dump([{"a": 1}], held)
    (tmp_path / "a.pkl").write_bytes(held.getvalue())
    with sqlite3.connect(tmp_path / "b.sqlite") as database:
        database.execute("create table t (x)")
    database.close()
    for name in ("a.pkl", "b.sqlite"):
        with pytest.raises(MedshelfError):
            read_rows(LocalFile(tmp_path / name))


def test_36_endings_in_capitals_and_typos_of_folders_match(twinned: Twinned) -> None:
    opened = twinned("hrf")
    ids = [case.id for case in opened.cases]
    for picture in list(Path(opened.tree.where).rglob("*_dr.jpg")):
        picture.rename(picture.with_suffix(".JPG"))
    assert [case.id for case in medshelf.open("hrf", opened.tree.where).cases] == ids
    opened = twinned("hushem")
    for picture in list(Path(opened.tree.where).rglob("*.bmp")):
        picture.rename(picture.with_suffix(".BMP"))
    again = medshelf.open("hushem", opened.tree.where)
    assert len(again) == len(opened) and again[0].image.array.size
