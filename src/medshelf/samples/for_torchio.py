"""An opened dataset as a `torchio.SubjectsDataset`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from medshelf.errors import Unsupported, need
from medshelf.samples.items import Item, Selection, item

if TYPE_CHECKING:
    from medshelf.samples.dataset import Dataset

torchio: Any = need("torchio", "torchio")


class SubjectsOfDataset(torchio.SubjectsDataset):  # type: ignore[misc, name-defined]
    """Subjects that are made when they are asked for, so that nothing is read before.

    A subject holds ``image`` (a ScalarImage), ``label`` (a LabelMap) when there is a mask, ``case`` and the targets.
    """

    def __init__(self, dataset: Dataset, selection: Selection, transform: Callable[[Any], Any] | None) -> None:
        self.dataset = dataset
        self.selection = selection
        first = [self._subject(0)] if len(dataset) else []
        super().__init__(first, transform=transform)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Any:
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        subject = self._subject(number % len(self))
        return self._transform(subject) if self._transform is not None else subject

    def dry_iter(self) -> Any:
        """Iterate over the subjects; each is read when its turn comes."""
        return (self._subject(n) for n in range(len(self)))

    def _subject(self, number: int) -> Any:
        read = item(self.dataset[number], self.selection)
        if read.image is None:
            raise Unsupported("TorchIO takes images; this case has none", where=read.case)
        parts = {"image": torchio.ScalarImage(tensor=_four_axes(read.image, np.float32), affine=_affine(read))}
        if read.label is not None:
            parts["label"] = torchio.LabelMap(tensor=_four_axes(read.label, np.int32), affine=_affine(read))
        told = {name: value for name, value in read.targets.items() if value is not None}
        return torchio.Subject(case=read.case, **parts, **told)


def _four_axes(array: np.ndarray, dtype: Any) -> Any:
    """Return a tensor (C, I, J, K); a picture (C, Y, X) becomes (C, X, Y, 1), as TorchIO has it."""
    import torch

    if array.ndim == 3:
        array = np.swapaxes(array, 1, 2)[..., None]
    return torch.from_numpy(np.ascontiguousarray(array, dtype=dtype))


def _affine(read: Item) -> np.ndarray:
    return np.eye(4) if read.affine is None else np.asarray(read.affine, dtype=np.float64)


def subjects_dataset(
    dataset: Dataset,
    *,
    channels: tuple[str, ...] = (),
    annotation: str | None = None,
    labels: dict[str, int] | None = None,
    transform: Callable[[Any], Any] | None = None,
) -> Any:
    """Return a `torchio.SubjectsDataset`; the parameters are those of `TorchDataset`."""
    return SubjectsOfDataset(dataset, Selection(tuple(channels), annotation, labels), transform)
