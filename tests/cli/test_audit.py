"""`medshelf audit` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medshelf.cli.app import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.fixture
def hippocampus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    run(capsys, "twin", "msd-hippocampus", tmp_path / "data", "--cases", 2)
    return tmp_path / "data"


def test_problems_are_printed_and_end_with_1(hippocampus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(hippocampus.rglob("labelsTr/*.nii.gz")).write_bytes(b"")
    code, out, err = run(capsys, "audit", "msd-hippocampus", hippocampus)
    assert code == 1
    assert "error file.empty (1)" in out
    assert "the file is empty" in out
    assert out.startswith("msd-hippocampus: 4 cases, every file read: ")
    assert err.strip().endswith(" s")


def test_json_has_findings_and_facts(hippocampus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "audit", "msd-hippocampus", hippocampus, "--json", "--headers-only", "--cases", 2)
    told = json.loads(out)
    assert code == 1, "the twin is a part of the release"
    assert {f["check"] for f in told["findings"] if f["severity"] != "info"} == {"layout.count"}
    assert (told["n_cases"], told["n_cases_here"], told["deep"]) == (2, 4, False)
    assert told["cases"][0]["images"][0]["shape"] == [30, 26, 18]
    keys = {"check", "severity", "message", "dataset", "case", "file", "evidence", "proposal"}
    assert set(told["findings"][0]) == keys


def test_a_report_is_written(hippocampus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "audit", "msd-hippocampus", hippocampus, "--html", tmp_path / "report.html")
    assert "wrote" in err
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Audit of MSD Task04 Hippocampus" in text
    assert "data:image/png;base64," in text


def test_a_place_that_is_not_there_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "audit", "msd-hippocampus", tmp_path / "nowhere")
    assert (code, out) == (5, "")
    assert "there is nothing here" in err
