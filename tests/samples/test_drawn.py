"""What is drawn in files of every reader: through a layout, on files made by hand and on twins."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.errors import FormatError, LayoutError
from medshelf.formats import coco
from medshelf.layout.lint import complaints
from medshelf.samples.dataset import Dataset
from tests.layout.made import layout, record

IMAGE = 'key = ["split", "n"]\n[files.image]\nrole = "image"\npath = "{split:train|test}/p{n:2d}.png"\n'


def opened(root: Path, text: str, **files: str) -> Dataset:
    for split in ("train", "test"):
        (root / split).mkdir(exist_ok=True)
        for n in (1, 2):
            pil.fromarray(np.zeros((48, 64), np.uint8)).save(root / split / f"p{n:02}.png")
    for name, content in files.items():
        (root / name.replace("___", "/").replace("__", ".")).write_text(content)
    return medshelf.open(record(IMAGE + text), root)


COCO = '[files.boxes]\nrole = "boxes"\nreader = "coco"\npath = "{split:train|test}.json"\n'


def coco_text(*names: str) -> str:
    images = [{"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [n, 1, 2, 3]} for n in range(len(names))]
    return json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "polyp"}]})


def test_one_coco_file_serves_every_case_and_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"train__json": coco_text("p01.png", "p02.png"), "test__json": coco_text("test/p02.png", "./test/p01.png")}
    dataset = opened(tmp_path, COCO, **files)
    parsed: list[str] = []
    read = coco.read_coco
    monkeypatch.setattr(coco, "read_coco", lambda blob, **how: parsed.append(blob.name) or read(blob, **how))
    found = {s.case: s.annotations["boxes"].read().boxes[0].x_min for s in [*dataset, *dataset]}
    assert found == {"train/01": 0, "train/02": 1, "test/01": 1, "test/02": 0}
    assert len(parsed) == 2
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy["test/01"].annotations["boxes"].read().image_size == (64, 48)
    assert len(parsed) == 3


def test_an_image_that_coco_does_not_tell_is_an_error(tmp_path: Path) -> None:
    files = {"train__json": coco_text("a/p01.png", "b/p01.png"), "test__json": coco_text("p09.png")}
    dataset = opened(tmp_path, COCO, **files)
    with pytest.raises(FormatError, match="2 fit"):
        dataset["train/01"].annotations["boxes"].read()
    with pytest.raises(FormatError, match="1 others"):
        dataset["test/01"].annotations["boxes"].read()


YOLO = '[files.boxes]\nrole = "boxes"\nreader = "yolo"\npath = "{split:train|test}/p{n:2d}.txt"\noptional = true\n'


@pytest.mark.parametrize(
    ("named", "files"),
    [
        ('columns = { names = ["cat", "dog"] }\n', {}),
        ('columns = { names = "classes" }\n[files.classes]\nrole = "text"\npath = "obj.names"\naux = true\n',
         {"obj__names": "cat\ndog\n"}),
        ('columns = { names = "classes" }\n[files.classes]\nrole = "text"\npath = "data.yaml"\naux = true\n',
         {"data__yaml": "path: x\nnc: 2\nnames:\n  0: cat\n  1: 'dog'\ntrain: y\n"}),
        ('labels = "l"\n[labels.l]\n0 = "liver"\n1 = "spleen"\n', {}),
    ],
)  # fmt: skip
def test_yolo_takes_its_size_from_the_picture_and_its_names_as_told(
    tmp_path: Path, named: str, files: dict[str, str]
) -> None:
    dataset = opened(tmp_path, YOLO + named, train___p01__txt="1 0.5 0.5 0.25 0.5\n0 0 0 1 0 1 1\n", **files)
    boxes = dataset["train/01"].annotations["boxes"].read()
    first, second = boxes.boxes
    assert (first.x_min, first.y_min, first.x_max, first.y_max) == (24, 12, 40, 36)
    assert (first.label, second.label) == (("1", "0") if "labels" in named else ("dog", "cat"))
    np.testing.assert_array_equal(second.extra["polygon"], [[0, 0], [64, 0], [64, 48]])


def test_names_of_classes_that_are_nowhere_are_said(tmp_path: Path) -> None:
    text = YOLO + 'columns = { names = "classes" }\n'
    assert [(path, "no slot" in message) for path, message in complaints(layout(IMAGE + text))] == [
        (("files", "boxes", "columns"), True)
    ]
    slot = text + '[files.classes]\nrole = "text"\npath = "obj.names"\naux = true\noptional = true\n'
    dataset = opened(tmp_path, slot, train___p01__txt="0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(LayoutError, match="no file of the slot 'classes'"):
        dataset["train/01"].annotations["boxes"].read()


SLOT = '[files.drawn]\nrole = "ROLE"\nreader = "READER"\npath = "PATH"\n'
OWN = "{split:train|test}/p{n:2d}"


@pytest.mark.parametrize(
    ("role", "reader", "path", "more"),
    [
        ("boxes", "coco", "{split:train|test}.json", ""),
        ("boxes", "yolo", f"{OWN}.txt", 'columns = { names = ["a", "b"] }\n'),
        ("boxes", "yolo", f"{OWN}.txt",
         'columns = { names = "c" }\n[files.c]\nrole = "text"\npath = "classes.txt"\naux = true\n'),
        ("boxes", "named_boxes", f"{OWN}.json", ""),
        ("boxes", "voc", f"{OWN}.xml", 'frame = "inclusive-0"\n'),
        ("contours", "geojson", f"{OWN}.json", ""),
        ("contours", "supervisely", f"{OWN}.png.json", 'labels = "l"\n[labels.l]\n"17" = "tooth"\n'),
        ("points", "slicer_markups", f"{OWN}.mrk.json", ""),
        ("points", "slicer_markups", f"{OWN}.fcsv", ""),
        ("points", "points", f"{OWN}.csv", 'columns = { columns_are = ["x", "y"], point = ["x", "y"] }\n'),
        ("points", "points", f"{OWN}.json", 'columns = { records = "$.o[*]", point = "at", label = "class" }\n'),
    ],
)  # fmt: skip
def test_twins_hold_what_readers_read(tmp_path: Path, role: str, reader: str, path: str, more: str) -> None:
    text = SLOT.replace("ROLE", role).replace("READER", reader).replace("PATH", path) + more
    made = record(IMAGE + text)
    medshelf.twin(made, tmp_path / "twin", cases=2)
    assert [f.message for f in medshelf.check(made, tmp_path / "twin").findings if f.severity != "info"] == []
    for sample in medshelf.open(made, tmp_path / "twin"):
        value = sample.annotations["drawn"].read()
        assert len(getattr(value, {"boxes": "boxes", "contours": "contours", "points": "labels"}[role])) > 0
