"""Tables joined to cases, targets, splits and rows that are cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.samples.dataset import Dataset
from medshelf.samples.tables import comparable
from tests.layout.made import record

IMAGE = 'key = ["split", "n"]\n[files.image]\nrole = "image"\npath = "{split:train|test}/p{n:4d}.png"\n'


THREE = ("train/p0001", "train/p0002", "test/p0003")


def opened(root: Path, layout: str, names: tuple[str, ...] = THREE, **files: str) -> Dataset:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pil.fromarray(np.zeros((4, 4), np.uint8)).save(root / f"{name}.png")
    for name, text in files.items():
        (root / name.replace("__", "/").replace("_csv", ".csv").replace("_json", ".json")).write_text(text)
    return medshelf.open(record(IMAGE + layout), root)


def column(dataset: Dataset, table: str, name: str) -> dict[str, list[object]]:
    return {sample.case: [row[name] for row in sample.tables[table]] for sample in dataset}


META = '[tables.meta]\npath = "meta.csv"\nkey = { id = "p{n}" }\n'


def test_rows_belong_to_the_case_whose_key_they_hold(tmp_path: Path) -> None:
    dataset = opened(tmp_path, META, meta_csv="id,sex\np0002,F\np0001,M\np0009,F\n")
    assert column(dataset, "meta", "sex") == {"train/0001": ["M"], "train/0002": ["F"], "test/0003": []}


def test_a_case_may_have_several_rows(tmp_path: Path) -> None:
    dataset = opened(tmp_path, META, meta_csv="id,visit\np0001,1\np0001,2\n")
    assert [str(v) for v in column(dataset, "meta", "visit")["train/0001"]] == ["1", "2"]


@pytest.mark.parametrize("written", ["1", "01", "0001", " 1 "])
def test_whole_numbers_agree_however_they_are_written(tmp_path: Path, written: str) -> None:
    dataset = opened(tmp_path, META.replace('"p{n}"', '"{n}"'), meta_csv=f"id,sex\n{written},M\n")
    assert column(dataset, "meta", "sex")["train/0001"] == ["M"]


def test_cells_are_compared_as_trimmed_text_or_whole_numbers() -> None:
    assert comparable(" 007 ") == comparable(7) == comparable(7.0) == "7"
    assert comparable("0") == comparable("000") == "0"
    assert comparable(None) == ""
    assert comparable("7.5") == "7.5"
    assert comparable("a07") == "a07"
    assert comparable("5²") == "5²"
    assert comparable("²") == "²"
    assert comparable("9" * 5000) == "9" * 5000


def test_several_columns_must_all_agree(tmp_path: Path) -> None:
    layout = '[tables.meta]\npath = "meta.csv"\nkey = { part = "{split}", id = "p{n}" }\n'
    rows = "part,id,x\ntest,p0001,a\ntrain,p0001,b\n"
    dataset = opened(tmp_path, layout, ("train/p0001", "test/p0001"), meta_csv=rows)
    assert column(dataset, "meta", "x") == {"train/0001": ["b"], "test/0001": ["a"]}


def test_a_table_for_each_split_serves_its_own_cases(tmp_path: Path) -> None:
    layout = '[tables.meta]\npath = "{split:train|test}.csv"\nkey = { id = "p{n}" }\n'
    dataset = opened(
        tmp_path, layout, ("train/p0001", "test/p0001"), train_csv="id,x\np0001,a\n", test_csv="id,x\np0001,b\n"
    )
    assert column(dataset, "meta", "x") == {"train/0001": ["a"], "test/0001": ["b"]}


def test_rows_are_picked_from_json(tmp_path: Path) -> None:
    layout = '[tables.meta]\npath = "d.json"\nrecords = "$.training[*]"\nkey = { image = "./p{n}.png" }\n'
    dataset = opened(tmp_path, layout, d_json='{"name": "x", "training": [{"image": "./p0001.png", "w": 3}]}')
    assert column(dataset, "meta", "w") == {"train/0001": [3], "train/0002": [], "test/0003": []}


def test_a_table_that_is_not_here_has_no_rows(tmp_path: Path) -> None:
    dataset = opened(tmp_path, META)
    assert column(dataset, "meta", "sex") == {"train/0001": [], "train/0002": [], "test/0003": []}


# --- targets -------------------------------------------------------------------------------

TARGETS = META + """
[targets.sex]
of = "meta.sex"
map = { m = "male", f = "female" }
[targets.age]
of = "meta.age"
kind = "number"
[targets.split]
of = "split"
[targets.everything]
of = "meta.*"
without = ["id"]
"""


def test_targets_are_read_renamed_and_made_numbers(tmp_path: Path) -> None:
    dataset = opened(tmp_path, TARGETS, meta_csv="id,sex,age\np0001,m,61\np0002,f,unknown\n")
    first, second, third = (dataset[name].targets for name in ("train/0001", "train/0002", "test/0003"))
    assert (first["sex"], first["age"], first["split"]) == ("male", 61, "train")
    assert (second["sex"], second["age"]) == ("female", None)
    assert (third["sex"], third["age"], third["everything"]) == (None, None, {})
    assert {k: str(v) for k, v in first["everything"].items()} == {"sex": "m", "age": "61"}


def test_several_rows_give_several_values(tmp_path: Path) -> None:
    dataset = opened(tmp_path, TARGETS, meta_csv="id,sex,age\np0001,m,60.5\np0001,f,61\n")
    assert dataset["train/0001"].targets["sex"] == ["male", "female"]
    assert dataset["train/0001"].targets["age"] == [60.5, 61]


def test_a_record_file_gives_targets(tmp_path: Path) -> None:
    layout = '[files.info]\nrole = "record"\npath = "{split:train|test}/p{n:4d}.json"\n'
    layout += '[targets.group]\nof = "info.Group"\n'
    dataset = opened(tmp_path, layout, train__p0001_json='{"Group": "DCM", "ED": 1}')
    assert dataset["train/0001"].records["info"] == {"Group": "DCM", "ED": 1}
    assert dataset["train/0001"].targets["group"] == "DCM"
    assert dataset["train/0002"].targets["group"] is None


# --- splits and rows -----------------------------------------------------------------------


def test_a_table_may_tell_the_split(tmp_path: Path) -> None:
    text = 'key = ["n"]\n[files.image]\nrole = "image"\npath = "p{n:4d}.png"\n'
    text += META + '[split]\nof = "meta.set"\nmap = { A = "train", B = "test" }\n'
    for n in (1, 2, 3):
        pil.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / f"p000{n}.png")
    (tmp_path / "meta.csv").write_text("id,set\np0001,A\np0002,B\n")
    dataset = medshelf.open(record(text), tmp_path)
    assert [case.split for case in dataset.cases] == ["train", "test", None]
    assert dataset.splits == {"train": 1, "test": 1, "none": 1}
    assert [case.id for case in dataset.filter(split="test").cases] == ["0002"]


QUESTIONS = """
key = ["id"]
[tables.qa]
path = "{split:train|test}.jsonl"
key = { qid = "{id}" }
kind = "qa"
columns = { question = "q", answer = "a" }
anchor = true
[targets.answer]
of = "qa.answer"
"""


def test_every_row_of_an_anchoring_table_is_a_case(tmp_path: Path) -> None:
    rows = '{"qid": "x1", "q": "Why?", "a": "So"}\n{"qid": "x2", "q": "When?", "a": "Now"}\n'
    (tmp_path / "train.jsonl").write_text(rows)
    (tmp_path / "test.jsonl").write_text('{"qid": "x1", "q": "Who?", "a": "I"}\n')
    dataset = medshelf.open(record(QUESTIONS), tmp_path)
    assert sorted(case.id for case in dataset.cases) == ["test/x1", "train/x1", "train/x2"]
    sample = dataset["train/x2"]
    assert sample.tables["qa"][0]["question"] == "When?"
    assert (sample.targets["answer"], sample.split) == ("Now", "train")
    assert len({case.id for case in dataset.cases}) == 3


def test_rows_of_one_key_are_still_cases_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"qid": "x", "q": "Why?", "a": "1"}\n{"qid": "x", "q": "Why?", "a": "2"}\n')
    dataset = medshelf.open(record(QUESTIONS), tmp_path)
    assert [sample.targets["answer"] for sample in dataset] == ["1", "2"]
    assert len({case.id for case in dataset.cases}) == 2


def test_rows_of_an_array_file_are_cases(tmp_path: Path) -> None:
    images = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
    np.save(tmp_path / "train_images.npy", images)
    np.save(tmp_path / "train_labels.npy", np.array([0, 1, 2, 1, 0]))
    dataset = medshelf.open(
        record("""
key = ["split"]
[rows]
field = "i"
slots = ["image", "label"]
[files.image]
role = "image"
path = "{split:train|test}_images.npy"
axes = "yx"
[files.label]
role = "target"
path = "{split:train|test}_labels.npy"
[targets.label]
of = "label"
"""),
        tmp_path,
    )
    assert [case.id for case in dataset.cases] == [f"train/{n}" for n in range(5)]
    np.testing.assert_array_equal(dataset[3].image.array, images[3])
    assert [sample.targets["label"] for sample in dataset] == [0, 1, 2, 1, 0]
