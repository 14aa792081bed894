"""Places and files that are not what a verb hopes for: a message and a code, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import medshelf
from tests.cli.conftest import Run

LOOK = [["check", "word"], ["cases", "word"], ["identify"]]
RECIPE = 'name = "x"\n[labels]\nliver = "liver"\n[[sources]]\ndataset = "word"\n'


@pytest.mark.parametrize("verb", LOOK, ids=" ".join)
def test_an_empty_folder(run: Run, tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    done = run(*verb, tmp_path / "empty")
    assert done.code == {"check": 1, "cases": 1, "identify": 5}[verb[0]]
    if verb[0] == "check":
        assert "there are no files here" in done.out


@pytest.mark.parametrize("verb", LOOK, ids=" ".join)
def test_a_folder_of_another_dataset(run: Run, twins: Path, verb: list[str]) -> None:
    done = run(*verb, twins / "busi")
    if verb[0] == "identify":
        assert done.out.splitlines()[0].startswith("busi")
        return
    assert done.code == 1
    assert "medshelf identify" in done.out + done.err


FILES = {
    "zero bytes.zip": b"",
    "zero bytes.txt": b"",
    "truncated.zip": b"PK\x03\x04\x14\x00\x00\x00",
    "page.zip": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "page.txt": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "image.nii.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "binary.txt": bytes(range(256)) * 10,
    "one line.txt": b"x" * 100_000,
    "unpacked.rar": b"Rar!\x1a\x07\x00",
    "x.tar.gz": b"\x1f\x8b\x08\x00garbage",
    "no ending": b"hello",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("verb", LOOK, ids=" ".join)
def test_a_file_that_is_neither_archive_nor_list(run: Run, tmp_path: Path, verb: list[str], name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    done = run(*verb, tmp_path / name)
    assert done.code in (1, 3, 4, 5)
    assert done.err or done.out
    if done.code in (3, 4):
        assert done.err.startswith(f"medshelf: {tmp_path / name}: ")


@pytest.mark.parametrize("place", ["recipe", "data", "out"])
@pytest.mark.parametrize("what", ["nothing", "a folder", "a file"])
def test_build_with_something_else_in_each_place(run: Run, data: Path, place: str, what: str) -> None:
    (data / "r.toml").write_text(RECIPE)
    odd = data.parent / "odd"
    if what == "a folder":
        odd.mkdir()
    elif what == "a file":
        odd.write_text("hello\n")
    places = {"recipe": data / "r.toml", "data": data, "out": data.parent / "out", place: odd}
    done = run("build", places["recipe"], "--data", places["data"], "--out", places["out"])
    if place == "out" and what != "a file":
        assert done.code == 0
    else:
        assert done.code in (2, 3, 5)
        assert str(odd) in done.err
        assert done.out == ""


BROKEN = {
    "zero bytes": lambda raw: b"",
    "truncated": lambda raw: raw[: len(raw) // 2],
    "cut in the header": lambda raw: raw[:40],
    "a web page": lambda raw: b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "not compressed": lambda raw: b"\x5c\x01\x00\x00" + bytes(400),
}


@pytest.mark.parametrize("what", BROKEN)
def test_images_that_are_all_broken_leave_nothing_to_build(run: Run, data: Path, what: str) -> None:
    for path in (data / "word").rglob("images*/*.nii.gz"):
        path.write_bytes(BROKEN[what](path.read_bytes()))
    (data / "r.toml").write_text(RECIPE)
    done = run("build", data / "r.toml", "--data", data, "--out", data / "out")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("medshelf: x: no case is left\n")
    assert done.err.count("word word_000") == 6


def test_names_are_checked_and_listed_whatever_the_bytes(run: Run, data: Path) -> None:
    before = run("cases", "word", data / "word").out
    for path in (data / "word").rglob("*.nii.gz"):
        path.write_bytes(b"")
    assert run("cases", "word", data / "word").out == before


def test_a_folder_where_an_image_should_be(run: Run, data: Path) -> None:
    path = next((data / "word").rglob("imagesTr/word_0001.nii.gz"))
    path.unlink()
    path.mkdir()
    done = run("check", "word", data / "word")
    assert "labelsTr/word_0001.nii.gz: this mask belongs to no image that is here" in done.out
    (path / "inside.txt").write_text("x")
    assert run("check", "word", data / "word").code == 1


def test_a_table_that_is_broken(run: Run, data: Path) -> None:
    (data / "amos-2022" / "amos22").mkdir(exist_ok=True)
    table = next((data / "amos-2022").rglob("*.csv"))
    table.write_bytes(b"PK\x03\x04" + bytes(100))
    done = run("check", "amos-2022", data / "amos-2022")
    assert done.code == 1
    assert "table.unreadable" in done.out


def test_what_may_not_be_read_is_3(run: Run, data: Path, unreadable: Callable[[Path], Path]) -> None:
    try:
        unreadable(data / "word")
        done = run("check", "word", data / "word")
    finally:
        (data / "word").chmod(0o755)
    assert done.code == 3
    assert "may not be read" in done.err


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_with_spaces_and_letters_of_any_script(run: Run, twins: Path, tmp_path: Path, form: str) -> None:
    place = tmp_path / unicodedata.normalize(form, "Aufnähme – 患者 1 (copy)")
    shutil.copytree(twins / "busi", place)
    assert run("identify", place, "-q").out == "busi\n"
    assert run("cases", "busi", place, "-q").out.splitlines()[0] == "benign (1)"
    (tmp_path / "ü b.toml").write_text('name = "x"\n[labels]\nlesion = "breast/lesion"\n[[sources]]\ndataset = "busi"\n'
                                       f'root = "{place.name}"\n', encoding="utf-8")  # fmt: skip
    done = run("build", tmp_path / "ü b.toml", "--data", tmp_path, "--out", tmp_path / "ö ut")
    assert done.code == 0
    assert len(list((tmp_path / "ö ut").rglob("labelsTr/*.png"))) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_names_that_are_no_utf_8(twins: Path, tmp_path: Path) -> None:
    shutil.copytree(twins / "word", tmp_path / "word")
    odd = os.fsencode(tmp_path / "word") + b"/scan \xff\xfe.nii.gz"
    Path(os.fsdecode(odd)).touch()
    for verb in LOOK:
        command = [sys.executable, "-m", "medshelf", *verb, str(tmp_path / "word")]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert done.returncode in (0, 1)
        assert b"Traceback" not in done.stderr
        assert b"did not foresee" not in done.stderr
    absent = subprocess.run(
        [sys.executable, "-m", "medshelf", "check", "word", os.fsdecode(b"/no/\xff")], capture_output=True, timeout=60
    )
    assert absent.returncode == 5
    assert b"Traceback" not in absent.stderr


def test_a_very_long_name(run: Run, tmp_path: Path) -> None:
    done = run("check", "word", "x" * 5000)
    assert done.code in (3, 5)
    done = run("show", "x" * 5000)
    assert done.code == 5


def test_a_list_of_strange_names(run: Run, tmp_path: Path) -> None:
    strange = ["imagesTr/word_" + "9" * 5000 + ".nii.gz", "5²3/²", "a\tb", "..", "a/../../etc", " ", "C:\\x\\y.nii"]
    (tmp_path / "names.txt").write_text("\n".join([*strange, "imagesTr/word_0001.nii.gz"]), encoding="utf-8")
    for name in ("word", "busi", "kits19", "brats-2021"):
        assert run("check", name, tmp_path / "names.txt").code == 1
    run("identify", tmp_path / "names.txt")


@pytest.mark.parametrize("cases", ["0", "-1"])
def test_a_twin_of_no_cases(run: Run, tmp_path: Path, cases: str) -> None:
    done = run("twin", "word", tmp_path / "w", "--cases", cases)
    assert done.code == 2
    assert not (tmp_path / "w").exists()


def test_a_twin_of_a_dataset_without_layout(run: Run, tmp_path: Path) -> None:
    done = run("twin", "medical-segmentation-decathlon", tmp_path / "w")  # a platform: its tasks have the layouts
    assert done.code == 1
    assert "nobody has described the files of this dataset yet" in done.err


def test_a_build_with_a_silly_number_of_processes(run: Run, data: Path) -> None:
    (data / "r.toml").write_text(RECIPE)
    for jobs in ("0", "-2"):
        done = run("build", data / "r.toml", "--data", data, "--out", data / "out", "--jobs", jobs)
        assert done.code == 2


def test_python_raises_what_the_command_says(twins: Path, tmp_path: Path) -> None:
    with pytest.raises(medshelf.MedshelfError):
        medshelf.open("word", tmp_path)
