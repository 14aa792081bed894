"""The report of a build: one HTML file that a person reads before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from medshelf.catalogue.vocabulary import terms
from medshelf.cohort.choose import Cohort, Source
from medshelf.export.nnunet import Target

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #8889; --bar: #3b82c4; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin-top: 2rem }
p.lead { color: GrayText; margin-top: .2rem }
table { border-collapse: collapse; width: 100%; font-size: .93rem }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.no { color: #c2410c; font-weight: 600 } .yes { color: #15803d }
.bar { background: var(--bar); height: .7rem; border-radius: .2rem; min-width: 2px }
code { font-size: .9em }
"""


def write_report(
    cohort: Cohort, target: Target, lock: Mapping[str, Any], splits: Sequence[Mapping[str, Sequence[str]]]
) -> str:
    """Return the report as HTML; `lock` is what stands in ``medshelf.lock``."""
    cases: Mapping[str, Mapping[str, Any]] = lock["cases"]
    title = f"{target.root.name}: {len(cases)} cases"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=lead>Built by medshelf from {len(cohort.sources)} datasets; "
        f"{len(lock['excluded'])} cases left out.</p>",
        _notes(cohort),
        "<h2>Datasets and rights</h2>", _datasets(cohort, cases),
        "<h2>Labels</h2>", _labels(cohort, target, cases),
        "<h2>Voxels by label</h2>", _volumes(target, cases),
        "<h2>Folds</h2>", _folds(splits, cases),
        "<h2>Left out</h2>", _excluded(lock["excluded"]),
        "<h2>Cases</h2>", _cases(cases),
    ]  # fmt: skip
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><meta name="viewport" content="width=device-width">'
    body = "".join(parts)
    return f"<!doctype html>\n<html lang=en><head>{head}<style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()) -> str:
    """Return a table; cells are HTML already, `numbers` are the columns to align to the right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=n' if n in numbers else ''}>{cell}</{tag}>" for n, cell in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def _notes(cohort: Cohort) -> str:
    if not cohort.notes:
        return ""
    return "<h2>Read this first</h2><ul>" + "".join(f"<li>{escape(note)}</li>" for note in cohort.notes) + "</ul>"


def _datasets(cohort: Cohort, cases: Mapping[str, Mapping[str, Any]]) -> str:
    used = Counter(str(c["dataset"]) for c in cases.values())
    rows = []
    for source in cohort.sources:
        record = source.dataset.record
        home = escape(record.homepage)
        name = f'<a href="{home}">{escape(record.name)}</a>' if home.startswith("http") else escape(record.name)
        rows.append([name, str(used[record.id]), _licences(source), escape(source.dataset.variant or "as released")])
    return _table(("Dataset", "Cases", "Licence, and what it allows", "Layout"), rows, frozenset({1}))


def _licences(source: Source) -> str:
    said = []
    for licence in source.dataset.record.licences:
        term = terms("licence").get(licence.id)
        allowed = term.facts.get("terms", {}) if term else {}
        answer = allowed.get("commercial", "unknown")
        covered = f"{escape(licence.id)} ({escape(licence.part)})"
        said.append(f"{covered}: commercial use <span class='{answer}'>{answer}</span>")
    return "<br>".join(said) or "nobody says"


def _labels(cohort: Cohort, target: Target, cases: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["Value", "Label", *(s.dataset.id for s in cohort.sources)]
    rows = []
    for value, label in enumerate(target.labels, start=1):
        cells = []
        for source in cohort.sources:
            parts = source.mapped.parts.get(label)
            cells.append(escape(" + ".join(parts)) if parts else "<span class=no>not annotated</span>")
        rows.append([str(value), f"<b>{escape(label)}</b>", *cells])
    if target.ignore:
        told = "voxels of cases that do not annotate every label; not used in training"
        rows.append([str(target.ignore_value), "<b>ignore</b>", told, *[""] * (len(cohort.sources) - 1)])
    return _table(head, rows, frozenset({0}))


def _volumes(target: Target, cases: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    means: dict[str, tuple[float, int, int]] = {}
    for label in target.labels:
        counts = [int(c["voxels"][label]) for c in cases.values() if label in c["voxels"]]
        empty = sum(n == 0 for n in counts)
        means[label] = (sum(counts) / max(1, len(counts)), empty, len(counts))
    most = max((m for m, _, _ in means.values()), default=1) or 1
    for label, (mean, empty, n) in means.items():
        bar = f"<div class=bar style='width:{100 * mean / most:.1f}%'></div>"
        rows.append([escape(label), str(n), str(empty), f"{mean:,.0f}", bar])
    return _table(("Label", "Annotated in", "Empty in", "Mean voxels", ""), rows, frozenset({1, 2, 3}))


def _folds(splits: Sequence[Mapping[str, Sequence[str]]], cases: Mapping[str, Mapping[str, Any]]) -> str:
    if not splits:
        return "<p>There is only one patient, so there are no folds.</p>"
    rows = []
    for n, split in enumerate(splits):
        patients = len({cases[i]["patient"] for i in split["val"]})
        rows.append([str(n), str(len(split["train"])), str(len(split["val"])), str(patients)])
    return _table(("Fold", "Training cases", "Validation cases", "Validation patients"), rows, frozenset({0, 1, 2, 3}))


def _excluded(excluded: Sequence[Mapping[str, str]]) -> str:
    if not excluded:
        return "<p>None.</p>"
    rows = [[escape(e["dataset"]), escape(e["case"]), escape(e["reason"])] for e in excluded]
    return _table(("Dataset", "Case", "Why"), rows)


def _cases(cases: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, case in cases.items():
        shape = " × ".join(map(str, case["shape"]))
        spacing = " × ".join(f"{s:.3g}" for s in case["spacing_mm"])
        rows.append([escape(name), escape(case["dataset"]), escape(case["case"]), shape, spacing])
    return _table(("Case", "Dataset", "There called", "Shape", "Spacing, mm"), rows)
