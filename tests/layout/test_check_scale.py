"""Checks of very many names: the fast way finds what the plain way finds, in little time and memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medshelf.layout.check import Report, check_names, examine
from medshelf.layout.template import parse
from medshelf.model.finding import Finding
from medshelf.model.layout import Layout
from medshelf.samples.check import check
from tests.layout import plain
from tests.layout.made import layout, record

# --- the same as the plain way ---------------------------------------------------------------

IMAGES = (
    "{a:x|y}/{n:int}[_{m:p|q}].png", "{a:x|y}_{n:int}_{m:p|q|r}.png", "{a:x|y}/{n:int}/{a}_{n}_{m:p|q|r}.nii.gz",
    "s{n:int}/{part:int}.dcm", "[{a:x|y}/]{n:int}.png", "img/{id}.png", "**/{n:int}-{a:x|y}.png",
    "/{a:x|y}/{n:int}.png",
)  # fmt: skip
OTHERS = (
    "{a:x|y}/{n:int}_mask[_{part:int}].png", "{a:x}/{n:int}_seg.png", "masks/{n:int}.png", "{a:x|y}_mask.png",
    "old/{a:x|y}_{n:int}_mask.png", "{n:int}/{n}_{m:p|q|r}_mask.png", "one.json", "{id}_mask.png",
    "{a:x|y}/{n:int}_a_very_long_ending_of_a_name.png", "{a:x|y}_{n:int}_{m:p|q|r}.png",
)  # fmt: skip
KEYS = (["n"], ["a", "n"], ["split", "n"], ["n", "a"], ["a"], ["id"], ["split", "a", "n"])
CASES = ("{n}", "{a}-{n}", "%{n}", "{n:3}", "{split}/{n}", "{{{n}", "{m}{n}")
RULES = (
    '[fields.split]\nof = "a"\nmap = { x = "train" }',
    '[fields.split]\nof = "n"\nranges = { "0-1" = "train", "2-9" = "test" }',
    '[fields.split]\nof = "id"\ntake = "^([a-z])"',
    '[fields.n]\nmap = { 1 = "7" }\n[fields.split]\nof = "n"',
    '[fields.a]\ndefault = "x"\n[fields.split]\nof = "a"',
    '[fields.a]\nof = "m"\nmap = { p = "x" }\n[fields.split]\nof = "a"\nmap = { x = "train", p = "test" }',
    '[fields.a]\nmap = { x = "q" }\n[fields.split]\nof = "a"\nmap = { x = "train" }',
)
OPTIONS = (
    "optional = true", 'merge = "union"', 'reader = "dicom_series"', 'label = "{part}{m}"', 'complete = ["m"]',
    'only = { split = ["train"] }', 'only = { a = ["x", "q"] }', "aux = true",
)  # fmt: skip


@st.composite
def slots(draw: st.DrawFn, name: str) -> str:
    role = "image" if name == "image" else draw(st.sampled_from(["image", "mask", "mask", "record"]))
    paths = draw(st.lists(st.sampled_from(IMAGES if role == "image" else OTHERS), min_size=1, max_size=2, unique=True))
    kind = draw(st.sampled_from(["path", "either"]))
    options = draw(st.lists(st.sampled_from(OPTIONS), max_size=1))
    return "\n".join([f"[files.{name}]", f'role = "{role}"', f"{kind} = {paths}", *options])


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    files = [draw(slots(name)) for name in ("image", "mask", "other")[: draw(st.sampled_from([2, 3, 1]))]]
    keys = [key for key in KEYS if all(f"{{{name}" in files[0] or name == "split" for name in key)]
    parts = [f"key = {draw(st.sampled_from(keys or KEYS))}"]
    if draw(st.booleans()):
        parts.append(f'case = "{draw(st.sampled_from(CASES))}"')
    if draw(st.booleans()):
        parts.append('ignore = ["no/**", "*.pdf"]')
    parts += draw(st.lists(st.sampled_from(RULES), max_size=1))
    return layout("\n".join([*parts, *files]))


VALUES = {
    "a": ["x", "y"], "n": ["1", "2", "3", "01"], "m": ["p", "q", "r", None], "part": ["1", "2", None],
    "id": ["ab", "1", "é"],
}  # fmt: skip
STRAYS = ("README.md", ".DS_Store", "no/1.png", "a.pdf", "1.PNG", "x/.png", "img/1_mask.png ", "z.zip", "1.raw")


def listing(of: Layout, rng: random.Random) -> list[str]:
    """Return names that the templates give, some of them twice, in other folders, misspelt or left out; and strays."""
    texts = [t for s in of.files.values() for t in (s.either or s.path)]
    few = {name: rng.sample(choice, rng.randint(1, min(len(choice), 3))) for name, choice in VALUES.items()}
    names: list[str] = []
    for values in (dict(zip(few, row, strict=True)) for row in product(*few.values())):
        for text in texts:
            name = parse(text).render({k: v for k, v in values.items() if v is not None})
            fault = rng.choice(["front", "upper", "rename", "absent"]) if rng.random() < 0.15 else ""
            name = {"upper": name.upper(), "rename": "_" + name, "absent": ""}.get(fault, name)
            names += [name, "deep/er/" + name] if fault == "front" else [name]
    kept = [name for name in dict.fromkeys(names) if name and "{" not in name]
    names = [*rng.sample(kept, min(rng.randint(len(kept) // 3, len(kept)), 40)), *rng.sample(STRAYS, rng.randint(0, 2))]
    rng.shuffle(names)
    return names


def as_told(finding: Finding) -> tuple[Any, ...]:
    said = dict(finding.evidence)
    more: dict[str, Any] = {
        "layout.missing": lambda: said["slot"],
        "layout.incomplete": lambda: (said["slot"], tuple(said["absent"])),
        "layout.orphan": lambda: tuple(sorted(said["fields"].items())),
        "layout.duplicate": lambda: (said["slot"], tuple(said["files"])),
        "layout.ambiguous": lambda: tuple(said["slots"]),
        "layout.repeated-id": lambda: said["n"],
        "layout.extra": lambda: None,
    }
    return (finding.check, finding.case, finding.file, more[finding.check]())


def verdict(found: Counter[tuple[Any, ...]], report: Report) -> str:
    """Return the verdict that the findings call for; kinds of which there are as many stand in any order."""
    kinds = Counter(check.removeprefix("layout.") for check, *_ in found.elements())
    errors = {f"{n} {kind}" for kind, n in kinds.items() if kind not in ("ambiguous", "extra")}
    told = report.verdict.removeprefix("with defects: ").split(", ")
    if errors:
        return "with defects: " + ", ".join(told if {*told} == errors else sorted(errors))
    looked_at = kinds["ambiguous"] or any(f.severity == "warning" for f in report.findings)
    return "whole, with something to look at" if looked_at else "whole"


@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(layouts(), st.integers(0, 10**6).map(random.Random))
def test_findings_counts_and_verdict_are_those_of_the_plain_way(of: Layout, rng: random.Random) -> None:
    names = listing(of, rng)
    wanted = plain.findings(of, names)
    report = check_names(record(of), names)
    assert report.slots == wanted["slots"]
    assert report.n_cases == wanted["n_cases"]
    assert report.splits == wanted["splits"]
    if not wanted["slots"]:
        assert [f.check for f in report.findings] == ["layout.nothing-matched"]
        return
    assert Counter(map(as_told, report.findings)) == wanted["findings"]
    assert report.verdict == verdict(wanted["findings"], report)


# --- little time and memory ------------------------------------------------------------------

N_NAMES = 100_000
PER_NAME_BYTES = 1000


def release() -> list[str]:
    """Names of 20,000 cases of four channels and a mask: the dearest of the shapes of benchmarks/check.py."""
    cases = (f"TrainingData/P_{n:05d}-000/P_{n:05d}-000" for n in range(N_NAMES // 5))
    return [f"{case}-{kind}.nii.gz" for case in cases for kind in ("t1", "t1c", "t2", "flair", "seg")]


CHANNELS = """
key = ["n", "visit"]
case = "P_{n}-{visit}"
[fields.split]
of = "set"
map = { TrainingData = "train" }
[files.image]
role = "image"
path = "{set:TrainingData}/P_{n:5d}-{visit:3d}/P_{n}-{visit}-{seq:t1|t1c|t2|flair}.nii.gz"
channel = "{seq}"
complete = ["seq"]
[files.tumour]
role = "mask"
path = "{set:TrainingData}/P_{n:5d}-{visit:3d}/P_{n}-{visit}-seg.nii.gz"
only = { split = ["train"] }
"""


@pytest.mark.parametrize("every", [N_NAMES, 100])
def test_a_hundred_thousand_names_take_little_time(every: int, tmp_path: Path) -> None:
    names = [name for n, name in enumerate(release(), 1) if n % every]
    (tmp_path / "names.txt").write_text("\n".join(names))
    started = time.process_time()
    report = check(record(CHANNELS), tmp_path / "names.txt")
    took_s = time.process_time() - started
    assert (report.n_names, report.n_cases) == (len(names), N_NAMES // 5)
    assert Counter(f.check for f in report.findings) == {"layout.missing": N_NAMES // every}
    assert took_s < 2.5, "about 0.8 s where nothing else runs"


def test_a_name_takes_less_than_a_thousand_bytes() -> None:
    names = release()
    tracemalloc.start()
    checked = examine(record(CHANNELS), names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert checked.report.verdict == "whole"
    assert peak / len(names) < PER_NAME_BYTES
