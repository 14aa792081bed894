"""A schema.org/Dataset description in JSON-LD of each dataset, for search engines and repositories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medshelf.catalogue.index import structures_named
from medshelf.catalogue.vocabulary import terms
from medshelf.model.dataset import UNKNOWN, Record


def write(records: Sequence[Record], place: Path) -> None:
    """Write one file a dataset; platforms are no datasets."""
    for record in records:
        if record.kind != "platform":
            text = json.dumps({"@context": "https://schema.org/", **describe(record)}, indent=1, ensure_ascii=False)
            (place / f"{record.id}.jsonld").write_text(text + "\n", encoding="utf-8")


def describe(record: Record) -> dict[str, Any]:
    """Return the properties of schema.org/Dataset that a record can fill; what it does not know is left out."""
    facts = record.facts
    page = None if record.homepage == "none found" else record.homepage
    said: dict[str, Any] = {
        "@type": "Dataset",
        "name": record.name,
        "alternateName": list(record.aliases),
        "identifier": record.id,
        "description": " ".join(record.summary.split()),
        "url": page or record.access.landing,
        "keywords": keywords(record),
        "license": [url for licence in record.licences if (url := _licence(licence.id))],
        "datePublished": str(facts.year.value) if facts.year.value != UNKNOWN else None,
        "citation": [citation.bibtex.strip() for citation in record.citations],
        "isAccessibleForFree": None if record.access.kind == UNKNOWN else record.access.kind != "fee",
        "conditionsOfAccess": terms("access")[record.access.kind].label,
        "variableMeasured": list(structures_named(record)),
        "distribution": [_file(one.name, one.url) for one in record.access.files if one.url],
    }
    return {name: value for name, value in said.items() if value not in (None, [], "")}


def keywords(record: Record) -> list[str]:
    """Return the words by which a dataset is found: the labels of its terms."""
    found: dict[str, None] = {}
    for subject in ("modality", "region", "task"):
        value = getattr(record.facts, subject).value
        for name in value if isinstance(value, tuple) else ():
            found[terms(subject)[name].label] = None
    return list(found)


def _licence(name: str) -> str | None:
    term = terms("licence").get(name)
    return term.facts.get("url") if term else None


def _file(name: str, url: str) -> dict[str, str]:
    return {"@type": "DataDownload", "name": name, "contentUrl": url}
