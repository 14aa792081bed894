"""The files of a dataset as they lie at its host, to be looked at before anything is fetched."""

from __future__ import annotations

from medshelf.access.remote import RemoteTree, open_remote
from medshelf.access.web import Web
from medshelf.catalogue.shelf import load
from medshelf.errors import AccessNeeded
from medshelf.fetch.offer import choose
from medshelf.fetch.steps import steps_for
from medshelf.model.dataset import Record


def remote_tree(dataset: str | Record, *, source: str | None = None, web: Web | None = None) -> RemoteTree:
    """Open what `medshelf.plan` would fetch where it lies: archives are listed, and files read, by ranges of bytes.

    Parameters
    ----------
    dataset : str or Record
        Id of a record, or a record.
    source : str, optional
        A reference or address to take instead of the record's own choice.
    web : Web, optional

    Returns
    -------
    RemoteTree
        May be given wherever a place is taken: to `medshelf.check`, `medshelf.audit`, `medshelf.open`.

    Raises
    ------
    AccessNeeded
        No program can fetch it, so none can look at it; or the host wants to know who asks.
    AccessError, NotFound, Offline, Unsupported
        As `medshelf.access.remote.open_remote`.
    """
    record = dataset if isinstance(dataset, Record) else load(dataset)
    chosen, others = choose(record, source)
    if not chosen:
        steps = steps_for(record, (), chosen, others)
        raise AccessNeeded("no program can look at it where it lies", where=record.id, steps=steps)
    return open_remote([one.ref for one in chosen], web or Web())
