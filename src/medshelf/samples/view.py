"""Draw a case: three planes of a volume, a picture, or questions, with what is annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medshelf.errors import LayoutError, NotFound
from medshelf.model.volume import Volume
from medshelf.samples.annotation import Annotation, Mask
from medshelf.samples.image import Image
from medshelf.samples.sample import Sample

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LIMIT_PIXELS = 1 << 28
"""Largest picture that is read to be drawn; whole slides are larger."""


def draw(
    sample: Sample,
    *,
    channel: str | None = None,
    annotation: str | None = None,
    slice: tuple[int, int, int] | None = None,
    window: tuple[float, float] | None = None,
) -> Picture:
    """Draw a case.

    Volumes are drawn as three planes in radiological convention: the patient's right is on the left of the
    picture, front and head are up. Masks are placed by their own affine, so that a mask beside its image is
    drawn beside it.

    Parameters
    ----------
    sample : Sample
        The case.
    channel : str, optional
        Which image; by default the first.
    annotation : str, optional
        Which annotation; by default the first mask, boxes or contours. ``""`` for none.
    slice : tuple of int, optional
        Voxel (i, j, k) of the stored array through which the planes go; by default where most is marked.
    window : tuple of float, optional
        Level and width of the grey values; by default 40/400 for CT, -600/1500 where lung is marked, else from
        the 1st to the 99th percentile.

    Returns
    -------
    PIL.Image.Image
        RGB.

    Raises
    ------
    NotFound
        There is no such channel or annotation, or nothing in the case can be drawn.
    FormatError
        A file can't be read.
    """
    chosen = _annotation(sample, annotation)
    questions = _questions(sample)
    if not sample.images:
        if not questions:
            raise NotFound("there is nothing to draw in this case", where=f"{sample.dataset} {sample.case}")
        from medshelf.samples.view_text import draw_text

        return draw_text(sample, questions)
    image = sample.images[channel if channel is not None else sample.channels[0]]
    _refuse_huge(image)
    volume = Volume(image.frame(0), "yxc") if image.film else image.volume
    if volume.axes.startswith("ijk"):
        from medshelf.samples.view_volume import draw_volume

        return draw_volume(sample, image.name, volume, chosen if isinstance(chosen, Mask) else None, slice, window)
    from medshelf.samples.view_flat import draw_flat

    return draw_flat(sample, image.name, volume, chosen, questions, window)


def _annotation(sample: Sample, name: str | None) -> Mask | Annotation | None:
    if name == "":
        return None
    if name is not None:
        return sample.annotations[name]
    for there in sample.annotations.values():
        if isinstance(there, Mask) or there.kind in ("boxes", "contours"):
            return there
    return None


def _questions(sample: Sample) -> list[dict[str, object]]:
    """Return the rows of the case that hold a question."""
    return [dict(row) for rows in sample.tables.values() for row in rows if row.get("question")]


def _refuse_huge(image: Image) -> None:
    if image.reader == "slices" or image.ops or image.source is not None:
        return
    header = image.header()
    pixels = 1
    for n in header.shape[:2]:
        pixels *= int(n)
    if header.axes.startswith("y") and pixels > LIMIT_PIXELS:
        raise LayoutError(
            "this picture is too large to be drawn as a whole", where=image.path,
            why=f"{header.shape[1]} × {header.shape[0]} pixels", hint="Read a region of it instead",
        )  # fmt: skip
