"""The selection guide: which dataset for which need, answered from the records, with the reasons.

One of the lists that the shelf replaces has such a guide, written by hand. Each of its lines is a question here
(``catalogue/guide.toml``): medshelf answers it anew, and says of each name in the line whether the records agree.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from medshelf.catalogue import shelf
from medshelf.catalogue.index import structures_named
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.profile import profiles, rights_of
from medshelf.catalogue.search import find
from medshelf.catalogue.vocabulary import terms
from medshelf.model.dataset import Record

Order = Literal["most cases", "most structures", "easiest"]


@dataclass(frozen=True, slots=True)
class Line:
    """One question of the guide, and what the list answers."""

    guide: str
    """size, region, access, need, application or new."""
    label: str
    line: int
    """Line of the list."""
    ask: Mapping[str, Any]
    """Filters of `find` that the question means."""
    first: Order
    named: tuple[Mapping[str, Any], ...]
    """What the list names: name, datasets, and the number of cases and the year that stand beside it."""
    total: int | None = None
    """Sum of scans that the list gives."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A dataset that answers a question."""

    id: str
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the records make of one name in the written guide."""

    name: str
    """As the list writes it."""
    id: str | None
    """The dataset that it means; None when it names none."""
    agrees: bool
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question: what the records recommend, and whether the written line holds."""

    line: Line
    choices: tuple[Choice, ...]
    """Best first."""
    n_found: int
    """How many datasets answer it."""
    verdicts: tuple[Verdict, ...]
    total: int | None
    """Sum of the cases of the datasets that the line names, where each states a number."""

    @property
    def outcome(self) -> str:
        """``reproduced`` when the records agree with every name of the written line, else ``corrected``."""
        wrong_total = self.line.total is not None and (self.total is None or self.total < self.line.total)
        return "corrected" if wrong_total or not all(one.agrees for one in self.verdicts) else "reproduced"

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, for JSON."""
        return {**asdict(self), "outcome": self.outcome}


@cache
def lines() -> tuple[Line, ...]:
    """Return the questions of the guide, in the order of the list."""
    text = (catalogue_root() / "guide.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)["lines"]
    return tuple(Line(**{**table, "named": tuple(table["named"])}) for table in tables)


def guide(words: str = "", limit: int = 5) -> list[Answer]:
    """Answer the questions of the guide whose names hold these words; all without words.

    Parameters
    ----------
    words : str
        Part of a guide's name (size, region, access, need, application, new) or of a question's.
    limit : int
        At most so many datasets an answer.
    """
    wanted = words.lower().split()
    asked = [one for one in lines() if all(word in f"{one.guide} {one.label}".lower() for word in wanted)]
    return [answer(one, limit) for one in asked]


def answer(line: Line, limit: int = 5) -> Answer:
    """Answer one question from the records."""
    found = [hit.id for hit in find(**line.ask) if profiles()[hit.id].kind == "dataset"]
    ordered = sorted(found, key=lambda name: _rank(shelf.load(name), line.first))
    choices = tuple(Choice(name, shelf.load(name).name, reasons(shelf.load(name))) for name in ordered[:limit])
    verdicts = tuple(_verdict(named, one, set(found)) for named in line.named for one in named["datasets"] or (None,))
    return Answer(line, choices, len(found), verdicts, _total(line))


def _rank(record: Record, first: Order) -> tuple[float, ...]:
    ease = (_access_rank(record), record.layout is None, _commercial(record) != "yes")
    cases = -_number(record, "cases")
    structures = -len({name.split("/")[0].split(":")[0] for name in structures_named(record)})
    by: dict[Order, tuple[float, ...]] = {
        "most cases": (cases, *ease),
        "most structures": (structures, *ease, cases),
        "easiest": (*ease, cases),
    }
    return by[first]


def _access_rank(record: Record) -> int:
    known = terms("access").get(record.access.kind)
    return int(known.facts.get("rank", 9)) if known else 9


def _commercial(record: Record) -> str:
    return rights_of([licence.id for licence in record.licences]).get("commercial", "unknown")


def _number(record: Record, name: str) -> float:
    fact = getattr(record.facts, name)
    return float(fact.value) if fact is not None and isinstance(fact.value, int | float) else 0.0


def reasons(record: Record) -> tuple[str, ...]:
    """Return, in words, what speaks for and against a dataset."""
    n = _number(record, "cases")
    size = f"{n:,.0f} {record.facts.cases.unit or 'cases'}" if n else "number of cases unknown"
    structures = len(structures_named(record))
    access = terms("access").get(record.access.kind)
    said = [
        size,
        f"{_counted(structures, 'structure')} named" if structures else "",
        access.label if access else record.access.kind,
        f"commercial use: {_commercial(record)}",
        "medshelf opens it" if record.layout else "",
        _counted(len(record.errata), "known defect") if record.errata else "",
    ]
    return tuple(text for text in said if text)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' if n != 1 else ''}"


def _verdict(named: Mapping[str, Any], one: str | None, found: set[str]) -> Verdict:
    if one is None:
        return Verdict(named["name"], None, False, "names no dataset")
    record = shelf.load(one)
    if record.kind == "platform":
        return Verdict(
            named["name"], one, False, "a platform of many datasets, each with its own size, licence and access"
        )
    said = [
        _on_number(named, record, "cases", record.facts.cases.unit or "cases"),
        _on_number(named, record, "year", ""),
    ]
    wrong = [text for agrees, text in said if not agrees]
    if one not in found:
        wrong.append("the record does not answer the question: " + _short(record))
    right = [text for agrees, text in said if agrees and text]
    return Verdict(named["name"], one, not wrong, "; ".join(wrong or right) or "the record answers the question")


def _short(record: Record) -> str:
    facts = record.facts
    words = [", ".join(v) for v in (facts.modality.value, facts.region.value, facts.task.value) if isinstance(v, tuple)]
    return "; ".join([*words, f"cases {facts.cases.value}", f"access {record.access.kind}"])


def _on_number(named: Mapping[str, Any], record: Record, name: str, unit: str) -> tuple[bool, str]:
    """Compare a number of the list with that of the record; rounded numbers agree within a twentieth."""
    said = named.get(name)
    if said is None:
        return True, ""
    known = _number(record, name)
    least = named.get(f"{name}_from", said)
    if not known:
        return (
            False,
            f"the list says {said:,}, nobody else gives a number"
            if name == "cases"
            else f"the list says {said}, the year is unknown",
        )
    margin = 0.05 if name == "cases" else 0
    agrees = least * (1 - margin) <= known <= said * (1 + margin)
    shown = f"{known:,.0f} {unit}".strip() if name == "cases" else f"{known:.0f}"
    return agrees, shown if agrees else f"the list says {said:,}, the record {shown}"


def _total(line: Line) -> int | None:
    ids: Iterable[str] = dict.fromkeys(one for named in line.named for one in named["datasets"])
    numbers = [_number(shelf.load(one), "cases") for one in ids if shelf.load(one).kind == "dataset"]
    return round(sum(numbers)) if numbers and all(numbers) else None
