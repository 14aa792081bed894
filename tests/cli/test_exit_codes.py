"""Exit codes and messages: what is wrong, where, and what to do next; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from medshelf.cli import app
from tests.cli.conftest import Run

RECIPE = '[labels]\nliver = "liver"\n[[sources]]\ndataset = "btcv"\n'


# --- 2: usage ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "said"),
    [("chekc", "Did you mean check"), ("fnd", "Did you mean find"), ("bulid", "Did you mean build"), ("x", "Known: ")],
)
def test_an_unknown_verb_suggests_the_nearest(run: Run, verb: str, said: str) -> None:
    done = run(verb, "something")
    assert (done.code, done.out) == (2, "")
    assert f"there is no verb {verb!r}. {said}" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["find", "--colour", "red"], ["show"], ["check", "word"], ["build", "r.toml"], ["--nonsense"],
        ["twin", "word", "x", "--cases", "three"], ["find", "--limit", "-1"],
        ["find", "--min-cases", "many"], ["show", "word", "more"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_can_not_be_understood_is_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: " in done.err
    assert "Error: " in done.err


def test_no_verb_shows_the_help(run: Run) -> None:
    done = run()
    assert done.code in (0, 2)
    assert "Verbs" in done.out + done.err


def test_an_unknown_term_is_2_and_names_the_nearest(run: Run) -> None:
    done = run("find", "--modality", "CTT")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("medshelf: 'CTT' is not a modality. Did you mean CT")


def test_a_recipe_that_is_wrong_is_2_with_every_problem(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('name = "a b"\nfolds = 1\n' + RECIPE)
    done = run("build", tmp_path / "r.toml", "--data", tmp_path, "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert [line.partition("r.toml:")[2][:2] for line in done.err.splitlines()[1:]] == ["1 ", "2 "]
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_can_not_be_carried_out_is_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('name = "x"\n' + RECIPE)
    done = run("build", tmp_path / "r.toml", "--data", tmp_path, "--out", tmp_path / "out")
    assert done.code == 2
    assert "the dataset is not here" in done.err


# --- 1, 3, 4, 5 ----------------------------------------------------------------------------


def test_problems_found_are_1(run: Run, twins: Path) -> None:
    assert run("check", "word", twins / "word").code == 1


def test_a_place_that_is_taken_is_3(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run("twin", "word", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"medshelf: {tmp_path}: this is there already. Choose a folder that does not exist\n"


def test_bytes_that_are_not_what_they_should_be_are_4(run: Run, data: Path) -> None:
    path = next((data / "btcv").rglob("img0001.nii.gz"))
    path.write_bytes(path.read_bytes()[:4000])
    (data / "r.toml").write_text('name = "x"\nexclude = ["errata"]\n' + RECIPE)
    done = run("build", data / "r.toml", "--data", data, "--out", data / "out")
    assert (done.code, done.out) == (4, "")
    assert str(path) in done.err


@pytest.mark.parametrize(
    "arguments",
    [["show", "wordd"], ["check", "wordd", "."], ["cases", "wordd", "."], ["twin", "wordd", "x"]],
    ids=" ".join,
)
def test_an_unknown_dataset_is_5_and_names_the_nearest(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("medshelf: no dataset is called 'wordd'. Did you mean word")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("verb", [["check", "word"], ["cases", "word"], ["identify"]], ids=" ".join)
def test_nothing_at_the_place_is_5(run: Run, tmp_path: Path, verb: list[str]) -> None:
    done = run(*verb, tmp_path / "no" / "such")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith(f"medshelf: {tmp_path / 'no' / 'such'}: there is nothing here")


def test_nothing_found_is_5(run: Run, tmp_path: Path) -> None:
    assert run("find", "xyzzyqux").code == 5
    assert run("find", "xyzzyqux", "--json").out == "[]\n"
    done = run("identify", tmp_path)
    assert done.code == 5
    assert done.out.startswith("unknown: no dataset of the shelf")
    assert run("identify", tmp_path, "-q").out == ""


# --- 6, 130 and what nobody foresaw --------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("verb", [["find"], ["show", "word", "--json"]], ids=" ".join)
def test_a_full_disk_is_6(verb: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "medshelf", *verb], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 6
    assert done.stderr.splitlines()[-1].startswith("medshelf: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_an_interrupt_is_130(run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("medshelf.catalogue.search.search", stop)
    done = run("find", "liver")
    assert done.code == 130
    assert done.err.endswith("medshelf: stopped; run it again to continue\n")


def test_what_nobody_foresaw_is_one_message_and_70(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("medshelf.catalogue.search.search", fail)
    monkeypatch.delenv("MEDSHELF_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended:
        app.main(["find", "liver"])
    assert ended.value.code == 70
    said = capsys.readouterr().err
    assert "did not foresee (ZeroDivisionError: by nought)" in said
    assert "Traceback" not in said
    monkeypatch.setenv("MEDSHELF_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        app.main(["find", "liver"])


# --- pipes ---------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
@pytest.mark.parametrize(
    "verb", [["cases", "word", "NAMES"], ["find"], ["show", "word", "--json"], ["check", "word", "NAMES"]], ids=" ".join
)
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, verb: list[str]) -> None:
    names = [f"{kind}Tr/word_{n:04d}.nii.gz" for n in range(3000) for kind in ("images", "labels")]
    (tmp_path / "names.txt").write_text("\n".join(names))
    command = [str(tmp_path / "names.txt") if word == "NAMES" else word for word in verb]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "medshelf", *command], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(write)
    assert done.returncode == 0
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr
