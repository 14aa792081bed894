"""What speaks for a dataset, what does not, and how long it takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import pytest

from medshelf.catalogue.shelf import records
from medshelf.layout.identify import CERTAIN, Identity, identify_names
from medshelf.layout.naming import closed_archives, names_of, plain
from medshelf.layout.shapes import by_shape, part_of, shape, some_of
from medshelf.layout.telling import is_common, letters, telling

SHELF = tuple(records())


def identify(names: Sequence[str], called: str = "") -> Identity:
    return identify_names(names, SHELF, called=called)


def numbered(pattern: str, n: int, start: int = 0) -> list[str]:
    return [pattern.format(i) for i in range(start, start + n)]


def product(pattern: str, *choices: Sequence[object]) -> list[str]:
    return [pattern.format(*one) for one in itertools.product(*choices)]


WORD = numbered("imagesTr/word_{:04d}.nii.gz", 40) + numbered("labelsTr/word_{:04d}.nii.gz", 40)

UNKNOWN = {
    "a Python project": [
        "src/pkg/io.py", "src/pkg/model.py", "src/pkg/train.py", "setup.py", "README.md", "tests/test_io.py",
        "data/train.json", "data/test.json",
    ],
    "photographs": numbered("2023/08/IMG_{:04d}.JPG", 200) + numbered("2023/09/DSC{:05d}.jpg", 90),
    "cats and dogs": product("{0}/{1}/{1}.{2}.jpg", ("train", "val"), ("cat", "dog"), range(99)),
    "folders of classes": product("{}/class{}/{}.png", ("train", "test", "val"), (0, 1), range(50)),
    "nnU-Net raw data of one's own": [
        "Dataset999_X/dataset.json",
        *numbered("Dataset999_X/imagesTr/x_{:03d}_0000.nii.gz", 50),
        *numbered("Dataset999_X/labelsTr/x_{:03d}.nii.gz", 50),
    ],
    "nnU-Net raw data with plain names": [
        "dataset.json",
        *numbered("imagesTr/case_{:05d}_0000.nii.gz", 50),
        *numbered("labelsTr/case_{:05d}.nii.gz", 50),
    ],
    "a decathlon task of one's own": [
        "Task99_Thyroid/dataset.json",
        *numbered("Task99_Thyroid/imagesTr/thyroid_{:03d}.nii.gz", 30),
        *numbered("Task99_Thyroid/labelsTr/thyroid_{:03d}.nii.gz", 30),
    ],
    "a BIDS study": [
        "dataset_description.json", "participants.tsv", "README",
        *product("sub-{0:02d}/anat/sub-{0:02d}_T1w.nii.gz", range(20)),
        *product("sub-{0:02d}/func/sub-{0:02d}_task-rest_bold.nii.gz", range(20)),
    ],
    "images and masks": product("{}/{}.png", ("images", "masks"), range(100)),
    "pairs in splits": product("{}/{}/{:03d}.tif", ("train", "test"), ("images", "masks"), range(50)),
    "DICOM by patient": product("PAT{:03d}/STUDY1/SERIES{}/IM{:04d}.dcm", range(5), (1, 2), range(30)),
    "DICOM by UID": product("1.2.840.113619.{0}/1.2.840.113619.{0}.{1}.dcm", range(5), range(30)),
    "questions and answers": ["train.json", "dev.json", "test.json", "README.md"],
    "a competition": [
        "train.csv", "test.csv", "sample_submission.csv", *product("{}/{}.png", ("train", "test"), range(50)),
    ],
    "boxes of VOC": numbered("JPEGImages/i_{:05d}.jpg", 99) + numbered("Annotations/i_{:05d}.xml", 99),
    "a scan and a mask a folder": product("case{:03d}/{}.nii.gz", range(40), ("ct", "seg")),
    "slides": numbered("slides/{}.svs", 20),
    "songs": numbered("Artist/Album/{:02d} Song.mp3", 30),
    "a readme": ["README.md"],
    "an archive": ["data.zip"],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("names", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_no_dataset_is_unknown(names: list[str]) -> None:
    answer = identify(names, called="stuff")
    assert answer.dataset is None, answer.guesses[:2]
    assert answer.n_names == len(names)
    assert all(guess.score < CERTAIN for guess in answer.guesses)


def test_names_are_enough_where_they_say_something() -> None:
    answer = identify(WORD)
    assert answer.dataset == "word"
    best = answer.guesses[0]
    assert (best.explained, best.seen, best.joined, best.named) == (1.0, 1.0, 1.0, "")


def test_a_score_is_what_its_parts_say() -> None:
    for names in (WORD, WORD[:60], [*WORD, *numbered("other/{}.bin", 30)]):
        best = identify(names).guesses[0]
        expected = best.explained**1.5 * (0.35 + 0.65 * best.seen) * best.saying * best.joined
        assert best.score == pytest.approx(expected, abs=1e-3)


def test_masks_without_their_images_lower_the_score() -> None:
    astray = [*WORD[:40], *numbered("labelsTr/word_{:04d}.nii.gz", 40, start=500)]
    assert identify(astray).guesses[0].joined == 0.5
    assert identify(astray).guesses[0].score < identify(WORD).guesses[0].score


def test_foreign_files_lower_the_score() -> None:
    mixed = [*WORD, *numbered("holiday/IMG_{:04d}.jpg", 200)]
    assert identify(mixed).dataset is None
    assert identify(mixed).guesses[0].dataset == "word"


def test_paperwork_and_hidden_twins_do_no_harm() -> None:
    beside = ["README.md", "LICENSE", ".DS_Store", *(f"imagesTr/._{n.rpartition('/')[2]}" for n in WORD[:40])]
    assert identify([*WORD, *beside]).guesses[0].score == identify(WORD).guesses[0].score


def test_plain_names_need_the_name_of_the_folder() -> None:
    names = ["data/train.json", "data/dev.json", "data/test.json"]
    assert identify(names).dataset is None
    named = identify(names, called="medmcqa")
    assert (named.dataset, named.guesses[0].named) == ("medmcqa", "medmcqa")
    assert identify([f"medmcqa/{name}" for name in names]).dataset == "medmcqa"
    assert identify([f"medmcqa.zip!/{name}" for name in names]).dataset == "medmcqa"


def test_a_name_alone_is_no_evidence() -> None:
    answer = identify(UNKNOWN["photographs"], called="medmcqa")
    assert answer.dataset is None


def test_a_common_word_is_no_name() -> None:
    answer = identify(["data/train.json", "data/dev.json"], called="data")
    assert answer.guesses and all(guess.named == "" for guess in answer.guesses)


def test_just_as_many_cases_as_the_release_has_is_evidence() -> None:
    train = [f"imagesTr/img{i:04d}.nii.gz" for i in (*range(1, 11), *range(21, 41))]
    masks = [name.replace("imagesTr/img", "labelsTr/label") for name in train]
    whole = identify([*train, *masks])
    assert (whole.dataset, whole.variant, whole.guesses[0].whole) == ("btcv", "monai", True)
    part = identify([*train[:20], *masks[:20]])
    assert (part.dataset, part.guesses[0].whole) == (None, False)


def test_an_archive_that_nobody_opened_counts_by_its_name() -> None:
    names = ["imgs.zip", "mask.txt", "train.json", "validation.json", "test.json"]
    answer = identify(names, called="Slake1.0")
    assert (answer.dataset, answer.guesses[0].seen) == ("slake", 1.0)


def test_of_two_versions_the_one_whose_structures_are_there_wins() -> None:
    for version, own in (("v1", ("face", "heart_myocardium")), ("v2", ("skull", "heart"))):
        structures = ("liver", "spleen", "pancreas", "aorta", *own)
        names = [f"s{i:04d}/segmentations/{one}.nii.gz" for i in range(20) for one in structures]
        names += [f"s{i:04d}/ct.nii.gz" for i in range(20)] + ["meta.csv"]
        assert identify(names).dataset == f"totalsegmentator-{version}"


def test_wrapping_folders_do_no_harm() -> None:
    deep = [f"downloads/2026/word.tar.gz!/x/{name}" for name in WORD]
    assert identify(deep).dataset == "word"


MODALITIES = ("flair", "t1", "t1ce", "t2", "seg")
MANY = {
    "BraTS": product("BraTS2021/BraTS2021_{0:05d}/BraTS2021_{0:05d}_{1}.nii.gz", range(20_000), MODALITIES),
    "random": [f"x/{i * 2654435761 % 2**32:08x}/{i}/s{i % 7}.png" for i in range(100_000)],
    "hexadecimal": [f"stage1_train/{i // 20:064x}/masks/{i:064x}.png" for i in range(100_000)],
    "many shapes": [f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{i % 997}/{i}.dcm" for i in range(100_000)],
}


@pytest.mark.parametrize("names", MANY.values(), ids=MANY.keys())
def test_a_hundred_thousand_names_take_less_than_two_seconds(names: list[str]) -> None:
    assert len(names) == 100_000
    identify(WORD)
    start = time.process_time()
    identify(names)
    assert time.process_time() - start < 2


# --- how much a template says ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("images/{id}.png", "imagesTr/word_{n:4d}.nii.gz"),
        ("{split:train|test}.json", "ori_pqal.json"),
        ("{id}.nii.gz", "{n:4d}.nii.gz"),
        ("{id}/ct.nii.gz", "{id}/{id}_ct.nii.gz"),
        ("images/{id:~\\d+}.jpg", "images/{id:~synpic\\d+}.jpg"),
        ("{kind:a|b}.nii", "{kind:volume|test-volume}.nii"),
    ],
)
def test_a_template_with_its_own_words_says_more(less: str, more: str) -> None:
    assert telling(less) < telling(more)


def test_alternatives_of_a_field_say_what_the_shortest_says() -> None:
    assert telling("{c:flair|t1}.nii.gz") == letters("t1")


def test_common_words_and_numbers_say_next_to_nothing() -> None:
    assert is_common("Images") and is_common("0000") and is_common("x")
    assert letters("images/train/0001") < 2 < letters("hippocampus")


# --- shapes ------------------------------------------------------------------------------------


def test_names_that_differ_in_numbers_have_one_shape() -> None:
    assert shape("case_001/ct.nii.gz") == shape("case_987/ct.nii.gz")
    assert shape("case_001") != shape("case_01")
    assert shape("1.2.840.113619.2.55/a.dcm") == shape("1.2.276.0.7230010.3.1.4.8/a.dcm")
    assert shape(f"{255:064x}.png") == shape(f"{2**255:064x}.png")


def test_every_shape_is_among_the_few_and_weighs_what_it_stands_for() -> None:
    groups = by_shape([*numbered("img_{:03d}.png", 900), "meta.csv"])
    few = some_of(groups, 20)
    assert "meta.csv" in few and len(few) <= 20
    assert sum(few.values()) == pytest.approx(901)


def test_a_part_of_many_names_holds_the_rare_ones() -> None:
    names = [*numbered("img_{:05d}.png", 9000), "meta.csv", "split.json"]
    part = part_of(by_shape(names), names, 300)
    assert {"meta.csv", "split.json"} <= set(part) and len(part) <= 302
    assert part == part_of(by_shape(names), names, 300)


# --- names of folders and archives ---------------------------------------------------------------


def test_names_are_compared_by_letters_and_digits() -> None:
    assert plain("BCCD_Dataset-master.zip") == "bccddatasetmaster"
    assert plain("a/WORD-V0.1.0.tar.gz") == "wordv010"


def test_an_alias_counts_as_a_whole() -> None:
    highdicom = next(record for record in SHELF if record.id == "highdicom-data")
    assert highdicom.layout is not None
    called = names_of(highdicom, highdicom.layout)
    assert {"highdicomdata", "highdicom"} <= called
    assert "testfiles" not in called, "of the alias 'highdicom data/test_files'"


def test_an_archive_with_members_is_not_closed() -> None:
    assert list(closed_archives(["a.zip", "a.zip!/x.png", "b.zip", "c.png"])) == ["b.zip"]
