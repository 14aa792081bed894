"""Every verb: for people, for programs, and quietly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import medshelf
from medshelf.catalogue import shelf
from medshelf.catalogue.structure_json import to_plain
from medshelf.cli.app import VERBS
from tests.cli.conftest import Run

RECIPE = """\
name = "abdomen"
[labels]
liver = "liver"
[[sources]]
dataset = "btcv"
[[sources]]
dataset = "word"
splits = ["train"]
"""


def test_help_names_every_verb(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for verb, said in VERBS.items():
        assert f"  {verb} " in done.out
        assert said in " ".join(done.out.split())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_speaks_json(run: Run, verb: str) -> None:
    done = run(verb, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: cli {verb} ") or done.out.startswith("Usage: ")
    assert "--json" in done.out
    assert run(verb, "-h").out == done.out


def test_the_version_is_told(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, "medshelf, version 0.1.0\n") or done.out.startswith("medshelf, version ")


def test_python_m_medshelf_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "medshelf", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("medshelf, version ")


# --- find and show -------------------------------------------------------------------------


def test_find_prints_a_table_and_says_what_was_asked(run: Run) -> None:
    done = run("find", "abdominal", "--modality", "CT", "--structure", "liver")
    assert done.code == 0
    assert done.out.splitlines()[0].split()[:2] == ["id", "modality"]
    assert "word" in done.out
    assert "found: about abdominal; modality CT; structure liver\n" in done.err
    assert done.err.endswith("the same as: medshelf find abdominal --modality CT --structure liver\n")


def test_find_in_json_is_what_python_returns(run: Run) -> None:
    done = run("find", "--modality", "CT", "--json")
    wanted = json.loads(json.dumps([hit.as_dict() for hit in medshelf.find(modality="CT")]))
    assert json.loads(done.out) == wanted
    assert done.err == ""


def test_find_quietly_prints_ids(run: Run) -> None:
    done = run("find", "-q", "--limit", "3")
    assert done.out.splitlines() == [hit.id for hit in medshelf.find(limit=3)]
    assert done.err == ""
    nothing = run("find", "xyzzyqux", "-q")
    assert (nothing.code, nothing.out) == (5, "")


@pytest.mark.parametrize("name", shelf.ids())
def test_show_can_print_every_record(run: Run, name: str) -> None:
    done = run("show", name, "--sources", "--files")
    record = medshelf.show(name)
    assert done.code == 0
    assert done.out.startswith(f"{record.name}  ({name})\n")
    for source in record.sources.values():
        assert source.title in done.out
    assert (done.code, done.err) == (0, "")


def test_show_in_json_is_the_record(run: Run) -> None:
    done = run("show", "WORD-V0.1.0", "--json")
    assert json.loads(done.out) == json.loads(json.dumps(to_plain(medshelf.show("word"))))


def test_show_says_what_others_claim(run: Run) -> None:
    claimed = next(r for r in shelf.records() if any(x.claims for x in r.licences))
    done = run("show", claimed.id)
    assert "according to" in done.out


# --- check, identify, cases ----------------------------------------------------------------


def test_check_of_a_whole_dataset(run: Run, twins: Path) -> None:
    done = run("check", "busi", twins / "busi")
    assert "busi: " in done.out
    assert done.code == 1, "a twin has fewer cases than the release"
    assert "the whole release has 780 cases, here are 6" in done.out
    assert done.err.endswith("problems\n")


def test_check_in_json_is_what_python_returns(run: Run, twins: Path) -> None:
    done = run("check", "word", twins / "word", "--json")
    told = json.loads(done.out)
    assert told == json.loads(json.dumps(medshelf.check("word", twins / "word").as_dict()))
    assert set(told) == {"dataset", "variant", "verdict", "n_names", "n_cases", "splits", "slots", "findings"}


def test_check_names_the_missing_file(run: Run, data: Path) -> None:
    next((data / "word").rglob("labelsTr/word_0002.nii.gz")).unlink()
    done = run("check", "word", data / "word")
    assert done.code == 1
    assert "error layout.missing (1)" in done.out
    assert "labelsTr/word_0002.nii.gz: the organs of case word_0002 is missing" in done.out


def test_check_reads_names_from_a_file_or_stdin(run: Run, tmp_path: Path, twins: Path) -> None:
    names = "\n".join(p.relative_to(twins).as_posix() for p in (twins / "word").rglob("*") if p.is_file())
    (tmp_path / "names.txt").write_text(names)
    from_file = run("check", "word", tmp_path / "names.txt", "--json")
    piped = subprocess.run(
        [sys.executable, "-m", "medshelf", "check", "word", "-", "--json"],
        input=names, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert json.loads(piped.stdout) == json.loads(from_file.out)
    assert piped.returncode == from_file.code


def test_check_against_a_named_variant(run: Run, tmp_path: Path) -> None:
    medshelf.twin("btcv", tmp_path / "b", cases=1, variant="nnunet")
    done = run("check", "btcv", tmp_path / "b", "--variant", "nnunet", "--json")
    assert json.loads(done.out)["variant"] == "nnunet"
    assert json.loads(run("check", "btcv", tmp_path / "b", "--json").out)["variant"] == "nnunet"


def test_identify_says_which_dataset_it_is(run: Run, twins: Path) -> None:
    done = run("identify", twins / "word")
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("word")
    assert run("identify", twins / "word", "-q").out == "word\n"
    told = json.loads(run("identify", twins / "word", "--json").out)
    assert told["dataset"] == "word"
    assert told["guesses"][0]["dataset"] == "word"


def test_cases_are_json_lines(run: Run, twins: Path) -> None:
    done = run("cases", "word", twins / "word", "--split", "val")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["case"] for line in lines] == ["word_0003", "word_0004"]
    assert lines[0]["fields"] == {"split": "val", "n": "0003"}
    assert lines[0]["files"]["image"] == ["WORD-V0.1.0/imagesVal/word_0003.nii.gz"]
    assert done.err == "2 cases\n"
    assert run("cases", "word", twins / "word", "--split", "val", "--json").out == done.out


def test_cases_quietly_are_ids(run: Run, twins: Path) -> None:
    done = run("cases", "word", twins / "word", "-q")
    assert done.out.splitlines() == [f"word_000{n}" for n in range(1, 7)]
    none = run("cases", "word", twins / "word", "-q", "--split", "training")
    assert (none.code, none.out) == (5, "")


# --- twin and build ------------------------------------------------------------------------


def test_twin_writes_and_says_where(run: Run, tmp_path: Path) -> None:
    done = run("twin", "btcv", tmp_path / "b", "--cases", "1")
    assert (done.code, done.out) == (0, f"{tmp_path / 'b'}\n")
    assert done.err == "3 synthetic files of 2 cases, in the layout of btcv\n"
    told = json.loads(run("twin", "btcv", tmp_path / "c", "--cases", "1", "--json").out)
    assert told == {"dataset": "btcv", "variant": "", "root": str(tmp_path / "c"), "files": 3, "cases": 2}


def test_build_writes_and_says_what_was_left_out(run: Run, data: Path) -> None:
    (data / "r.toml").write_text(RECIPE)
    path = next((data / "btcv").rglob("img0001.nii.gz"))
    path.write_bytes(path.read_bytes()[:4000])
    done = run("build", data / "r.toml", "--data", data, "--out", data / "out")
    assert (done.code, done.out) == (0, f"{data / 'out' / 'Dataset501_abdomen'}\n")
    assert "left out: btcv img0001: " in done.err
    assert "note: btcv: nothing tells which cases share a patient" in done.err
    assert done.err.endswith("3 cases (3 written), 1 left out, 3 folds\n")
    again = run("build", data / "r.toml", "--data", data, "--out", data / "out")
    assert again.err.endswith("3 cases (nothing to do), 1 left out, 3 folds\n")


def test_build_in_json_is_what_python_returns(run: Run, data: Path) -> None:
    (data / "r.toml").write_text(RECIPE)
    done = run("build", data / "r.toml", "--data", data, "--out", data / "out", "--json")
    told = json.loads(done.out)
    made = medshelf.build(data / "r.toml", data=data, out=data / "out")
    assert told == {**json.loads(json.dumps(made.as_dict())), "n_written": 4}
    assert told["cases"][0] == "btcv_img0001"


# --- colour --------------------------------------------------------------------------------


def test_nothing_is_coloured_when_nobody_looks(run: Run, twins: Path) -> None:
    for arguments in (["find", "liver"], ["show", "word"], ["check", "word", twins / "word"], ["show", "nothing"]):
        done = run(*arguments)
        assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_terminal_will_do(encoding: str, data: Path) -> None:
    odd = data / "word" / "Übergröße 例.nii.gz"
    odd.write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "medshelf", "check", "word", str(data / "word")],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    if encoding != "ascii":  # which click takes for a mistake, and writes UTF-8
        assert "Übergröße 例".encode(encoding, "backslashreplace") in done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-16"])
def test_json_can_be_read_in_any_encoding(encoding: str, data: Path) -> None:
    name = "Übergröße 例 😀.nii.gz"
    (data / "word" / name).write_bytes(b"")
    for verb in ("check", "identify"):
        command = [verb, "word"] if verb == "check" else [verb]
        done = subprocess.run(
            [sys.executable, "-m", "medshelf", *command, str(data / "word"), "--json"],
            env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, timeout=60,
        )  # fmt: skip
        told = json.loads(done.stdout.decode(encoding))
        assert verb == "identify" or name in {finding["file"] for finding in told["findings"]}
