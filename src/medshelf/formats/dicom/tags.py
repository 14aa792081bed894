"""The DICOM attributes that the header walker keeps, and the names of kinds of object.

Numbers are ``group << 16 | element`` of PS3.6.
"""

from __future__ import annotations

TRANSFER_SYNTAX = 0x00020010
MEDIA_SOP_CLASS = 0x00020002
MEDIA_SOP_INSTANCE = 0x00020003
CHARACTER_SET = 0x00080005
IMAGE_TYPE = 0x00080008
SOP_CLASS = 0x00080016
SOP_INSTANCE = 0x00080018
ACQUISITION_TIME = 0x00080032
CONTENT_TIME = 0x00080033
MODALITY = 0x00080060
MANUFACTURER = 0x00080070
SERIES_DESCRIPTION = 0x0008103E
PATIENT_ID = 0x00100020
BODY_PART = 0x00180015
SLICE_THICKNESS = 0x00180050
ECHO_TIME = 0x00180081
SPACING_BETWEEN_SLICES = 0x00180088
TRIGGER_TIME = 0x00181060
FRAME_TIME = 0x00181063
GANTRY_TILT = 0x00181120
IMAGER_PIXEL_SPACING = 0x00181164
NOMINAL_PIXEL_SPACING = 0x00182010
MOSAIC_COUNT = 0x0019100A
CSA_CREATORS = (0x00290010, 0x00290011, 0x00290012)
CSA_HEADERS = (0x00291010, 0x00291110, 0x00291210)
"""Owners of three private blocks, and element 10 of each: Siemens keeps the CSA image header in one of them."""
STUDY_UID = 0x0020000D
SERIES_UID = 0x0020000E
SERIES_NUMBER = 0x00200011
ACQUISITION_NUMBER = 0x00200012
INSTANCE_NUMBER = 0x00200013
POSITION = 0x00200032
ORIENTATION = 0x00200037
FRAME_OF_REFERENCE = 0x00200052
TEMPORAL_POSITION = 0x00200100
SAMPLES = 0x00280002
PHOTOMETRIC = 0x00280004
PLANAR_CONFIGURATION = 0x00280006
FRAMES = 0x00280008
FRAME_INCREMENT = 0x00280009
ROWS = 0x00280010
COLUMNS = 0x00280011
PIXEL_SPACING = 0x00280030
BITS_ALLOCATED = 0x00280100
BITS_STORED = 0x00280101
HIGH_BIT = 0x00280102
SIGNED = 0x00280103
PALETTE_RED = 0x00281101
INTERCEPT = 0x00281052
SLOPE = 0x00281053
MODALITY_LUT = 0x00283000
SLICE_VECTOR = 0x00540080
DOSE_UNITS = 0x30040002
GRID_OFFSETS = 0x3004000C
DOSE_SCALING = 0x3004000E
STACK_ID = 0x00209056
B_VALUE = 0x00189087

_SINGLE = [value for name, value in list(globals().items()) if name.isupper() and isinstance(value, int)]

REGIONS = 0x00186011
DIMENSIONS = 0x00209222
DETECTORS = 0x00540022
SHARED_GROUPS = 0x52009229
FRAME_GROUPS = 0x52009230
SEQUENCES = frozenset((REGIONS, DIMENSIONS, DETECTORS, SHARED_GROUPS, FRAME_GROUPS))
"""Sequences of which a walk notes the place; `dicom_items` reads them."""

WANTED = frozenset(_SINGLE) | {*CSA_CREATORS, *CSA_HEADERS} | SEQUENCES
"""Everything above: what a walk over a header brings home."""

FRAME_RANK = 0x00209157
"""DimensionIndexValues; in the header of one frame, the rank of the indices that are not of space."""
UNASSIGNED = 0x00209171
VOLUME_POSITION = 0x0020930E
GRADIENT = 0x00189076
"""DiffusionGradientDirectionSequence; in the header of one frame, the number of its weighting and direction."""
GROUPS = frozenset(
    (
        UNASSIGNED,
        VOLUME_POSITION,
        GRADIENT,
        0x00209111,  # Frame Content
        0x00209113,  # Plane Position
        0x00209116,  # Plane Orientation
        0x00289110,  # Pixel Measures
        0x00289145,  # Pixel Value Transformation
        0x00189114,  # MR Echo
        0x00189117,  # MR Diffusion
        0x00189118,  # Cardiac Synchronization
        0x00189226,  # MR Image Frame Type
        0x00189329,  # CT Image Frame Type
        0x00189751,  # PET Frame Type
    )
)
"""Functional groups (PS3.3 C.7.6.16.2 and of each kind of image) that are looked into."""
FRAME_TYPE = 0x00089007
COMPLEX_COMPONENT = 0x00089208
FRAME_ACQUISITION = 0x00189074
EFFECTIVE_ECHO = 0x00189082
FRAME_REFERENCE = 0x00189151
TEMPORAL_INDEX = 0x00209128
TRIGGER_DELAY = 0x00209153
DIMENSION_POINTER = 0x00209165
GRADIENT_DIRECTION = 0x00189089
REGION_FORMAT, REGION_UNITS_X, REGION_UNITS_Y = 0x00186012, 0x00186024, 0x00186026
REGION_DELTA_X, REGION_DELTA_Y = 0x0018602C, 0x0018602E
IN_ITEMS = frozenset(_SINGLE) | {
    FRAME_RANK, FRAME_TYPE, COMPLEX_COMPONENT, FRAME_ACQUISITION, EFFECTIVE_ECHO, FRAME_REFERENCE, TEMPORAL_INDEX,
    TRIGGER_DELAY, DIMENSION_POINTER, GRADIENT_DIRECTION, REGION_FORMAT, REGION_UNITS_X, REGION_UNITS_Y, REGION_DELTA_X,
    REGION_DELTA_Y,
}  # fmt: skip
"""What is kept of the items of a sequence."""

PIXEL_DATA = 0x7FE00010
FLOAT_PIXELS = 0x7FE00008
DOUBLE_PIXELS = 0x7FE00009

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_KINDS = {
    "2.1": "enhanced",
    "2.2": "enhanced",
    "4.1": "enhanced",
    "4.3": "enhanced",
    "4.4": "enhanced",
    "128.1": "enhanced",
    "130": "enhanced",
    "6.2": "enhanced",
    "12.1.1": "enhanced",
    "12.2.1": "enhanced",
    "13.1.1": "enhanced",
    "13.1.2": "enhanced",
    "13.1.3": "enhanced",
    "77.1.5.4": "enhanced",
    "30": "parametric map",
    "66": "raw data",
    "66.1": "registration",
    "66.3": "registration",
    "66.2": "fiducials",
    "66.4": "segmentation",
    "66.7": "segmentation",
    "66.5": "surface segmentation",
    "66.6": "tractography",
    "67": "real world value mapping",
    "77.1.6": "slide",
    "77.1.9": "slide",
    "481.2": "rtdose",
    "481.3": "rtstruct",
    "481.5": "rtplan",
    "481.8": "rtplan",
    "4.2": "spectroscopy",
}
_FAMILIES = {
    "9.": "waveform",
    "11.": "presentation state",
    "88.": "report",
    "91.": "annotations",
    "104.": "document",
    "481.": "radiotherapy object",
}
DIRECTORY = "1.2.840.10008.1.3.10"
"""Media Storage Directory: a DICOMDIR, an index of files and no image."""

MANY_IN_ONE = ("enhanced", "mosaic", "multi-frame", "rtdose")
"""Kinds of file that hold many images."""
IMAGE_KINDS = ("slices", "time series", "single", "images", "enhanced", "mosaic", "multi-frame")
"""Kinds that `medshelf.formats.dicom.read_series` reads, and ``"rtdose"`` where there is none of these; the rest
has readers of its own or none."""


def kind_of_class(sop_class: str) -> str | None:
    """Return what an object of this SOP class is, or None where it is a plain image or not known.

    Source of the UIDs: PS3.4 table B.5-1 and PS3.6 annex A.
    """
    if sop_class == DIRECTORY:
        return "directory"
    if not sop_class.startswith(_STORAGE):
        return None
    tail = sop_class[len(_STORAGE) :]
    if tail in _KINDS:
        return _KINDS[tail]
    if tail == "481.1":
        return None
    return next((kind for start, kind in _FAMILIES.items() if tail.startswith(start)), None)
