"""Oddities 4, 6, 8, 11, 12, 18 and 27 to 32: how releases are put together."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.catalogue import shelf
from medshelf.errors import NotFound
from medshelf.formats import nifti
from medshelf.model.blob import LocalFile
from medshelf.model.volume import Volume
from tests.layout.made import record
from tests.odd.conftest import Twinned


def test_04_zips_inside_case_folders_are_read_in_place(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("3d-ircadb", cases=2)
    plain = [{s: m.mask(s) for s in m.structures if m.state(s) == "present"} for m in _masks(opened)]
    for folder in [p for p in tmp_path.rglob("*") if p.is_dir() and p.name.endswith("_DICOM")]:
        with zipfile.ZipFile(folder.with_name(f"{folder.name}.zip"), "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                packed.write(file, f"{folder.name}/{file.relative_to(folder)}")
        shutil.rmtree(folder)
    again = medshelf.open("3d-ircadb", tmp_path / "3d-ircadb")
    assert len(again) == len(opened) and all("!/" in sample.image.path for sample in again)
    for before, mask in zip(plain, _masks(again), strict=True):
        assert before
        for structure, array in before.items():
            np.testing.assert_array_equal(mask.mask(structure), array)


def test_04_structures_differ_by_case_and_a_missing_one_is_not_background(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("3d-ircadb", cases=2)
    victim = sorted((tmp_path / "3d-ircadb").rglob("MASKS_DICOM/portalvein"))[0]
    shutil.rmtree(victim)
    states = {s.case: s.annotations["masks"].states()["portal_vein"] for s in medshelf.open("3d-ircadb", tmp_path)}
    assert sorted(states.values()) == sorted(["not annotated", *["present"] * (len(opened) - 1)])


def _masks(opened: medshelf.Dataset):  # type: ignore[no-untyped-def]
    return [sample.annotations["masks"] for sample in opened]


def test_06_a_scan_of_odd_size_is_read_and_a_known_defect_is_told(twinned: Twinned) -> None:
    opened = twinned("kits19", cases=2)
    for path in Path(opened.tree.where).rglob("case_00000"):
        path.rename(path.with_name("case_00160"))
    odd = medshelf.open("kits19", opened.tree.where)["case_00160"]
    image = nifti.read(LocalFile(Path(odd.image.path)))
    wide = np.concatenate([image.array, image.array], axis=1)
    nifti.write(Path(odd.image.path), Volume(wide, "ijk", image.affine, image.spacing_mm))
    mask = nifti.read(LocalFile(Path(odd.mask.files[0])))
    both = np.concatenate([mask.array, mask.array * 0], axis=1)
    nifti.write(Path(odd.mask.files[0]), Volume(both, "ijk", mask.affine, mask.spacing_mm))
    assert medshelf.open("kits19", opened.tree.where)["case_00160"].image.shape == wide.shape
    found = medshelf.audit("kits19", opened.tree.where)
    told = [f for f in found.findings if f.check == "known.defect"]
    assert [f.case for f in told] == ["case_00160"] and "odd-matrix" in told[0].message
    assert not [f for f in found.findings if f.severity == "error"]


def test_08_parts_of_a_release_and_ids_of_several_kinds_are_one_dataset(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("verse")
    ids = {case.id for case in opened.cases}
    assert any("_split-" in i for i in ids) and any("gl0" in i for i in ids)
    assert {case.fields["edition"] for case in opened.cases} == {"2019", "2020"}
    assert set(opened.splits) == {"train", "val", "test"}
    archives = tmp_path / "archives"
    archives.mkdir()
    for part in sorted(p for p in (tmp_path / "verse").iterdir() if p.is_dir()):
        shutil.make_archive(str(archives / part.name), "zip", tmp_path / "verse", part.name)
    assert {case.id for case in medshelf.open("verse", archives).cases} == ids


def test_08_the_first_element_of_a_json_list_is_no_point(twinned: Twinned) -> None:
    opened = twinned("verse")
    import json

    sample = next(s for s in opened if "centres" in s.annotations)
    path = Path(sample.annotations["centres"].files[0])
    points = json.loads(path.read_text())
    path.write_text(json.dumps([{"direction": ["P", "I", "R"]}, *[p for p in points if "label" in p]]))
    read = sample.annotations["centres"].read()
    assert len(read.labels) == sum("label" in p for p in points) > 0
    assert read.coordinates.shape == (len(read.labels), 3)
    assert read.meta["direction"] == ["P", "I", "R"]


def test_11_spheres_are_in_the_world_and_folds_may_be_folders_or_archives(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("luna16")
    table = opened.layout.tables["nodules"]
    assert (table.kind, table.frame) == ("spheres", "lps_mm")
    rows = [row for sample in opened for row in sample.annotations["nodules"].read()]
    assert rows and all(float(row["diameter_mm"]) > 0 for row in rows)
    folds = {case.id: case.fields["fold"] for case in opened.cases}
    for folder in sorted(p for p in tmp_path.rglob("subset*") if p.is_dir()):
        shutil.make_archive(str(folder), "zip", folder.parent, folder.name)
        shutil.rmtree(folder)
    zipped = medshelf.open("luna16", tmp_path)
    assert {case.id: case.fields["fold"] for case in zipped.cases} == folds
    np.testing.assert_array_equal(zipped[0].image.array.shape, opened.cases and zipped[0].image.shape)
    assert {"lung.left", "lung.right", "trachea"} == set(zipped[0].mask.structures)


def test_12_the_modality_follows_from_the_number(twinned: Twinned) -> None:
    opened = twinned("amos-2022", cases=3)
    for sample in opened:
        number = int(sample.fields["id"])
        assert list(sample.images) == ["ct" if number <= 500 else "mr"]
    assert {"ct", "mr"} == {case.fields["modality"] for case in opened.cases}


def test_18_an_offset_is_undone_without_wrapping_around(twinned: Twinned) -> None:
    for dataset in ("kipa22", "seg-a-2023"):
        offsets = set()
        for sample in twinned(dataset):
            stored = medshelf.read(sample.image.path).array
            assert sample.image.array.dtype.kind == "i" and sample.image.array.dtype.itemsize >= 4 or (
                sample.image.array.dtype == stored.dtype
            )
            offsets |= set(np.unique(sample.image.array.astype(np.int64) - stored.astype(np.int64)))
        assert offsets == ({-1000} if dataset == "kipa22" else {-1000, 0})  # of SEG.A only two parts have it


def test_27_class_folders_that_differ_by_split_mean_the_same_classes(twinned: Twinned) -> None:
    opened = twinned("chest-ct-scan-images")
    folders = {(s.split, s.fields["folder"]) for s in opened}
    assert ("test", "adenocarcinoma") in folders
    assert ("train", "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib") in folders
    by_split: dict[str | None, set[str]] = {}
    for sample in opened:
        by_split.setdefault(sample.split, set()).add(sample.targets["diagnosis"])
    assert by_split["train"] == by_split["test"] == {
        "adenocarcinoma", "large.cell.carcinoma", "squamous.cell.carcinoma", "normal"
    }  # fmt: skip


NUMBERED = """
key = ["split", "n"]
[fields.split]
map = { Training = "train", Validation = "val", Test = "test" }
[files.image]
role = "image"
path = "{split:Training|Validation|Test}_Set/{split}/{n:int}.png"
[tables.labels]
path = "{split:Training|Validation|Test}_Set/RFMiD_{split}_Labels.csv"
key = { ID = "{n}" }
[targets.risk]
of = "labels.Disease_Risk"
[example.fields]
n = ["1", "2"]
"""
"""As RFMiD, whose pictures are called 1.png, 2.png, … in each of three sets."""


def test_28_ids_that_begin_anew_in_each_split_do_not_collide(twinned: Twinned, tmp_path: Path) -> None:
    root = tmp_path / "made"
    twinned(record(NUMBERED))
    for name in ("Training", "Validation", "Test"):
        folder = root / f"{name}_Set"
        for n, picture in enumerate(sorted((folder / name).iterdir()), 1):
            picture.rename(folder / name / f"{n}.png")
        (folder / f"RFMiD_{name}_Labels.csv").write_text(f"ID,Disease_Risk\n1,{name}-1\n2,{name}-2\n")
    opened = medshelf.open(record(NUMBERED), root)
    assert len({case.id for case in opened.cases}) == len(opened) == 6
    words = {"train": "Training", "val": "Validation", "test": "Test"}
    assert {s.targets["risk"] for s in opened} == {f"{w}-{n}" for w in words.values() for n in (1, 2)}
    assert all(s.targets["risk"] == f"{words[str(s.split)]}-{s.fields['n']}" for s in opened)
    (root / "Test_Set" / "Test" / "2.png").unlink()
    found = medshelf.check(record(NUMBERED), root).findings
    assert [f.check for f in found if f.severity != "info"] == ["table.row-without-file"]


def test_28_two_eyes_are_one_patient(twinned: Twinned) -> None:
    opened = twinned("odir-5k")
    for picture in list(Path(opened.tree.where).rglob("*_left.jpg")):
        shutil.copy(picture, picture.with_name(picture.name.replace("_left", "_right")))
    eyes: dict[str | None, set[object]] = {}
    for case in medshelf.open("odir-5k", opened.tree.where).cases:
        eyes.setdefault(case.patient, set()).add(case.fields["laterality"])
    assert any(sides == {"left", "right"} for sides in eyes.values())


def test_29_images_come_from_another_dataset(twinned: Twinned, tmp_path: Path) -> None:
    twinned("shenzhen-lung-masks")
    twinned("shenzhen-chest-xray")
    for image in (tmp_path / "shenzhen-lung-masks").rglob("*.png"):
        if not image.name.endswith("_mask.png"):
            image.unlink()
    alone = medshelf.open("shenzhen-lung-masks", tmp_path / "shenzhen-lung-masks")
    with pytest.raises(NotFound) as caught:
        _ = alone[0].images["image"]
    assert "shenzhen-chest-xray" in str(caught.value.hint)
    both = medshelf.open(
        "shenzhen-lung-masks", tmp_path / "shenzhen-lung-masks",
        others={"shenzhen-chest-xray": tmp_path / "shenzhen-chest-xray"},
    )  # fmt: skip
    shared = [sample for sample in both if sample.images]
    assert len(both) == len(alone) and shared
    assert shared[0].image.shape[:2] == shared[0].mask.volume.shape[:2]


def test_30_scans_that_datasets_share_are_told() -> None:
    told = {(r.id, relation.to) for r in shelf.records() for relation in r.relations}
    for one, other in (("lits", "3d-ircadb"), ("rite", "drive"), ("abdomenct-1k", "lits"), ("uls23", "kits21")):
        assert (one, other) in told or (other, one) in told


def test_31_wrapping_folders_are_absorbed(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("segpc-2021")
    deep = tmp_path / "a" / "TCIA_SegPC_dataset" / "TCIA_SegPC_dataset" / "train" / "train"
    deep.parent.mkdir(parents=True)
    shutil.move(tmp_path / "segpc-2021", deep)
    again = medshelf.open("segpc-2021", tmp_path / "a")
    assert [case.id for case in again.cases] == [case.id for case in opened.cases]
    assert medshelf.check("segpc-2021", tmp_path / "a").n_cases == len(opened)


def test_32_archives_of_cases_and_twins_of_macos_do_no_harm(twinned: Twinned, tmp_path: Path) -> None:
    opened = twinned("msd-hippocampus")
    ids = [case.id for case in opened.cases]
    root = Path(opened.tree.where)
    for file in list(root.rglob("*.nii.gz")):
        file.with_name(f"._{file.name}").write_bytes(b"\x00\x05\x16\x07" + bytes(60))
    packed = tmp_path / "Task04_Hippocampus.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(root, "Task04_Hippocampus")
    for place in (root, packed):
        assert [case.id for case in medshelf.open("msd-hippocampus", place).cases] == ids
        assert not [f for f in medshelf.check("msd-hippocampus", place).findings if f.severity == "error"]


PARTS = """
key = ["n"]
[files.scan]
role = "image"
path = "case{n:int}/scan.nii.gz"
"""


def test_32_archives_that_are_not_opened_yet_are_named(twinned: Twinned, tmp_path: Path) -> None:
    twinned(record(PARTS))
    for name in ("rest.z01", "rest.7z", "rest.rar"):
        (tmp_path / "made" / name).write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(64))
    with zipfile.ZipFile(tmp_path / "made" / "locked.zip", "w") as packed:
        packed.writestr("case9/scan.nii.gz", b"x" * 100)
    data = bytearray((tmp_path / "made" / "locked.zip").read_bytes())
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1  # the flag of an encrypted member
    (tmp_path / "made" / "locked.zip").write_bytes(data)
    report = medshelf.check(record(PARTS), tmp_path / "made")
    named = " ".join(f"{f.file} {f.message}" for f in report.findings)
    for name in ("rest.7z", "rest.rar", "rest.z01"):
        assert name in named
    opened = medshelf.open(record(PARTS), tmp_path / "made")
    locked = [s for s in opened if "locked.zip" in s.image.path]
    if locked:
        with pytest.raises(medshelf.MedshelfError, match="encrypted|password"):
            locked[0].image.read()
    else:
        assert "locked.zip" in named
