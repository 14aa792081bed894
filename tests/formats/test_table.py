"""Tables of every kind: what is read, what is told, and what is refused with its line number."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from medshelf.errors import AccessError, FormatError, MissingExtra, NotFound, Truncated, Unsupported
from medshelf.formats.table import read_rows, read_table, write_rows
from medshelf.formats.table import xlsx as table_xlsx
from medshelf.formats.table.json import load_json, rows_at
from medshelf.model.blob import LocalFile


def blob(folder: Path, data: str | bytes, name: str = "a.csv") -> LocalFile:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return LocalFile(path)


def workbook(folder: Path, sheets: dict[str, list[list[Any]]], name: str = "a.xlsx") -> LocalFile:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return LocalFile(folder / name)


# real data


def test_medmcqa_is_json_lines_under_a_json_name(shared_data: Path) -> None:
    table = read_table(LocalFile(shared_data / "medqa-medmcqa" / "medmcqa" / "data" / "dev.json"))
    assert (len(table.rows), table.meta["kind"]) == (4183, "json lines")
    assert {row["cop"] for row in table.rows} == {1, 2, 3, 4}
    assert table.rows[0]["exp"] is None


def test_medqa_is_json_lines(shared_data: Path) -> None:
    folder = shared_data / "medqa-medmcqa" / "medqa" / "data_clean" / "questions" / "US" / "4_options"
    rows = read_rows(LocalFile(folder / "phrases_no_exclude_test.jsonl"))
    assert len(rows) == 1273
    assert all(row["options"][row["answer_idx"]] == row["answer"] for row in rows)


def test_pubmedqa_is_an_object_of_objects_whose_names_become_keys(shared_data: Path) -> None:
    folder = shared_data / "pubmedqa" / "data"
    rows = read_rows(LocalFile(folder / "ori_pqal.json"))
    truth = read_rows(LocalFile(folder / "test_ground_truth.json"), records="$.*")
    assert (len(rows), len(truth)) == (1000, 500)
    decisions = {row["_key"]: row["final_decision"] for row in rows}
    assert all(decisions[row["_key"]] == row["_value"] for row in truth)


def test_vqa_rad_is_a_list(shared_data: Path) -> None:
    folder = shared_data / "vqa-rad" / "data"
    test, train = (read_rows(LocalFile(folder / f"{name}set.json")) for name in ("test", "train"))
    assert (len(test), len(train)) == (451, 3064)
    assert all((folder / "images" / row["image_name"]).is_file() for row in test + train)


# delimited text


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_each_separator_is_found(tmp_path: Path, sep: str) -> None:
    text = f"id{sep}sex{sep}age\n001{sep}F{sep}30\n002{sep}M{sep}\n"
    table = read_table(blob(tmp_path, text, "a.txt"))
    assert table.meta["sep"] == sep
    assert table.rows == [{"id": "001", "sex": "F", "age": "30"}, {"id": "002", "sex": "M", "age": ""}]


def test_values_stay_strings_as_written(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, "id,v\n007, 1.50 \nNA,1e3\n")) == [
        {"id": "007", "v": " 1.50 "},
        {"id": "NA", "v": "1e3"},
    ]


def test_decimal_commas_do_not_hide_the_semicolon(tmp_path: Path) -> None:
    rows = read_rows(blob(tmp_path, "id;weight\n1;70,5\n2;80\n"))
    assert rows[0] == {"id": "1", "weight": "70,5"}


def test_bars_within_cells_do_not_hide_the_comma(tmp_path: Path) -> None:
    rows = read_rows(blob(tmp_path, "Image,Finding Labels\n1.png,Cardiomegaly|Effusion\n2.png,Mass|Nodule\n"))
    assert rows[1] == {"Image": "2.png", "Finding Labels": "Mass|Nodule"}


def test_an_ambiguous_separator_is_refused_and_can_be_named(tmp_path: Path) -> None:
    table = blob(tmp_path, "a;b|c\n1;2|3\n", "a.txt")
    with pytest.raises(FormatError, match="not clear.*semicolon and bar.*sep"):
        read_rows(table)
    assert read_rows(table, sep="|") == [{"a;b": "1;2", "c": "3"}]


def test_the_ending_decides_between_two_possible_separators(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, "a,b;c\n1,2;3\n")) == [{"a": "1", "b;c": "2;3"}]
    assert read_rows(blob(tmp_path, "a\tb,c\n1\t2,3\n", "a.tsv")) == [{"a": "1", "b,c": "2,3"}]


def test_one_column_needs_no_separator(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, "id\n1\n2\n")) == [{"id": "1"}, {"id": "2"}]


def test_quotes_hold_separators_and_line_ends(tmp_path: Path) -> None:
    rows = read_rows(blob(tmp_path, 'id,report\r\n1,"No ""acute"" finding,\nbut see below"\r\n2,ok\r\n'))
    assert rows[0]["report"] == 'No "acute" finding,\nbut see below'
    assert rows[1] == {"id": "2", "report": "ok"}


def test_unusual_line_breaks_within_a_cell_do_not_break_the_line(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, "id,text\n1,a\u2028b\x0cc\x85d\n")) == [
        {"id": "1", "text": "a\u2028b\x0cc\x85d"}
    ]


def test_an_open_quote_is_an_error_with_its_line(tmp_path: Path) -> None:
    text = 'id,report\n1,fine\n2,"never closed\n3,x\n'
    with pytest.raises(Truncated, match="line 3"):
        read_rows(blob(tmp_path, text))
    assert len(read_rows(blob(tmp_path, text), quote=None)) == 3


def test_text_after_a_quote_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2.*quote=None"):
        read_rows(blob(tmp_path, 'id,size\n1,"5" cm\n'))


def test_a_line_with_too_many_cells_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 3 has more cells.*3 cells, 2 columns"):
        read_rows(blob(tmp_path, "a,b\n1,2\n1,2,3\n"))
    assert read_rows(blob(tmp_path, "a,b\n1,2,,\n")) == [{"a": "1", "b": "2"}]


def test_short_lines_are_filled_and_told(tmp_path: Path) -> None:
    table = read_table(blob(tmp_path, "a,b,c\n1,2,3\n4\n5,6,7\n"))
    assert table.rows[1] == {"a": "4", "b": "", "c": ""}
    assert table.meta["short_lines"] == (3,)


def test_a_table_cut_within_its_last_line_is_truncated(tmp_path: Path) -> None:
    with pytest.raises(Truncated, match="line 3"):
        read_rows(blob(tmp_path, "a,b,c\n1,2,3\n4,5"))
    assert len(read_rows(blob(tmp_path, "a,b,c\n1,2,3\n4,5,6"))) == 2


def test_blank_lines_are_skipped_and_numbers_stay_those_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 5"):
        read_rows(blob(tmp_path, "\na,b\n\n1,2\n1,2,3\n"))


def test_columns_without_a_name_and_with_the_same_name(tmp_path: Path) -> None:
    table = read_table(blob(tmp_path, "a,,a,a.1,a\n1,2,3,4,5\n"))
    assert table.columns == ("a", "column_2", "a.2", "a.1", "a.3")
    assert list(table.rows[0].values()) == ["1", "2", "3", "4", "5"]


def test_headers_below_the_first_line_in_two_lines_and_absent(tmp_path: Path) -> None:
    text = "Export of 2020,,\nTumour,,Patient\nsize,grade,id\n3,2,x\n"
    assert read_table(blob(tmp_path, text), header=2).columns == ("size", "grade", "id")
    assert read_table(blob(tmp_path, text), header=(1, 2)).columns == (
        "Tumour/size",
        "Tumour/grade",
        "Patient/id",
    )
    table = read_table(blob(tmp_path, "1,2\n3,4\n"), header=None)
    assert table.rows == [{"column_1": "1", "column_2": "2"}, {"column_1": "3", "column_2": "4"}]
    with pytest.raises(FormatError, match="no header"):
        read_table(blob(tmp_path, text), header=9)


def test_a_cell_may_be_longer_than_pythons_limit(tmp_path: Path) -> None:
    rle = "1 2 " * 100_000
    assert read_rows(blob(tmp_path, f"id,rle\n1,{rle}\n"))[0]["rle"] == rle


def test_chinese_columns_are_read_and_their_encoding_told(tmp_path: Path) -> None:
    table = read_table(blob(tmp_path, "科室,问题\n内科,头痛怎么办\n".encode("gbk")))
    assert table.rows == [{"科室": "内科", "问题": "头痛怎么办"}]
    assert table.meta["encoding"] == "gb18030"


def test_a_mark_at_the_beginning_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read_table(blob(tmp_path, "id,x\n1,2\n".encode("utf-8-sig"))).columns == ("id", "x")


def test_gzipped_tables(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.csv.gz")) == [{"a": "1", "b": "2"}]
    assert read_rows(blob(tmp_path, gzip.compress(b'{"a": 1}\n'), "a.jsonl.gz")) == [{"a": 1}]


# JSON


DOCUMENT = {
    "numTraining": 2,
    "training": [{"image": "a", "label": "b"}, {"image": "c", "label": "d"}],
    "test": ["e"],
}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("training[*]", DOCUMENT["training"]),
        ("$.training[*]", DOCUMENT["training"]),
        ("$['training'][*]", DOCUMENT["training"]),
        ("training[1:]", [{"image": "c", "label": "d"}]),
        ("training[-1]", [{"image": "c", "label": "d"}]),
        ("training[*].image", [{"_value": "a"}, {"_value": "c"}]),
        ("test[*]", [{"_value": "e"}]),
    ],
)
def test_paths_into_a_decathlon_record(tmp_path: Path, path: str, rows: list[dict[str, Any]]) -> None:
    assert read_rows(blob(tmp_path, json.dumps(DOCUMENT), "dataset.json"), records=path) == rows


def test_without_a_path_the_message_names_the_lists(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"records, such as training\[\*\] or test\[\*\]"):
        read_rows(blob(tmp_path, json.dumps(DOCUMENT), "dataset.json"))


def test_verse_centroids_skip_the_direction(tmp_path: Path) -> None:
    text = '[{"direction": ["P", "I", "R"]}, {"label": 17, "X": 1.5, "Y": 2, "Z": 3}]'
    assert read_rows(blob(tmp_path, text, "ctd.json"), records="[1:]") == [
        {"label": 17, "X": 1.5, "Y": 2, "Z": 3}
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("training", r"finds a list.*training\[\*\]"),
        ("validation[*]", "'validation', which is not there.*'training'"),
        ("training.*", "meets a list"),
        ("numTraining[*]", "meets a int"),
        ("training[7]", "meets a list of 2"),
        ("training[", "no path"),
        ("$.*.*", "twice"),
    ],
)
def test_wrong_paths_are_explained(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_rows(blob(tmp_path, json.dumps(DOCUMENT), "dataset.json"), records=path)


def test_a_name_twice_in_an_object_is_an_error_and_no_loss(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="'a' twice"):
        read_rows(blob(tmp_path, '{"a": {"x": 1}, "a": {"x": 2}}', "a.json"))


def test_json_errors_have_a_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 2, column 10"):
        read_rows(blob(tmp_path, '[{"a": 1},\n {"b": 2 "c": 3}]', "a.json"))
    with pytest.raises(Truncated):
        read_rows(blob(tmp_path, '[{"a": 1},\n {"b": ', "a.json"))
    with pytest.raises(FormatError, match="line 2: this is not valid JSON"):
        read_rows(blob(tmp_path, '{"a": 1}\n{"b": }\n{"c": 3}\n', "a.jsonl"))


def test_json_nested_without_end_is_an_error() -> None:
    with pytest.raises(FormatError):
        load_json("[" * 200_000, "x.json")


def test_a_record_that_has_a_key_of_its_own_is_refused() -> None:
    with pytest.raises(FormatError, match="_key"):
        rows_at({"a": {"_key": 1}}, "$.*", "x.json")


# workbooks


def test_a_workbook_keeps_types_and_tells_its_sheets(tmp_path: Path) -> None:
    day = datetime.datetime(2020, 1, 2)
    book = workbook(
        tmp_path,
        {
            "notes": [["x"]],
            "data": [["id", "n", "day"], ["001", 1.5, day], [None, None, None], ["002", None, None]],
        },
    )
    table = read_table(book, sheet="data")
    assert table.rows == [{"id": "001", "n": 1.5, "day": day}, {"id": "002", "n": "", "day": ""}]
    assert (table.meta["sheet"], table.meta["sheets"]) == ("data", ("notes", "data"))
    assert read_table(book).meta["sheet"] == "notes"
    assert read_table(book, sheet=1).rows == table.rows
    for sheet in ("nothing", 7):
        with pytest.raises(FormatError, match="'notes', 'data'"):
            read_table(book, sheet=sheet)


def test_two_header_rows_and_notes_beside_the_table(tmp_path: Path) -> None:
    book = workbook(tmp_path, {"s": [["Tumour", None, "Id"], ["size", "grade", None], [3, 2, "x", "a note"]]})
    table = read_table(book, header=(0, 1))
    assert table.columns == ("Tumour/size", "Tumour/grade", "Id", "Id.1")
    assert table.rows == [{"Tumour/size": 3, "Tumour/grade": 2, "Id": "x", "Id.1": "a note"}]


def test_old_excel_is_refused_by_its_bytes(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"\.xls.*\.xlsx or \.csv"):
        read_rows(blob(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls"))


def test_text_under_an_excel_name(tmp_path: Path) -> None:
    assert read_rows(blob(tmp_path, "a\tb\n1\t2\n", "a.xls")) == [{"a": "1", "b": "2"}]
    with pytest.raises(FormatError, match="not what its name says"):
        read_rows(blob(tmp_path, "a\tb\n1\t2\n", "a.xlsx"))


def test_a_zip_that_is_no_workbook_and_a_cut_workbook(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(Unsupported, match="no Excel workbook"):
        read_rows(blob(tmp_path, made.getvalue(), "a.xlsx"))
    data = workbook(tmp_path, {"s": [["a"], [1]]}).read_bytes()
    for cut in (len(data) // 2, len(data) - 10):
        with pytest.raises(FormatError):
            read_rows(blob(tmp_path, data[:cut], "b.xlsx"))


def test_a_workbook_that_unfolds_too_far_is_refused_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_xlsx, "LIMIT_UNFOLDED_BYTES", 2**24)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(2**24))
    assert len(made.getvalue()) < 2**16
    with pytest.raises(Unsupported, match="unfold to"):
        read_rows(blob(tmp_path, made.getvalue(), "a.xlsx"))


def test_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    source = zipfile.ZipFile(workbook(tmp_path, {"s": [["a"]]}).path)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for part in source.infolist():
            data = source.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                data = b'<!DOCTYPE x [<!ENTITY a "b">]>' + data
            archive.writestr(part, data)
    with pytest.raises(Unsupported, match="entities"):
        read_rows(blob(tmp_path, made.getvalue(), "b.xlsx"))


def test_a_sheet_with_too_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_xlsx, "LIMIT_CELLS", 50)
    assert len(read_rows(workbook(tmp_path, {"s": [["a", "b"]] * 20}))) == 19
    with pytest.raises(Unsupported, match="too many cells"):
        read_rows(workbook(tmp_path, {"s": [["a", "b"]] * 30}))
    with pytest.raises(Unsupported, match="too many cells"):
        read_rows(workbook(tmp_path, {"s": [["a"]] * 20 + [["b"] * 25]}))


# Parquet


def test_parquet_without_its_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra, match=r"medshelf\[parquet\]"):
        read_rows(blob(tmp_path, b"PAR1" + bytes(20) + b"PAR1", "a.parquet"))


def test_parquet_keeps_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"id": "001", "n": 1}, {"id": "002", "n": None}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_rows(LocalFile(tmp_path / "a.parquet")) == rows
    with pytest.raises(Unsupported, match="too large"):
        read_rows(LocalFile(tmp_path / "a.parquet"), limit_bytes=10)
    data = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(FormatError):
        read_rows(blob(tmp_path, data[:-20], "b.parquet"))


# all


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.json", "a.jsonl"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    rows = [{"id": "001", "text": 'a, "b"\tc\nd;e|f'}, {"id": "=1+1", "text": "头痛"}]
    write_rows(tmp_path / name, rows)
    assert read_rows(LocalFile(tmp_path / name)) == rows


@pytest.mark.parametrize("path", ["$[*]", "$.*", "training[*]", "[1:]", "a.b[*].c"])
def test_json_is_written_where_a_path_finds_it(tmp_path: Path, path: str) -> None:
    key = {"_key": "k1"} if path == "$.*" else {}
    rows = [{**key, "x": 1, "y": [2]}]
    write_rows(tmp_path / "a.json", rows, records=path)
    assert read_rows(LocalFile(tmp_path / "a.json"), records=path) == rows


def test_plain_values_are_written_back(tmp_path: Path) -> None:
    for path, rows in (("test[*]", [{"_value": "a"}]), ("$.*", [{"_key": "a", "_value": "yes"}])):
        write_rows(tmp_path / "a.json", rows, records=path)
        assert read_rows(LocalFile(tmp_path / "a.json"), records=path) == rows


def test_other_endings_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"\.docx"):
        write_rows(tmp_path / "a.docx", [])


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.json", "a.jsonl", "a.parquet"])
def test_bad_files_are_errors(tmp_path: Path, name: str) -> None:
    for data in (b"", b"<!DOCTYPE html><html>Log in</html>"):
        with pytest.raises(FormatError):
            read_rows(blob(tmp_path, data, name))
    with pytest.raises(FormatError):
        read_rows(blob(tmp_path, b"\x89PNG\r\n\x1a\n\0\0\0", name))
    (tmp_path / "folder" / name).mkdir(parents=True)
    with pytest.raises(AccessError):
        read_rows(LocalFile(tmp_path / "folder" / name))
    with pytest.raises(NotFound):
        read_rows(LocalFile(tmp_path / "gone" / name))


def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    rows = [{"id": f"{n:03}", "text": 'a "quoted", text\n'} for n in range(30)]
    for name in ("a.csv", "a.json", "a.jsonl", "a.xlsx"):
        write_rows(tmp_path / f"good_{name}", rows)
        assert survives_damage(read_rows, (tmp_path / f"good_{name}").read_bytes(), name, 40)
