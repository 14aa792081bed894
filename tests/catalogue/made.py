"""A record in files, right in every way, to be made wrong in one."""

from __future__ import annotations

from pathlib import Path

DATASET = """\
id = "toy-organs"
name = "Toy organs"
summary = '''
Ten scans that nobody made, to be wrong in one way
[of nothing]
id = "not this line"
'''
aliases = ["Toy", "toys-v1"]
kind = "test-data"
homepage = "https://toy.example.org/"

[sources.paper]
kind = "paper"
title = "A paper"
read = 2026-01-02

[sources.listing]
kind = "listing"
title = "Names of the release"
read = 2026-01-03

[facts]
modality = { value = ["CT"], sources = ["paper"] }
dimension = { value = ["3D"], sources = ["paper"] }
region = { value = ["abdomen"], sources = ["paper"] }
task = { value = ["segmentation"], sources = ["paper"] }
year = { value = 2020, sources = ["paper"] }

[facts.cases]
value = 10
unit = "volumes"
sources = ["paper"]
claims = [{ value = 12, sources = ["listing"] }]
reason = "The listing counts two twice."

[[licences]]
id = "CC-BY-4.0"
part = "images"
sources = ["paper"]

[[licences]]
id = "unknown"
part = "labels"
sources = ["paper"]
"""
ACCESS = """\
kind = "open"
sources = ["paper"]
hosts = ["zenodo"]
"""
LAYOUT = """\
family = "PAIR3D"
evidence = "listing"
sources = ["listing"]
key = ["n"]

[files.image]
role = "image"
path = "images/{n:4d}.nii.gz"

[files.organs]
role = "mask"
path = "labels/{n:4d}.nii.gz"
labels = "organs"

[labels.organs]
1 = "liver"
2 = "spleen"
"""
ERRATA = """\
[[errata]]
id = "empty-mask"
what = "The mask is empty"
sources = ["listing"]
cases = ["0003"]
action = "exclude"
"""

FILES = {"dataset.toml": DATASET, "access.toml": ACCESS, "layout.toml": LAYOUT, "errata.toml": ERRATA}


def write(root: Path, name: str = "toy-organs", **changed: str | None) -> Path:
    """Write the record below `root`/datasets, with changed files (None leaves one out); return its folder."""
    folder = root / "datasets" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in FILES.items():
        told = changed.get(file.removesuffix(".toml"), text)
        if told is not None:
            (folder / file).write_text(told.replace("toy-organs", name), encoding="utf-8")
        else:
            (folder / file).unlink(missing_ok=True)
    return folder


def line(text: str, part: str) -> int:
    """Return the number of the one line of a text in which a part stands."""
    (found,) = [number for number, one in enumerate(text.splitlines(), 1) if part in one]
    return found
