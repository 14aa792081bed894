"""Opening datasets: what is at a place, what is not, and samples by number, id, slice and filter."""

from __future__ import annotations

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.errors import AccessError, LayoutError, NotFound, UnknownDataset
from medshelf.samples.annotation import Mask
from medshelf.samples.dataset import Dataset
from tests.layout.made import record


@pytest.fixture(scope="module")
def word(twins: Path) -> Dataset:
    return medshelf.open("word", twins / "word")


# --- what is at a place --------------------------------------------------------------------


def test_a_dataset_is_opened_by_id_alias_or_record(twins: Path) -> None:
    for name in ("word", "WORD-V0.1.0", medshelf.show("word")):
        assert medshelf.open(name, twins / "word").id == "word"
    told = "Dataset('word', 6 cases (2 train, 2 val, 2 test), at "
    assert repr(medshelf.open("word", twins / "word")).startswith(told)


def test_wrapping_folders_do_no_harm(twins: Path, word: Dataset) -> None:
    deep = medshelf.open("word", twins)
    assert [case.id for case in deep.cases] == [case.id for case in word.cases]
    assert medshelf.open("word", twins / "word" / "WORD-V0.1.0").cases[0].id == word.cases[0].id


def test_nothing_at_the_place_is_said_with_the_nearest_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=rf"nothing here.*nearest folder that exists is {tmp_path}"):
        medshelf.open("word", tmp_path / "no" / "such")


def test_an_empty_folder_holds_no_file_of_it(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"no file here is one of word \(0 names, none fits\)"):
        medshelf.open("word", tmp_path)


def test_another_dataset_holds_no_file_of_it_and_is_worth_identifying(twins: Path) -> None:
    with pytest.raises(LayoutError, match=rf"no file here is one of word .*medshelf identify {twins / 'busi'}"):
        medshelf.open("word", twins / "busi")


def test_a_table_alone_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"training": []}')
    with pytest.raises(LayoutError, match="no file here is one of amos-2022"):
        medshelf.open("amos-2022", tmp_path)


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path, twins: Path) -> None:
    image = next((twins / "word").rglob("*.nii.gz"))
    with pytest.raises(AccessError, match="one file compressed with gzip, not an archive. Name the folder"):
        medshelf.open("word", image)
    (tmp_path / "x.bin").write_bytes(bytes(1000))
    with pytest.raises(AccessError, match="neither a folder, an archive nor a list of names"):
        medshelf.open("word", tmp_path / "x.bin")


def test_what_is_unknown_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownDataset, match="Did you mean word"):
        medshelf.open("wordd", tmp_path)
    with pytest.raises(LayoutError, match="no variant 'flat'"):
        medshelf.open("word", tmp_path, variant="flat")


def test_names_alone_can_be_opened_but_not_read(tmp_path: Path, twins: Path) -> None:
    names = [p.relative_to(twins).as_posix() for p in (twins / "word").rglob("*") if p.is_file()]
    (tmp_path / "names.txt").write_text("\n".join(names))
    listed = medshelf.open("word", tmp_path / "names.txt")
    assert len(listed) == 6
    with pytest.raises(NotFound, match="only the name of this file is known"):
        _ = listed[0].image.array


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_is_as_good_as_a_folder(word: Dataset, twins: Path, tmp_path: Path, kind: str) -> None:
    archive = shutil.make_archive(str(tmp_path / "w"), kind, twins / "word")
    for place in (archive, tmp_path):  # the archive itself, and a folder that holds it
        packed = medshelf.open("word", place)
        assert [case.id for case in packed.cases] == [case.id for case in word.cases]
        for ours, theirs in zip(word, packed, strict=True):
            np.testing.assert_array_equal(ours.image.array, theirs.image.array)
            np.testing.assert_array_equal(ours.image.affine, theirs.image.affine)
            assert ours.mask.states() == theirs.mask.states()
            np.testing.assert_array_equal(ours.mask.volume.array, theirs.mask.volume.array)


# --- samples -------------------------------------------------------------------------------


def test_a_sample_says_whose_and_of_which_split_it_is(word: Dataset) -> None:
    sample = word[0]
    assert (sample.dataset, sample.case, sample.split, sample.patient) == ("word", "word_0001", "train", None)
    assert sample.fields == {"split": "train", "n": "0001"}
    assert list(sample.images) == ["ct"]
    assert list(sample.annotations) == ["organs"]
    assert sample.image.array.dtype == np.int16
    assert sample.image.orientation == "LPS"
    assert sample.image.spacing_mm == pytest.approx((0.9, 0.8, 2.5))


def test_samples_are_had_by_number_id_and_slice(word: Dataset) -> None:
    assert word[-1].case == "word_0006"
    assert word["word_0003"].case == "word_0003"
    assert word[np.int64(2)].case == "word_0003"  # type: ignore[call-overload]
    part = word[1:5:2]
    assert isinstance(part, Dataset)
    assert [sample.case for sample in part] == ["word_0002", "word_0004"]
    assert [sample.case for sample in reversed(part)] == ["word_0004", "word_0002"]
    with pytest.raises(IndexError):
        word[6]
    with pytest.raises(NotFound, match=r"word has no case 'word_0009' here\. Near: word_000"):
        word["word_0009"]


def test_cases_are_filtered_by_fields_and_by_anything(word: Dataset) -> None:
    assert [case.id for case in word.filter(split="val").cases] == ["word_0003", "word_0004"]
    assert len(word.filter(split=["val", "test"])) == 4
    assert len(word.filter(n="0001", split="train")) == 1
    assert [case.id for case in word.filter(lambda case: case.id.endswith("5")).cases] == ["word_0005"]
    assert word.filter(id="word_0002")[0].case == "word_0002"
    assert len(word.filter(nonsense="x")) == 0
    assert word.splits == {"train": 2, "val": 2, "test": 2}


def test_a_dataset_says_what_its_annotations_can_name(word: Dataset) -> None:
    assert "liver" in word.structures["organs"]
    assert len(word.structures["organs"]) == 16


def test_what_is_not_there_is_named_with_what_is(word: Dataset) -> None:
    sample = word[0]
    with pytest.raises(NotFound, match=r"there is no image 'mr'. There are: 'ct'"):
        sample.images["mr"]
    with pytest.raises(NotFound, match=r"there is no annotation 'tumours'. There are: 'organs'"):
        sample.annotations["tumours"]
    assert "mr" not in sample.images and "ct" in sample.images


def test_one_of_several_must_be_chosen_by_name(tmp_path: Path) -> None:
    medshelf.twin("brats-2021", tmp_path / "b", cases=1)
    sample = medshelf.open("brats-2021", tmp_path / "b")[0]
    with pytest.raises(NotFound, match=r"this case has 4 images. Choose by name: 'flair'"):
        _ = sample.image


def test_a_sample_is_lazy_and_keeps_what_it_read(data: Path) -> None:
    dataset = medshelf.open("word", data / "word")
    sample = dataset[0]
    image = sample.image
    shutil.rmtree(data / "word")
    with pytest.raises(NotFound):
        _ = image.array
    held = medshelf.open("btcv", data / "btcv")[0].image
    array = held.array
    shutil.rmtree(data / "btcv")
    assert held.array is array


def test_a_dataset_travels_to_other_processes_without_its_voxels(word: Dataset) -> None:
    _ = word[0].image.array
    copy = pickle.loads(pickle.dumps(word))
    assert [sample.case for sample in copy] == [sample.case for sample in word]
    np.testing.assert_array_equal(copy[0].image.array, word[0].image.array)
    sample = word[1]
    assert sample.image.array.size > 10_000
    sent = pickle.dumps(sample.image)
    assert len(sent) < 2_000
    np.testing.assert_array_equal(pickle.loads(sent).array, sample.image.array)


def test_samples_can_be_read_by_many_threads(word: Dataset) -> None:
    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda n: int(word[n % 6].image.array.sum()), range(24)))
    assert sums[:6] * 4 == sums


# --- names of all kinds --------------------------------------------------------------------


def test_names_with_spaces_and_letters_of_any_script(tmp_path: Path, twins: Path) -> None:
    described = record('key = ["who"]\n[files.image]\nrole = "image"\npath = "Bilder für {who}/scan – 1.nii.gz"')
    image = next((twins / "word").rglob("*.nii.gz"))
    for who in ("Zoë", "患者 1", "a b"):
        (tmp_path / f"Bilder für {who}").mkdir()
        shutil.copy(image, tmp_path / f"Bilder für {who}" / "scan – 1.nii.gz")
    dataset = medshelf.open(described, tmp_path)
    assert {case.id for case in dataset.cases} == {"Zoë", "患者 1", "a b"}
    assert all(sample.image.array.size for sample in dataset)


def test_masks_say_where_they_come_from(word: Dataset) -> None:
    mask = word[0].mask
    assert isinstance(mask, Mask)
    assert [Path(name).name for name in mask.files] == ["word_0001.nii.gz"]
    assert Path(mask.files[0]).parent.name == "labelsTr"
