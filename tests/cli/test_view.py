"""`medshelf view` at the command line."""

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
def spleen(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    run(capsys, "twin", "msd-spleen", tmp_path / "data", "--cases", 1)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_the_first_annotated_case_is_drawn_and_named_after_itself(
    spleen: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    code, out, err = run(capsys, "view", "msd-spleen", spleen)
    place = Path(out.strip())
    assert code == 0
    with Image.open(place) as picture:
        assert picture.format == "PNG"
        assert f"{picture.width} × {picture.height} pixels" in err
    assert place.stem in err
    assert any(f.name.startswith(place.stem) for f in spleen.rglob("labelsTr/*"))


def test_a_file_that_is_there_is_not_replaced_unasked(spleen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.png").write_bytes(b"mine")
    code, _, err = run(capsys, "view", "msd-spleen", spleen, "-o", "out.png")
    assert code == 2 and "--force" in err
    assert Path("out.png").read_bytes() == b"mine"
    code, _, _ = run(capsys, "view", "msd-spleen", spleen, "-o", "out.png", "--force")
    assert code == 0 and Path("out.png").stat().st_size > 1000


def test_options_reach_the_drawing(spleen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    asked = {"a": [], "b": ["--window", "0,50"], "c": ["--slice", "15,13,9"], "d": ["--annotation", ""]}
    for name, options in asked.items():
        code, out, _ = run(capsys, "view", "msd-spleen", spleen, "-o", f"{name}.png", "--json", *options)
        assert code == 0 and json.loads(out)["file"] == f"{name}.png"
        drawn.append(Path(f"{name}.png").read_bytes())
    assert len(set(drawn)) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--slice", "1,2"], 2, "not 3 numbers"),
        (["--window", "wide"], 2, "not 2 numbers"),
        (["--slice", "900,1,1"], 5, "no voxel"),
        (["--channel", "pet"], 5, "There are: 'ct'"),
        (["no-such-case"], 5, "no case 'no-such-case'"),
    ],
)
def test_mistakes_are_told_in_one_line(
    spleen: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    ended, out, err = run(capsys, "view", "msd-spleen", spleen, *arguments)
    assert (ended, out) == (code, "")
    assert told in err and "Traceback" not in err
