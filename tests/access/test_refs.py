"""Links of records as references."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from medshelf.access.hosts import HOSTS, host_named, split_ref
from medshelf.access.refs import references_of
from medshelf.catalogue import shelf
from medshelf.model.dataset import Access, Citation, Fact, Facts, Record, RemoteFile, Source

LISTED = [record for record in shelf.records() if record.kind == "dataset" and record.entries]


def record(**given: object) -> Record:
    unknown = Fact("unknown")
    facts = Facts(unknown, unknown, unknown, unknown, unknown, unknown)
    plain = Record("a", "A", "s", facts, Access("open"), sources={"page": Source("page", "t", date(2026, 1, 1))})
    return replace(plain, **given)


def test_links_become_references_in_order() -> None:
    access = Access(
        "open", ("page",), ("zenodo",), "https://zenodo.org/record/7",
        files=(
            RemoteFile("b.zip", "https://data.mendeley.com/datasets/rscbjbr9sj/2"),
            RemoteFile("a.zip", "https://zenodo.org/records/7/files/a.zip?download=1", sources=("code",)),
            RemoteFile("no address"),
            RemoteFile("c", "https://a.org/get?id=c"),
        ),
    )  # fmt: skip
    bibtex = (
        "@misc{x, doi = {10.17605/OSF.IO/B2WXJ}, url = {https://doi.org/10.6084/m9.figshare.856713.v1}, note = {y}}"
    )
    found = references_of(record(access=access, citations=(Citation(bibtex, ("paper",)),), homepage="https://a.org/"))
    assert [(one.ref, one.field, one.sources, one.role) for one in found] == [
        ("zenodo:7/a.zip", "access.files", ("code",), "origin"),
        ("http:https://a.org/get?id=c", "access.files", (), "origin"),
        ("zenodo:7", "access.landing", ("page",), "origin"),
        ("mendeley:rscbjbr9sj/2", "access.files", (), "mirror"),
        ("osf:b2wxj", "citations", ("paper",), "mirror"),
        ("figshare:856713.v1", "citations", ("paper",), "mirror"),
    ]


def test_pages_of_code_are_none() -> None:
    page = "https://github.com/owner/code"
    assert references_of(record(homepage=page)) == ()
    assert references_of(record(access=Access("open", ("page",), ("onedrive",), page))) == ()
    assert references_of(record(access=Access("open", ("page",), ("github",), page)))[0].ref == "github:owner/code"
    kept = Access("open", ("page",), ("onedrive",), files=(RemoteFile("labels.zip", f"{page}/raw/main/labels.zip"),))
    assert [one.role for one in references_of(record(access=kept))] == ["mirror"]


def test_what_anybody_uploads_is_a_mirror_beside_other_hosts() -> None:
    copy = (RemoteFile("x.zip", "https://www.kaggle.com/datasets/somebody/x"),)
    page = "https://www.kaggle.com/datasets/somebody/x"
    for hosts, landing, role in [
        (("figshare", "kaggle"), None, "mirror"), (("kaggle",), None, "origin"),
        (("figshare", "kaggle"), page, "origin"), (("kaggle", "huggingface"), None, "origin"),
    ]:  # fmt: skip
        (found,) = references_of(record(access=Access("open", ("page",), hosts, landing, files=copy)))
        assert found.role == role, hosts
    held = (RemoteFile("x.zip", "https://www.kaggle.com/c/x"),)
    (found,) = references_of(record(access=Access("account", ("page",), ("isic", "kaggle"), files=held)))
    assert (found.ref, found.role) == ("kaggle:competitions/x", "origin")
    theirs = (RemoteFile("all", "https://huggingface.co/datasets/Owner/scans"),)
    access = Access("open", ("page",), ("github", "huggingface"), "https://github.com/owner/masks", files=theirs)
    assert [(one.ref, one.role) for one in references_of(record(access=access))] == [
        ("huggingface:Owner/scans", "origin"), ("github:owner/masks", "origin"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "homepage",
    ["https://a.grand-challenge.org/", "none found", "https://doi.org/10.1038/s41467-020-15948-9", "https://zenodo.org/",
     "https://drive.google.com/file/d/1/view", "https://figshare.com/s/d6fb591f1beb4f8efa6f"],
)  # fmt: skip
def test_pages_for_people_are_none(homepage: str) -> None:
    assert references_of(record(homepage=homepage)) == ()
    assert (
        references_of(record(homepage="https://a.org/data/all.tar.gz"))[0].ref == "http:https://a.org/data/all.tar.gz"
    )


def test_each_listed_dataset_that_links_to_a_host_has_a_reference() -> None:
    """How many of the listed datasets can be fetched by a program, and where from."""
    hosts: Counter[str] = Counter()
    some = 0
    for one in LISTED:
        found = references_of(one)
        assert len({ref.ref for ref in found}) == len(found)
        for ref in found:
            host, rest = split_ref(ref.ref)
            assert (host, rest) == (ref.host, ref.ref.partition(":")[2])
            assert host_named(host).ref_of(ref.url) == rest
            assert ref.role in ("origin", "mirror") and set(ref.sources) <= set(one.sources)
        landing = one.access.landing or ""
        claimed = [n for n in HOSTS if n not in ("http", "doi", "manual") and landing and host_named(n).ref_of(landing)]
        claimed = claimed if "github" in one.access.hosts else [n for n in claimed if n != "github"]
        assert not claimed or any(ref.host == claimed[0] for ref in found), one.id
        some += bool(found)
        hosts.update({ref.host for ref in found})
    print(f"{some} of {len(LISTED)} listed datasets have a reference: {dict(hosts.most_common())}")
    assert some > len(LISTED) / 4
