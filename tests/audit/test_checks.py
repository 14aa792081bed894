"""Every check: nothing on clean data, and each of its findings on data with that one defect."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import medshelf
from medshelf.audit.checks import CASE_CHECKS, NAME_CHECKS, OF_CHECK, SET_CHECKS, catalogue_of_checks
from medshelf.layout import check as layout_check
from medshelf.layout import gaps as layout_gaps
from medshelf.samples import check as samples_check
from tests.audit.clean import CLEAN
from tests.audit.defects import DEFECTS, Defect


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("deep", [True, False], ids=["deep", "headers"])
def test_nothing_is_found_in_clean_data(name: str, deep: bool, tmp_path: Path) -> None:
    found = medshelf.audit(CLEAN[name](tmp_path), tmp_path, deep=deep)
    assert found.findings == ()
    assert found.ok
    assert found.n_cases > 0


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: f"{d.finds}-{d.base}")
def test_a_seeded_defect_is_found_and_nothing_else(defect: Defect, tmp_path: Path) -> None:
    made = CLEAN[defect.base](tmp_path)
    made = defect.damage(tmp_path, made) or made
    found = medshelf.audit(made, tmp_path)
    hits = [f for f in found.findings if f.check == defect.finds]
    assert hits, f"found instead: {[(f.check, f.message) for f in found.findings]}"
    assert {f.severity for f in hits} == {defect.severity}
    if defect.case is not None:
        assert defect.case in {f.case for f in hits}
        assert {f.case for f in hits} == {defect.case} or defect.finds == "file.not-as-declared"
    others = {f.check for f in found.findings} - {defect.finds, *defect.also}
    assert not others, [(f.check, f.message, f.evidence) for f in found.findings]


def test_every_finding_has_a_seeded_defect() -> None:
    seeded = {defect.finds for defect in DEFECTS}
    declared = {name for check in (*NAME_CHECKS, *CASE_CHECKS, *SET_CHECKS) for name in check.finds}
    assert declared - seeded == set()
    assert seeded - declared == set()


def test_every_finding_is_declared_by_its_check() -> None:
    for check in (*NAME_CHECKS, *CASE_CHECKS, *SET_CHECKS):
        module = inspect.getmodule(check.run)
        assert module is not None
        written = set(re.findall(r'"((?:file|known|grid|geometry|label|intensity|boxes|target|duplicate)\.[a-z-]+)"',
                                 inspect.getsource(module)))  # fmt: skip
        declared = {
            name
            for other in (*NAME_CHECKS, *CASE_CHECKS, *SET_CHECKS)
            if inspect.getmodule(other.run) is module
            for name in other.finds
        }
        assert written <= declared


def test_what_check_finds_is_explained_too() -> None:
    source = "".join(map(inspect.getsource, (layout_check, layout_gaps, samples_check)))
    named = set(re.findall(r'"((?:layout|table|access)\.[a-z-]+)"', source))
    assert named == set(OF_CHECK)


def test_every_explanation_is_one_line_and_every_function_says_what_it_does() -> None:
    for name, meaning in catalogue_of_checks().items():
        assert meaning and "\n" not in meaning and not meaning.endswith("."), name
    for check in (*NAME_CHECKS, *CASE_CHECKS, *SET_CHECKS):
        assert inspect.getdoc(check.run)


@pytest.mark.parametrize("defect", [d for d in DEFECTS if d.finds.startswith(("grid.", "geometry."))],
                         ids=lambda d: f"{d.finds}-{d.base}")  # fmt: skip
def test_defects_of_geometry_are_found_in_headers_alone(defect: Defect, tmp_path: Path) -> None:
    made = CLEAN[defect.base](tmp_path)
    made = defect.damage(tmp_path, made) or made
    found = medshelf.audit(made, tmp_path, deep=False)
    assert defect.finds in {f.check for f in found.findings}
