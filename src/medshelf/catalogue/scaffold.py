"""The beginnings of a record: files in which everything that is asked for has its place."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from medshelf.catalogue import vocabulary
from medshelf.catalogue.links import normalise
from medshelf.errors import AccessError, UnknownTerm

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_DATASET = """\
id = {id}
name = {name}
summary = \"\"\"
SUMMARY: what is in it, from where, what was annotated by whom, and what one must know. Two or three sentences.\"\"\"
homepage = {url}
homepage_sources = ["page"]
aliases = []

[sources.page]
kind = "page"
title = "TITLE of the page"
url = {url}
read = {today}

# Values are terms of vocabulary/*.toml. What nobody states is "unknown", with the places where you looked as sources.
[facts]
modality = {{ value = ["MODALITY"], sources = ["page"] }}
dimension = {{ value = ["3D"], sources = ["page"] }}
region = {{ value = ["REGION"], sources = ["page"] }}
task = {{ value = ["TASK"], sources = ["page"] }}
formats = {{ value = ["FORMAT"], sources = ["page"] }}
year = {{ value = "unknown", sources = ["page"] }}
cases = {{ value = "unknown", unit = "patients", sources = ["page"] }}

[[licences]]
id = "unknown"
part = "all"
sources = ["page"]

[[citations]]
sources = ["page"]
bibtex = \"\"\"
@article{{KEY,
  title = {{TITLE}},
}}\"\"\"

[[label_sets]]
name = "structures"
sources = ["page"]
labels = [
  {{ raw = "WORDS OF THE SOURCE", structure = "STRUCTURE", value = 1 }},
]
"""

_ACCESS = """\
kind = "unknown"
sources = ["page"]
hosts = []
landing = {url}
steps = []
"""


def scaffold(id: str, root: Path, *, name: str | None = None, url: str | None = None) -> list[Path]:
    """Write the beginnings of a record and return the files that were written or changed.

    Parameters
    ----------
    id : str
        Lower-case words joined by hyphens.
    root : Path
        The catalogue: a folder with ``datasets`` and ``vocabulary``.
    name : str, optional
        Name that people use; the id by default.
    url : str, optional
        Its page.

    Raises
    ------
    UnknownTerm
        The id has another form, or is given out and has a record.
    AccessError
        The catalogue can't be written.
    """
    if not _ID.fullmatch(id):
        raise UnknownTerm(f"{id!r} is no id", hint="Use lower-case words joined by hyphens, such as knee-mr-2024")
    if (root / "shelf.sqlite").is_file():
        raise AccessError(
            "this is the catalogue of the installed package, which the next installation replaces",
            where=root,
            hint="Work in a checkout, or in a copy that MEDSHELF_CATALOGUE or --catalogue names",
        )
    folder = root / "datasets" / id
    if folder.exists():
        raise UnknownTerm(
            f"there is a record called {id!r} already", where=folder, hint="Correct that one, or take another id"
        )
    page = json.dumps(normalise(url) if url else "https://PAGE.example.org/", ensure_ascii=False)
    words = {
        "id": json.dumps(id),
        "name": json.dumps(name or id, ensure_ascii=False),
        "url": page,
        "today": date.today(),
    }
    texts = {"dataset.toml": _DATASET.format(**words), "access.toml": _ACCESS.format(**words)}
    try:
        folder.mkdir(parents=True)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        changed = _give_out(id, root)
    except OSError as error:
        raise AccessError(
            "the catalogue can't be written",
            where=root,
            why=str(error),
            hint="Work in a copy: set MEDSHELF_CATALOGUE to it",
        ) from error
    return [*(folder / file for file in texts), *changed]


def _give_out(id: str, root: Path) -> list[Path]:
    """Add an id to the vocabulary, in its place, unless it is there."""
    place = root / "vocabulary" / "id.txt"
    lines = place.read_text(encoding="utf-8").splitlines()
    if id in lines:
        return []
    comments = [line for line in lines if line.startswith("#")]
    ids = sorted({*(line for line in lines if line and not line.startswith("#")), id})
    part = place.with_name(".id.txt.part")
    part.write_text("\n".join([*comments, *ids]) + "\n", encoding="utf-8")
    part.replace(place)
    vocabulary.known_ids.cache_clear()
    return [place]
