"""An audit as one HTML file: no network, no script, light and dark."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

from medshelf.audit.checks import catalogue_of_checks
from medshelf.audit.facts import CaseFacts
from medshelf.audit.report_charts import alike, distributions
from medshelf.audit.report_pictures import Picture, pictures_of_worst
from medshelf.audit.run import Audit
from medshelf.model.finding import Finding
from medshelf.samples.dataset import Dataset

_MOST_ROWS = 200
_MOST_CASES = 1000
_OPEN_ROWS = 12
"""Groups with at most so many findings stand open."""


def write_report(
    audit: Audit, path: str | os.PathLike[str], *, opened: Dataset | None = None, pictures: int = 6
) -> None:
    """Write an audit as one HTML file.

    Parameters
    ----------
    audit : Audit
        What was found.
    path : path
        The file to write; one that is there is replaced.
    opened : Dataset, optional
        Where pictures are drawn from; by default the dataset is opened again.
    pictures : int
        Draw so many of the worst cases.

    Raises
    ------
    AccessError
        The file can't be written.
    """
    from medshelf.access.atomic import write_atomically

    with write_atomically(path) as stream:
        stream.write(page(audit, pictures_of_worst(audit, pictures, opened)).encode())


def page(audit: Audit, pictures: Sequence[Picture] = (), *, today: date | None = None) -> str:
    """Return an audit as HTML.

    Parameters
    ----------
    audit : Audit
        What was found.
    pictures : sequence of Picture
        Cases that were drawn.
    today : date, optional
        What stands in the footer.
    """
    from importlib.metadata import version
    from importlib.resources import files

    style = files("medshelf.audit").joinpath("report.css").read_text(encoding="utf-8")
    day = (today or date.today()).isoformat()
    sections = [_head(audit), _groups(audit.findings), _pictures(pictures), _charts(audit.facts), _cases(audit)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Audit of {escape(audit.name)}</title><style>\n{style}</style></head><body><main>\n"
        + "\n".join(section for section in sections if section)
        + f"\n<footer>medshelf {escape(version('medshelf'))}, {day}. "
        "An audit says what it looked for and found; what it did not look for may still be wrong.</footer>"
        "\n</main></body></html>\n"
    )


# --- head ----------------------------------------------------------------------------------


def _head(audit: Audit) -> str:
    worst = next((severity for severity in ("error", "warning") if audit.counts[severity]), "ok")
    pills = "".join(
        f'<span class="pill {severity if n else ""}">{n} {_plural(word, n)}</span>'
        for (severity, n), word in zip(audit.counts.items(), ("error", "warning", "note"), strict=True)
    )
    of = f"{audit.n_cases} of {audit.n_cases_here}" if audit.n_cases != audit.n_cases_here else f"{audit.n_cases}"
    variant = f" as <code>{escape(audit.variant)}</code>" if audit.variant else ""
    return (
        f"<h1>Audit of {escape(audit.name)}</h1>"
        f'<p class="soft"><code>{escape(audit.dataset)}</code>{variant} at <code>{escape(audit.where)}</code></p>'
        f'<div class="verdict {worst}"><strong>{escape(_sentence(audit, worst))}</strong>'
        f"<span>{pills}</span>"
        f'<span class="soft">{of} cases, {"every file read" if audit.deep else "headers only"}, '
        f"{_duration(audit.seconds)}</span></div>"
        f'<p class="soft" style="margin-top:10px">Names: {escape(audit.names_verdict)}.</p>'
    )


def _sentence(audit: Audit, worst: str) -> str:
    if worst == "ok":
        return "Nothing wrong was found."
    kinds = Counter(f.check for f in audit.findings if f.severity == worst)
    if set(kinds) == {"layout.count"}:
        return "Nothing wrong was found in what is here, which is not the whole release."
    del kinds["layout.count"]
    meanings = catalogue_of_checks()
    told = [f"{meanings.get(check, check)} ({n})" for check, n in kinds.most_common(3)]
    more = f", and {len(kinds) - 3} more kinds" if len(kinds) > 3 else ""
    return ("Look at this first: " if worst == "error" else "Worth a look: ") + "; ".join(told) + more


def _plural(word: str, n: int) -> str:
    return word if n == 1 else word + "s"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


# --- findings ------------------------------------------------------------------------------


def _groups(findings: Sequence[Finding]) -> str:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.check), []).append(finding)
    if not groups:
        return ""
    return "<h2>Findings</h2>" + "".join(_group(*key, group) for key, group in groups.items())


def _group(severity: str, check: str, group: Sequence[Finding]) -> str:
    meaning = catalogue_of_checks().get(check, "")
    placed = any(f.case or f.file for f in group)
    rows = "".join(_finding(finding, placed) for finding in group[:_MOST_ROWS])
    head = "<thead><tr><th class=where>where</th><th>what</th></tr></thead>" if placed else ""
    advice = "".join(f'<p class="advice">{escape(text)}</p>' for text in _proposals(group))
    more = len(group) - _MOST_ROWS
    note = f'<p class="soft">and {more} more; <code>medshelf audit --json</code> has them all</p>' if more > 0 else ""
    is_open = " open" if severity != "info" and len(group) <= _OPEN_ROWS else ""
    word = "note" if severity == "info" else severity
    return (
        f'<details class="group"{is_open}><summary><span class="pill {severity}">{word}</span>'
        f'<span class="name">{escape(check)}</span><span class="what">{escape(meaning)}</span>'
        f'<span class="pill">{len(group)}</span></summary><div class="inside">{advice}'
        f'<table class="findings">{head}<tbody>{rows}</tbody></table>{note}</div></details>'
    )


def _proposals(group: Sequence[Finding]) -> Iterable[str]:
    return list(dict.fromkeys(f.proposal for f in group if f.proposal))[:3]


def _finding(finding: Finding, placed: bool) -> str:
    case = f"<div>{escape(finding.case)}</div>" if finding.case else ""
    file = f'<span class="file">{escape(finding.file)}</span>' if finding.file else ""
    evidence = _evidence(finding.evidence)
    told = f'<div class="evidence">{evidence}</div>' if evidence else ""
    where = f"<td>{case}{file}</td>" if placed else ""
    return f"<tr>{where}<td>{escape(finding.message)}{told}</td></tr>"


def _evidence(evidence: Mapping[str, Any]) -> str:
    parts = []
    for name, value in evidence.items():
        if value is None or value == [] or value == {} or value == ():
            continue
        text = _plain(value)
        parts.append(f"{escape(name.replace('_', ' '))}: {escape(text if len(text) <= 160 else text[:157] + '…')}")
    return " · ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(v) for v in value)
    return str(value)


# --- pictures, charts, cases ---------------------------------------------------------------


def _pictures(pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    title = "The worst cases" if any(p.findings for p in pictures) else "Some cases"
    return f'<h2>{title}</h2><div class="pictures">' + "".join(_figure(p) for p in pictures) + "</div>"


def _figure(picture: Picture) -> str:
    image = (
        f'<img src="{picture.data_uri}" width="{picture.width}" height="{picture.height}" alt="{escape(picture.case)}">'
        if picture.data_uri
        else ""
    )
    why = f'<div class="soft">{escape(picture.problem)}</div>' if picture.problem else ""
    told = "".join(f'<div class="soft">{escape(text)}</div>' for text in picture.findings[:3])
    return f"<figure>{image}<figcaption><strong>{escape(picture.case)}</strong>{told}{why}</figcaption></figure>"


def _charts(facts: Sequence[CaseFacts]) -> str:
    same = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in alike(facts).items())
    cards = [f'<div class="card"><h3>The same in all cases</h3><dl>{same}</dl></div>'] if same else []
    cards += [
        f'<div class="card"><h3>{escape(title)}</h3>{chart}</div>' for title, chart in distributions(facts) if chart
    ]
    return f'<h2>Distributions</h2><div class="charts">{"".join(cards)}</div>' if cards else ""


def _cases(audit: Audit) -> str:
    problems = Counter(f.case for f in audit.findings if f.case is not None and f.severity != "info")
    table = [_case(case, problems.get(case.case, 0)) for case in audit.facts[:_MOST_CASES]]
    columns = [name for name in _COLUMNS if any(row.get(name) for row in table)]
    if not columns:
        return ""
    heads = "".join(f"<th{_class(name)}>{name}</th>" for name in columns)
    rows = "".join(
        "<tr>" + "".join(f"<td{_class(name)}>{row.get(name, '')}</td>" for name in columns) + "</tr>" for row in table
    )
    more = len(audit.facts) - _MOST_CASES
    note = f'<p class="soft">and {more} more</p>' if more > 0 else ""
    return (
        '<h2>Cases</h2><div class="cases"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


_COLUMNS = ("case", "patient", "split", "size", "spacing, mm", "stored as", "type", "values", "problems")


def _class(column: str) -> str:
    if column in ("values", "problems"):
        return ' class="number"'
    return "" if column == "case" else ' class="tight"'


def _case(case: CaseFacts, problems: int) -> dict[str, str]:
    """Return the cells of a case as HTML, by column."""
    cells = {"case": case.case, "split": case.split or "", "patient": case.patient or ""}
    if case.patient == case.case:
        del cells["patient"]
    if case.images:
        first = case.images[0]
        cells["size"] = " × ".join(str(n) for n in first.shape)
        cells["spacing, mm"] = " × ".join(f"{s:.3g}" for s in first.spacing_mm or ())
        cells["stored as"], cells["type"] = first.orientation or "", first.dtype
        if first.minimum is not None and first.maximum is not None:
            cells["values"] = f"{first.minimum:.4g} … {first.maximum:.4g}"
    escaped = {name: escape(text) for name, text in cells.items()}
    return {**escaped, "problems": f'<span class="pill warning">{problems}</span>' if problems else ""}
