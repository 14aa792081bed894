"""What the samples of listed datasets hold is what other programs find in them.

Numbers are counted from the files with nibabel, Pillow, NumPy, json and xml, not with medshelf.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from medshelf.model.labels import State
from tests.real.folders import counts, opened, shown, voxels

nib = pytest.importorskip("nibabel")


def test_msd_hippocampus(shared_data: Path) -> None:
    root = shared_data / "msd-hippocampus" / "Task04_Hippocampus"
    dataset = opened(shared_data, "msd-hippocampus")
    images = {p.name.removesuffix(".nii.gz") for p in (root / "imagesTr").glob("*.nii.gz")}
    assert {case.id for case in dataset.cases} == images
    assert dataset.splits == {"train": len(images)}
    parts = {1: "hippocampus:anterior", 2: "hippocampus:posterior"}
    assert dataset.structures == {"mask": tuple(parts.values())}
    for name in ("hippocampus_001", "hippocampus_015", "hippocampus_068"):
        sample, file = dataset[name], f"{name}.nii.gz"
        np.testing.assert_array_equal(sample.images["T1"].array, voxels(root / "imagesTr" / file))
        np.testing.assert_allclose(sample.image.affine, nib.load(root / "imagesTr" / file).affine)
        found = counts(root / "labelsTr" / file)
        assert shown(sample.mask) == {parts[value]: n for value, n in found.items()}
        assert sample.mask.mask("hippocampus").sum() == sum(found.values())
    without_mask = images - {p.name.removesuffix(".nii.gz") for p in (root / "labelsTr").iterdir()}
    assert without_mask == {"hippocampus_118"}
    assert not dataset["hippocampus_118"].annotations


def test_bbbc038(shared_data: Path) -> None:
    root = shared_data / "dsb2018" / "stage1_train"
    dataset = opened(shared_data, "dsb2018")
    assert dataset.variant == "fixes"
    assert {case.id for case in dataset.cases} == {p.name for p in root.iterdir()}
    assert sum(len(s.mask.files) for s in dataset) == len(list(root.glob("*/masks/*.png")))
    for sample in dataset[:3]:
        folder = root / sample.case
        with Picture.open(next((folder / "images").iterdir())) as picture:
            np.testing.assert_array_equal(sample.image.array, np.asarray(picture))
        nuclei = [np.asarray(Picture.open(p)) > 0 for p in (folder / "masks").iterdir()]
        assert sample.mask.kind == "instance"
        assert sample.mask.volume.array.max() == len(nuclei)
        assert shown(sample.mask) == {"nucleus": int(np.logical_or.reduce(nuclei).sum())}


VOCAL_FOLDS = {
    1: "vocal_fold",
    2: "larynx:other_tissue",
    3: "glottis",
    4: "larynx/lesion",
    5: "surgical_instrument",
    6: "endotracheal_tube",
}
"""The classes as the data's README numbers them: vocal folds, other tissue, glottal space, pathology, surgical tool,
intubation."""


def test_vocalfolds(shared_data: Path) -> None:
    root = shared_data / "vocalfolds"
    dataset = opened(shared_data, "vocalfolds")
    classes = dataset["seq1/0001"].mask.values
    assert classes == VOCAL_FOLDS
    for sample in dataset:
        name = sample.case.partition("/")[2]
        with Picture.open(root / "annot" / "patient1" / "seq1" / f"{name}.png") as picture:
            values, numbers = np.unique(np.asarray(picture), return_counts=True)
        found = {classes[int(v)]: int(n) for v, n in zip(values, numbers, strict=True) if v}
        assert (sample.patient, shown(sample.mask)) == ("1", found)
        absent = {s for s, state in sample.mask.states().items() if state is State.ABSENT}
        assert absent == set(classes.values()) - set(found)


def test_bccd(shared_data: Path) -> None:
    root = shared_data / "bccd" / "BCCD"
    dataset = opened(shared_data, "bccd")
    wanted: Counter[str] = Counter()
    for file in (root / "Annotations").glob("*.xml"):
        wanted.update(str(o.findtext("name")) for o in ElementTree.parse(file).getroot().iter("object"))
    boxes = [sample.annotations["cells"].read() for sample in dataset]
    assert Counter(box.label for one in boxes for box in one.boxes) == wanted
    assert set(wanted) == {"RBC", "WBC", "Platelets"}
    parts = {"train": 205, "val": 87, "test": 72}
    named = {part: (root / "ImageSets" / "Main" / f"{part}.txt").read_text().split() for part in parts}
    assert dataset.splits == {part: len(names) for part, names in named.items()} == parts
    assert {case.id for case in dataset.filter(split="val").cases} == set(named["val"])
    cells = dataset["BloodImage_00000"].annotations["cells"]
    assert cells.structures == dataset.structures["cells"] == ("erythrocyte", "leukocyte", "platelet")
    first = ElementTree.parse(root / "Annotations" / "BloodImage_00000.xml").getroot().find("object/bndbox")
    assert first is not None
    corners = [float(str(first.findtext(k))) for k in ("xmin", "ymin", "xmax", "ymax")]
    box = cells.read().boxes[0]
    assert [box.x_min, box.y_min, box.x_max, box.y_max] == corners


def test_vqa_rad(shared_data: Path) -> None:
    root = shared_data / "vqa-rad" / "data"
    dataset = opened(shared_data, "vqa-rad")
    wanted = [row for part in ("train", "test") for row in json.loads((root / f"{part}set.json").read_text())]
    by_image = Counter(row["image_name"].removesuffix(".jpg") for row in wanted)
    asked = {sample.case: sample.tables["questions"] for sample in dataset}
    assert {case: len(rows) for case, rows in asked.items() if rows} == dict(by_image)
    assert sum(map(len, asked.values())) == len(wanted)
    assert [case for case, rows in asked.items() if not rows] == sorted(set(asked) - set(by_image))
    told = {(row["question"], str(row["answer"])) for rows in asked.values() for row in rows}
    assert told == {(row["question"], str(row["answer"])) for row in wanted}
    with Picture.open(root / "images" / "synpic676.jpg") as picture:
        assert dataset["synpic676"].image.shape[:2] == picture.size[::-1]


def test_pubmedqa(shared_data: Path) -> None:
    root = shared_data / "pubmedqa" / "data"
    dataset = opened(shared_data, "pubmedqa")
    questions = json.loads((root / "ori_pqal.json").read_text())
    test = json.loads((root / "test_ground_truth.json").read_text())
    assert dataset.splits == {"test": len(test), "none": len(questions) - len(test)}
    told = {sample.case: sample.targets["answer"] for sample in dataset}
    assert told == {pmid: row["final_decision"] for pmid, row in questions.items()}
    assert {case.id for case in dataset.filter(split="test").cases} == set(test)
    pmid = next(iter(questions))
    (row,) = dataset[pmid].tables["questions"]
    assert (row["question"], row["answer"]) == (questions[pmid]["QUESTION"], questions[pmid]["final_decision"])
    assert (row["context"], row["explanation"]) == (questions[pmid]["CONTEXTS"], questions[pmid]["LONG_ANSWER"])


def test_medqa_and_medmcqa(shared_data: Path) -> None:
    root = shared_data / "medqa-medmcqa"
    file = root / "medqa" / "data_clean" / "questions" / "US" / "4_options" / "phrases_no_exclude_test.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    medqa = opened(shared_data, "medqa-medmcqa/medqa")
    assert (medqa.variant, medqa.splits) == ("four-options", {"test": len(rows)})
    assert [s.targets["answer"] for s in medqa] == [row["answer_idx"] for row in rows]
    asked = [s.tables["questions"][0] for s in medqa]
    assert [(r["question"], r["answer"], r["options"], r["letter"]) for r in asked] == [
        (row["question"], row["answer"], row["options"], row["answer_idx"]) for row in rows
    ]
    lines = (root / "medmcqa" / "data" / "dev.json").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    medmcqa = opened(shared_data, "medqa-medmcqa/medmcqa")
    assert medmcqa.splits == {"val": len(rows)}
    assert [str(s.targets["answer"]) for s in medmcqa] == [str(row["cop"]) for row in rows]
    asked = [s.tables["questions"][0] for s in medmcqa]
    assert [row["options"] for row in asked] == [[row[f"op{x}"] for x in "abcd"] for row in rows]
    assert [(row["id"], row["question"], row["answer"]) for row in asked] == [
        (row["id"], row["question"], row["cop"]) for row in rows
    ]
    subjects = Counter(s.targets["subject"] for s in medmcqa)
    assert subjects == Counter(row["subject_name"] for row in rows)
