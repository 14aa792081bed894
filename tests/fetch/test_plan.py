"""Plans: what is taken, what is here, what is to come, and what a person has to do."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

import medshelf
from medshelf.access.download import LOCK_NAME
from medshelf.access.web import Web
from medshelf.catalogue import shelf
from medshelf.errors import AccessNeeded, NotFound, Unsupported
from medshelf.fetch.manifest import manifest
from medshelf.fetch.offer import choose
from medshelf.model.dataset import Access, Record, RemoteFile
from tests.fetch.hosts import FILES, Zenodo, serving

OPEN = "sts2d-2023"
NUMBER = "10597292"
OFFLINE = Web(offline=True, rewrites={})


def test_a_plan_without_a_network_holds_what_the_record_knows(tmp_path: Path) -> None:
    plan = medshelf.plan("bbbc039", tmp_path, web=OFFLINE)
    known = {file.name: file for file in shelf.load("bbbc039").access.files}
    assert {file.name for file in plan.files} == set(known)
    assert plan.bytes_to_fetch == sum(file.size_bytes or 0 for file in known.values())
    assert all(file.strength == "sha256" and file.checksums["sha256"] == known[file.name].sha256 for file in plan.files)
    assert {source.state for source in plan.sources} == {"not asked"}
    assert (plan.steps, plan.access, plan.can_get) == ((), "open", True)


@pytest.mark.parametrize("name", ["lits", "brats-2020"])
def test_what_no_program_can_fetch_has_steps_that_end_with_add(name: str, tmp_path: Path) -> None:
    record = shelf.load(name)
    assert choose(record, None)[0] == ()
    plan = medshelf.plan(name, tmp_path, web=OFFLINE)
    assert plan.files == ()
    assert all(any(step in said for said in plan.steps) for step in record.access.steps)
    assert any(f"medshelf add {name} " in step for step in plan.steps)


def test_every_record_has_a_plan_without_a_network(tmp_path: Path) -> None:
    for record in shelf.records():
        plan = medshelf.plan(record, tmp_path / "nowhere", web=OFFLINE)
        assert plan.files or plan.steps or plan.sources, record.id
        assert len({file.name for file in plan.files}) == len(plan.files), record.id
        assert plan.as_dict()["dataset"] == record.id


def test_files_that_a_record_describes_in_words_get_names(tmp_path: Path) -> None:
    def names(record: Record) -> set[str]:
        return {file.name for file in medshelf.plan(record, tmp_path, web=OFFLINE).files}

    assert names(shelf.load("monuseg")) == {"training-archive", "test-archive"}
    amos = shelf.load("amos-2022")
    address = "https://zenodo.org/records/7155725/files/amos22.zip"
    earlier = RemoteFile("amos22.zip (record 7155725)", address, sha256="ab" * 32, sources=("torch-em",))
    both = replace(amos, access=replace(amos.access, files=(*amos.access.files, earlier)))
    assert names(amos) == {"amos22.zip", "labeled_data_meta_0000_0599.csv"}
    assert names(both) == {*names(amos), "7155725/amos22.zip"}


def test_a_mirror_is_never_taken_unless_it_is_chosen(tmp_path: Path) -> None:
    for record in shelf.records():
        assert all(one.role == "origin" for one in choose(record, None)[0]), record.id
    mirror = "kaggle:awsaf49/brats2020-training-data"
    assert not medshelf.plan("brats-2020", tmp_path, web=OFFLINE).sources
    plan = medshelf.plan("brats-2020", tmp_path, source=mirror, web=OFFLINE)
    assert [source.ref for source in plan.sources] == [mirror]
    assert any("nobody has compared" in note for note in plan.notes)
    with pytest.raises(Unsupported):
        medshelf.plan("brats-2020", tmp_path, source="nonsense", web=OFFLINE)


def test_the_host_is_asked_for_names_sizes_and_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        plan = medshelf.plan(OPEN, tmp_path, web=web)
    assert {file.name: file.size_bytes for file in plan.files} == {name: len(data) for name, data in FILES.items()}
    assert all(file.strength == "md5" for file in plan.files)
    assert plan.sources[0].state == "listed" and plan.sources[0].version == "2.0.1"
    assert plan.bytes_to_fetch == sum(map(len, FILES.values()))


def test_ten_files_of_one_record_ask_the_host_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"https://zenodo.org/records/{NUMBER}/files/"
    files = tuple(RemoteFile(name, f"{url}{name}") for name in FILES)
    record = replace(shelf.load(OPEN), access=Access("open", hosts=("zenodo",), files=files))
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch) as web:
        plan = medshelf.plan(record, tmp_path, web=web)
    assert len(plan.files) == 3
    assert len(host.asked) == 1


def test_a_file_that_was_replaced_at_the_host_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"https://zenodo.org/records/{NUMBER}/files/table.csv"
    told = RemoteFile("table.csv", url, md5="0" * 32, sha256="1" * 64)
    record = replace(shelf.load(OPEN), access=Access("open", hosts=("zenodo",), files=(told,)))
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        plan = medshelf.plan(record, tmp_path, web=web)
    assert any("replaced" in note and "0" * 32 in note for note in plan.notes)
    md5 = hashlib.md5(FILES["table.csv"], usedforsecurity=False).hexdigest()
    assert dict(plan.files[0].checksums) == {"md5": md5}  # the record's own belong to another file


def test_of_an_address_with_more_only_what_belongs_to_the_dataset_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(*only: str, folder: str | None = None) -> Record:
        url = f"https://zenodo.org/records/{NUMBER}"
        access = Access("open", hosts=("zenodo",), files=(RemoteFile("all", url, only=only, folder=folder),))
        return replace(shelf.load(OPEN), access=access)

    with serving(Zenodo(NUMBER), monkeypatch) as web:
        got = medshelf.get(record("*.txt", "tab*", folder="part/one"), tmp_path, web=web)
        assert {one.name for one in got.fetched} == {"part/one/readme.txt", "part/one/table.csv"}
        assert (tmp_path / "part/one/table.csv").read_bytes() == FILES["table.csv"]
        every = medshelf.plan(record(folder="all"), tmp_path, web=web)
        assert {file.name for file in every.files} == {f"all/{name}" for name in FILES}
        none = medshelf.plan(record("*.nii"), tmp_path, web=web)
        assert (none.files, [problem.error.why for problem in none.problems]) == ((), ["*.nii"])


def test_names_that_meet_three_times_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"https://zenodo.org/records/{NUMBER}/files"
    files = tuple(RemoteFile("same.bin", f"{page}/{name}") for name in FILES)
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        record = replace(shelf.load(OPEN), access=Access("open", hosts=("zenodo",), files=files))
        plan = medshelf.plan(record, tmp_path, web=web)
    names = [file.name for file in plan.files]
    assert (len(names), len(set(names)), names[0]) == (3, 3, "same.bin")


def test_a_mirror_stands_in_where_its_checksum_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"https://zenodo.org/records/{NUMBER}/files/table.csv"
    md5 = hashlib.md5(FILES["table.csv"], usedforsecurity=False).hexdigest()
    access = Access(
        "open", hosts=("portal",), landing="https://example.org/",
        files=(RemoteFile("table.csv", "https://example.org/table.csv", md5=md5), RemoteFile("table.csv (copy)", url)),
    )  # fmt: skip
    record = replace(shelf.load(OPEN), access=access)
    assert [one.role for group in choose(record, None) for one in group] == ["origin", "mirror"]
    host = Zenodo(NUMBER)
    with serving(host, monkeypatch) as web:
        plan = medshelf.plan(record, tmp_path, web=web)
        assert [mirror.shown_ref for mirror in plan.files[0].wanted.mirrors] == [f"zenodo:{NUMBER}/table.csv"]
        assert [problem.ref for problem in plan.problems] == ["http:https://example.org/table.csv"]
        got = medshelf.get(plan, web=web)
        assert [(one.ref, one.strength) for one in got.fetched] == [(f"zenodo:{NUMBER}/table.csv", "md5")]
        host.files["table.csv"] = b"other,bytes\n"
        assert medshelf.plan(record, tmp_path / "else", web=web).files[0].wanted.mirrors == ()


def test_what_is_here_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        medshelf.get(OPEN, tmp_path, include=["readme.txt"], web=web)
        (tmp_path / "table.csv").write_bytes(FILES["table.csv"])
        (tmp_path / "large.bin").write_bytes(b"short")
        plan = medshelf.plan(OPEN, tmp_path, web=web)
        away = medshelf.plan(OPEN, tmp_path, web=OFFLINE)
    here = {file.name: file.here for file in plan.files}
    assert here == {"readme.txt": "yes", "table.csv": "maybe", "large.bin": "other"}
    assert plan.bytes_to_fetch == len(FILES["large.bin"])
    assert [(file.name, file.here) for file in away.files] == [("readme.txt", "yes")]  # from the lock file
    assert (tmp_path / LOCK_NAME).is_file()


def test_a_restricted_record_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Zenodo(NUMBER, restricted=True), monkeypatch) as web:
        plan = medshelf.plan(OPEN, tmp_path, web=web)
        assert not plan.can_get
        assert any("zenodo.org" in step for step in plan.steps)
        assert plan.steps[-1] == f"Then again: medshelf get {OPEN}"
        with pytest.raises(AccessNeeded) as raised:
            medshelf.get(OPEN, tmp_path, web=web)
        assert raised.value.steps == plan.steps
        monkeypatch.setenv("ZENODO_TOKEN", Zenodo.SECRET["ZENODO_TOKEN"])
        assert medshelf.plan(OPEN, tmp_path, web=web).can_get


# --- a part of it --------------------------------------------------------------------------


def layout_files() -> dict[str, bytes]:
    names = [f"{split}_set/{n}.jpg" for split in ("Training", "Validation", "Test") for n in (2, 10, 1)]
    return {name: name.encode() for name in [*names, "Training_set/RFMiD_2_Training_labels.csv", "readme.txt"]}


@pytest.mark.parametrize(
    ("choice", "images"),
    [
        ({"split": "val"}, ["Validation_set/1.jpg", "Validation_set/10.jpg", "Validation_set/2.jpg"]),
        ({"split": "train", "cases": 2}, ["Training_set/1.jpg", "Training_set/2.jpg"]),
        ({"split": "test", "include": ["*/1*.jpg"]}, ["Test_set/1.jpg", "Test_set/10.jpg"]),
        ({"exclude": ["*.jpg"]}, []),
    ],
)
def test_a_part_is_chosen_by_the_layout(
    choice: dict[str, object], images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Zenodo("7505822", layout_files()), monkeypatch) as web:
        plan = medshelf.plan("rfmid-2", tmp_path, web=web, **choice)  # type: ignore[arg-type]
    names = [file.name for file in plan.files]
    assert sorted(name for name in names if name.endswith(".jpg")) == images
    if "include" not in choice:
        assert "Training_set/RFMiD_2_Training_labels.csv" in names
    assert plan.n_left_out == 11 - len(names)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"split": "nonsense"}, "Known: test, train, val"),
        ({"channel": "T1"}, "Known: image"),
        ({"include": ["*.nii"]}, "no file fits"),
    ],
)
def test_a_part_that_is_not_there_is_an_error(
    choice: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Zenodo("7505822", layout_files()), monkeypatch) as web, pytest.raises(NotFound, match=said):
        medshelf.plan("rfmid-2", tmp_path, web=web, **choice)  # type: ignore[arg-type]


# --- for other programs --------------------------------------------------------------------


def test_manifests_have_checksums_and_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Zenodo(NUMBER), monkeypatch) as web:
        plan = medshelf.plan(OPEN, tmp_path, include=["table.csv"], web=web)
        md5 = hashlib.md5(FILES["table.csv"], usedforsecurity=False).hexdigest()
        url = f"https://zenodo.org/api/records/{NUMBER}/files/table.csv/content"
        assert manifest(plan, "aria2", web).text == (
            f"{url}\n  out=table.csv\n  user-agent={web.agent}\n  checksum=md5={md5}\n"
        )
        assert manifest(plan, "urls", web).text == f"{url}\n"
        assert "not on S3" in manifest(plan, "s5cmd", web).notes[0]
        monkeypatch.setenv("ZENODO_TOKEN", "zt-secret-of-mine")
        made = manifest(plan, "aria2", web)
    assert made.text == ""
    assert "needs credentials" in made.notes[0]
    assert "zt-secret" not in made.text + "".join(made.notes)


def test_s3_is_written_as_s3(tmp_path: Path) -> None:
    plan = medshelf.plan("msd-spleen", tmp_path, web=OFFLINE)
    assert manifest(plan, "s5cmd", OFFLINE).text == "cp --raw s3://msd-for-monai/Task09_Spleen.tar Task09_Spleen.tar\n"


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://b.s3.amazonaws.com/a.zip?X-Amz-Signature=abc&X-Amz-Expires=60", "signed"),
        ("https://me:pass@example.org/a.zip", "password"),
    ],
)
def test_addresses_with_secrets(url: str, state: str, tmp_path: Path) -> None:
    record = replace(shelf.load(OPEN), access=Access("open", files=(RemoteFile("a.zip", url, 5),)))
    plan = medshelf.plan(record, tmp_path, web=OFFLINE)
    made = manifest(plan, "urls", OFFLINE)
    assert state in made.notes[0]
    assert "pass@" not in made.text + "".join(made.notes)
    assert "pass@" not in str(plan.sources) + str(plan.as_dict())
