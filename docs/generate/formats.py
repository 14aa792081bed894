"""The page on file formats, from the modules that read them."""

from __future__ import annotations

import inspect
from importlib import import_module

from generate.markdown import code, prose, table
from medshelf.formats import IMAGE_FORMATS
from medshelf.formats.dicom.faults import REASONS

SOURCE = "the modules in src/medshelf/formats"

OTHERS = (
    "dicom_seg", "rtstruct", "dicom_slide", "dicom_ann", "dicom_sr", "table", "boxes", "coco", "coco_mask", "yolo",
    "named_boxes", "rle", "points", "slicer_markups", "contours", "geojson", "supervisely", "xy_lines", "lidc", "mesh",
    "keyval", "text",
)  # fmt: skip
"""Modules that read what is no image, or an image in parts."""

BEHIND = (
    "axes", "deflate", "dicom_tiles", "inflate", "lidc_writing", "markup", "pair", "payload", "pixel_limit", "polygon",
    "scaling", "slide_scale", "slide_writing",
)  # fmt: skip
"""Modules that readers share, and no user meets."""


def page() -> str:
    """Every format: its endings, whether it is written too, what is kept and what is refused."""
    return "\n".join([
        "# File formats",
        "",
        "Readers take bytes and give an array with its geometry. They never hear of a dataset. A file is known by",
        "its ending and, where that is silent, by its first bytes. Bytes that are not what they should be give a",
        "`FormatError` that names the file. The size that a header declares is checked against the file before",
        "memory is taken for it. Pickled objects are refused.",
        "",
        "## Images",
        "",
        table(("Format", "Endings", "Written too"), [_row(n) for n in (*IMAGE_FORMATS, "dicom")]),
        *(_module(name, 3) for name in IMAGE_FORMATS),
        _module("dicom", 3),
        "A stack that would be wrong is refused with `NotAVolume`. Its `reason` is one of these:",
        "",
        table(("Reason", "Meaning"), [(code(name), said) for name, said in REASONS.items()]),
        "## Annotations, tables and text",
        "",
        *(_module(name, 3) for name in OTHERS),
    ])  # fmt: skip


def _row(name: str) -> tuple[str, str, str]:
    module = import_module(f"medshelf.formats.{name}")
    endings = " ".join(code(s) for s in sorted(module.SUFFIXES))
    return f"[{name}](#{name})", endings, "yes" if hasattr(module, "write") else ""


def _module(name: str, level: int) -> str:
    module = import_module(f"medshelf.formats.{name}")
    text = prose(_cut(module.__doc__ or ""))
    return f"{'#' * level} {name}\n\n{text}"


def _cut(text: str) -> str:
    """Leave out what a docstring says of the modules behind it."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(p for p in paragraphs if not p.startswith("The modules behind"))
