"""Links of a record as references that a host's module can fetch. No network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from medshelf.access.hosts import host_named, split_ref
from medshelf.errors import Unsupported
from medshelf.model.dataset import Record

_DOI = re.compile(r"""\bdoi\s*=\s*["{]+\s*(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^"}\s]+)""", re.IGNORECASE)
_URL = re.compile(r"""\burl\s*=\s*["{]+\s*(https?://[^"}\s]+)""", re.IGNORECASE)
_FILE = re.compile(
    r"\.(zip|tar|gz|tgz|bz2|xz|zst|7z|rar|\d{3}|nii|nrrd|mha|dcm|h5|hdf5|npz|npy|mat|csv|tsv|json|tif|tiff|svs|mp4|avi)$",
    re.IGNORECASE,
)
"""Endings by which an address is that of a file of data, and not of a page."""
_PLACES = {
    "prod-dcd-datasets-cache-zipfiles.s3.eu-west-1.amazonaws.com": "mendeley",
    "amazonaws.com": "aws",
    "storage.googleapis.com": "gcs",
    "dropbox.com": "dropbox",
    "github.com": "github",
    "huggingface.co": "huggingface",
    "cancerimagingarchive.net": "tcia",
}
"""Terms of vocabulary/host.toml by the ends of names of servers, for plain addresses of files there."""
_ANYBODY = frozenset(("kaggle", "huggingface"))
"""Hosts to which people upload the datasets of others (but for competitions at Kaggle): what is there is the origin
when the record has it as its landing page, when it belongs to whom the landing page or homepage belongs, or when the
record names no other host."""
_BROWSERS_ONLY = ("drive.google.com", "docs.google.com", "pan.baidu.com", "1drv.ms", "mega.nz")
"""Servers whose addresses of files lead to pages."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that a record links to and a host's module can fetch."""

    ref: str
    """Such as ``zenodo:10047292``."""
    url: str
    """The link."""
    field: str
    """Where the record has it: ``access.files``, ``access.landing``, ``homepage`` or ``citations``."""
    sources: tuple[str, ...]
    """Names of the record's sources that say so."""
    role: Literal["origin", "mirror"]
    """A mirror is at a host that is none of those where the record says that the dataset is served, or one of several
    to which anybody uploads."""

    @property
    def host(self) -> str:
        """Name of the host's module."""
        return self.ref.partition(":")[0]


def references_of(record: Record) -> tuple[Reference, ...]:
    """Return what a record links to and a host's module can fetch.

    Addresses of single files count whatever their host is; the landing page, the homepage and what citations name only
    as far as a module of a host knows them as its own, or when they end as a file does. A page of GitHub among them
    counts when the record says that GitHub serves the dataset: else it is about code.

    Parameters
    ----------
    record : Record

    Returns
    -------
    tuple of Reference
        Origins before mirrors; within these single files, then landing page, homepage and citations. Each reference
        comes once.
    """
    found: dict[str, Reference] = {}
    for field, url, sources in _links(record):
        ref = _ref(url, field == "access.files", record)
        if ref is not None and ref not in found:
            found[ref] = Reference(ref, url, field, sources, _role(record, ref, url, field))
    return tuple(sorted(found.values(), key=lambda one: one.role == "mirror"))


def _links(record: Record) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield field, address and sources of each link."""
    for file in record.access.files:
        if file.url:
            yield "access.files", file.url, file.sources
    if record.access.landing:
        yield "access.landing", record.access.landing, record.access.sources
    yield "homepage", record.homepage, record.homepage_sources
    for citation in record.citations:
        for link in _cited(citation.bibtex):
            yield "citations", link, citation.sources


def _cited(bibtex: str) -> Iterable[str]:
    """Return the DOIs and addresses of a BibTeX entry."""
    dois = (found[1].replace("\\_", "_").rstrip(".,;") for found in _DOI.finditer(bibtex))
    return [*(f"https://doi.org/{doi}" for doi in dois), *(found[1] for found in _URL.finditer(bibtex))]


def _ref(url: str, is_file: bool, record: Record) -> str | None:
    """Return the reference for a link, or None when no module can fetch it."""
    try:
        host, rest = split_ref(url)
    except Unsupported:
        return None
    parts = urlsplit(url)
    if host == "http" and (parts.hostname in _BROWSERS_ONLY or not (is_file or _FILE.search(parts.path))):
        return None
    code = host == "github" and not is_file and "github" not in record.access.hosts
    return None if host in ("doi", "manual") or code else f"{host}:{rest}"


def _role(record: Record, ref: str, url: str, field: str) -> Literal["origin", "mirror"]:
    served = set(record.access.hosts)
    place = f".{urlsplit(url).hostname or ''}"
    here = next((term for end, term in _PLACES.items() if place.endswith(f".{end}")), None)
    terms = {*host_named(ref.partition(":")[0]).TERMS, here}
    home = {urlsplit(page).hostname for page in (record.access.landing or "", record.homepage)}
    own = field == "access.landing" or urlsplit(url).hostname in home
    owner = _owner(url)
    own = own or (owner is not None and owner in (_owner(record.access.landing or ""), _owner(record.homepage)))
    own = own or ref.startswith("kaggle:competitions/")
    if not own and served - _ANYBODY and _ANYBODY & terms:
        return "mirror"
    return "origin" if own or not served or served & terms else "mirror"


def _owner(url: str) -> str | None:
    """Return whose place an address is, at hosts where paths begin with a name."""
    parts = urlsplit(url)
    named = [part.lower() for part in parts.path.split("/") if part and part != "datasets"]
    here = parts.hostname in ("github.com", "huggingface.co", "www.kaggle.com")
    return named[0] if named and here else None
