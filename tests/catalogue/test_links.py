"""Links are written in one way, and what is wrong with one is said before anybody follows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medshelf.catalogue import shelf
from medshelf.catalogue.links import fault, links_of, normalise


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("https://zenodo.org/record/7153205#.Yz_oVHbMJPZ", "https://zenodo.org/records/7153205"),
        ("http://www.zenodo.org/records/1", "https://zenodo.org/records/1"),
        ("https://www.synapse.org/#!Synapse:syn3193805/wiki/217789", "https://www.synapse.org/Synapse:syn3193805/wiki/217789"),
        ("https://kaggle.com/c/aptos2019-blindness-detection", "https://www.kaggle.com/competitions/aptos2019-blindness-detection"),
        ("https://www.kaggle.com/owner/set?select=a.csv", "https://www.kaggle.com/datasets/owner/set"),
        ("https://arxiv.org/pdf/2003.10778.pdf", "https://arxiv.org/abs/2003.10778"),
        ("http://dx.doi.org/10.1/x", "https://doi.org/10.1/x"),
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("http://promise12.grand-challenge.org", "https://promise12.grand-challenge.org/"),
        ("https://drive.google.com/file/d/1x/view?usp=sharing", "https://drive.google.com/file/d/1x/view"),
        ("https://drive.google.com/file/d/1x/view?resourcekey=k", "https://drive.google.com/file/d/1x/view?resourcekey=k"),
        ("https://mega.nz/folder/BRdnDISQ#FnCg9ykPlTWYe5hrRZxi-w", "https://mega.nz/folder/BRdnDISQ#FnCg9ykPlTWYe5hrRZxi-w"),
        ("http://fcon_1000.projects.nitrc.org/indi/abide/", "http://fcon_1000.projects.nitrc.org/indi/abide/"),
    ],
)  # fmt: skip
def test_a_link_has_one_form(given: str, wanted: str) -> None:
    assert normalise(given) == wanted
    assert normalise(wanted) == wanted


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://lnkd.in/eYs8gsTQ", "hides where it leads"), ("| as excerpted", "no web address"),
        ("https://localhost/x", "is no host"), ("https://zenodo.org/record/1", "write it as https://zenodo.org/records/1"),
        ("https://zenodo.org/records/1", None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(url: str, said: str | None) -> None:
    found = fault(url)
    assert found is None if said is None else said in str(found)


def test_every_link_of_the_shelf_is_in_order() -> None:
    wrong = [(link.dataset, link.where, link.url) for r in shelf.records() for link in links_of(r) if fault(link.url)]
    assert wrong == []
    assert sum(1 for record in shelf.records() for _ in links_of(record)) > 1500


def test_the_links_of_the_lists_can_be_normalised_and_stay_so(ground: Path) -> None:
    told = {link["url"] for one in json.loads((ground / "datasets.json").read_text()) for link in one["links"]}
    web = {url.strip() for url in told if url.strip().startswith("http")}
    assert len(web) > 450
    for url in web:
        assert normalise(normalise(url)) == normalise(url)
