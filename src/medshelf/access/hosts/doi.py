"""DOIs: whichever host a DOI leads to serves it.

Most are told by their beginning, without the network: each host's module knows its own. Others are looked up
(doi.org/api/handles, doi.org/the-identifier/resources/factsheets), and the address that is registered is given to
the other hosts.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import quote

from medshelf.access.hosts import HOSTS, Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking, kept
from medshelf.access.hosts._doi import doi_of
from medshelf.access.hosts._shape import entries, maybe, maybe_text
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotFound

NAME = "doi"
TERMS = ()
LIMITS = Limits(parallel=2)
_KEPT_S = 3600.0


def ref_of(url: str) -> str | None:
    """Return the DOI that an address or text is."""
    return doi_of(url)


def claimed(doi: str) -> tuple[ModuleType, str] | None:
    """Return the host that a DOI belongs to and what it calls it, as far as the DOI itself tells; no network."""
    return _claimed(f"https://doi.org/{doi}")


def _claimed(url: str) -> tuple[ModuleType, str] | None:
    for name in HOSTS:
        if name not in (NAME, "http"):
            module = import_module(f"medshelf.access.hosts.{name}")
            found = module.ref_of(url)
            if found is not None:
                return module, found
    return None


def _resolved(ref: str, web: Web) -> tuple[ModuleType, str]:
    """Return host and reference for a DOI."""
    doi = doi_of(ref)
    if doi is None:
        raise AccessError("this is no DOI", hint="Such as 10.5281/zenodo.10047292")
    found = claimed(doi)
    return found if found else kept(web, ("doi", doi), _KEPT_S, lambda: _looked_up(doi, web))


def _looked_up(doi: str, web: Web) -> tuple[ModuleType, str]:
    answer = web.json(f"https://doi.org/api/handles/{quote(doi, safe='/')}")
    if maybe(answer, "responseCode") == 100:
        raise NotFound("no such DOI is registered")
    url = next((url for one in entries(answer, "values") if (url := _url(one))), None)
    if url is None:
        raise AccessError("no address is registered for the DOI")
    found = _claimed(url)
    if found is None:
        raise AccessError("the DOI leads to a page that no host's module knows", why=url[:200], hint="Open it")
    return found


def _url(one: Any) -> str | None:
    return maybe_text(one, "data", "value") if maybe(one, "type") == "URL" else None


def list_files(ref: str, web: Web) -> Listing:
    """Return what the host of the DOI lists; the listing is pinned to that host's own reference.

    Raises
    ------
    NotFound
        No such DOI.
    AccessError
        It leads to a page that no host's module knows, or as the host's own module has it.
    """
    with asking(f"doi:{ref}"):
        module, found = _resolved(ref, web)
        return module.list_files(found, web)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the host of the DOI serves the file."""
    with asking(f"doi:{ref}"):
        module, found = _resolved(ref, web)
        return module.address(file, found, web)


def needs(ref: str, web: Web) -> Need | None:
    """Return what the host of the DOI asks for."""
    with asking(f"doi:{ref}"):
        module, found = _resolved(ref, web)
        return module.needs(found, web)
