"""Links of records: one way to write each, and what is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from medshelf.model.dataset import Record

SHORTENERS = frozenset({"lnkd.in", "t.co", "bit.ly", "goo.gl", "tinyurl.com", "shorturl.at", "buff.ly", "dwz.cn"})
"""Hosts that hide the target: such a link can't be cited, and dies with its host."""
_SECURE = re.compile(
    r"(^|\.)(github\.com|github\.io|zenodo\.org|kaggle\.com|grand-challenge\.org|arxiv\.org|doi\.org|figshare\.com|"
    r"huggingface\.co|physionet\.org|synapse\.org|nature\.com|openneuro\.org|osf\.io|mendeley\.com|ieee\.org|"
    r"cancerimagingarchive\.net|nih\.gov|codalab\.org|google\.com|springer\.com|sciencedirect\.com|youtube\.com)$"
)
"""Hosts that answer over https."""
_TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|ref_src|usp)$")


def normalise(url: str) -> str:
    """Return the way in which a link is written here; the page is the same.

    https where the host has it, no tracking, no fragments of share buttons, and today's form of the addresses of
    Zenodo, Kaggle, Synapse, arXiv, GitHub and DOIs.
    """
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    scheme = "https" if _SECURE.search(host) else parts.scheme.lower()
    port = f":{parts.port}" if parts.port else ""
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(k)])
    query = parts.query if len(query) >= len(parts.query) or "%" in parts.query else query
    fragment = "" if parts.fragment.startswith((".", ":~:")) else parts.fragment
    path = parts.path or "/"
    for belongs, rewrite in _HOSTS:
        if belongs.search(host):
            host, path, query, fragment = rewrite(host, path, query, fragment)
    return urlunsplit((scheme, host + port, path, query, fragment))


_Rest = tuple[str, str, str, str]


def _zenodo(host: str, path: str, query: str, fragment: str) -> _Rest:
    return "zenodo.org", re.sub(r"^/record/", "/records/", path), query, ""


def _kaggle(host: str, path: str, query: str, fragment: str) -> _Rest:
    path = re.sub(r"^/c/([^/]+)(/.*)?$", r"/competitions/\1\2", path.rstrip("/"))
    reserved = r"/(datasets|competitions|code|models|organizations|api|discussions?|docs|learn|benchmarks)(/|$)"
    if re.fullmatch(r"/[^/]+/[^/]+", path) and not re.match(reserved, path):
        path = "/datasets" + path
    return "www.kaggle.com", path, "", ""


def _synapse(host: str, path: str, query: str, fragment: str) -> _Rest:
    match = re.match(r"!Synapse:(syn\d+)(/wiki/\d+)?", fragment)
    return (
        ("www.synapse.org", f"/Synapse:{match[1]}{match[2] or ''}", "", "") if match else (host, path, query, fragment)
    )


def _arxiv(host: str, path: str, query: str, fragment: str) -> _Rest:
    return "arxiv.org", re.sub(r"^/pdf/(.+?)(\.pdf)?$", r"/abs/\1", path), query, ""


def _doi(host: str, path: str, query: str, fragment: str) -> _Rest:
    return "doi.org", path, query, ""


def _github(host: str, path: str, query: str, fragment: str) -> _Rest:
    return "github.com", re.sub(r"(\.git)?/?$", "", path) or "/", query, fragment


_HOSTS: tuple[tuple[re.Pattern[str], Callable[[str, str, str, str], _Rest]], ...] = (
    (re.compile(r"^(www\.)?zenodo\.org$"), _zenodo),
    (re.compile(r"^(www\.)?kaggle\.com$"), _kaggle),
    (re.compile(r"^(www\.)?synapse\.org$"), _synapse),
    (re.compile(r"^(www\.)?arxiv\.org$"), _arxiv),
    (re.compile(r"^(dx\.|www\.)?doi\.org$"), _doi),
    (re.compile(r"^(www\.)?github\.com$"), _github),
)


def fault(url: str) -> str | None:
    """Return what is wrong with a link before anybody follows it; None when nothing is."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ftp", "s3", "gs"):
        return "it is no web address"
    host = parts.hostname or ""
    if "." not in host or not re.fullmatch(r"[a-z0-9._-]+\.[a-z]{2,}", host):
        return f"{host!r} is no host"
    if host in SHORTENERS:
        return f"{host} hides where it leads: name the target"
    better = normalise(url)
    return f"write it as {better}" if better != url else None


@dataclass(frozen=True, slots=True)
class Link:
    """One link of one record."""

    dataset: str
    where: str
    """homepage, landing, file NAME or source NAME."""
    url: str
    path: tuple[str | int, ...]
    """Its place in the record."""


def links_of(record: Record) -> Iterator[Link]:
    """Yield every link of a record."""
    if record.homepage != "none found":
        yield Link(record.id, "homepage", record.homepage, ("homepage",))
    if record.access.landing:
        yield Link(record.id, "landing", record.access.landing, ("access", "landing"))
    for n, one in enumerate(record.access.files):
        if one.url:
            yield Link(record.id, f"file {one.name}", one.url, ("access", "files", n, "url"))
    for name, source in record.sources.items():
        if source.url:
            yield Link(record.id, f"source {name}", source.url, ("sources", name, "url"))
