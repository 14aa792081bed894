"""What no program can fetch: portals, agreements that a person signs, hosts that are gone. It tells what to do instead.

A reference is the id of a dataset, for which its record on the shelf tells the steps, or an address of such a host.
Nothing is asked over the network, and nothing is ever listed; files that a person has loaded are checked like any.
"""

from __future__ import annotations

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._shape import host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, CatalogueError, NotFound, UnknownDataset

NAME = "manual"
TERMS = ("loni-ida", "baidu", "codalab", "academic-torrents")
LIMITS = Limits()
_HOSTS = {
    "ida.loni.usc.edu": "account",
    "adni.loni.usc.edu": "application",
    "db.humanconnectome.org": "account",
    "oasis-brains.org": "data-use-agreement",
    "ieee-dataport.org": "account",
    "tianchi.aliyun.com": "account",
    "heywhale.com": "account",
    "aistudio.baidu.com": "account",
    "pan.baidu.com": "account",
    "opendatalab.com": "account",
    "competitions.codalab.org": "account",
    "codalab.lisn.upsaclay.fr": "account",
    "smir.ch": "account",
    "stanfordaimi.azurewebsites.net": "data-use-agreement",
    "aimi.stanford.edu": "data-use-agreement",
    "bimcv.cipf.es": "data-use-agreement",
    "ukbiobank.ac.uk": "application",
    "mesa-nhlbi.org": "application",
    "transfer.nako.de": "application",
    "mega.nz": "click-through",
    "academictorrents.com": "click-through",
}
"""Sites that serve files only to people with a browser or a program of their own, and what each asks for at least."""


def ref_of(url: str) -> str | None:
    """Return the address itself, when it is one of a host that serves people alone."""
    parts = split(url)
    return url.strip() if parts is not None and host_of(parts) in _HOSTS else None


def list_files(ref: str, web: Web) -> Listing:
    """Raise what a person has to do.

    Raises
    ------
    AccessNeeded
        Always, for a dataset of the shelf or a host that is known.
    NotFound
        The shelf has no such dataset.
    AccessError
        The reference is neither.
    """
    raise _error(ref)


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Raise as `list_files` does."""
    raise _error(ref)


def _error(ref: str) -> AccessNeeded:
    need = needs(ref, web=None)
    return AccessNeeded(need.why.removesuffix("."), where=f"manual:{ref}", steps=need.steps)


def needs(ref: str, web: Web | None) -> Need:
    """Return the steps of the dataset's record, or where to go; errors as in `list_files`."""
    parts = split(ref)
    if parts is not None:
        kind = _HOSTS.get(host_of(parts))
        if kind is None:
            raise AccessError("no host that serves people alone is known here", where=f"manual:{ref}")
        return Need(kind, "The host serves people alone, and no programs.", (f"Open {ref} and do what the page asks",))
    return _of_record(ref)


def _of_record(ref: str) -> Need:
    from medshelf.catalogue import shelf

    try:
        record = shelf.load(ref)
    except UnknownDataset as error:
        raise NotFound(error.what, where=f"manual:{ref}", why=error.why, hint=error.hint) from None
    except CatalogueError as error:
        raise AccessError(error.what, where=f"manual:{ref}", why=error.why, hint=error.hint) from None
    access = record.access
    start = access.landing or (record.homepage if split(record.homepage) else None)
    steps = (*((f"Open {start}",) if start else ()), *access.steps, *((access.note,) if access.note else ()))
    why = {
        "gone": f"{record.name} is no longer served.",
        "open": f"{record.name} is loaded by a person, from its page.",
        "unknown": f"Nobody says how {record.name} is had.",
    }.get(access.kind, f"{record.name} is served to people who do what its page asks: {access.kind.replace('-', ' ')}.")
    kind = {"open": "click-through", "unknown": "application"}.get(access.kind, access.kind)
    return Need(kind, why, steps or ("No step is known: ask the authors that medshelf cite names",))
