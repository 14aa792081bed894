"""Choose the cases that a recipe asks for, and say of every other why not. Names and facts only, no pixels."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medshelf.cohort.labels import Mapped, map_labels
from medshelf.cohort.recipe import Recipe, SourceChoice
from medshelf.errors import MedshelfError, NotFound, RecipeError
from medshelf.model.case import Case
from medshelf.samples.annotation import Mask
from medshelf.samples.dataset import Dataset
from medshelf.samples.open import open as open_dataset
from medshelf.samples.sample import Sample

_ENDINGS = ("", ".zip", ".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class Source:
    """One dataset of a recipe, opened."""

    choice: SourceChoice
    dataset: Dataset
    mapped: Mapped
    annotation: str
    """Name of the mask that serves."""
    channels: tuple[str, ...]
    """Names of its images, in the order of the result's channels."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case of the result."""

    id: str
    """Unique in the result."""
    source: int
    """Number of its source."""
    case: str
    """Id in its dataset."""
    patient: str
    """Unique over all datasets."""


@dataclass(frozen=True, slots=True)
class Excluded:
    """A case that was not taken, and why."""

    dataset: str
    """Id of its dataset."""
    case: str
    """Id of the case there."""
    reason: str
    """Why, in words."""


@dataclass(frozen=True)
class Cohort:
    """Everything that a recipe chose."""

    recipe: Recipe
    sources: tuple[Source, ...]
    chosen: tuple[Chosen, ...]
    excluded: tuple[Excluded, ...] = ()
    channels: tuple[str, ...] = ()
    """Names of the channels of the result."""
    notes: tuple[str, ...] = field(default=())
    """What the report must say: guessed patients, related datasets."""

    def sample(self, chosen: Chosen) -> Sample:
        """Return the sample behind a chosen case."""
        return self.sources[chosen.source].dataset[chosen.case]


def choose(recipe: Recipe, data: str | os.PathLike[str]) -> Cohort:
    """Open the datasets of a recipe below `data` and choose their cases.

    Raises
    ------
    RecipeError
        With every problem: datasets that are not there, labels that a dataset does not annotate, channels or
        masks that must be named.
    """
    sources: list[Source] = []
    problems: list[str] = []
    for choice in recipe.sources:
        try:
            sources.append(_open(recipe, choice, Path(data)))
        except MedshelfError as error:
            problems.append(f"{choice.dataset}: {error}")
    if recipe.not_annotated == "refuse":
        problems += [p for source in sources for p in _lacking(source)]
    elif recipe.not_annotated == "ignore":
        problems += [f"{s.dataset.id}: annotates none of the labels" for s in sources if not s.mapped.parts]
    channels = recipe.channels or _channel_names(sources)
    problems += [
        f"{s.dataset.id}: has channels {', '.join(s.channels)}; the result has {', '.join(channels)}"
        for s in sources
        if len(s.channels) != len(channels)
    ]
    if problems:
        raise RecipeError(f"the recipe {recipe.name} can't be carried out", where=os.fspath(data), problems=problems)
    chosen, excluded, problems = _cases(recipe, sources)
    if problems:
        raise RecipeError("a source gives no case", where=recipe.name, problems=problems)
    if not chosen:
        said = [f"{e.dataset} {e.case}: {e.reason}" for e in excluded[:20]]
        raise RecipeError("no case is left", where=recipe.name, problems=said)
    return Cohort(recipe, tuple(sources), tuple(chosen), tuple(excluded), channels, tuple(_notes(sources, chosen)))


def _open(recipe: Recipe, choice: SourceChoice, data: Path) -> Source:
    dataset = open_dataset(choice.dataset, _place(choice, data), variant=choice.variant)
    sample = _first_annotated(dataset)
    name, mask = _mask(sample, choice)
    mapped = map_labels(recipe.labels, mask.structures, mask.derived)
    channels = choice.channels or sample.channels
    if not choice.channels and len(channels) > 1 and len(recipe.channels) != len(channels):
        raise RecipeError(
            "a case has several images", hint=f"Name them in `channels`, in order; there are: {', '.join(channels)}"
        )
    return Source(choice, dataset, mapped, name, channels)


def _place(choice: SourceChoice, data: Path) -> Path:
    if choice.root is not None:
        return data / choice.root
    for ending in _ENDINGS:
        if (data / (choice.dataset + ending)).exists():
            return data / (choice.dataset + ending)
    raise NotFound("the dataset is not here", where=data / choice.dataset, hint="Say `root = \"…\"` in the recipe")


def _first_annotated(dataset: Dataset) -> Sample:
    for case in dataset.cases:
        sample = dataset.assembler.sample(case, dataset.rows.get(case.id))
        if any(isinstance(a, Mask) for a in sample.annotations.values()) and sample.images:
            return sample
    raise RecipeError("no case here has both an image and a mask")


def _mask(sample: Sample, choice: SourceChoice) -> tuple[str, Mask]:
    masks = {name: a for name, a in sample.annotations.items() if isinstance(a, Mask)}
    if choice.annotation is not None:
        if choice.annotation not in masks:
            raise RecipeError(f"there is no mask {choice.annotation!r}", hint=f"There are: {', '.join(masks)}")
        return choice.annotation, masks[choice.annotation]
    if len(masks) > 1:
        raise RecipeError("a case has several masks", hint=f"Say `annotation = …`, one of: {', '.join(masks)}")
    return next(iter(masks.items()))


def _lacking(source: Source) -> Iterator[str]:
    for label, structures in source.mapped.lacking.items():
        yield (
            f"{source.dataset.id}: does not annotate {', '.join(structures)} (label {label}); "
            'say not_annotated = "ignore" or "leave-out", or leave the label out'
        )


def _channel_names(sources: list[Source]) -> tuple[str, ...]:
    """Name a single channel after the modality (nnU-Net treats one called CT in its own way)."""
    if sources and all(len(s.channels) == 1 for s in sources):
        modalities = {_modality(s) for s in sources}
        return (modalities.pop() if len(modalities) == 1 else "image",)
    return sources[0].channels if sources else ()


def _modality(source: Source) -> str:
    value = source.dataset.record.facts.modality.value
    only = source.choice.where.get("modality")
    if isinstance(only, str):
        return only.upper()
    return value[0] if isinstance(value, tuple) and len(value) == 1 else "image"


def _cases(recipe: Recipe, sources: list[Source]) -> tuple[list[Chosen], list[Excluded], list[str]]:
    chosen: list[Chosen] = []
    excluded: list[Excluded] = []
    problems: list[str] = []
    for number, source in enumerate(sources):
        taken = asked = 0
        for case in source.dataset.cases:
            reason = _reason_against(recipe, source, case)
            asked += reason != ""
            if reason is None and source.choice.cases is not None and taken >= source.choice.cases:
                continue
            if reason is not None:
                if reason:
                    excluded.append(Excluded(source.dataset.id, case.id, reason))
                continue
            taken += 1
            chosen.append(_chosen(source, number, case))
        if not asked:
            problems.append(_nothing_asked_for(source))
    _refuse_collisions(chosen)
    return chosen, excluded, problems


def _nothing_asked_for(source: Source) -> str:
    choice = source.choice
    asked = [f"splits = {list(choice.splits)}"] if choice.splits else []
    asked += [f"where = {choice.where}"] if choice.where else []
    here = ", ".join(f"{split} {n}" for split, n in source.dataset.splits.items())
    return f"{source.dataset.id}: no case is meant by {' and '.join(asked) or 'it'}; cases by split: {here}"


def _reason_against(recipe: Recipe, source: Source, case: Case) -> str | None:
    """Return why a case is not taken, ``""`` when it was never asked for, None when it is taken."""
    choice = source.choice
    if choice.splits and case.split not in choice.splits:
        return ""
    for name, wanted in choice.where.items():
        if str(case.fields.get(name)) not in ((wanted,) if isinstance(wanted, str) else wanted):
            return ""
    sample = source.dataset.assembler.sample(case, source.dataset.rows.get(case.id))
    if source.annotation not in sample.annotations:
        return "" if _not_expected(source, case) else f"has no {source.annotation}"
    if recipe.not_annotated == "leave-out" and source.mapped.lacking:
        return f"does not annotate {', '.join(source.mapped.lacking)}"
    absent = [channel for channel in source.channels if channel not in sample.images]
    if absent:
        return f"lacks the image {', '.join(absent)}"
    if "errata" in recipe.exclude:
        return _erratum(source, case)
    return None


def _not_expected(source: Source, case: Case) -> bool:
    """True when the layout does not say that this case should have the annotation (a test split)."""
    from medshelf.layout.join import applies

    slot = source.annotation.partition("@")[0]
    layout = source.dataset.layout
    return slot in layout.files and (layout.files[slot].optional or not applies(layout, slot, case.fields))


def _erratum(source: Source, case: Case) -> str | None:
    names = [ref.name for refs in case.files.values() for ref in refs]
    for erratum in source.dataset.record.errata:
        if erratum.action == "exclude" and erratum.touches(case.id, names):
            return f"known defect {erratum.id}: {erratum.what}"
    return None


def _chosen(source: Source, number: int, case: Case) -> Chosen:
    dataset = source.dataset.id
    name = re.sub(r"[^A-Za-z0-9-]+", "-", case.id).strip("-")
    return Chosen(f"{dataset}_{name}", number, case.id, f"{dataset}/{case.patient or case.id}")


def _refuse_collisions(chosen: list[Chosen]) -> None:
    seen: dict[str, str] = {}
    for one in chosen:
        if one.id in seen:
            raise RecipeError(
                f"the cases {seen[one.id]} and {one.case} would both be called {one.id}",
                hint="Choose them by split, or from one copy of the dataset",
            )
        seen[one.id] = one.case


def _notes(sources: list[Source], chosen: list[Chosen]) -> Iterator[str]:
    used = {one.source for one in chosen}
    for number, source in enumerate(sources):
        if number in used and source.dataset.layout.patient is None:
            yield (
                f"{source.dataset.id}: nothing tells which cases share a patient, so each case counts as one "
                "patient in the folds"
            )
    ids = {s.dataset.id for s in sources}
    for source in sources:
        for relation in source.dataset.record.relations:
            if relation.to in ids and relation.to != source.dataset.id:
                mapping = f": {relation.mapping}" if relation.mapping else ""
                yield f"{source.dataset.id} is {relation.kind} {relation.to}{mapping}; equal images are found by voxel"

