"""Look before you download: archives and files on a server, read by byte ranges.

`open_remote` gives a `RemoteTree`, which is a `medshelf.access.tree.Tree` and may be given wherever a place is taken::

    web = Web()
    tree = open_remote(["https://host/release.zip", "zenodo:10047292"], web)
    tree.names                                   # of a zip from its directory at the end, a tar from its headers
    medshelf.check("some-id", tree)              # names and tables
    audit("some-id", tree, deep=False)           # headers only
    tree.blob("release.zip!/case/ct.nii.gz")     # a blob; reading it reads its own bytes alone
    tree.traffic.bytes, tree.traffic.requests    # what that has cost so far

What is named is an address, a reference of a host, or a `Listing` of one (`medshelf.access.hosts`). Names in the
tree are those that the host gives its files; what lies in an archive follows as ``a.zip!/member``. Zips (split ones
too) and plain tars are listed; a tar only as long as its headers cost little. A compressed tar, a 7z or a rar can't
be listed without reading all of it: `Tree.problems` says so, and its name stays in the tree. Archives inside archives
are listed one level deep where they are stored as they are; those that are packed once more are told as problems.

A server that does not answer ranges, and a file that changes meanwhile (its ETag or date), are an `AccessError`;
nothing is ever fetched whole because of that. Trees pickle; a process that gets one has a client and a count of its
own.
"""

from __future__ import annotations

from medshelf.access.remote.traffic import Traffic
from medshelf.access.remote.tree import RemoteFile, RemoteTree, open_remote

__all__ = ["RemoteFile", "RemoteTree", "Traffic", "open_remote"]
