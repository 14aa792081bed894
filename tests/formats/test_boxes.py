"""Pascal VOC, YOLO and COCO: what the numbers mean, and what is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from medshelf.errors import AccessError, FormatError, Truncated, Unsupported
from medshelf.formats.boxes import Box, Boxes, read_voc, write_voc
from medshelf.formats.coco import read_coco
from medshelf.formats.yolo import read_yolo
from medshelf.model.blob import LocalFile

VOC = """<annotation><filename>a.jpg</filename>
<size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>WBC</name><difficult>1</difficult><part><name>head</name><bndbox><xmin>9</xmin><ymin>9</ymin>
<xmax>9</xmax><ymax>9</ymax></bndbox></part><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20.5</ymax>
</bndbox></object></annotation>"""


def blob(folder: Path, data: str | bytes, name: str) -> LocalFile:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return LocalFile(path)


def coco(**changes: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.png"},
        ],
        "categories": [{"id": 7, "name": "polyp"}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 7, "bbox": [10, 20, 5, 6.5], "iscrowd": 0}],
        **changes,
    }


def test_the_boxes_of_bccd_are_all_there(shared_data: Path) -> None:
    files = sorted((shared_data / "bccd" / "BCCD" / "Annotations").glob("*.xml"))
    found = [read_voc(LocalFile(path)) for path in files]
    assert len(found) == 364
    labels = Counter(box.label for boxes in found for box in boxes.boxes)
    assert labels == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert {boxes.image_size for boxes in found} == {(640, 480)}
    assert all(boxes.file_name == f"{path.stem}.jpg" for boxes, path in zip(found, files, strict=True))


def test_bccd_counts_pixels_from_one_and_has_two_boxes_of_one_pixel(shared_data: Path) -> None:
    folder = shared_data / "bccd" / "BCCD" / "Annotations"
    boxes = [box for path in sorted(folder.glob("*.xml")) for box in read_voc(LocalFile(path)).boxes]
    assert min(min(box.x_min, box.y_min) for box in boxes) == 1
    assert max(box.x_max for box in boxes) == 640
    assert sum(box.x_min == box.x_max and box.y_min == box.y_max for box in boxes) == 2


def test_voc_keeps_stored_numbers_and_leaves_parts_out(tmp_path: Path) -> None:
    found = read_voc(blob(tmp_path, VOC, "a.xml"))
    assert (found.frame, found.image_size, found.file_name) == ("inclusive-1", (64, 48), "a.jpg")
    assert found.boxes == (Box("WBC", 1, 2, 10, 20.5, {"difficult": "1"}),)


def test_each_frame_becomes_edges_of_pixels() -> None:
    def edges(frame: Any) -> tuple[float, ...]:
        box = Boxes(None, (Box("x", 1, 2, 3, 4),), frame).to_edges().boxes[0]
        return box.x_min, box.y_min, box.x_max, box.y_max

    assert edges("inclusive-1") == (0, 1, 3, 4)
    assert edges("inclusive-0") == (1, 2, 4, 5)
    assert edges("edges") == (1, 2, 3, 4)


def test_voc_that_counts_from_zero_says_so(tmp_path: Path) -> None:
    assert read_voc(blob(tmp_path, VOC, "a.xml"), first_pixel=0).frame == "inclusive-0"


def test_a_file_without_objects_or_size_is_valid(tmp_path: Path) -> None:
    found = read_voc(blob(tmp_path, "<annotation></annotation>", "a.xml"))
    assert (found.boxes, found.image_size, found.file_name) == ((), None, None)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (("<xmax>10</xmax>", "<xmax>ten</xmax>"), FormatError, "object 1.*xmax.*not a number"),
        (("<xmax>10</xmax>", "<xmax>nan</xmax>"), FormatError, "not a number"),
        (("<xmax>10</xmax>", ""), FormatError, "xmax"),
        (("<name>WBC</name>", ""), FormatError, "no name"),
        (("</annotation>", ""), Truncated, "not well-formed"),
        (("annotation>", "polygons>"), FormatError, "no Pascal VOC"),
        (("<annotation>", "<!DOCTYPE x><annotation>"), Unsupported, "document type"),
    ],
)
def test_wrong_voc_is_named(tmp_path: Path, change: tuple[str, str], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        read_voc(blob(tmp_path, VOC.replace(*change), "a.xml"))


def test_an_object_without_a_box_is_unsupported(tmp_path: Path) -> None:
    text = "<annotation><object><name>x</name><polygon/></object></annotation>"
    with pytest.raises(Unsupported, match="bndbox.*polygon"):
        read_voc(blob(tmp_path, text, "a.xml"))


def test_written_voc_is_read_again(tmp_path: Path) -> None:
    boxes = Boxes(
        (640, 480),
        (Box("a & b", 1, 2, 3, 4, {"pose": "Left"}), Box("c", 5, 6, 7.25, 8)),
        "inclusive-1",
        "x.jpg",
    )
    write_voc(tmp_path / "a.xml", boxes)
    assert read_voc(LocalFile(tmp_path / "a.xml")) == boxes
    with pytest.raises(ValueError, match="edges"):
        write_voc(tmp_path / "b.xml", boxes.to_edges())


def test_yolo_is_multiplied_out(tmp_path: Path) -> None:
    found = read_yolo(
        blob(tmp_path, "1 0.5 0.25 0.1 0.5\n\n0 0.5 0.5 1 1 0.9\n", "a.txt"), ["cat", "dog"], (200, 100)
    )
    first, second = found.boxes
    assert (first.label, second.label, found.frame) == ("dog", "cat", "edges")
    assert (first.x_min, first.y_min, first.x_max, first.y_max) == pytest.approx((90, 0, 110, 50))
    assert second.extra == {"score": 0.9}


def test_an_empty_yolo_file_has_no_objects(tmp_path: Path) -> None:
    assert read_yolo(blob(tmp_path, "", "a.txt"), {0: "x"}, (10, 10)).boxes == ()


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("0 .1 .2 .3", FormatError, "line 1.*5 or 6 numbers"),
        ("0 .1 .1 .2 .1 .2 .2 .1", FormatError, "polygon"),
        ("3 .1 .2 .3 .4", FormatError, "class 3 has no name"),
        ("0.5 .1 .2 .3 .4", FormatError, "class 0.5 has no name"),
        ("0 10 20 30 40", FormatError, "not 0 to 1"),
        ("0 a .2 .3 .4", FormatError, "not a number"),
        ("<html>", FormatError, "web page"),
    ],
)
def test_wrong_yolo_is_named(tmp_path: Path, line: str, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        read_yolo(blob(tmp_path, line, "a.txt"), ["x"], (10, 10))


def test_coco_gives_every_image_also_those_without_boxes(tmp_path: Path) -> None:
    found = read_coco(blob(tmp_path, json.dumps(coco()), "a.json"))
    assert found["a.png"].boxes == (Box("polyp", 10, 20, 15, 26.5, {"id": 5, "iscrowd": 0}),)
    assert (found["a.png"].image_size, found["a.png"].frame) == ((64, 48), "edges")
    assert (found["b.png"].boxes, found["b.png"].image_size) == ((), None)


def test_coco_with_several_kinds_of_category(tmp_path: Path) -> None:
    document = coco(categories_2=[{"id": 0, "name": "molar"}])
    document["annotations"][0]["category_id_2"] = 0
    found = read_coco(
        blob(tmp_path, json.dumps(document), "a.json"), category="category_id_2", categories="categories_2"
    )
    assert found["a.png"].boxes[0].label == "molar"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "no list of 'images'"),
        (
            {"annotations": [{"id": 1, "image_id": 9, "category_id": 7, "bbox": [0, 0, 1, 1]}]},
            "unknown image",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1]}]},
            "unknown category",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [0, 0, 1]}]},
            "annotation 1.*bbox",
        ),
        (
            {"annotations": [{"id": 1, "image_id": [1], "category_id": 7, "bbox": [0, 0, 1, 1]}]},
            "unknown image",
        ),
        ({"images": [{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "a"}]}, "given twice"),
        ({"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}, "given twice"),
        ({"images": [{"file_name": "a"}]}, "missing"),
    ],
)
def test_wrong_coco_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_coco(blob(tmp_path, json.dumps(coco(**changes)), "a.json"))


def test_an_annotation_without_a_box_is_left_out(tmp_path: Path) -> None:
    document = coco(annotations=[{"id": 1, "image_id": 1, "category_id": 7, "segmentation": []}])
    assert read_coco(blob(tmp_path, json.dumps(document), "a.json"))["a.png"].boxes == ()


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    for read in (read_voc, read_coco, lambda b: read_yolo(b, ["x"], (1, 1))):
        with pytest.raises(AccessError):
            read(LocalFile(tmp_path))


def test_damaged_files_give_errors_of_ours(tmp_path: Path, survives_damage: Any) -> None:
    assert survives_damage(read_voc, VOC.encode(), "a.xml")
    assert survives_damage(read_coco, json.dumps(coco()).encode(), "a.json")
    assert survives_damage(lambda b: read_yolo(b, ["x"], (9, 9)), b"0 .1 .2 .3 .4\n" * 20, "a.txt")
