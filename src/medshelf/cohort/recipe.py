"""Recipes: which cases of which datasets, which structures, under what names. Read from TOML, checked whole.

The words are explained in docs/reference/recipe.md.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from medshelf.catalogue.toml_lines import line_of
from medshelf.errors import MedshelfError, RecipeError
from medshelf.model.natural import natural_key

NotAnnotated = Literal["refuse", "ignore", "leave-out"]


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """Cases of one dataset: ``[[sources]]``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    dataset: str
    """Id of a record."""
    root: str | None = None
    """Where it lies below the data folder; by default a folder or archive called like the id."""
    splits: tuple[str, ...] = ()
    """Official splits to take; by default every case that has the annotation."""
    where: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Field values that cases must have, such as ``{ modality = "ct" }``."""
    channels: tuple[str, ...] = ()
    """Image channels, in the order of the recipe's; by default the only one."""
    annotation: str | None = None
    """Which annotation, when a case has several masks."""
    variant: str | None = None
    """Which repackaging; by default the one that fits."""
    cases: int | None = None
    """At most so many cases, the first by id."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    """Name of the result: letters, digits, _ and -."""
    labels: dict[str, str | tuple[str, ...]]
    """Label of the result to structure, or to several whose union it is; values follow the order.
    A structure with ``?`` behind it may be absent from a dataset."""
    sources: tuple[SourceChoice, ...]
    target: Literal["nnunet"] = "nnunet"
    """The trainer."""
    number: int = 501
    """Number of the nnU-Net dataset, 1 to 999."""
    channels: tuple[str, ...] = ()
    """Names of the image channels; by default the modality."""
    folds: int = 5
    """Number of cross-validation folds, split by patient."""
    seed: int = 0
    """Changes the folds."""
    not_annotated: NotAnnotated = "refuse"
    """What to do where a dataset does not annotate a label: refuse to build, mark everything that is
    not labelled to be ignored in training, or leave its cases out."""
    exclude: tuple[Literal["errata", "audit", "duplicates"], ...] = ("errata", "audit", "duplicates")
    """What keeps cases out: known defects of the record, errors found on the way, images seen already."""


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Recipe)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read and check a recipe file.

    Raises
    ------
    RecipeError
        With every problem, each with its line.
    NotFound
        There is no such file.
    """
    from medshelf.model.blob import LocalFile

    text = LocalFile(Path(path)).read_bytes().decode("utf-8-sig", errors="replace")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError("the recipe is not valid TOML", where=path, why=str(error)) from error
    return parse_recipe(table, where=os.fspath(path), text=text)


def parse_recipe(table: Mapping[str, Any], *, where: str = "recipe", text: str = "") -> Recipe:
    """Check a recipe that was written as a table; raises as `read_recipe`."""
    from pydantic import ValidationError

    try:
        recipe: Recipe = _adapter().validate_python(table)
    except ValidationError as error:
        said = [_worded(e["loc"], str(e["msg"]), e["type"], where, text) for e in error.errors()]
        ordered = sorted(set(said), key=natural_key)
        raise RecipeError("the recipe can't be read", where=where, problems=ordered) from error
    problems = list(_problems(recipe))
    if problems:
        said = [f"{where}:{line_of(text, path)} {message}" for path, message in problems]
        raise RecipeError("the recipe asks for what can't be", where=where, problems=said)
    return recipe


def _worded(loc: tuple[str | int, ...], message: str, kind: str, where: str, text: str) -> str:
    path = tuple(p for p in loc if not (isinstance(p, str) and (p in ("str", "int") or "[" in p)))
    name = ".".join(map(str, path))
    if kind == "unexpected_keyword_argument":
        message = "there is no such word in a recipe"
    return f"{where}:{line_of(text, path)} {name}: {message}"


def _problems(recipe: Recipe) -> Iterable[tuple[tuple[str | int, ...], str]]:
    from medshelf.catalogue.shelf import resolve
    from medshelf.model.structure import parse

    if not re.fullmatch(r"[A-Za-z0-9_-]+", recipe.name):
        yield ("name",), f"{recipe.name!r}: use letters, digits, _ and -"
    if not 1 <= recipe.number <= 999:
        yield ("number",), "nnU-Net numbers datasets from 1 to 999"
    if recipe.folds < 2:
        yield ("folds",), "at least two folds are needed"
    if not recipe.labels:
        yield ("labels",), "name at least one label"
    if not recipe.sources:
        yield ("sources",), "name at least one source"
    for label, parts in recipe.labels.items():
        if label in ("background", "ignore"):
            yield ("labels", label), f"{label!r} is a word of nnU-Net's own"
        if not parts:
            yield ("labels", label), f"{label!r} needs at least one structure"
        for part in (parts,) if isinstance(parts, str) else parts:
            try:
                parse(part.removesuffix("?"))
            except ValueError as error:
                yield ("labels", label), str(error)
    for n, source in enumerate(recipe.sources):
        try:
            resolve(source.dataset)
        except MedshelfError as error:
            yield ("sources", n, "dataset"), str(error)
        if recipe.channels and source.channels and len(source.channels) != len(recipe.channels):
            yield ("sources", n, "channels"), f"the recipe has {len(recipe.channels)} channels"
