"""What a layout says of its tables, on files made by hand, on twins, and where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.errors import FormatError
from medshelf.layout.lint import complaints
from medshelf.model.labels import State
from medshelf.samples.sample import Sample
from tests.layout.made import layout, record

IMAGE = 'key = ["n"]\n[files.image]\nrole = "image"\npath = "p{n:2d}.png"\n'


def opened(root: Path, text: str, n_images: int = 2, **files: str) -> list[Sample]:
    for n in range(1, n_images + 1):
        pil.fromarray(np.zeros((4, 6), np.uint8)).save(root / f"p{n:02}.png")
    for name, content in files.items():
        (root / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return list(medshelf.open(record(IMAGE + text), root))


def twinned(root: Path, text: str) -> list[Sample]:
    """Write a twin, check it, and open it."""
    made = record(IMAGE + text)
    medshelf.twin(made, root, cases=2)
    assert [f.message for f in medshelf.check(made, root).findings if f.severity != "info"] == []
    return list(medshelf.open(made, root))


def told(text: str) -> list[tuple[str, str]]:
    return [(".".join(map(str, path)), message) for path, message in complaints(layout(IMAGE + text))]


# --- where names of columns stand ----------------------------------------------------------

BARE = '[tables.t]\npath = "t.csv"\nkey = { id = "p{n}" }\ncolumns_are = ["id", "class"]\n[targets.c]\nof = "t.class"\n'


def test_a_table_without_names_gets_those_of_the_layout(tmp_path: Path) -> None:
    first, second = opened(tmp_path, BARE, t__csv="p01,Tumor,IDC\np02,Normal,None\n")
    assert first.tables["t"] == [{"id": "p01", "class": "Tumor", "column_3": "IDC"}]
    assert (first.targets["c"], second.targets["c"]) == ("Tumor", "Normal")


def test_the_twin_of_a_table_without_names_has_none(tmp_path: Path) -> None:
    samples = twinned(tmp_path / "twin", BARE)
    assert (tmp_path / "twin" / "t.csv").read_text().splitlines()[0].startswith("p")
    assert all(len(sample.tables["t"]) == 1 for sample in samples)


TWO = '[tables.t]\npath = "t.csv"\nkey = { id = "{n}" }\nheader = [0, 1]\n'


def test_two_rows_of_names_are_joined(tmp_path: Path) -> None:
    text = "id,Bleeding,,Note\n,Epidural,Subdural,\n01,1,0,x\n02,0,1,\n"
    first, _ = opened(tmp_path, TWO, t__csv=text)
    assert first.tables["t"] == [{"id": "01", "Bleeding/Epidural": "1", "Bleeding/Subdural": "0", "Note": "x"}]


def test_twins_have_their_names_where_the_layout_says(tmp_path: Path) -> None:
    for place, header in (("two", "[0, 1]"), ("later", "2")):
        samples = twinned(tmp_path / place, TWO.replace("[0, 1]", header))
        assert [len(sample.tables["t"]) for sample in samples] == [1, 1]


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('columns_are = ["id", "a"]\nheader = 1', "columns_are", "leave one out"),
        ('columns_are = ["id", "id"]', "columns_are", "a name comes twice"),
        ('columns_are = ["a", "b"]', "key", "does not name id"),
        ('kind = "list"\ncolumns_are = ["id"]', "columns_are", "one column line"),
        ("header = -1", "header", "number of a row from 0"),
        ("header = []", "header", "number of a row from 0"),
        ("header = [1, 0]", "header", "rising order"),
        ('sep = "||"', "sep", "one character"),
        ('codec = "rle"', "codec", 'only kind = "mask"'),
        ('kind = "qa"', "columns", "needs columns = { question"),
        ('kind = "boxes"\ncolumns = { x = "x", y = "y" }', "columns", "x0, y0, x1, y1, or x, y, width, height"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(line: str, key: str, said: str) -> None:
    found = told(f'[tables.t]\npath = "t.csv"\nkey = {{ id = "{{n}}" }}\n{line}\n')
    assert found[0] == (f"tables.t.{key}", _Holds(said))


class _Holds(str):
    """A text that equals every text that holds it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str(self) in other

    __hash__ = str.__hash__


# --- quotes, separators, cells with several values -----------------------------------------


def test_quotes_may_be_text(tmp_path: Path) -> None:
    text = '[tables.t]\npath = "t.txt"\nkey = { id = "p{n}" }\nsep = "|"\nquoted = false\n' \
        'kind = "qa"\ncolumns_are = ["id", "q", "a"]\ncolumns = { question = "q", answer = "a" }\n'  # fmt: skip
    first, _ = opened(tmp_path, text, t__txt='p01|what is "this|a mass\np01|why "|\np02|?|!\n')
    found = [(row["question"], row["answer"]) for row in first.tables["t"]]
    assert found == [('what is "this', "a mass"), ('why "', "")]
    assert all(sample.tables["t"][0]["question"] for sample in twinned(tmp_path / "twin", text))


MANY = '[tables.t]\npath = "t.csv"\nkey = { id = "{n}" }\n[targets.found]\nof = "t.f"\nkind = "multilabel"\nsep = "|"\n'


def test_a_cell_may_hold_several_labels(tmp_path: Path) -> None:
    text = MANY + 'map = { a = "Atelectasis" }\n'
    samples = opened(tmp_path, text, 3, t__csv="id,f\n01,a|Mass\n02,\n")
    assert [sample.targets["found"] for sample in samples] == [["Atelectasis", "Mass"], [], None]


def test_a_cell_may_be_written_as_a_list(tmp_path: Path) -> None:
    text = MANY.replace('"|"', '"[]"')
    content = 'id,f\n01,"[\'nodule\', \' pleural effusion\', \'\']"\n02,[]\n'
    first, second = opened(tmp_path, text, t__csv=content)
    assert (first.targets["found"], second.targets["found"]) == (["nodule", "pleural effusion"], [])
    for bad in ("nodule", "{'a': 1}", "[", "__import__('os')", "[" * 500):
        (sample, _) = opened(tmp_path, text, t__csv=f'id,f\n01,"{bad}"\n')
        with pytest.raises(FormatError, match="no list"):
            sample.targets["found"]


@pytest.mark.parametrize("sep", ["|", "[]", ";"])
def test_twins_hold_several_labels_in_a_cell(tmp_path: Path, sep: str) -> None:
    text = MANY.replace('"|"', f'"{sep}"') + 'classes = ["a", "b", "c"]\n'
    assert all(sample.targets["found"] == ["a", "b"] for sample in twinned(tmp_path / "twin", text))


def test_what_is_wrong_with_several_values_is_told() -> None:
    assert told(MANY.replace("multilabel", "class"))[0] == ("targets.found.sep", _Holds('kind = "multilabel"'))
    assert told(MANY.replace('"|"', '""'))[0] == ("targets.found.sep", _Holds("such as"))
    assert told(MANY.replace("t.f", "t.*"))[0] == ("targets.found.sep", _Holds("name one column"))


# --- XML, lists, tables of one case, questions ---------------------------------------------


def test_elements_of_xml_are_rows(tmp_path: Path) -> None:
    text = '[tables.t]\npath = "t.xml"\nrecords = "//Q"\nkey = { "@id" = "p{n}" }\nkind = "qa"\n' \
        'columns = { question = "Ask/TEXT", answer = "A" }\n'  # fmt: skip
    xml = '<?xml version="1.0"?><r xmlns="urn:x"><g><Q id="p01"><Ask n="1"><TEXT> why? </TEXT></Ask>' \
        "<A>x</A><A>y</A></Q></g><Q id='p02'/></r>"  # fmt: skip
    first, second = opened(tmp_path, text, t__xml=xml)
    (row,) = first.tables["t"]
    assert (row["question"], row["answer"], row["Ask/@n"]) == ("why?", ["x", "y"], "1")
    assert second.tables["t"] == [{"@id": "p02"}]
    assert all(sample.tables["t"][0]["question"] for sample in twinned(tmp_path / "twin", text))


def test_a_list_without_examples_has_a_twin(tmp_path: Path) -> None:
    twinned(tmp_path / "twin", '[tables.t]\npath = "t.txt"\nkind = "list"\noptional = true\n')
    assert "synthetic line 1" in (tmp_path / "twin" / "t.txt").read_text()
    anchored = 'key = ["n"]\n[tables.t]\npath = "{split:train|test}.txt"\nkind = "list"\nanchor = true\n'
    medshelf.twin(record(anchored), tmp_path / "rows")
    assert {s.tables["t"][0]["line"] for s in medshelf.open(record(anchored), tmp_path / "rows")} == {
        f"synthetic line {n}" for n in range(1, 5)
    }


def test_a_table_whose_name_tells_the_case_is_wholly_its_own(tmp_path: Path) -> None:
    text = '[tables.own]\npath = "own_{n:2d}.txt"\nsep = " "\ncolumns_are = ["x", "y"]\noptional = true\n' \
        '[tables.all]\npath = "all.csv"\noptional = true\n'  # fmt: skip
    first, second = opened(tmp_path, text, own_01__txt="1 2\n3 4\n", all__csv="a\n1\n")
    assert first.tables["own"] == [{"n": "01", "x": "1", "y": "2"}, {"n": "01", "x": "3", "y": "4"}]
    assert (second.tables["own"], first.tables["all"]) == ([], [])


def test_questions_have_the_same_names_whatever_the_table_calls_them(tmp_path: Path) -> None:
    text = '[tables.qa]\npath = "t.csv"\nkey = { im = "p{n}" }\nkind = "qa"\n' \
        'columns = { question = "Q", answer = "key", options = ["opa", "opb"], id = "no" }\n'  # fmt: skip
    first, _ = opened(tmp_path, text, t__csv="im,Q,key,opa,opb,no,answer\np01,where?,2,left,right,7,unused\n")
    (row,) = first.tables["qa"]
    assert {name: row[name] for name in ("question", "answer", "options", "id")} == {
        "question": "where?", "answer": "2", "options": ["left", "right"], "id": "7",
    }  # fmt: skip
    assert (row["opa"], row["Q"], row["key"]) == ("left", "where?", "2")


# --- boxes and masks in rows ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "head", "row"),
    [
        ('x = "x", y = "y", width = "w", height = "h"', "x,y,w,h", "1,2,3,1"),
        ('x0 = "left", y0 = "top", x1 = "right", y1 = "bottom"', "left,top,right,bottom", "1,2,4,3"),
    ],
)
def test_boxes_in_rows_are_boxes(tmp_path: Path, columns: str, head: str, row: str) -> None:
    text = f'[tables.b]\npath = "t.csv"\nkey = {{ id = "p{{n}}" }}\nkind = "boxes"\nlabels = "found"\n' \
        f'columns = {{ label = "class", {columns} }}\n[labels.found]\nMass = "lung/mass"\n'  # fmt: skip
    first, second, third = opened(
        tmp_path, text, 3, t__csv=f"id,class,{head}\np01,Mass,{row}\np01,Mass,{row}\np02,No finding,,,,\n"
    )
    boxes = first.annotations["b"].read()
    assert (boxes.frame, len(boxes.boxes)) == ("edges", 2)
    one: Any = boxes.boxes[0]
    assert (one.label, one.x_min, one.y_min, one.x_max, one.y_max) == ("Mass", 1, 2, 4, 3)
    assert one.extra["id"] == "p01"
    assert (second.annotations["b"].read().boxes, third.annotations["b"].read().boxes) == ((), ())
    assert first.annotations["b"].structures == ("lung/mass",)
    twinned_boxes = twinned(tmp_path / "twin", text)[0].annotations["b"].read().boxes
    assert len(twinned_boxes) == 1 and twinned_boxes[0].x_max > twinned_boxes[0].x_min


def test_whole_pixels_that_belong_to_a_box_stay_those(tmp_path: Path) -> None:
    text = '[tables.b]\npath = "t.csv"\nkey = { id = "p{n}" }\nkind = "boxes"\nframe = "inclusive-1"\n' \
        'columns = { x = "x", y = "y", width = "w", height = "h" }\n'  # fmt: skip
    first, _ = opened(tmp_path, text, t__csv="id,x,y,w,h\np01,1,1,2,1\n")
    boxes = first.annotations["b"].read()
    assert (boxes.boxes[0].x_max, boxes.boxes[0].y_max) == (2, 1)
    edges: Any = boxes.to_edges().boxes[0]
    assert (edges.x_min, edges.y_min, edges.x_max, edges.y_max) == (0, 0, 2, 1)


def test_a_box_with_a_number_missing_is_an_error(tmp_path: Path) -> None:
    text = '[tables.b]\npath = "t.csv"\nkey = { id = "p{n}" }\nkind = "boxes"\n' \
        'columns = { x = "x", y = "y", width = "w", height = "h" }\n'  # fmt: skip
    first, _ = opened(tmp_path, text, t__csv="id,x,y,w,h\np01,1,1,,1\n")
    with pytest.raises(FormatError, match="width is not a number"):
        first.annotations["b"].read()


RUNS = '[tables.m]\npath = "t.csv"\nkey = { id = "p{n}" }\nkind = "mask"\ncodec = "CODEC"\nlabels = "l"\n' \
    'columns = { rle = "runs" }\n[labels.l]\n1 = "pleural_cavity/pneumothorax"\n'  # fmt: skip
NAME = "pleural_cavity/pneumothorax"


@pytest.mark.parametrize(
    ("codec", "runs"),
    [
        ("rle:start=1,order=column-major", "6 2"),
        ("rle:start=0,order=column-major", "5 2"),
        ("rle:start=0,order=column-major,relative=yes,shape=4x6", "5 1 0 1"),
        ("rle:start=0,order=row-major", "7 1 13 1"),
        ("coco", "52a0"),
        ("rle:start=1,order=column-major,shape={h}x{w}", "6 2"),
    ],
)
def test_codecs_of_masks(tmp_path: Path, codec: str, runs: str) -> None:
    text = RUNS.replace("CODEC", codec)
    content = f"id,runs,h,w\np01,{runs},4,6\np02,-1,4,6\n"
    first, second, third = opened(tmp_path, text, 3, t__csv=content)
    assert np.argwhere(first.mask.mask(NAME)).tolist() == [[1, 1], [2, 1]]
    assert [sample.mask.state(NAME) for sample in (first, second, third)] == [
        State.PRESENT, State.ABSENT, State.NOT_ANNOTATED,
    ]  # fmt: skip
    if "{h}" not in codec and "4x6" not in codec:
        assert all(s.mask.state(NAME) == State.PRESENT for s in twinned(tmp_path / "twin", text))


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("zip", "'zip' is no codec"),
        ("rle:begin=1", "no option 'begin'"),
        ("rle:start=2", "start='2' is unknown"),
        ("rle:order=columns", "row-major, column-major"),
        ("rle:shape=4", "is no shape"),
        ("coco:start=1", "no option 'start'"),
    ],
)
def test_wrong_codecs_are_told(codec: str, said: str) -> None:
    assert told(RUNS.replace("CODEC", codec)) == [("tables.m.codec", _Holds(said))]


def test_masks_without_structures_or_runs_are_told() -> None:
    assert ("tables.m.labels", _Holds("needs labels")) in told(RUNS.replace("CODEC", "rle").replace('"l"', '"k"'))
    assert ("tables.m.columns", _Holds("column of the run lengths")) in told(
        RUNS.replace("CODEC", "rle").replace("rle = ", "mask = ")
    )


def test_a_mask_of_another_size_or_without_one_is_an_error(tmp_path: Path) -> None:
    for codec, said in (("rle:shape=5x6", "as large as its picture"), ("rle:shape={h}x{w}", "size of a mask")):
        first, _ = opened(tmp_path, RUNS.replace("CODEC", codec), t__csv="id,runs,h\np01,1 2,4\n")
        with pytest.raises(FormatError, match=said):
            first.mask.mask(NAME)
