"""The verb as a whole: agreement with `check`, several jobs, journals, and what real data shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.audit.facts import CaseFacts
from medshelf.audit.run import Audit, _unless_all_fail
from medshelf.catalogue import shelf
from medshelf.engine.worklist import Outcome
from medshelf.errors import LayoutError, MedshelfError, MissingExtra
from medshelf.layout.variants import layouts_of
from medshelf.model.finding import is_problem
from tests.audit import clean
from tests.audit.clean import SHAPE, affine_of, save
from tests.layout.made import record

STRUCTURES = """
key = ["n"]
[files.image]
role = "image"
path = "{n:3d}/ct.nii"
channel = "ct"
[files.masks]
role = "mask"
path = "{n:3d}/masks/{structure}.nii"
kind = "binary"
label = "{structure}"
"""


def plain(found: Audit) -> list[dict[str, object]]:
    return json.loads(json.dumps([f.as_dict() for f in found.findings]))


# --- with check ----------------------------------------------------------------------------


def test_all_that_check_finds_is_in_the_audit(tmp_path: Path) -> None:
    made = clean.volumes(tmp_path)
    (tmp_path / "train" / "seg_002.nii").unlink()
    (tmp_path / "train" / "ct_003.nii").unlink()
    found = medshelf.audit(made, tmp_path)
    named = medshelf.check(made, tmp_path)
    assert {f.check for f in named.findings} == {"layout.missing", "layout.orphan"}
    assert all(f in found.findings for f in named.findings)
    assert found.names_verdict == named.verdict


def test_a_list_of_names_cannot_be_audited(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("train/ct_001.nii\ntrain/seg_001.nii\n")
    with pytest.raises(LayoutError, match="list of names"):
        medshelf.audit(record(clean.VOLUMES), tmp_path / "names.txt")


# --- what is no fault ----------------------------------------------------------------------


def test_a_structure_that_is_not_in_the_scan_is_no_fault(tmp_path: Path) -> None:
    made = clean.volumes(tmp_path)
    array = clean.labels_of(1)
    array[array == 2] = 0
    save(tmp_path / "train" / "seg_001.nii", array, affine_of(1))
    found = medshelf.audit(made, tmp_path)
    assert found.findings == ()
    assert found.facts[0].masks[0].voxels == {"liver": 288, "spleen": 0}


def _structures(root: Path, **empty: bool) -> None:
    for number in (1, 2):
        save(root / f"{number:03d}" / "ct.nii", clean.ct_of(number), affine_of(number))
        for name in ("liver", "spleen", "kidney"):
            mask = np.zeros(SHAPE, np.uint8, order="F")
            mask[3:9, 3:9, 3:6] = 0 if empty.get(name) else 1
            save(root / f"{number:03d}" / "masks" / f"{name}.nii", mask, affine_of(number))


def test_an_empty_mask_among_others_is_no_fault_and_all_empty_is(tmp_path: Path) -> None:
    _structures(tmp_path / "a", spleen=True)
    (tmp_path / "a" / "001" / "masks" / "kidney.nii").unlink()
    assert medshelf.audit(record(STRUCTURES), tmp_path / "a").findings == ()
    _structures(tmp_path / "b", liver=True, spleen=True, kidney=True)
    found = medshelf.audit(record(STRUCTURES), tmp_path / "b")
    assert [(f.check, f.severity, f.case) for f in found.findings] == [
        ("label.empty", "warning", "001"), ("label.empty", "warning", "002"),
    ]  # fmt: skip


def test_many_masks_with_one_fault_of_geometry_make_one_finding(tmp_path: Path) -> None:
    _structures(tmp_path)
    for name in ("liver", "spleen"):
        mask = np.ones(SHAPE, np.uint8, order="F")
        save(tmp_path / "001" / "masks" / f"{name}.nii", mask, affine_of(3))
    found = medshelf.audit(record(STRUCTURES), tmp_path)
    assert [(f.check, f.evidence["n_files"]) for f in found.findings] == [("grid.origin", 2)]
    assert found.findings[0].evidence["shift_mm"] == [2.0, 0.0, -6.0]


def test_a_lesion_may_be_absent_and_an_organ_may_not(tmp_path: Path) -> None:
    for label, severity in (("liver/neoplasm", "info"), ("liver", "warning")):
        root = tmp_path / severity
        made = clean.volumes(root)
        made = record(clean.VOLUMES.replace('1 = "liver"\n2 = "spleen"', f'1 = "{label}"\n2 = "{label}"'))
        save(root / "train" / "seg_001.nii", np.zeros(SHAPE, np.uint8, order="F"), affine_of(1))
        found = medshelf.audit(made, root)
        assert [(f.check, f.severity) for f in found.findings] == [("label.empty", severity)]


def test_a_small_volume_of_one_millimetre_keeps_its_header(tmp_path: Path) -> None:
    made = clean.volumes(tmp_path)
    for name in ("ct", "seg"):
        array = medshelf.read(tmp_path / "train" / f"{name}_001.nii").array
        save(tmp_path / "train" / f"{name}_001.nii", array, np.diag([-1.0, -1, 1, 1]))
    assert medshelf.audit(made, tmp_path).findings == ()


# --- facts, order, exit --------------------------------------------------------------------


def test_facts_have_volumes_in_millilitres(tmp_path: Path) -> None:
    facts = medshelf.audit(clean.volumes(tmp_path), tmp_path).facts
    first = facts[0]
    assert (first.case, first.split) == ("case_001", "train")
    assert first.images[0].shape == SHAPE
    assert first.images[0].spacing_mm == pytest.approx((0.875, 0.75, 2.5))
    assert first.images[0].orientation == "LPS"
    assert first.masks[0].voxels["liver"] == 6 * 8 * 6
    assert first.masks[0].volumes_ml["liver"] == pytest.approx(288 * 0.875 * 0.75 * 2.5 / 1000)
    assert CaseFacts.from_dict(json.loads(json.dumps(first.as_dict()))) == first


def test_pictures_have_pixels_boxes_and_classes(tmp_path: Path) -> None:
    facts = medshelf.audit(clean.pictures(tmp_path), tmp_path).facts
    assert facts[0].boxes == {"red": 1}
    assert facts[0].classes == {"grade": "high"}
    assert facts[0].masks[0].voxels == {"skin": 20 * 28}
    assert facts[0].masks[0].volumes_ml is None


def test_instances_are_counted_by_file(tmp_path: Path) -> None:
    assert [c.masks[0].n_instances for c in medshelf.audit(clean.instances(tmp_path), tmp_path).facts] == [3, 3]


def _damaged(root: Path) -> object:
    made = clean.volumes(root)
    (root / "train" / "ct_002.nii").write_bytes(b"")
    save(root / "train" / "seg_001.nii", np.full(SHAPE, 9, np.uint8, order="F"), affine_of(1))
    (root / "test" / "seg_006.nii").unlink()
    return made


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    made = _damaged(tmp_path)
    one, two = (medshelf.audit(made, tmp_path, jobs=jobs) for jobs in (1, 2))
    assert plain(one) == plain(two)
    assert [c.as_dict() for c in one.facts] == [c.as_dict() for c in two.facts]


def test_findings_are_sorted_worst_first(tmp_path: Path) -> None:
    found = medshelf.audit(_damaged(tmp_path), tmp_path)
    assert [(f.severity, f.check) for f in found.findings] == [
        ("error", "file.empty"), ("error", "label.unknown-value"), ("error", "layout.missing"),
    ]  # fmt: skip
    assert found.counts == {"error": 3, "warning": 0, "info": 0}
    assert not found.ok
    assert all(f.dataset == "made" for f in found.findings)
    assert found.verdict == "6 cases, every file read: 3 errors"


def test_a_journal_goes_on_where_a_run_stopped(tmp_path: Path) -> None:
    made = _damaged(tmp_path / "data")
    journal = tmp_path / "journal"
    first = medshelf.audit(made, tmp_path / "data", journal=journal)
    lines = journal.read_bytes().splitlines()
    assert len(lines) == 6
    journal.write_bytes(b"\n".join(lines[:4]) + b"\n")
    again = medshelf.audit(made, tmp_path / "data", journal=journal)
    assert len(journal.read_bytes().splitlines()) == 6
    assert plain(again) == plain(first)
    clean.save(tmp_path / "data" / "train" / "ct_002.nii", clean.ct_of(2), affine_of(2))
    mended = medshelf.audit(made, tmp_path / "data", journal=journal)
    assert "file.empty" not in {f.check for f in mended.findings}


def test_a_few_cases_are_spread_over_the_dataset(tmp_path: Path) -> None:
    made = clean.many_volumes(tmp_path)
    found = medshelf.audit(made, tmp_path, cases=3)
    assert [c.case for c in found.facts] == ["001", "007", "012"]
    assert (found.n_cases, found.n_cases_here) == (3, 12)
    assert "3 of 12 cases" in found.verdict


def test_progress_is_told_case_by_case(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    medshelf.audit(clean.channels(tmp_path), tmp_path, progress=lambda *now: told.append(now))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_finding_names_the_file_below_the_root_also_in_an_archive(tmp_path: Path) -> None:
    import zipfile

    made = _damaged(tmp_path / "data")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in sorted((tmp_path / "data").rglob("*.nii")):
            archive.write(file, file.relative_to(tmp_path / "data"))
    folder = {f.file for f in medshelf.audit(made, tmp_path / "data").findings}
    zipped = {f.file for f in medshelf.audit(made, tmp_path / "data.zip").findings}
    assert folder == zipped == {"train/ct_002.nii", "train/seg_001.nii", "test/seg_006.nii"}


def test_processes_that_cannot_start_are_not_taken_for_bad_cases() -> None:
    died = [Outcome(str(n), error=MedshelfError("the process died")) for n in range(9)]
    with pytest.raises(MedshelfError, match="not one case"):
        list(_unless_all_fail(iter(died)))
    good = Outcome("9", {"facts": {}, "findings": []})
    assert len(list(_unless_all_fail(iter([*died[:2], good, *died[2:]])))) == 10
    with pytest.raises(MissingExtra):
        list(_unless_all_fail(iter([Outcome("0", error=MissingExtra("needs it"))])))


def test_the_package_can_be_called_whatever_was_imported_first() -> None:
    import importlib

    package = importlib.import_module("medshelf.audit")
    with pytest.raises(medshelf.MedshelfError):
        package("no-such-dataset", ".")


# --- twins and real data -------------------------------------------------------------------


@pytest.mark.parametrize("name", [r.id for r in shelf.records() if r.kind == "dataset" and r.layout is not None])
def test_the_twins_of_a_record_have_nothing_but_too_few_cases(name: str, tmp_path: Path) -> None:
    for variant in layouts_of(medshelf.show(name)):
        medshelf.twin(name, tmp_path / f"twin-{variant}", cases=2, variant=variant)
        found = medshelf.audit(name, tmp_path / f"twin-{variant}", variant=variant)
        rest = [f for f in found.findings if is_problem(f) and f.check != "layout.count"]
        assert not rest, [(variant, f.check, f.file, f.message) for f in rest]


def test_the_hippocampus_as_it_circulates(shared_data: Path) -> None:
    found = medshelf.audit("msd-hippocampus", shared_data / "msd-hippocampus")
    assert found.n_cases == 44
    wrong = {(f.check, Path(f.file or "").name) for f in found.findings if f.check not in ("layout.count",)}
    assert wrong == {
        ("layout.missing", "hippocampus_118.nii.gz"), ("layout.missing", "dataset.json"),
        ("layout.orphan", "hippocampus_010.nii.gz"), ("layout.orphan", "hippocampus_281.nii.gz"),
        ("intensity.outlier", "hippocampus_044.nii.gz"), ("intensity.mixed-types", ""), ("known.defect", ""),
    }  # fmt: skip


def test_blood_cells_have_two_boxes_of_one_pixel(shared_data: Path) -> None:
    found = medshelf.audit("bccd", shared_data / "bccd")
    assert {f.case for f in found.findings if f.check == "boxes.no-area"} == {"BloodImage_00338", "BloodImage_00343"}
    known = next(e for e in medshelf.show("bccd").errata if e.id == "point-boxes")
    assert set(known.cases) == {"BloodImage_00338", "BloodImage_00343"}


def test_a_mask_in_another_order_of_voxels_is_told_from_a_mirrored_one(shared_data: Path) -> None:
    found = medshelf.audit("totalsegmentator-sample", shared_data / "totalsegmentator-sample")
    assert [(f.check, f.case) for f in found.findings if f.severity != "info"] == [("grid.orientation", "ct_dicom")]


def test_a_single_slice_is_compared_and_drawn_like_a_picture(tmp_path: Path) -> None:
    import nibabel

    for name, array in (("ct", clean.ct_of(1)[:, :, 5]), ("seg", clean.labels_of(1)[:, :, 5])):
        (tmp_path / "train").mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(array, affine_of(1)), tmp_path / "train" / f"{name}_001.nii")
    made = record(clean.VOLUMES)
    assert medshelf.audit(made, tmp_path).findings == ()
    assert medshelf.open(made, tmp_path)[0].image.volume.axes == "ij"
    nibabel.save(nibabel.Nifti1Image(clean.labels_of(1)[:-1, :, 5], affine_of(1)), tmp_path / "train" / "seg_001.nii")
    assert [f.check for f in medshelf.audit(made, tmp_path).findings] == ["grid.shape"]


def test_a_damaged_checksum_is_found_though_all_voxels_are_there(tmp_path: Path) -> None:
    made = clean.volumes(tmp_path)
    (tmp_path / "train" / "ct_001.nii").unlink()
    path = tmp_path / "train" / "ct_001.nii.gz"
    save(path, clean.ct_of(1), affine_of(1))
    assert medshelf.audit(made, tmp_path).findings == ()
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    found = medshelf.audit(made, tmp_path).findings
    assert [(f.check, f.file) for f in found] == [("file.unreadable", "train/ct_001.nii.gz")]


def test_no_voxels_stay_in_memory_once_a_file_is_measured(tmp_path: Path) -> None:
    from medshelf.audit.read import read_case

    _structures(tmp_path)
    reading = read_case(medshelf.open(record(STRUCTURES), tmp_path), 0)
    assert len(reading.masks[0].parts) == 3

    def arrays(value: object, depth: int = 0) -> list[np.ndarray]:
        if isinstance(value, np.ndarray):
            return [value]
        if depth > 6:
            return []
        if isinstance(value, dict):
            return [a for v in value.values() for a in arrays(v, depth + 1)]
        if isinstance(value, list | tuple):
            return [a for v in value for a in arrays(v, depth + 1)]
        names = getattr(type(value), "__slots__", ()) if type(value).__module__.startswith("medshelf") else ()
        return [a for name in names for a in arrays(getattr(value, name), depth + 1)]

    assert max(a.size for a in arrays(reading)) <= 16, "affines, and nothing larger"
