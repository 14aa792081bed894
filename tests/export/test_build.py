"""Builds from twins of several datasets: right voxel by voxel, whole, and the same every time."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as pil

import medshelf
from medshelf.cohort.recipe import Recipe, parse_recipe
from medshelf.errors import AccessError, FormatError, RecipeError
from medshelf.export.build import Built, build
from medshelf.export.case_writer import Job, write_case
from medshelf.formats import nifti
from medshelf.model.volume import Volume

LABELS = {"liver": "liver", "kidney": "kidney", "gut": "small_bowel"}
SOURCES = (
    {"dataset": "amos-2022", "where": {"modality": "ct"}},
    {"dataset": "btcv"},
    {"dataset": "word", "splits": ["train", "val"]},
)
MEANT: dict[str, dict[int, int]] = {
    "amos-2022": {6: 1, 2: 2, 3: 2},
    "btcv": {6: 1, 2: 2, 3: 2},
    "word": {1: 1, 3: 2, 4: 2, 11: 3},
}
"""Value in the dataset to value in the result, written down from the datasets' own label lists."""
IGNORE = 4


def recipe(*sources: dict[str, Any], **words: Any) -> Recipe:
    table = {"name": "abdomen", "labels": LABELS, "not_annotated": "ignore", "sources": list(sources or SOURCES)}
    return parse_recipe({**table, **words})


def built(data: Path, *sources: dict[str, Any], out: str = "out", **words: Any) -> Built:
    return build(recipe(*sources, **words), data=data, out=data.parent / out)


def content(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".medshelf" not in path.parts
    }


def lock(made: Built) -> dict[str, Any]:
    return json.loads((made.root / "medshelf.lock").read_text(encoding="utf-8"))


def reasons(made: Built) -> dict[str, str]:
    return {e.case: e.reason for e in made.excluded}


def scan(data: Path, dataset: str, name: str) -> Path:
    (found,) = (data / dataset).rglob(name)
    return found


def rewrite(path: Path, change: Any) -> None:
    """Write an image anew with other voxels or another affine, by nibabel."""
    image = nibabel.load(path)
    array, affine = change(np.asarray(image.dataobj), image.affine.copy())
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


# --- what is written -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(twins: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(recipe(), data=twins, out=tmp_path_factory.mktemp("built"))


def test_the_folder_is_what_nnunet_reads(made: Built) -> None:
    assert made.root.name == "Dataset501_abdomen"
    described = json.loads((made.root / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "liver": 1, "kidney": 2, "gut": 3, "ignore": IGNORE}
    assert described["channel_names"] == {"0": "CT"}
    assert (described["numTraining"], described["file_ending"]) == (8, ".nii.gz")
    images = {p.name for p in (made.root / "imagesTr").iterdir()}
    masks = {p.name for p in (made.root / "labelsTr").iterdir()}
    assert images == {f"{case}_0000.nii.gz" for case in made.cases}
    assert masks == {f"{case}.nii.gz" for case in made.cases}
    folds = json.loads((made.root / "splits_final.json").read_text())
    assert len(folds) == made.n_folds == 5
    assert sorted(i for fold in folds for i in fold["val"]) == sorted(made.cases)


def test_every_label_is_right_voxel_by_voxel(made: Built, twins: Path) -> None:
    seen: dict[str, set[int]] = {}
    for case, told in lock(made)["cases"].items():
        number = told["case"].partition("_")[2] or told["case"].removeprefix("img")
        pattern = {"amos-2022": f"labels*/amos_{number}.nii.gz", "btcv": f"label/label{number}.nii.gz",
                   "word": f"labels*/word_{number}.nii.gz"}[told["dataset"]]  # fmt: skip
        stored = np.asarray(nibabel.load(scan(twins, told["dataset"], pattern)).dataobj)
        wanted = np.zeros(stored.shape, np.uint8)
        for value, meant in MEANT[told["dataset"]].items():
            wanted[stored == value] = meant
        if told["dataset"] != "word":
            wanted[wanted == 0] = IGNORE
        result = nibabel.load(made.root / "labelsTr" / f"{case}.nii.gz")
        np.testing.assert_array_equal(np.asarray(result.dataobj), wanted)
        seen.setdefault(told["dataset"], set()).update(np.unique(wanted).tolist())
        for label, value in (("liver", 1), ("kidney", 2), ("gut", 3)):
            if label in told["voxels"]:
                assert told["voxels"][label] == (wanted == value).sum()
    assert seen == {"amos-2022": {1, 2, IGNORE}, "btcv": {1, 2, IGNORE}, "word": {0, 1, 2, 3}}


def test_masks_lie_where_their_images_do(made: Built) -> None:
    for case in made.cases:
        image = nibabel.load(made.root / "imagesTr" / f"{case}_0000.nii.gz")
        mask = nibabel.load(made.root / "labelsTr" / f"{case}.nii.gz")
        assert mask.shape == image.shape
        np.testing.assert_allclose(mask.affine, image.affine, atol=1e-4)
        assert mask.get_data_dtype() == np.uint8


def test_images_are_copied_bit_by_bit(made: Built, twins: Path) -> None:
    sources = {hashlib.sha256(p.read_bytes()).hexdigest() for p in twins.rglob("*.nii.gz")}
    assert {hashlib.sha256(p.read_bytes()).hexdigest() for p in (made.root / "imagesTr").iterdir()} <= sources


def test_the_lock_holds_the_hash_of_every_file(made: Built) -> None:
    told = {name: digest for case in lock(made)["cases"].values() for name, digest in case["files"].items()}
    there = {
        p.relative_to(made.root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for folder in ("imagesTr", "labelsTr")
        for p in (made.root / folder).iterdir()
    }
    assert told == there


def test_provenance_stands_beside_the_data(made: Built) -> None:
    told = lock(made)
    assert [source["dataset"] for source in told["sources"]] == ["amos-2022", "btcv", "word"]
    assert told["recipe"]["labels"] == LABELS
    assert "luo2022word" in (made.root / "CITATIONS.bib").read_text()
    report = (made.root / "report.html").read_text()
    for said in ("WORD", "not annotated", "Left out", "img0001", "LicenseRef-research-only"):
        assert said in report
    assert str(made.root.parent) not in report + json.dumps(told), "no path of this machine"


# --- again ---------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(data: Path) -> None:
    first = built(data)
    assert first.n_written == 8
    before = {p: p.stat().st_mtime_ns for p in first.root.rglob("*")}
    second = built(data)
    assert second.n_written == 0
    assert {p: p.stat().st_mtime_ns for p in first.root.rglob("*")} == before
    assert (second.cases, second.excluded, second.n_folds) == (first.cases, first.excluded, first.n_folds)


def test_two_builds_are_alike_byte_by_byte_whatever_the_number_of_processes(data: Path) -> None:
    one = built(data, out="one")
    two = build(recipe(), data=data, out=data.parent / "two", jobs=2)
    assert content(one.root) == content(two.root)


def test_a_file_that_was_removed_is_written_again(data: Path) -> None:
    first = built(data)
    before = content(first.root)
    (first.root / "labelsTr" / "btcv_img0001.nii.gz").unlink()
    assert built(data).n_written == 1
    assert content(first.root) == before


def test_a_file_that_was_cut_short_is_written_again(data: Path) -> None:
    first = built(data)
    before = content(first.root)
    mask = first.root / "labelsTr" / "btcv_img0001.nii.gz"
    mask.write_bytes(mask.read_bytes()[:-1])
    assert built(data).n_written == 1
    assert content(first.root) == before


def test_no_trainer_finds_a_whole_dataset_while_cases_are_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(data)
    before = content(first.root)
    (first.root / "labelsTr" / "btcv_img0001.nii.gz").unlink()

    def stopped(job: Job) -> dict[str, Any]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("medshelf.export.work.write_case", stopped)
        built(data)
    assert not (first.root / "dataset.json").exists()
    built(data)
    assert content(first.root) == before


def test_a_table_that_masks_are_read_from_counts_as_data(tmp_path: Path) -> None:
    medshelf.twin("uw-madison-gi-tract", tmp_path / "uw-madison-gi-tract", cases=2)
    table = {"name": "gut", "labels": {"gut": "small_bowel"}, "sources": [{"dataset": "uw-madison-gi-tract"}]}
    made = build(parse_recipe(table), data=tmp_path, out=tmp_path / "out")
    (rows,) = (tmp_path / "uw-madison-gi-tract").rglob("train.csv")
    (source,) = lock(made)["sources"]
    assert source["tables"] == {"train.csv": hashlib.sha256(rows.read_bytes()).hexdigest()}
    assert any(told["voxels"]["gut"] for told in lock(made)["cases"].values())
    head, *others = rows.read_text().splitlines()
    rows.write_text("\n".join([head, *(f"{line.rpartition(',')[0]}," for line in others)]) + "\n")
    again = build(parse_recipe(table), data=tmp_path, out=tmp_path / "out")
    assert again.n_written == made.n_written > 0
    assert not any(told["voxels"]["gut"] for told in lock(again)["cases"].values())


def test_a_case_whose_data_changed_is_written_again(data: Path) -> None:
    first = built(data)
    rewrite(scan(data, "btcv", "img0001.nii.gz"), lambda array, affine: (array + 1, affine))
    second = built(data)
    assert second.n_written == 1
    assert lock(second)["cases"]["btcv_img0001"]["same"] != "" and second.cases == first.cases


def test_a_changed_recipe_leaves_nothing_of_the_old_one(data: Path) -> None:
    built(data)
    fewer = built(data, {"dataset": "btcv"}, labels={"liver": "liver"}, not_annotated="refuse")
    fresh = built(data, {"dataset": "btcv"}, labels={"liver": "liver"}, not_annotated="refuse", out="fresh")
    assert fewer.cases == ("btcv_img0001", "btcv_img0002")
    assert content(fewer.root) == content(fresh.root)
    more = built(data)
    assert content(more.root) == content(built(data, out="again").root)


def test_what_an_interrupted_write_left_is_cleared(data: Path) -> None:
    first = built(data)
    before = content(first.root)
    for folder in ("", "imagesTr", "labelsTr"):
        (first.root / folder / ".part-0123456789abcdef.nii.gz").write_bytes(b"half")
    built(data)
    assert content(first.root) == before


@pytest.mark.parametrize("what", ["a folder with something in it", "a file"])
def test_a_place_that_is_somebody_elses_is_left_alone(data: Path, what: str) -> None:
    place = data.parent / "out" / "Dataset501_abdomen"
    if what == "a file":
        place.parent.mkdir()
        place.write_text("mine")
    else:
        place.mkdir(parents=True)
        (place / "thesis.txt").write_text("mine")
    with pytest.raises(AccessError, match=r"Dataset501_abdomen: .*Choose another --out"):
        built(data)
    assert (place if place.is_file() else place / "thesis.txt").read_text() == "mine"


def test_two_runs_in_one_folder_do_not_meet(data: Path) -> None:
    from medshelf.engine.journal import Journal

    first = built(data)
    with Journal(first.root / ".medshelf" / "journal.jsonl"), pytest.raises(AccessError, match="another run"):
        built(data)


# --- left out, with the reason -------------------------------------------------------------


def test_refusing_lists_every_reason(twins: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        build(recipe(not_annotated="refuse"), data=twins, out=tmp_path / "out")
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "amos-2022: does not annotate small_bowel (label gut)",
        "btcv: does not annotate small_bowel (label gut)",
    ]
    assert not (tmp_path / "out").exists()


def test_leaving_out_keeps_what_annotates_everything(data: Path) -> None:
    made = built(data, not_annotated="leave-out")
    assert all(case.startswith("word_") for case in made.cases)
    left_out = ("amos_0001", "amos_0004", "img0001", "img0002")
    assert reasons(made) == dict.fromkeys(left_out, "does not annotate gut")
    assert "ignore" not in json.loads((made.root / "dataset.json").read_text())["labels"]
    assert "does not annotate gut" in (made.root / "report.html").read_text()


def test_a_source_that_annotates_nothing_is_refused(data: Path) -> None:
    with pytest.raises(RecipeError, match="btcv: annotates none of the labels"):
        built(data, {"dataset": "btcv"}, {"dataset": "word"}, labels={"gut": "small_bowel"})


def shifted(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    affine[2, 3] += 2.5
    return array, affine


DAMAGE: dict[str, tuple[str, Any, str]] = {
    "a mask beside its image": ("label0001.nii.gz", shifted, r"grid\.origin: .*2\.5 mm"),
    "a mask of another shape": ("label0001.nii.gz", lambda a, f: (a[:-1], f), r"grid\.shape: .*29 × 26 × 18"),
    "a value that nobody declares": (
        "label0001.nii.gz", lambda a, f: (np.where(a == 6, 77, a).astype(a.dtype), f), r"label\.unknown-value: .*77",
    ),
    "a constant image": ("img0001.nii.gz", lambda a, f: (a * 0 + 5, f), r"intensity\.constant: .*5"),
    "no number": (
        "img0001.nii.gz", lambda a, f: (np.where(a > 40, np.nan, a).astype(np.float32), f), r"intensity\.not-finite: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_a_case_that_would_train_wrongly_is_left_out_with_the_reason(data: Path, what: str) -> None:
    name, change, said = DAMAGE[what]
    rewrite(scan(data, "btcv", name), change)
    made = built(data)
    assert list(reasons(made)) == ["img0001"]
    assert re.match(said, reasons(made)["img0001"])
    assert "btcv_img0001" not in made.cases
    assert not list(made.root.rglob("*img0001*"))
    assert built(data).n_written == 0, "and is not tried again"


@pytest.mark.parametrize("what", ["a mask beside its image", "a mask of another shape"])
def test_a_mask_that_does_not_lie_on_its_image_is_left_out_even_without_the_audit(data: Path, what: str) -> None:
    name, change, _ = DAMAGE[what]
    rewrite(scan(data, "btcv", name), change)
    made = built(data, exclude=["errata", "duplicates"])
    assert reasons(made)["img0001"].startswith("the mask ")


UNREADABLE = {
    "a truncated image": ("img0001.nii.gz", lambda raw: raw[: len(raw) // 2]),
    "a truncated mask": ("label0001.nii.gz", lambda raw: raw[: len(raw) // 2]),
    "an empty file": ("img0001.nii.gz", lambda raw: b""),
    "a web page": ("img0001.nii.gz", lambda raw: b"<!DOCTYPE html><html>log in</html>"),
    "another kind of file": ("label0001.nii.gz", lambda raw: gzip.compress(b"PK\x03\x04" + bytes(500))),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_can_not_be_read_is_left_out_with_the_reason(data: Path, what: str) -> None:
    name, change = UNREADABLE[what]
    path = scan(data, "btcv", name)
    path.write_bytes(change(path.read_bytes()))
    made = built(data, {"dataset": "btcv"}, {"dataset": "word"})
    assert list(reasons(made)) == ["img0001"]
    assert name in reasons(made)["img0001"]
    assert reasons(made)["img0001"].startswith("file.")
    assert len(made.cases) == 7
    assert built(data, {"dataset": "btcv"}, {"dataset": "word"}).n_written == 0


@pytest.mark.parametrize("what", UNREADABLE)
def test_without_the_audit_a_broken_file_stops_the_build(data: Path, what: str) -> None:
    name, change = UNREADABLE[what]
    path = scan(data, "btcv", name)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FormatError, match=name.replace(".", r"\.")):
        built(data, exclude=["errata", "duplicates"])
    path.unlink()
    assert "btcv_img0002" in built(data, exclude=["errata", "duplicates"]).cases


def test_a_file_that_was_only_away_is_tried_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(job: Job) -> dict[str, Any]:
        if job.id == "btcv_img0001":
            raise AccessError("the file can't be read", where="img0001.nii.gz", why="Stale file handle")
        return write_case(job)

    with monkeypatch.context() as patched:
        patched.setattr("medshelf.export.work.write_case", away)
        first = built(data)
    assert list(reasons(first)) == ["img0001"]
    second = built(data)
    assert (second.n_written, second.excluded) == (1, ())
    assert content(second.root) == content(built(data, out="fresh").root)


def test_nothing_left_says_why_of_each(data: Path) -> None:
    for path in (data / "btcv").rglob("label*.nii.gz"):
        rewrite(path, shifted)
    with pytest.raises(RecipeError, match="no case is left") as caught:
        built(data, {"dataset": "btcv"})
    assert len(caught.value.problems) == 2
    assert all("2.5 mm" in problem for problem in caught.value.problems)


# --- doubles -------------------------------------------------------------------------------


@pytest.fixture
def doubled(data: Path) -> Path:
    """Twins in which the first scan of word is that of btcv, in another type and file."""
    image = nibabel.load(scan(data, "btcv", "img0001.nii.gz"))
    target = scan(data, "word", "imagesTr/word_0001.nii.gz")
    mask = nibabel.load(scan(data, "word", "labelsTr/word_0001.nii.gz"))
    array = np.asarray(image.dataobj).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, mask.affine), target)
    return data


BTCV, WORD = {"dataset": "btcv"}, {"dataset": "word", "splits": ["train"]}


def test_equal_voxels_are_taken_once(doubled: Path) -> None:
    made = built(doubled, BTCV, WORD)
    assert reasons(made) == {"word_0001": "the same voxels as btcv img0001"}
    assert made.cases == ("btcv_img0001", "btcv_img0002", "word_word-0002")
    assert not list(made.root.rglob("*word-0001*"))
    again = built(doubled, BTCV, WORD)
    assert again.n_written == 0
    assert (again.cases, again.excluded) == (made.cases, made.excluded)


def whole(made: Built) -> None:
    for case, told in lock(made)["cases"].items():
        assert len(told["files"]) == 2, case
        assert all((made.root / name).is_file() for name in told["files"])
    assert {p.name for p in (made.root / "labelsTr").iterdir()} == {f"{case}.nii.gz" for case in made.cases}


def test_a_double_is_written_after_all_when_it_comes_first(doubled: Path) -> None:
    built(doubled, BTCV, WORD)
    swapped = built(doubled, WORD, BTCV)
    assert reasons(swapped) == {"img0001": "the same voxels as word word_0001"}
    whole(swapped)
    assert content(swapped.root) == content(built(doubled, WORD, BTCV, out="fresh").root)


def test_a_double_is_written_after_all_when_the_other_changes(doubled: Path) -> None:
    built(doubled, BTCV, WORD)
    rewrite(scan(doubled, "btcv", "img0001.nii.gz"), lambda array, affine: (array[::-1] + 1, affine))
    changed = built(doubled, BTCV, WORD)
    assert changed.excluded == ()
    whole(changed)


def test_a_double_is_written_after_all_when_the_other_goes(doubled: Path) -> None:
    built(doubled, BTCV, WORD)
    whole(built(doubled, WORD))
    whole(built(doubled, BTCV, WORD))


def test_a_double_is_written_after_all_when_doubles_are_wanted(doubled: Path) -> None:
    built(doubled, BTCV, WORD)
    kept = built(doubled, BTCV, WORD, exclude=["errata", "audit"])
    assert len(kept.cases) == 4
    whole(kept)


# --- pictures ------------------------------------------------------------------------------


def test_pictures_become_png(twins: Path, tmp_path: Path) -> None:
    table = {"name": "breast", "labels": {"lesion": "breast/lesion"}, "sources": [{"dataset": "busi"}]}
    made = build(parse_recipe(table), data=twins, out=tmp_path)
    described = json.loads((made.root / "dataset.json").read_text())
    assert described["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    assert described["labels"] == {"background": 0, "lesion": 1}
    assert (described["file_ending"], described["numTraining"]) == (".png", 6)
    for told in lock(made)["cases"].values():
        stem = told["case"]
        parts = [np.asarray(pil.open(p)) for p in (twins / "busi").rglob(f"{stem}_mask*.png")]
        assert parts
        wanted = np.any([p.reshape(*p.shape[:2], -1).max(-1) > 0 for p in parts], axis=0).astype(np.uint8)
        (mask,) = [name for name in told["files"] if name.startswith("labelsTr/")]
        result = np.asarray(pil.open(made.root / mask))
        np.testing.assert_array_equal(result, wanted)
        assert told["voxels"] == {"lesion": int(wanted.sum())} and wanted.any()
        (image,) = [name for name in told["files"] if name.startswith("imagesTr/")]
        (source,) = (twins / "busi").rglob(f"{stem}.png")
        assert (made.root / image).read_bytes() == source.read_bytes()
    assert build(parse_recipe(table), data=twins, out=tmp_path).n_written == 0


def test_volumes_of_other_formats_are_written_anew_with_their_geometry(tmp_path: Path) -> None:
    medshelf.twin("han-seg", tmp_path / "han-seg", cases=1)
    source = {"dataset": "han-seg", "channels": ["ct"]}
    dataset = medshelf.open("han-seg", tmp_path / "han-seg")
    structure = next(iter(dataset[0].annotations.values())).structures[0]
    labels = {"one": structure}
    table = {"name": "x", "labels": labels, "sources": [source]}
    try:
        made = build(parse_recipe(table), data=tmp_path, out=tmp_path / "out")
    except RecipeError as error:
        pytest.fail(str(error))
    sample = dataset[next(iter(lock(made)["cases"].values()))["case"]]
    volume = nifti.read(medshelf.model.blob.LocalFile(next((made.root / "imagesTr").iterdir())))
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.array, sample.images["ct"].array)
    np.testing.assert_allclose(volume.affine, sample.images["ct"].affine, atol=1e-4)


def test_a_build_needs_no_writable_data(data: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in data.rglob("*")}
    for path in [*data.rglob("*"), data]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    try:
        assert len(built(data).cases) == 8
    finally:
        for path in [data, *data.rglob("*")]:
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
    assert {p: p.stat().st_mtime_ns for p in data.rglob("*")} == before


def test_an_archive_builds_the_same_as_a_folder(data: Path) -> None:
    folder = built(data, {"dataset": "btcv"}, {"dataset": "word"})
    for name in ("btcv", "word"):
        shutil.make_archive(str(data / name), "zip", data / name)
        shutil.rmtree(data / name)
    packed = built(data, {"dataset": "btcv"}, {"dataset": "word"}, out="packed")
    assert packed.cases == folder.cases
    for name, raw in content(folder.root).items():
        if name.endswith(".nii.gz"):
            ours = nibabel.Nifti1Image.from_bytes(gzip.decompress(content(packed.root)[name]))
            theirs = nibabel.Nifti1Image.from_bytes(gzip.decompress(raw))
            np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
            np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-5)
