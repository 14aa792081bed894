"""Reading records: what is wrong is said all together, each with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.catalogue.read import expand_layout, read_presets, read_record, record_folders
from medshelf.errors import CatalogueError
from tests.catalogue.made import ACCESS, DATASET, ERRATA, LAYOUT, line, write


def problems(folder: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_record(folder)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_record_is_read_from_its_four_files(tmp_path: Path) -> None:
    record = read_record(write(tmp_path))
    assert record.id == "toy-organs"
    assert record.facts.cases.value == 10
    assert record.facts.cases.claims[0].sources == ("listing",)
    assert record.access.hosts == ("zenodo",)
    assert record.layout is not None and record.layout.labels["organs"]["2"] == "spleen"
    assert record.errata[0].cases == ("0003",)


def test_access_is_required_and_layout_and_errata_are_not(tmp_path: Path) -> None:
    record = read_record(write(tmp_path, layout=None, errata=None))
    assert record.layout is None
    assert record.errata == ()
    assert problems(write(tmp_path, access=None)) == ["access.toml:1 access: this is required"]


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    dataset = DATASET.replace("year = {", "yaer = {").replace('part = "labels"', 'prat = "l"')
    access = ACCESS.replace('kind = "open"', "").replace('["zenodo"]', '"zenodo"')
    layout = LAYOUT.replace('role = "mask"', 'role = "masque"')
    errata = ERRATA.replace('"exclude"', '"hide"')
    told = problems(write(tmp_path, dataset=dataset, access=access, layout=layout, errata=errata))
    assert sorted(told) == sorted(
        [
            f"dataset.toml:{line(dataset, '[facts]')} facts.year: this is required",
            f"dataset.toml:{line(dataset, 'yaer')} facts.yaer: no such key",
            f"dataset.toml:{line(dataset, 'prat')} licences.1.prat: no such key",
            "access.toml:1 access.kind: this is required",
            f"access.toml:{line(access, 'hosts')} access.hosts: Input should be a valid tuple (it says 'zenodo')",
            f"layout.toml:{line(layout, 'masque')} layout.files.organs.role: Input should be 'image', 'mask', "
            "'boxes', 'points', 'contours', 'mesh', 'video', 'text', 'record' or 'target' (it says 'masque')",
            f"errata.toml:{line(errata, 'hide')} errata.0.action: Input should be 'warn', 'exclude' or 'fix' "
            "(it says 'hide')",
        ]
    )


def test_what_is_no_toml_is_told_with_its_line_in_each_file(tmp_path: Path) -> None:
    told = problems(write(tmp_path, dataset=DATASET + "\nx = = 1\n", layout="family = 'PAIR3D\n"))
    n_lines = len(DATASET.splitlines())
    assert told[0].startswith(f"dataset.toml:{n_lines + 2} not valid TOML: ")
    assert told[1].startswith("layout.toml:1 not valid TOML: ")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "access.toml").write_bytes(b"kind = '\xff\xfe'")
    assert problems(folder)[0].startswith("access.toml:1 not valid TOML: 'utf-8' codec")


def test_a_folder_without_record_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert problems(tmp_path / "empty") == ["dataset.toml:1 the file is missing"]


def test_records_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    for name in ("toy-b", "toy-a", "toy-c"):
        write(tmp_path, name)
    (tmp_path / "datasets" / "notes.txt").write_text("no record")
    assert [folder.name for folder in record_folders(tmp_path)] == ["toy-a", "toy-b", "toy-c"]


# --- presets and variants ------------------------------------------------------------------

PRESET = {
    "pairs": {
        "family": "PAIR3D",
        "key": ["n"],
        "files": {
            "image": {"role": "image", "path": "images/<word>_{n}.nii"},
            "mask": {"role": "mask", "path": "labels/<word>_{n}.nii", "labels": "structures"},
        },
        "tables": {"meta": {"path": "<word>.json"}},
    }
}


def test_a_preset_supplies_what_the_layout_does_not_state() -> None:
    own = {"use": "pairs", "with": {"word": "la"}, "files": {"image": {"channel": "ct"}}, "drop": ["tables.meta"]}
    assert expand_layout(own, PRESET) == {
        "use": "pairs", "family": "PAIR3D", "key": ["n"], "tables": {},
        "files": {
            "image": {"role": "image", "path": "images/la_{n}.nii", "channel": "ct"},
            "mask": {"role": "mask", "path": "labels/la_{n}.nii", "labels": "structures"},
        },
    }  # fmt: skip


def test_presets_are_not_changed_by_their_use() -> None:
    before = repr(PRESET)
    expand_layout({"use": "pairs", "files": {"image": {"path": "x"}}, "drop": ["files.mask"]}, PRESET)
    assert repr(PRESET) == before


def test_a_preset_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    layout = LAYOUT.replace('key = ["n"]', 'key = ["n"]\nuse = "msdd"') + '\n[variants.flat]\nuse = "flaat"\n'
    told = problems(write(tmp_path, layout=layout))
    assert told[0].startswith(f"layout.toml:{line(layout, 'msdd')} layout.use: there is no preset 'msdd'. Known: ")
    assert told[1].startswith(f"layout.toml:{line(layout, 'flaat')} layout.variants.flat.use: there is no preset")


@pytest.mark.parametrize("wrong", ["variants = 3", "variants = { a = 3 }", 'drop = ["files.image.path.x", "no.such"]'])
def test_what_is_no_table_is_a_problem_and_no_crash(tmp_path: Path, wrong: str) -> None:
    folder = write(tmp_path, layout=f"{wrong}\n{LAYOUT}")
    if wrong.startswith("drop"):
        assert read_record(folder).layout is not None
    else:
        assert problems(folder)[0].startswith("layout.toml:1 layout.variants")


def test_a_variant_inherits_all_but_counts_roots_and_doubts() -> None:
    whole = {
        "family": "PAIR3D", "key": ["n"], "roots": ["R"], "expect": {"cases": 3}, "disputed": "much",
        "labels": {"organs": {"1": "liver"}}, "fields": {"split": {"map": {"a": "train", "b": "test"}}},
        "files": {"image": {"role": "image", "path": "a"}, "mask": {"role": "mask", "path": "b"}},
        "variants": {
            "flat": {
                "files": {"image": {"path": "c"}}, "drop": ["files.mask"], "fields": {"split": {"map": {"x": "val"}}},
            }
        },
    }  # fmt: skip
    flat = expand_layout(whole, {})["variants"]["flat"]
    assert flat == {
        "family": "PAIR3D", "key": ["n"], "title": "flat", "labels": {"organs": {"1": "liver"}},
        "fields": {"split": {"map": {"x": "val"}}}, "files": {"image": {"role": "image", "path": "c"}},
    }  # fmt: skip


def test_a_variant_with_a_preset_of_its_own_inherits_only_what_masks_mean() -> None:
    whole = {
        "family": "NNU", "key": ["a"], "case": "{a}", "labels": {"structures": {"1": "liver"}}, "regions": {"x": ["y"]},
        "files": {"other": {"role": "image", "path": "z"}},
        "variants": {"msd": {"use": "pairs", "with": {"word": "w"}}},
    }  # fmt: skip
    found = expand_layout(whole, PRESET)["variants"]["msd"]
    assert set(found["files"]) == {"image", "mask"}
    assert found["labels"] == {"structures": {"1": "liver"}}
    assert found["regions"] == {"x": ["y"]}
    assert (found["family"], found["key"], "case" in found) == ("PAIR3D", ["n"], False)


def test_variants_do_not_share_what_they_inherit() -> None:
    whole = {"labels": {"o": {"1": "liver"}}, "variants": {"a": {"labels": {"o": {"2": "x"}}}, "b": {}}}
    expanded = expand_layout(whole, {})
    assert expanded["variants"]["b"]["labels"] == {"o": {"1": "liver"}}
    assert expanded["labels"] == {"o": {"1": "liver"}}


def test_the_presets_of_the_catalogue_can_be_read() -> None:
    assert "msd" in read_presets()
    assert read_presets(Path("/nowhere")) == {}
