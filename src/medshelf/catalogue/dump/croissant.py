"""A Croissant 1.1 description of each dataset (MLCommons, https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).

Croissant wants a checksum for every file, so only files whose checksum a host or program states are listed. Records
of what is inside the files are not written here: that is the work of an export of opened data.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medshelf.catalogue.dump.schema_org import describe
from medshelf.model.dataset import Record, RemoteFile

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification asks every file to carry."""


def write(records: Sequence[Record], place: Path) -> None:
    """Write one file a dataset; platforms are no datasets."""
    for record in records:
        if record.kind != "platform":
            text = json.dumps(describe_croissant(record), indent=1, ensure_ascii=False)
            (place / f"{record.id}.json").write_text(text + "\n", encoding="utf-8")


def describe_croissant(record: Record) -> dict[str, Any]:
    """Return the description of one dataset."""
    plain = describe(record)
    for left in (
        "citation",
        "identifier",
        "conditionsOfAccess",
        "variableMeasured",
        "distribution",
        "isAccessibleForFree",
    ):
        plain.pop(left, None)
    said = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        **{name: value for name, value in plain.items() if name != "@type"},
        "citeAs": record.citations[0].bibtex.strip() if record.citations else None,
        "distribution": [_file(one) for one in record.access.files if one.url and (one.sha256 or one.md5)],
        "rai:dataLimitations": [erratum.what for erratum in record.errata],
    }
    return {name: value for name, value in said.items() if value not in (None, [], "")}


def _file(one: RemoteFile) -> dict[str, Any]:
    kind = mimetypes.guess_type(one.name)[0] or "application/octet-stream"
    said = {
        "@type": "cr:FileObject",
        "@id": "_".join(one.name.split()),
        "name": one.name,
        "contentUrl": one.url,
        "contentSize": f"{one.size_bytes} B" if one.size_bytes is not None else None,
        "encodingFormat": kind,
        "sha256": one.sha256,
        "md5": one.md5,
    }
    return {name: value for name, value in said.items() if value is not None}
