"""A sample: one case with everything that belongs to it, each part read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from medshelf.errors import NotFound
from medshelf.model.case import Case, FieldValue
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.image import Image

V = TypeVar("V")


class Lazy(Mapping[str, V], Generic[V]):
    """A mapping whose values are made when they are first asked for."""

    def __init__(
        self, what: str, makers: Mapping[str, Callable[[], V]], hints: Mapping[str, str] | None = None
    ) -> None:
        self._what = what
        self._makers = dict(makers)
        self._hints = dict(hints or {})
        self._made: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        if name not in self._made:
            if name not in self._makers:
                there = ", ".join(map(repr, self._makers)) or "none"
                raise NotFound(
                    f"there is no {self._what} {name!r}", hint=self._hints.get(name) or f"There are: {there}"
                )
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __repr__(self) -> str:
        return "{" + ", ".join(self._makers) + "}"


@dataclass(frozen=True)
class Sample:
    """One case of an opened dataset."""

    dataset: str
    """Id of the dataset."""
    case: str
    """Id of the case."""
    patient: str | None
    """Id of the patient, or None when nothing tells."""
    split: str | None
    """Official split: train, val, test, or None."""
    fields: Mapping[str, FieldValue]
    """What the file names say."""
    images: Mapping[str, Image]
    """By channel."""
    annotations: Mapping[str, Mask | Annotation]
    """By name; several annotators of one thing stand as ``name@annotator``."""
    targets: Mapping[str, Any]
    """What to predict for the whole case."""
    tables: Mapping[str, list[Mapping[str, Any]]] = field(repr=False)
    """Rows of each table that belong to this case."""
    records: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Small files of facts that belong to this case."""
    files: Case = field(repr=False)
    """The names behind it."""

    @property
    def image(self) -> Image:
        """The image, when there is exactly one; a film counts where there is nothing else."""
        return _only("image", {name: self.images[name] for name in self.channels})

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the images that are no films, or of the films where there is nothing else."""
        stills = tuple(name for name, image in self.images.items() if not image.film)
        return stills or tuple(self.images)

    @property
    def mask(self) -> Mask:
        """The mask, when there is exactly one."""
        masks = {n: a for n, a in self.annotations.items() if isinstance(a, Mask)}
        return _only("mask", masks)


def _only(what: str, there: Mapping[str, V]) -> V:
    if len(there) != 1:
        names = ", ".join(map(repr, there)) or "none"
        raise NotFound(f"this case has {len(there)} {what}s", hint=f"Choose by name: {names}")
    return next(iter(there.values()))
