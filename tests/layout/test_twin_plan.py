"""Plans of twins and the values that are invented for their names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medshelf.errors import LayoutError
from medshelf.layout.check import check_names
from medshelf.layout.invent import invent
from medshelf.layout.template import parse
from medshelf.layout.twin import SERIES_LENGTH, plan
from medshelf.layout.twin_rows import ROWS, top_folder
from tests.layout.made import layout, record

# --- inventing values ----------------------------------------------------------------------

SPECS = ["", "int", "4d", "hex", "word", "uid", r"~[A-Z]{2}\d+", r"~\d{4}-\d\d", r"~s\d{4}[a-c]?",
         r"~(?:left|right)_\w\d+"]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_invented_matches_its_field_and_differs_from_number_to_number(spec: str) -> None:
    values = [invent("f", spec, n) for n in range(40)]
    assert len(set(values)) == 40
    assert values == [invent("f", spec, n) for n in range(40)]
    template = parse(f"{{f:{spec}}}.x" if spec else "{f}.x")
    for value in values:
        match = template.match(value + ".x")
        assert match is not None and match["f"] == value


@pytest.mark.parametrize("spec", [r"~A[B-C]", r"~fixed", r"~(?=x)y", r"~a^b"])
def test_too_rich_or_too_narrow_an_expression_asks_for_examples(spec: str) -> None:
    with pytest.raises(LayoutError, match=r"no value can be invented for \{f:~.*\[example.fields\] f"):
        for n in range(40):
            invent("f", spec, n)


def test_examples_come_first_and_are_counted_on_from() -> None:
    assert [invent("f", "~x", n, ("s0000", "s0007")) for n in range(4)] == ["s0000", "s0007", "s0008", "s0009"]
    assert [invent("f", "", n, ("a09b",)) for n in range(3)] == ["a09b", "a10b", "a11b"]
    assert [invent("f", "", n, ("x", "y")) for n in range(4)] == ["x", "y", "x", "y"]


@given(st.integers(0, 5000), st.sampled_from(["int", "6d", r"~P\d{5}"]))
def test_numbers_keep_their_place(n: int, spec: str) -> None:
    assert int(re.sub(r"\D", "", invent("f", spec, n))) == n + 1


# --- plans ---------------------------------------------------------------------------------

PAIRS = """
key = ["split", "n"]
case = "word_{n}"
roots = ["WORD-V0.1.0"]
[fields.split]
map = { Tr = "train", Ts = "test" }
[files.image]
role = "image"
path = "images{split:Tr|Ts}/word_{n:4d}.nii.gz"
[files.organs]
role = "mask"
path = "labels{split:Tr}/word_{n:4d}.nii.gz"
[tables.meta]
path = "meta.csv"
key = { id = "word_{n}" }
[targets.sex]
of = "meta.sex"
classes = ["F", "M"]
"""


def names_of(text: str, cases: int = 2) -> list[str]:
    planned = plan(layout(text), cases)
    return [file.name for file in planned.files] + [table.name for table in planned.tables]


def test_a_plan_has_so_many_cases_for_each_split() -> None:
    assert names_of(PAIRS) == [
        "WORD-V0.1.0/imagesTr/word_0001.nii.gz", "WORD-V0.1.0/labelsTr/word_0001.nii.gz",
        "WORD-V0.1.0/imagesTr/word_0002.nii.gz", "WORD-V0.1.0/labelsTr/word_0002.nii.gz",
        "WORD-V0.1.0/imagesTs/word_0003.nii.gz", "WORD-V0.1.0/imagesTs/word_0004.nii.gz",
        "WORD-V0.1.0/meta.csv",
    ]  # fmt: skip


def test_a_plan_is_always_the_same() -> None:
    assert plan(layout(PAIRS), 3) == plan(layout(PAIRS), 3)


def test_tables_have_a_row_for_each_case_with_what_targets_read() -> None:
    (table,) = plan(layout(PAIRS), 2).tables
    assert table.rows == (
        {"id": "word_0001", "sex": "F"}, {"id": "word_0002", "sex": "M"}, {"id": "word_0003", "sex": "F"},
        {"id": "word_0004", "sex": "M"},
    )  # fmt: skip


def test_members_of_a_series_are_numbered() -> None:
    series = 'key = ["p"]\n[files.ct]\nrole = "image"\npath = "{p:word}/{i:3d}.dcm"\nreader = "dicom_series"'
    planned = plan(layout(series), 2)
    assert [f.member for f in planned.files] == [*range(SERIES_LENGTH)] * 2
    assert planned.files[SERIES_LENGTH].name == "p002/001.dcm"


def test_every_channel_and_every_structure_has_its_file() -> None:
    names = names_of(
        """
key = ["p"]
[files.image]
role = "image"
path = "{p:4d}/{mod:t1|t2}.nii"
channel = "{mod}"
[files.mask]
role = "mask"
path = "{p:4d}/seg/{organ}.nii"
label = "{organ}"
labels = "organs"
[labels.organs]
Liver = "liver"
Spleen = "spleen"
"~Tumor_.*" = "liver/neoplasm"
""",
        1,
    )
    assert names == ["0001/t1.nii", "0001/t2.nii", "0001/seg/Liver.nii", "0001/seg/Spleen.nii"]


def test_questions_get_rows_of_their_own() -> None:
    asked = """
key = ["id"]
[tables.qa]
path = "{split:train|dev}.jsonl"
key = { id = "{id}" }
kind = "qa"
columns = { question = "q", answer = "a" }
anchor = true
"""
    planned = plan(layout(asked), 2)
    assert [table.name for table in planned.tables] == ["train.jsonl", "dev.jsonl"]
    assert len(planned.tables[0].rows) == ROWS
    assert len({row["id"] for row in planned.tables[0].rows}) == ROWS


def test_a_missing_example_is_said_in_words() -> None:
    described = 'key = ["p"]\n[files.image]\nrole = "image"\npath = "{p:~(?=a).*}.png"'
    with pytest.raises(LayoutError, match=r"Give some under \[example\.fields\] p"):
        plan(layout(described), 1)
    assert plan(layout(described + '\n[example.fields]\np = ["a1"]'), 1).files[0].name == "a1.png"


@pytest.mark.parametrize(
    ("roots", "folder"), [([], ""), (["A b"], "A b/"), (["A.zip"], ""), (["A.TAR.GZ"], ""), (["x", "y"], "x/")]
)
def test_the_top_folder_is_the_first_root_unless_that_is_an_archive(roots: list[str], folder: str) -> None:
    assert top_folder(layout(f"key = ['n']\nroots = {roots}")) == folder


WORDS = st.sampled_from(["{n:int}", "{n:4d}", "p{n:hex}", "{n:word}-x", "{n:uid}", r"{n:~[a-z]\\d{3}}"])
GROUPS = st.sampled_from(["", "{split:Tr|Ts}/", "{site:A|B|C}/{split:Tr|Ts}_"])


@given(WORDS, GROUPS, st.sampled_from([".png", ".nii.gz"]), st.integers(1, 4))
def test_the_plan_of_any_layout_checks_clean(word: str, group: str, ending: str, cases: int) -> None:
    fields = re.findall(r"\{(\w+)", group)
    described = f"""
key = {[*fields, "n"]}
[files.image]
role = "image"
path = "{group}images/{word}{ending}"
[files.mask]
role = "mask"
path = "{group}masks/{word}{ending}"
[tables.meta]
path = "meta.csv"
key = {{ id = "{{n}}" }}
"""
    report = check_names(record(described), names_of(described, cases))
    assert report.verdict == "whole"
    assert report.n_cases == cases * {0: 1, 1: 2, 2: 6}[len(fields)]
