"""The keys of the files that people write: records, layouts, recipes."""

from __future__ import annotations

from generate.attributes import key_table
from generate.markdown import parse_doc, table
from medshelf.catalogue.place import catalogue_root
from medshelf.cohort import recipe as recipes
from medshelf.model import dataset
from medshelf.model import layout as layouts

LAYOUT = (
    layouts.Layout, layouts.FieldRule, layouts.MapFrom, layouts.Slot, layouts.InstanceClasses, layouts.TableSlot,
    layouts.Target, layouts.Split,
    layouts.Rows, layouts.Expect, layouts.Example,
)  # fmt: skip
RECORD = (
    dataset.Record, dataset.Facts, dataset.Fact, dataset.Claim, dataset.Source, dataset.Licence,
    dataset.Citation, dataset.Relation, dataset.LabelSet, dataset.RawLabel, dataset.Disagreement, dataset.Access,
    dataset.RemoteFile, dataset.Erratum,
)  # fmt: skip
RECIPE = (recipes.Recipe, recipes.SourceChoice)

_FAMILY_SHAPES = {
    "PAIR2D": "pictures and masks, paired by folder or ending",
    "CSVIMG": "pictures and a table",
    "CLASSDIR": "one folder a class",
    "CASEMM": "one folder a case, one file a modality, one mask",
    "PAIR3D": "volumes and masks, paired by folder or ending",
    "IMGTEXT": "pictures with captions, reports or questions",
    "NNU": "nnU-Net raw data: imagesTr, labelsTr, channels as _0000",
    "TEXTQA": "questions and answers, no pictures",
    "MSD": "Medical Segmentation Decathlon: imagesTr, labelsTr, dataset.json",
    "SIGNAL": "electric signals and other recordings",
    "DCMSEG": "DICOM with segmentations or structure sets",
    "DET": "pictures with boxes",
    "VIDEO": "videos, or folders of frames",
    "PAIRI2I": "pairs of pictures: stains, stereo, registration",
    "CASESTRUCT": "one folder a case, one mask file a structure",
    "CONT": "arrays whose rows are cases",
    "DCMMASK": "DICOM with masks in another format",
    "BIDS": "BIDS entities, masks under derivatives",
    "WSI": "whole slides",
    "GENE": "slides with gene expression",
    "MESH": "surfaces",
    "DCMONLY": "DICOM alone",
}


def layout() -> str:
    """Every key of ``layout.toml``."""
    return _sections(LAYOUT)


def record() -> str:
    """Every key of the files of a record."""
    return _sections(RECORD)


def recipe() -> str:
    """Every key of a recipe."""
    return _sections(RECIPE)


def _sections(classes: tuple[type, ...]) -> str:
    parts = []
    for cls in classes:
        doc = parse_doc(cls.__doc__)
        title = "Top of the file" if cls in (dataset.Record, recipes.Recipe) else cls.__name__
        parts.append(f"### {title}\n\n{doc.summary}\n\n{doc.body}\n{key_table(cls)}")
    return "\n".join(parts)


def families() -> str:
    """The families of layouts, each with its shape."""
    return table(("Family", "Shape"), [(f"`{name}`", _FAMILY_SHAPES[name]) for name in layouts.FAMILIES])


def record_example() -> str:
    """A fact on which sources disagree, as it stands in a record."""
    place = catalogue_root() / "datasets" / "msd-hippocampus" / "dataset.toml"
    text = place.read_text(encoding="utf-8")
    start = text.index("[facts.cases]")
    return f"```toml\n{text[start : text.index('[[licences]]', start)].strip()}\n```"
