"""What to cite for a selection of datasets: as BibTeX, as CSL-JSON for reference managers, as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from medshelf.catalogue import shelf
from medshelf.errors import CatalogueError

_TYPES = {"article": "article-journal", "inproceedings": "paper-conference", "conference": "paper-conference",
          "incollection": "chapter", "book": "book", "phdthesis": "thesis", "mastersthesis": "thesis",
          "techreport": "report", "dataset": "dataset", "data": "dataset"}  # fmt: skip
"""BibTeX type to CSL type (Citation Style Language 1.0.2, appendix III)."""


@dataclass(frozen=True, slots=True)
class Cited:
    """One work and the datasets that it stands for."""

    key: str
    bibtex: str
    datasets: tuple[str, ...]


def cite(names: Sequence[str]) -> tuple[list[Cited], list[str]]:
    """Return the works to cite for datasets, each once, and the ids for which no work is known.

    Parameters
    ----------
    names : list of str
        Ids or other names.

    Raises
    ------
    UnknownDataset
        With the nearest ids.
    """
    works: dict[str, tuple[str, list[str]]] = {}
    without: list[str] = []
    for name in names:
        record = shelf.load(name)
        if not record.citations:
            without.append(record.id)
        for citation in record.citations:
            text = citation.bibtex.strip()
            _, datasets = works.setdefault(_same(text), (text, []))
            if record.id not in datasets:
                datasets.append(record.id)
    keys: set[str] = set()
    found = [Cited(_unique(_key(text), keys), text, tuple(datasets)) for text, datasets in works.values()]
    return [Cited(one.key, _with_key(one.bibtex, one.key), one.datasets) for one in found], without


def _same(bibtex: str) -> str:
    """Return what two entries of one work have in common: its DOI, or the letters of its title."""
    doi = re.search(r"doi\s*=\s*[{\"]\s*(?:https?://(?:dx\.)?doi\.org/)?([^}\"]+)", bibtex, re.IGNORECASE)
    title = re.search(r"\btitle\s*=\s*[{\"](.+?)[}\"]\s*,?\s*\n", bibtex, re.IGNORECASE)
    said = doi[1].lower() if doi else title[1].lower() if title else bibtex
    return "".join(c for c in said if c.isalnum())


def _key(bibtex: str) -> str:
    match = re.match(r"@\w+\{\s*([^,\s]+)\s*,", bibtex)
    return match[1] if match else "unnamed"


def _unique(key: str, taken: set[str]) -> str:
    names = (key, *(f"{key}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"))
    free = next(name for name in names if name not in taken)
    taken.add(free)
    return free


def _with_key(bibtex: str, key: str) -> str:
    return re.sub(r"^(@\w+\{)\s*[^,\s]+\s*,", lambda match: f"{match[1]}{key},", bibtex, count=1)


def as_bibtex(works: Sequence[Cited]) -> str:
    """Return the works as a BibTeX file, each with the datasets that it stands for."""
    return "\n\n".join(f"% {', '.join(one.datasets)}\n{one.bibtex}" for one in works) + "\n"


def as_csl(works: Sequence[Cited]) -> list[dict[str, Any]]:
    """Return the works as items of CSL-JSON.

    Raises
    ------
    CatalogueError
        An entry is no BibTeX that can be read; the message says which.
    """
    return [_csl_item(one) for one in works]


def as_text(works: Sequence[Cited]) -> list[str]:
    """Return the works as lines of text: authors, year, title, where, DOI."""
    return [_line(item) for item in as_csl(works)]


def _parsed(work: Cited) -> Any:
    from pybtex.database import parse_string
    from pybtex.exceptions import PybtexError

    try:
        return next(iter(parse_string(work.bibtex, "bibtex").entries.values()))
    except (PybtexError, StopIteration) as error:
        raise CatalogueError(
            "this citation is no BibTeX that can be read", where=", ".join(work.datasets), why=str(error)
        ) from error


def _csl_item(work: Cited) -> dict[str, Any]:
    entry = _parsed(work)
    text = {name.lower(): _plain(value) for name, value in entry.fields.items()}
    item: dict[str, Any] = {"id": work.key, "type": _TYPES.get(entry.type.lower(), "document")}
    item |= dict(_renamed(text))
    people = [_person(person) for person in entry.persons.get("author", [])]
    if people:
        item["author"] = people
    year = re.search(r"\d{4}", text.get("year", ""))
    if year:
        item["issued"] = {"date-parts": [[int(year[0])]]}
    return {**item, "note": f"dataset: {', '.join(work.datasets)}"}


def _renamed(text: dict[str, str]) -> Iterator[tuple[str, str]]:
    for ours, theirs in (("title", "title"), ("volume", "volume"), ("number", "issue"), ("pages", "page"),
                         ("publisher", "publisher"), ("url", "URL")):  # fmt: skip
        if text.get(ours):
            yield theirs, text[ours].replace("--", "–") if ours == "pages" else text[ours]
    place = text.get("journal") or text.get("booktitle")
    if place:
        yield "container-title", place
    doi = re.sub(r"^(https?://)?(dx\.)?doi\.org/", "", text.get("doi", ""))
    if doi:
        yield "DOI", doi
    eprint = text.get("eprint") or _arxiv_in(text.get("journal", ""))
    if eprint:
        yield "number", f"arXiv:{eprint.removeprefix('arXiv:')}"


def _arxiv_in(journal: str) -> str:
    match = re.search(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", journal)
    return match[1] if match else ""


def _person(person: Any) -> dict[str, str]:
    family = " ".join([*person.prelast_names, *person.last_names, *person.lineage_names])
    given = " ".join([*person.first_names, *person.middle_names])
    if family.lower() == "others" and not given:
        return {"literal": "others"}
    return {"family": _plain(family), **({"given": _plain(given)} if given else {})}


def _plain(text: str) -> str:
    """Return a field without the braces and commands of LaTeX."""
    from pybtex.richtext import Text

    return " ".join(str(Text.from_latex(text)).split())


def _line(item: dict[str, Any]) -> str:
    people = [
        p.get("literal") or " ".join(x for x in (p["family"], _initials(p.get("given", ""))) if x)
        for p in item.get("author", [])
    ]
    who = ", ".join(people[:6]) + (" et al." if len(people) > 6 or "others" in people else "")
    year = item.get("issued", {}).get("date-parts", [["n.d."]])[0][0]
    where = " ".join(x for x in (item.get("container-title", ""), item.get("volume", "")) if x)
    pages = f": {item['page']}" if item.get("page") else ""
    link = f"https://doi.org/{item['DOI']}" if item.get("DOI") else item.get("number") or item.get("URL", "")
    parts = [f"{who} ({year})", item.get("title", ""), f"{where}{pages}", str(link)]
    return ". ".join(part.rstrip(".") for part in parts if part)


def _initials(given: str) -> str:
    return "".join(f"{name[0]}." for name in given.split() if name[:1].isalpha())
