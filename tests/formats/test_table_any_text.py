"""Tables of any text at all: rows, or an error of ours; and what is written comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medshelf.errors import MedshelfError
from medshelf.formats.table import read_table
from tests.conformance.test_formats import MemoryBlob

ENDINGS = st.sampled_from((".csv", ".tsv", ".txt", ".json", ".jsonl", ".xml"))
PATHS = st.none() | st.text("$.[]*:0123456789abc@", max_size=12)
SOUP = st.lists(
    st.sampled_from(
        ("a", "b", "1", "-0", "1e999", ",", ";", "\t", "|", '"', "'", "\n", "\r\n", "\r", " ", "{", "}", "[", "]", ":",
         '"a":', "null", "<r>", "</r>", "<a/>", "&amp;", "&x;", "\ufeff", "\0", "é", "诊")
    ),
    max_size=60,
).map("".join)  # fmt: skip


@given(SOUP | st.text(max_size=200), ENDINGS, PATHS, st.sampled_from((None, "utf-8", "gbk")))
def test_any_text_is_rows_or_an_error_of_ours(
    text: str, ending: str, records: str | None, encoding: str | None
) -> None:
    name = f"a{ending}"
    blob = MemoryBlob(((name, text.encode("utf-8", "surrogatepass")),), name)
    try:
        table = read_table(blob, records=records, encoding=encoding)
    except MedshelfError as error:
        assert error.what and error.where
        return
    assert all(isinstance(row, dict) for row in table.rows)
    assert {name for row in table.rows for name in row} <= set(table.columns)


@given(data=st.binary(max_size=300), ending=ENDINGS)
def test_any_bytes_are_rows_or_an_error_of_ours(data: bytes, ending: str) -> None:
    name = f"a{ending}"
    try:
        read_table(MemoryBlob(((name, data),), name))
    except MedshelfError as error:
        assert error.what and error.where


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), min_size=1, max_size=12).map(str.strip)


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), sep=st.sampled_from(",;\t|"))
def test_cells_that_are_quoted_come_back(rows: list[tuple[str, str]], sep: str) -> None:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [sep.join(map(quoted, row)) for row in [("left", "right"), *rows]]
    blob = MemoryBlob((("a.csv", "\n".join([*lines, ""]).encode()),), "a.csv")
    found = read_table(blob, sep=sep).rows
    assert [(row["left"], row["right"]) for row in found] == [row for row in rows if any(row)]
