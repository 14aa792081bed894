"""The report: one file, without network or script, that holds what the audit found."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import medshelf
from medshelf.audit import charts
from medshelf.audit.report import page, write_report
from medshelf.audit.report_charts import distributions
from medshelf.audit.report_pictures import pictures_of_worst
from medshelf.audit.run import Audit
from medshelf.errors import NotFound
from medshelf.model.finding import Finding
from tests.audit import clean

VOID = {"meta", "img", "br", "line", "rect", "circle"}


class Nesting(HTMLParser):
    """Fails where a tag is closed that is not the last one opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Audit, medshelf.Dataset]:
    made = clean.volumes(tmp_path)
    clean.save(tmp_path / "train" / "seg_001.nii", np.full(clean.SHAPE, 9, np.uint8, order="F"), clean.affine_of(1))
    (tmp_path / "train" / "ct_002.nii").write_bytes(b"")
    return medshelf.audit(made, tmp_path), medshelf.open(made, tmp_path)


def test_the_page_is_whole_and_asks_for_nothing(damaged: tuple[Audit, medshelf.Dataset]) -> None:
    found, opened = damaged
    text = page(found, pictures_of_worst(found, 4, opened), today=date(2026, 1, 2))
    parser = Nesting()
    parser.feed(text)
    assert parser.open == []
    assert parser.links and all(link.startswith("data:image/png;base64,") for link in parser.links)
    assert "<script" not in text
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    assert "2026-01-02" in text


def test_every_finding_and_case_is_on_the_page(damaged: tuple[Audit, medshelf.Dataset]) -> None:
    found, _ = damaged
    text = page(found)
    for finding in found.findings:
        assert finding.message in text
        assert finding.check in text
    for case in found.facts:
        assert f"<td>{case.case}</td>" in text
    assert "2 errors" in text
    assert "prefers-color-scheme: dark" in text


def test_names_are_escaped(damaged: tuple[Audit, medshelf.Dataset]) -> None:
    found, _ = damaged
    case, evidence = "<script>alert(1)</script>", {"<k>": "<v>"}
    nasty = Finding("file.empty", "error", "<b>&", "made", case, 'a"b.nii', evidence, "<i>")
    text = page(replace(found, findings=(nasty,), name="<x>"))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<title>Audit of &lt;x&gt;</title>" in text
    assert "&lt;k&gt;: &lt;v&gt;" in text


def test_the_worst_cases_are_drawn_and_those_that_cannot_be_say_why(damaged: tuple[Audit, medshelf.Dataset]) -> None:
    from PIL import Image

    found, opened = damaged
    drawn = pictures_of_worst(found, 4, opened)
    assert {p.case for p in drawn} == {"case_001", "case_002"}
    by_case = {p.case: p for p in drawn}
    assert "empty" in by_case["case_002"].problem and not by_case["case_002"].data_uri
    content = base64.b64decode(by_case["case_001"].data_uri.partition(",")[2])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (by_case["case_001"].width, by_case["case_001"].height)
    assert pictures_of_worst(found, 0, opened) == []


def test_clean_data_says_so_and_shows_some_cases(tmp_path: Path) -> None:
    made = clean.volumes(tmp_path)
    found = medshelf.audit(made, tmp_path)
    drawn = pictures_of_worst(found, 6, medshelf.open(made, tmp_path))
    text = page(found, drawn)
    assert "Nothing wrong was found." in text
    assert "Some cases" in text and "The worst cases" not in text
    assert len(drawn) == 2


def test_a_part_of_a_release_is_not_called_wrong(tmp_path: Path) -> None:
    made = clean.record(clean.VOLUMES + "\n[expect]\ncases = 100\n")
    clean.volumes(tmp_path)
    text = page(medshelf.audit(made, tmp_path))
    assert "which is not the whole release" in text


def test_the_file_is_written_whole_or_not_at_all(damaged: tuple[Audit, medshelf.Dataset], tmp_path: Path) -> None:
    found, opened = damaged
    write_report(found, tmp_path / "report.html", opened=opened, pictures=1)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(NotFound):
        write_report(found, tmp_path / "nowhere" / "report.html", opened=opened)


def test_what_varies_is_drawn_and_what_does_not_is_said(tmp_path: Path) -> None:
    found = medshelf.audit(clean.volumes(tmp_path), tmp_path)
    titles = {title for title, chart in distributions(found.facts) if chart}
    assert titles == {
        "Values of ct: 1st to 99th percentile of each case", "Marked in mask: ml, and cases", "Cases by split",
    }  # fmt: skip
    text = page(found)
    assert "<dt>voxels</dt><dd>24 × 20 × 12</dd>" in text
    assert "<dt>stored as</dt><dd>LPS</dd>" in text


def test_a_histogram_has_a_bar_for_every_value() -> None:
    drawn = charts.histogram([1, 1, 1, 2, 5], "mm")
    titles = re.findall(r"<title>(.*?)</title>", drawn)
    assert [int(t.rpartition(" ")[2]) for t in titles] == [3, 1, 1]
    heights = [float(h) for h in re.findall(r'class="bar".*? height="([\d.]+)"', drawn)]
    assert heights == [84.0, 28.0, 28.0]
    assert charts.histogram([3, 3], "mm") == charts.histogram([], "mm") == ""


def test_one_case_far_off_does_not_squeeze_the_others() -> None:
    rows = [(f"c{n}", 0.0, 50.0, 100.0 + n) for n in range(40)]
    assert "reach beyond" not in charts.ranges(rows, "")
    drawn = charts.ranges([*rows, ("far", 0.0, 9e5, 1e6)], "")
    assert "1 of 41 reach beyond this range" in drawn
    assert "1M" not in drawn.replace("far: 0 to 1M", "")


def test_strips_count_the_cases_in_which_a_structure_occurs() -> None:
    drawn = charts.strips({"liver": [1200.0, 1500.0, 0.0], "cyst": [0.0, 0.0, 0.5]}, 3)
    assert "2/3" in drawn and "1/3" in drawn
    assert drawn.count('class="dot soft"') == 3
    assert charts.strips({"liver": [0.0]}, 1) == '<p class="alike">nothing is marked</p>'
