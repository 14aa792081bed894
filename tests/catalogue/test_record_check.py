"""Checking records: every complaint, where it stands, and the nearest word that would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.catalogue import check
from medshelf.catalogue.read import record_folders
from tests.catalogue.made import ACCESS, DATASET, LAYOUT, line, write


def complaints(folder: Path) -> list[str]:
    _, problems = check.check_folder(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def test_a_record_that_is_right_has_no_complaint(tmp_path: Path) -> None:
    assert complaints(write(tmp_path)) == []


@pytest.mark.parametrize("folder", record_folders(), ids=lambda folder: folder.name)
def test_the_records_of_the_shelf_are_right(folder: Path) -> None:
    assert complaints(folder) == []


DATASET_WRONG = [
    ('["CT"]', '["CTT"]', "'CTT' is not a modality of the vocabulary. Did you mean CT"),
    ('["3D"]', '["3d"]', "'3d' is not a dimension of the vocabulary. Did you mean"),
    ('["abdomen"]', '["abdomn"]', "'abdomn' is not a region of the vocabulary. Did you mean abdomen"),
    ('["segmentation"]', '["segmentating"]', "'segmentating' is not a task of the vocabulary. Did you mean"),
    ('["segmentation"]', '"segmentation"', "task must be a list"),
    ("value = 2020", 'value = "about 2020"', "year must be a number or \"unknown\", not 'about 2020'"),
    ('2020, sources = ["paper"]', "2020", "year has no source"),
    ('"CC-BY-4.0"', '"CC-BY-40"', "'CC-BY-40' is not a licence of the vocabulary. Did you mean CC-BY-4.0"),
    ('2020, sources = ["paper"]', '2020, sources = ["papper"]', "the source 'papper' is not in [sources]. Did you"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "said"), DATASET_WRONG)
def test_a_wrong_fact_is_told_with_its_line_and_the_nearest_term(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    assert DATASET.count(right) == 1
    text = DATASET.replace(right, wrong)
    (told,) = complaints(write(tmp_path, dataset=text))
    head = wrong if not wrong.startswith('"CC') else "[[licences]]"
    number = line(text, head) if head == wrong else text.splitlines().index("[[licences]]") + 1
    assert told.startswith(f"dataset.toml:{number} {said}")


def test_claims_need_a_reason(tmp_path: Path) -> None:
    text = DATASET.replace('reason = "The listing counts two twice."\n', "")
    (told,) = complaints(write(tmp_path, dataset=text))
    assert told == (
        f"dataset.toml:{line(text, '[facts.cases]')} cases has other claims: "
        "say in `reason` why the record does not follow them"
    )


def test_a_licence_needs_to_be_stated_and_sourced(tmp_path: Path) -> None:
    head, _, _ = DATASET.partition("[[licences]]")
    (told,) = complaints(write(tmp_path, dataset=head))
    assert "state a licence" in told
    bare = head + '[[licences]]\nid = "unknown"\n'
    (told,) = complaints(write(tmp_path, dataset=bare))
    assert told.startswith(f"dataset.toml:{line(bare, '[[licences]]')} the licence has no source")


def test_a_source_that_nobody_names_is_told(tmp_path: Path) -> None:
    text = DATASET + '\n[sources.blog]\nkind = "page"\ntitle = "A blog"\nread = 2026-01-02\n'
    (told,) = complaints(write(tmp_path, dataset=text))
    assert told == f"dataset.toml:{line(text, '[sources.blog]')} the source 'blog' is used nowhere"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"open"', '"opened"', "access.toml:1 'opened' is not a kind of access of the vocabulary. Did you mean open"),
        ('"zenodo"', '"zenado"', "access.toml:3 'zenado' is not a host of the vocabulary. Did you mean zenodo"),
        ('["paper"]', '["papers"]', "access.toml:2 the source 'papers' is not in [sources]. Did you mean paper"),
    ],
)
def test_a_wrong_word_of_access_is_told(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    (told,) = complaints(write(tmp_path, access=ACCESS.replace(right, wrong)))
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"PAIR3D"', '"PAIR3"', "'PAIR3' is not a family of the vocabulary. Did you mean PAIR3D"),
        ('"organs"\n', '"organ"\n', "there is no [labels.organ]"),
        ('"liver"', '"Liver 1"', "'Liver 1' is not a structure name"),
        ('"liver"', '"livver"', "'livver' is not a structure of the vocabulary. Did you mean liver"),
    ],
)
def test_a_wrong_word_of_a_layout_is_told(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = LAYOUT.replace(right, wrong)
    assert text != LAYOUT
    told = complaints(write(tmp_path, layout=text))
    assert any(one.startswith("layout.toml:") and said in one for one in told), told


def test_a_variant_is_checked_as_well(tmp_path: Path) -> None:
    text = LAYOUT + '\n[variants.flat.files.organs]\nlabels = "nothing"\n'
    told = complaints(write(tmp_path, layout=text))
    assert any("there is no [labels.nothing]" in one for one in told)


def test_an_id_is_the_name_of_its_folder_and_given_out(tmp_path: Path) -> None:
    folder = write(tmp_path)
    text = DATASET.replace('"toy-organs"', '"Toy_organs"').replace('"test-data"', '"dataset"')
    (folder / "dataset.toml").write_text(text)
    told = complaints(folder)
    assert [one.partition(" ")[0] for one in told] == ["dataset.toml:1"] * 3
    assert "is not the name of its folder" in told[0]
    assert "is not lower-case words" in told[1]
    assert "is not in vocabulary/id.txt" in told[2]


def test_a_relation_leads_to_a_known_dataset(tmp_path: Path) -> None:
    text = DATASET + '\n[[relations]]\nkind = "overlaps"\nto = "amos-2023"\nsources = ["paper"]\n'
    (told,) = complaints(write(tmp_path, dataset=text))
    assert told.startswith(f"dataset.toml:{line(text, '[[relations]]')} 'amos-2023' is not a dataset id")
    assert "amos-2022" in told


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    dataset = DATASET.replace('["CT"]', '["CTT"]').replace('["abdomen"]', '["abdomn"]')
    told = complaints(write(tmp_path, dataset=dataset, access=ACCESS.replace("zenodo", "zenado")))
    assert len(told) == 3


def test_the_door_counts_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["word", "btcv"]) == 0
    assert capsys.readouterr().err == "2 records, 0 problems\n"
    assert check.main(["no-such-record"]) == 1
    assert "the file is missing" in capsys.readouterr().out
