"""Choosing cases: which, from where, and of every other why not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import medshelf
from medshelf.cohort import choose as room
from medshelf.cohort.choose import Cohort, choose
from medshelf.cohort.recipe import parse_recipe
from medshelf.errors import RecipeError
from medshelf.model.dataset import Erratum


def chosen(data: Path, *sources: dict[str, Any], labels: dict[str, Any] | None = None, **words: Any) -> Cohort:
    table = {"name": "x", "labels": labels or {"liver": "liver"}, "sources": list(sources), **words}
    return choose(parse_recipe(table), data)


def ids(cohort: Cohort) -> list[str]:
    return [one.id for one in cohort.chosen]


def refused(data: Path, *sources: dict[str, Any], **words: Any) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        chosen(data, *sources, **words)
    return caught.value.problems


BTCV, WORD = {"dataset": "btcv"}, {"dataset": "word"}
AMOS = {"dataset": "amos-2022", "channels": ["ct"]}


def test_every_case_with_the_annotation_is_taken(twins: Path) -> None:
    cohort = chosen(twins, BTCV, WORD)
    assert ids(cohort) == ["btcv_img0001", "btcv_img0002", *(f"word_word-000{n}" for n in range(1, 7))]
    assert cohort.excluded == (), "the test cases of btcv never had masks"
    assert [one.patient for one in cohort.chosen[:2]] == ["btcv/img0001", "btcv/img0002"]
    assert cohort.channels == ("CT",)
    assert cohort.sample(cohort.chosen[0]).case == "img0001"


def test_splits_fields_and_numbers_choose(twins: Path) -> None:
    assert ids(chosen(twins, {**WORD, "splits": ["val", "test"]})) == [f"word_word-000{n}" for n in range(3, 7)]
    assert ids(chosen(twins, {**WORD, "cases": 3})) == [f"word_word-000{n}" for n in range(1, 4)]
    ct = chosen(twins, {**AMOS, "where": {"modality": "ct"}})
    assert ids(ct) == ["amos-2022_amos-0001", "amos-2022_amos-0004"]
    assert (ct.excluded, ct.channels) == ((), ("CT",))
    one_of = chosen(twins, {**AMOS, "where": {"id": ["0004", "0005"]}})
    assert ids(one_of) == ["amos-2022_amos-0004"]


def test_the_same_dataset_may_serve_twice_but_no_case(twins: Path) -> None:
    split = chosen(twins, {**WORD, "splits": ["val"]}, {**WORD, "splits": ["train"]})
    assert [one.source for one in split.chosen] == [0, 0, 1, 1]
    with pytest.raises(RecipeError, match="would both be called word_word-0001"):
        chosen(twins, WORD, {**WORD, "splits": ["train"]})


def test_a_source_from_which_nothing_is_meant_is_an_error(twins: Path) -> None:
    told = refused(twins, BTCV, {**WORD, "splits": ["training"]}, {**AMOS, "where": {"modality": "pet"}})
    assert told == (
        "word: no case is meant by splits = ['training']; cases by split: train 2, val 2, test 2",
        "amos-2022: no case is meant by where = {'modality': 'pet'}; cases by split: train 2, val 2, test 2",
    )


# --- left out, with the reason -------------------------------------------------------------


def test_a_case_without_its_mask_is_left_out_with_the_reason(data: Path) -> None:
    next((data / "word").rglob("labelsTr/word_0002.nii.gz")).unlink()
    cohort = chosen(data, WORD)
    assert [(e.dataset, e.case, e.reason) for e in cohort.excluded] == [("word", "word_0002", "has no organs")]


def test_a_case_without_the_channel_is_left_out_with_the_reason(twins: Path) -> None:
    cohort = chosen(twins, AMOS)
    assert {e.reason for e in cohort.excluded} == {"lacks the image ct"}
    assert [e.case for e in cohort.excluded] == ["amos_0507", "amos_0508"]


@pytest.mark.parametrize(
    ("cases", "files"), [(("word_0002",), ()), ((), ("imagesTr/word_0002*",)), ((), ("word_0002.nii.gz",))]
)
@pytest.mark.parametrize("action", ["exclude", "warn"])
def test_known_defects_are_left_out_where_the_record_says_so(
    twins: Path, monkeypatch: pytest.MonkeyPatch, cases: tuple[str, ...], files: tuple[str, ...], action: Any
) -> None:
    erratum = Erratum("shifted", "the mask is shifted", ("s",), cases=cases, files=files, action=action)
    record = replace(medshelf.show("word"), errata=(erratum,))
    opened = room.open_dataset
    monkeypatch.setattr(room, "open_dataset", lambda _, root, **rest: opened(record, root, **rest))
    cohort = chosen(twins, WORD)
    told = [(e.case, e.reason) for e in cohort.excluded]
    assert told == ([("word_0002", "known defect shifted: the mask is shifted")] if action == "exclude" else [])
    assert chosen(twins, WORD, exclude=["audit"]).excluded == ()


# --- not annotated -------------------------------------------------------------------------

GUT = {"liver": "liver", "gut": "small_bowel"}


def test_labels_that_a_dataset_does_not_annotate_are_refused_all_together(twins: Path) -> None:
    told = refused(twins, BTCV, {**AMOS}, WORD, labels={**GUT, "femora": "femur:head"})
    assert told == tuple(
        f"{name}: does not annotate {structure} (label {label}); "
        'say not_annotated = "ignore" or "leave-out", or leave the label out'
        for name in ("btcv", "amos-2022")
        for structure, label in (("small_bowel", "gut"), ("femur:head", "femora"))
    )


def test_or_their_cases_are_left_out(twins: Path) -> None:
    cohort = chosen(twins, BTCV, WORD, labels=GUT, not_annotated="leave-out")
    assert {one.source for one in cohort.chosen} == {1}
    assert [(e.case, e.reason) for e in cohort.excluded][:2] == [
        ("img0001", "does not annotate gut"), ("img0002", "does not annotate gut"),
    ]  # fmt: skip


def test_or_kept_and_what_is_lacking_remembered(twins: Path) -> None:
    cohort = chosen(twins, BTCV, WORD, labels=GUT, not_annotated="ignore")
    assert cohort.sources[0].mapped.lacking == {"gut": ("small_bowel",)}
    assert len(cohort.chosen) == 8


def test_a_region_of_another_mask_of_the_layout_is_not_annotated_here(tmp_path: Path) -> None:
    medshelf.twin("chaos", tmp_path / "chaos", cases=1)
    source = {"dataset": "chaos", "annotation": "ct_liver", "channels": ["ct"]}
    told = refused(tmp_path, source, labels={"kidney": "kidney"})
    assert told[0].startswith("chaos: does not annotate kidney (label kidney)")


# --- what must be said ---------------------------------------------------------------------


def test_every_problem_of_every_source_is_told_at_once(data: Path) -> None:
    shutil.rmtree(data / "btcv")
    shutil.rmtree(data / "word")
    (data / "word").mkdir()
    told = refused(data, BTCV, WORD, {**AMOS, "annotation": "tumours"}, {**AMOS, "variant": "flat"})
    assert told[0].startswith("btcv: ") and "the dataset is not here" in told[0] and 'root = "…"' in told[0]
    assert told[1].startswith("word: ") and "no file here is one of word" in told[1]
    assert told[2].startswith("amos-2022: there is no mask 'tumours'. There are: organs")
    assert told[3].startswith("amos-2022: there is no variant 'flat'")
    assert len(told) == 4


def test_several_masks_must_be_told_apart(tmp_path: Path) -> None:
    medshelf.twin("kits21", tmp_path / "kits21", cases=1)
    told = refused(tmp_path, {"dataset": "kits21"}, labels={"kidney": "kidney"})
    assert told[0].startswith("kits21: a case has several masks. Say `annotation = …`, one of: mask, ")


def test_several_images_must_be_named(tmp_path: Path) -> None:
    medshelf.twin("brats-2021", tmp_path / "brats-2021", cases=2)
    labels = {"core": "brain/neoplasm:necrotic_core"}
    told = refused(tmp_path, {"dataset": "brats-2021"}, labels=labels, not_annotated="ignore")
    assert "a case has several images. Name them in `channels`, in order" in told[0]
    named = {"dataset": "brats-2021", "channels": ["t1ce", "flair"]}
    cohort = chosen(tmp_path, named, labels=labels, not_annotated="ignore")
    assert (cohort.channels, cohort.sources[0].channels) == (("t1ce", "flair"), ("t1ce", "flair"))


def test_sources_must_have_as_many_channels_as_the_result(twins: Path) -> None:
    told = refused(twins, {**AMOS, "channels": []}, BTCV, channels=["CT", "PET"])
    assert told[-1] == "btcv: has channels ct; the result has CT, PET"


def test_a_dataset_is_found_as_folder_archive_or_where_the_recipe_says(data: Path) -> None:
    shutil.make_archive(str(data / "btcv"), "zip", data / "btcv")
    shutil.rmtree(data / "btcv")
    shutil.make_archive(str(data / "word"), "gztar", data / "word")
    shutil.rmtree(data / "word")
    (data / "deep").mkdir()
    (data / "amos-2022").rename(data / "deep" / "a mos")
    cohort = chosen(data, BTCV, WORD, {**AMOS, "root": "deep/a mos"})
    assert len(cohort.chosen) == 2 + 6 + 2


# --- what the report must say --------------------------------------------------------------


def test_guessed_patients_are_noted(twins: Path) -> None:
    assert chosen(twins, BTCV).notes == (
        "btcv: nothing tells which cases share a patient, so each case counts as one patient in the folds",
    )


def test_related_datasets_are_noted(tmp_path: Path) -> None:
    related = [(r.id, x.to) for r in map(medshelf.show, ("kits21", "kits23")) for x in r.relations]
    assert ("kits21", "kits19") in related or ("kits23", "kits21") in related
    for name in ("kits21", "kits23"):
        medshelf.twin(name, tmp_path / name, cases=2)
    sources = [{"dataset": name, "annotation": "mask"} for name in ("kits21", "kits23")]
    cohort = chosen(tmp_path, *sources, labels={"kidney": "kidney"})
    assert any("equal images are found by voxel" in note for note in cohort.notes)
