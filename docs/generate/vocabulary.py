"""The pages on the words that records use."""

from __future__ import annotations

from generate.markdown import code, table
from medshelf.catalogue.vocabulary import SUBJECTS, Term, terms

SOURCE = "catalogue/vocabulary"

TERMS = {
    "use": "use in research",
    "commercial": "commercial use",
    "redistribute": "pass the data on",
    "derive": "pass on what was made from it",
    "share_alike": "what is made from it must carry the same licence",
    "attribute": "the source must be named",
    "weights": "sell weights that were trained on it",
}
"""What is asked of every licence, as the vocabulary calls it."""

_TITLES = {
    "modality": "Modality", "region": "Region", "task": "Task", "access": "Access", "host": "Host",
    "structure": "Structure", "finding": "Finding", "annotation": "Annotation", "condition": "Condition",
}  # fmt: skip


def licences() -> str:
    """Every licence and what it allows."""
    found = terms("licence")
    rows = [
        (f"[{t.id}]({t.facts['url']})" if t.facts.get("url") else t.id, t.label, *(_answer(t, name) for name in TERMS))
        for t in found.values()
    ]
    return "\n".join([
        "# Licences",
        "",
        "An SPDX id where one exists, a `LicenseRef-` name otherwise. Each answer is `yes`, `no` or `unknown`.",
        "`unknown` means that the text does not say: it is not a permission. This table is a help to read licences,",
        "and no legal advice.",
        "",
        table(("Column", "Meaning"), [(code(name), said) for name, said in TERMS.items()]),
        table(("Licence", "Name", *(code(name) for name in TERMS)), rows),
        "A dataset may have several licences, for its images and its masks or for ranges of cases; a record lists",
        "each part. `medshelf find --commercial` finds those where every part says `yes`.",
    ])  # fmt: skip


def _answer(term: Term, name: str) -> str:
    return str(term.facts.get("terms", {}).get(name, "unknown"))


def page() -> str:
    """Every other vocabulary."""
    parts = [
        "# Vocabulary",
        "",
        "The words of records, filters and label maps. A synonym finds the same as the word itself. A word with a",
        "wider one is found by that as well. [Licences](licences.md) have a page of their own.",
    ]
    for subject in subjects():
        parts += ["", f"## {_TITLES.get(subject, subject)}", "", _terms(subject).rstrip()]
    return "\n".join(parts)


def subjects() -> list[str]:
    """Return the vocabularies that are here, licences left out."""
    known = dict.fromkeys((*_TITLES, *SUBJECTS))
    return [s for s in known if s != "licence" and s in (*SUBJECTS, "finding") and _there(s)]


def _there(subject: str) -> bool:
    from medshelf.catalogue.place import catalogue_root

    return (catalogue_root() / "vocabulary" / f"{subject}.toml").is_file()


def _terms(subject: str) -> str:
    found = terms(subject).values()
    wider = any(t.parent for t in found)
    synonyms = any(t.synonyms for t in found)
    codes = sorted({key for t in found for key in t.facts if key in ("dicom", "snomed", "uberon")})
    head = ["Word", "Means", *(["Synonyms"] if synonyms else []), *(["Wider"] if wider else []), *map(str.upper, codes)]
    rows = []
    for t in found:
        row = [code(t.id), t.label]
        row += [", ".join(t.synonyms)] if synonyms else []
        row += [code(t.parent) if t.parent else ""] if wider else []
        rows.append([*row, *(str(t.facts.get(c, "")) for c in codes)])
    return table(head, rows)
