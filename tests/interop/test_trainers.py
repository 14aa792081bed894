"""What medshelf hands over is what PyTorch, MONAI, TorchIO and nnU-Net take."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import medshelf

RECIPES = {
    "parts": {"anterior": "hippocampus:anterior", "posterior": "hippocampus:posterior"},
    "merged": {"hippocampus": ["hippocampus:anterior", "hippocampus:posterior"]},
}


@pytest.fixture(scope="module")
def hippocampus(shared_data: Path) -> medshelf.Dataset:
    return medshelf.open("msd-hippocampus", shared_data / "msd-hippocampus")


@pytest.fixture(scope="module", params=RECIPES)
def built(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from medshelf.cohort.recipe import parse_recipe

    recipe = parse_recipe({
        "name": "Hippocampus", "number": 4, "labels": RECIPES[request.param],
        "sources": [{"dataset": "msd-hippocampus"}],
    })  # fmt: skip
    out = tmp_path_factory.mktemp("built")
    return medshelf.build(recipe, data=shared_data, out=out, jobs=2).root


def test_nnunet_accepts_the_folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(built.parent if name == "nnUNet_raw" else tmp_path / name))
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

    verify_dataset_integrity(str(built), num_processes=2)


def test_nnunet_refuses_the_folder_when_a_mask_is_spoilt(built: Path, tmp_path: Path) -> None:
    import shutil

    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

    copy = tmp_path / built.name
    shutil.copytree(built, copy)
    first = sorted((copy / "labelsTr").iterdir())[0]
    image = nibabel.load(first)
    nibabel.save(nibabel.Nifti1Image(np.full(image.shape, 9, np.uint8), image.affine), first)
    with pytest.raises(RuntimeError):
        verify_dataset_integrity(str(copy), num_processes=1)


def test_splits_cover_every_case_once(built: Path) -> None:
    splits = json.loads((built / "splits_final.json").read_text())
    cases = {p.name.removesuffix(".nii.gz") for p in (built / "labelsTr").iterdir()}
    assert len(splits) == 5
    validated = [case for split in splits for case in split["val"]]
    assert sorted(validated) == sorted(cases)
    assert all(set(s["train"]) == cases - set(s["val"]) for s in splits)


def test_monai_reads_a_decathlon_datalist_of_the_folder(built: Path, tmp_path: Path) -> None:
    from monai.data import load_decathlon_datalist
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    splits = json.loads((built / "splits_final.json").read_text())[0]
    entries = [{"image": f"imagesTr/{c}_0000.nii.gz", "label": f"labelsTr/{c}.nii.gz"} for c in splits["val"]]
    listed = tmp_path / "datalist.json"
    listed.write_text(json.dumps({"training": entries}))
    read = load_decathlon_datalist(str(listed), data_list_key="training", base_dir=str(built))
    load = Compose([LoadImaged(keys=["image", "label"]), EnsureChannelFirstd(keys=["image", "label"])])
    for entry in read:
        sample = load(entry)
        assert sample["image"].shape == sample["label"].shape
        assert sample["label"].max() >= 1


def test_a_torch_loader_with_two_workers_reads_the_folder(built: Path) -> None:
    from monai.data import Dataset
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    names = sorted(p.name.removesuffix(".nii.gz") for p in (built / "labelsTr").iterdir())
    entries = [{"image": built / f"imagesTr/{n}_0000.nii.gz", "label": built / f"labelsTr/{n}.nii.gz"} for n in names]
    load = Compose([LoadImaged(keys=["image", "label"]), EnsureChannelFirstd(keys=["image", "label"])])
    loader = DataLoader(Dataset(entries, load), batch_size=None, num_workers=2)
    shapes = [(item["image"].shape, item["label"].shape) for item in loader]
    assert len(shapes) == len(names) == 43
    assert all(image == label for image, label in shapes)


def test_a_torch_loader_with_two_workers_reads_every_sample(hippocampus: medshelf.Dataset) -> None:
    whole = hippocampus.filter(lambda case: "mask" in case.files)
    loader = DataLoader(whole.to_torch(), batch_size=None, num_workers=2)
    seen = {}
    for item in loader:
        assert item["image"].dtype == torch.float32 and item["label"].dtype == torch.int64
        assert item["image"].shape == item["label"].shape
        seen[item["case"]] = item
    assert len(seen) == 43
    case = whole.cases[0].id
    path = whole[case].image.path
    expected = np.asanyarray(nibabel.load(path).dataobj)
    assert np.array_equal(seen[case]["image"][0].numpy(), expected.astype(np.float32))


@pytest.mark.skipif(os.name == "nt", reason="spawn is what Windows does anyway")
def test_a_torch_loader_with_spawned_workers_works(hippocampus: medshelf.Dataset) -> None:
    whole = hippocampus.filter(lambda case: "mask" in case.files)[:4]
    loader = DataLoader(whole.to_torch(), batch_size=None, num_workers=1, multiprocessing_context="spawn")
    assert len(list(loader)) == 4


def test_monai_gets_what_its_own_loader_gives(hippocampus: medshelf.Dataset) -> None:
    from monai.transforms import LoadImage

    given = hippocampus.to_monai()[0]
    own = LoadImage(image_only=True, ensure_channel_first=True)(hippocampus[0].image.path)
    assert torch.equal(given["image"].as_tensor(), own.as_tensor())
    assert torch.allclose(given["image"].affine, own.affine, atol=1e-5)


def test_monai_transforms_run_on_it(hippocampus: medshelf.Dataset) -> None:
    from monai.transforms import Compose, Orientationd, Spacingd

    steps = Compose([Orientationd(keys=["image", "label"], axcodes="RAS", labels=None),
                     Spacingd(keys=["image", "label"], pixdim=(2, 2, 2), mode=("bilinear", "nearest"))])  # fmt: skip
    whole = hippocampus.filter(lambda case: "mask" in case.files)
    item = whole.to_monai(transform=steps)[0]
    assert item["image"].shape == item["label"].shape
    assert set(torch.unique(item["label"]).int().tolist()) <= {0, 1, 2}


def test_torchio_gets_what_its_own_loader_gives(hippocampus: medshelf.Dataset) -> None:
    import torchio

    subjects = hippocampus.to_torchio()
    assert isinstance(subjects, torchio.SubjectsDataset)
    assert len(subjects) == len(hippocampus)
    own = torchio.ScalarImage(hippocampus[0].image.path)
    assert torch.equal(subjects[0]["image"].data, own.data.float())
    assert np.allclose(subjects[0]["image"].affine, own.affine, atol=1e-5)


def test_torchio_reorients_images_that_are_not_ras(tmp_path: Path) -> None:
    import torchio

    medshelf.twin("btcv", tmp_path / "btcv", cases=1)
    dataset = medshelf.open("btcv", tmp_path / "btcv").filter(split="train")
    assert dataset[0].image.orientation == "LPS"
    subject = dataset.to_torchio(transform=torchio.ToCanonical())[0]
    assert subject["label"].orientation == ("R", "A", "S")
    before, after = dataset[0].mask.volume.reoriented("RAS"), subject["label"].data[0].numpy()
    assert np.array_equal(before.array, after)


def test_torchio_transforms_run_on_it(hippocampus: medshelf.Dataset) -> None:
    import torchio

    whole = hippocampus.filter(lambda case: "mask" in case.files)
    subject = whole.to_torchio(transform=torchio.ToCanonical())[0]
    assert subject["image"].orientation == ("R", "A", "S")
    assert subject.spatial_shape == subject["label"].spatial_shape
