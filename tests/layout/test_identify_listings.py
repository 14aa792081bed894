"""Real file names name their dataset, and a dataset that is not on the shelf is not taken for another."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from medshelf.access.tree import open_tree
from medshelf.catalogue.place import catalogue_root
from medshelf.catalogue.shelf import records
from medshelf.layout.identify import CERTAIN, Identity, identify_names
from medshelf.layout.twin import names_of, plan
from medshelf.layout.twin_rows import top_folder
from medshelf.layout.variants import layouts_of
from medshelf.model.dataset import Record

REPO = Path(__file__).resolve().parents[2]
GROUND = REPO.parent / "shared" / "ground" / "listings"

SAY_TOO_LITTLE = {
    "aptos-2019/listing.txt": "hexadecimal numbers in train_images and test_images",
    "digestpath-2019/listing.txt": "four pictures of one of two tasks",
    "imageclef-2019-vqa-med/listing.txt": "the test part, with its archive closed",
    "pi-cai/listing.txt": "the outlines, which are a repository of their own, without images",
    "vindr-cxr/listing.txt": "hexadecimal numbers in train, and train.csv",
    "slake/listing.hub.txt": "train.json, test.json, imgs.zip: the folder's name is needed",
}
"""Listings of the shelf whose names many datasets could have."""
OTHER_ID = {"msd-task08-hepaticvessel": "msd-hepatic-vessel", "msd-task09-spleen": "msd-spleen"}
"""Listings beside the checkout that are called differently from the record."""

UNKNOWN = {
    "covid-chestxray-dataset.txt": "an excerpt, and its pictures are called anything",
    "ead-2019.txt": "samples of the organisers' repository, not the training data",
    "hrf.variant1.txt": "a copy with folders of its author's, in which mask/ holds the vessels",
    "pancreas-ct.txt": "masks alone, without the name of their folder",
}
"""Listings beside the checkout that show too little of a release, or another arrangement than any record describes."""

LISTINGS = sorted((catalogue_root() / "datasets").glob("*/listing*.txt"))
GATHERED = sorted(GROUND.glob("*.txt")) if GROUND.is_dir() else []


@cache
def shelf() -> dict[str, Record]:
    return {record.id: record for record in records()}


@cache
def names_in(listing: Path) -> tuple[str, ...]:
    return open_tree(listing).names


def without(*ids: str) -> list[Record]:
    return [record for record in shelf().values() if record.id not in ids]


def related(record: Record) -> set[str]:
    """Ids of the datasets that share names with this one: versions, parts and copies, one from the other."""
    found = {record.id}
    while True:
        ties = {(r.id, tie.to) for r in shelf().values() for tie in r.relations}
        more = {b for a, b in ties if a in found} | {a for a, b in ties if b in found}
        if more <= found:
            return found
        found |= more


def told(answer: Identity) -> str:
    return "; ".join(f"{g.dataset}@{g.variant} {g.score}" for g in answer.guesses)


def short(listing: Path) -> str:
    return f"{listing.parent.name}/{listing.name}"


@pytest.mark.parametrize("listing", LISTINGS, ids=short)
def test_a_listing_of_the_shelf_names_its_dataset(listing: Path) -> None:
    answer = identify_names(names_in(listing), shelf().values())
    if short(listing) in SAY_TOO_LITTLE:
        assert answer.dataset is None
        assert answer.guesses[0].dataset == listing.parent.name
    else:
        assert answer.dataset == listing.parent.name, told(answer)


@pytest.mark.parametrize("listing", LISTINGS, ids=short)
def test_without_its_record_a_listing_is_unknown_or_a_relative(listing: Path) -> None:
    answer = identify_names(names_in(listing), without(listing.parent.name))
    if answer.dataset is not None:
        assert answer.dataset in related(shelf()[listing.parent.name]), told(answer)


@pytest.mark.parametrize("listing", GATHERED, ids=lambda listing: listing.name)
def test_a_gathered_listing_names_its_dataset_or_none(listing: Path) -> None:
    name = listing.name.partition(".")[0]
    name = OTHER_ID.get(name, name)
    answer = identify_names(names_in(listing), shelf().values())
    record = shelf().get(name)
    known = record is not None and record.layout is not None and listing.name not in UNKNOWN
    wanted = name if known else None
    assert answer.dataset == wanted, told(answer)
    if wanted is not None:
        others = identify_names(names_in(listing), without(name))
        assert others.dataset is None or others.dataset in related(shelf()[name]), told(others)


@pytest.mark.parametrize("name", sorted(r.id for r in shelf().values() if r.layout is not None))
def test_a_twin_is_its_dataset_or_too_little_to_say(name: str) -> None:
    """A twin has a few cases and plain numbers, so some say too little; none says another dataset."""
    record = shelf()[name]
    for variant, layout in layouts_of(record).items():
        names = names_of(layout, plan(layout, 3))
        answer = identify_names(names, shelf().values())
        assert answer.guesses[0].dataset in related(record), f"{variant}: {told(answer)}"
        assert answer.dataset in (None, name), f"{variant}: {told(answer)}"
        top = top_folder(layout)
        bare = identify_names([n.removeprefix(top) for n in names], shelf().values(), called=name)
        assert bare.dataset == name, f"{variant}, in a folder called {name}: {told(bare)}"
        others = identify_names(names, without(*related(record)))
        assert others.dataset is None, f"{variant}: {told(others)}"


def test_most_listings_are_far_from_the_threshold() -> None:
    told_apart = [path for path in LISTINGS if short(path) not in SAY_TOO_LITTLE]
    scores = [identify_names(names_in(path), shelf().values()).guesses[0].score for path in told_apart]
    assert sum(score > CERTAIN + 0.1 for score in scores) > 0.9 * len(scores)
