"""NCI Imaging Data Commons: collections of DICOM, from its public buckets at Amazon.

A reference is a collection, a result of an analysis, a DOI, or the UID of a study or series, and what to choose of it:
``lctsc``, ``lidc_idri/dicom_lidc_idri_nodules``, ``nlst?PatientID=100002&Modality=CT``. An index that is here tells the
series; the bucket tells the files of each, and both have to agree, in number and bytes. Pictures lie as the programs
of the Commons lay them: collection, patient, study, series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from medshelf.access.hosts import Address, HostFile, Limits, Listing, Need
from medshelf.access.hosts._asking import asking
from medshelf.access.hosts._bucket import Object, Place, objects, place_of
from medshelf.access.hosts._idc_index import Chosen, Series, chosen
from medshelf.access.hosts._names import placed
from medshelf.access.hosts._shape import host_of, split
from medshelf.access.web import Web
from medshelf.errors import AccessError, NotWhole

NAME = "idc"
TERMS = ("idc",)
LIMITS = Limits(parallel=16)
_AT_A_TIME = 16
_MOST_SERIES = 50_000
_SITES = ("portal.imaging.datacommons.cancer.gov", "viewer.imaging.datacommons.cancer.gov")
_PATH = re.compile(r"/(?:viewer|v3/viewer|collections)/([\w.-]+)/?")
_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
_UID = re.compile(r"[\d.]+")
_REGION = "us-east-1"
"""Of all buckets of the Commons (registry.opendata.aws/nci-imaging-data-commons)."""


def ref_of(url: str) -> str | None:
    """Return what an address of the portal or of its viewers shows: a collection, a result, a study or a series.

    None for one that shows several, or chooses by something else.
    """
    parts = split(url)
    if parts is None or host_of(parts) not in _SITES:
        return None
    asked = parse_qs(parts.query)
    path = _PATH.fullmatch(parts.path)
    series = asked.get("SeriesInstanceUIDs") or asked.get("SeriesInstanceUID")
    study = asked.get("StudyInstanceUIDs") or asked.get("StudyInstanceUID")
    if series or study:
        found = series or study
    elif asked:
        found = (asked.get("collection_id") or []) + (asked.get("analysis_results_id") or [])
        found = found if len(asked) == len(found) else None
    else:
        found = [path[1]] if path else None
    name = "/".join(found or ())
    if not _NAME.fullmatch(name):
        return None
    return name if _UID.fullmatch(name) else name.lower().replace("-", "_")


def list_files(ref: str, web: Web) -> Listing:
    """Return the files of all series that the reference chooses.

    Raises
    ------
    NotFound
        No index that is here has any.
    NotWhole
        The bucket holds another number of files of a series, or of bytes, than the index says.
    AccessError, Offline
        As in `Web.ask`; AccessError also when the series are too many for one listing.
    MissingExtra
        The package ``duckdb`` is absent.
    """
    with asking(f"idc:{ref}"):
        return listing(chosen(ref), web)


def listing(found: Chosen, web: Web) -> Listing:
    """Return the files of what an index has chosen; errors as in `list_files`."""
    licences = sorted({one.licence for one in found.series})
    files = tuple(files_of(found.series, web))
    version = f"v{found.version}" if found.version else None
    return Listing(f"idc:{found.pinned}", files, version, "; ".join(licences))


def files_of(series: Sequence[Series], web: Web) -> Iterator[HostFile]:
    """Yield the files of series; errors as in `list_files`."""
    if len(series) > _MOST_SERIES:
        hint = "Choose by PatientID, StudyInstanceUID or Modality: nlst?PatientID=100002"
        raise AccessError("these are too many series for one listing", why=f"{len(series)} series", hint=hint)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        listed = list(threads.map(lambda one: _whole(one, web), series))
    pairs = [(one, file) for one, files in zip(series, listed, strict=True) for file in files]
    for name, (one, file) in zip(placed(_name(one, file) for one, file in pairs), pairs, strict=True):
        about = {"series": one.uid, "modality": one.modality, "licence": one.licence}
        yield HostFile(name, f"{one.bucket}/{file.key}", file.size_bytes, file.checksums, about)


def _whole(series: Series, web: Web) -> list[Object]:
    """Return the files of a series, when they are as many and as large as the index says."""
    found = list(objects(Place(series.bucket, _REGION), f"{series.uuid}/", web))
    size_bytes = sum(one.size_bytes or 0 for one in found)
    if (len(found), size_bytes) != (series.instances, series.size_bytes):
        why = (
            f"series {series.uid}: {len(found)} files of {size_bytes} bytes in s3://{series.bucket}/{series.uuid}, the "
            f"index has {series.instances} of {series.size_bytes}"
        )
        raise NotWhole("the bucket does not hold what the index says", why=why)
    return found


def _name(series: Series, file: Object) -> str:
    """Return where a file goes, as in DOWNLOAD_HIERARCHY_DEFAULT of idc-index."""
    parts = (series.collection_id, series.patient_id, series.study_uid, f"{series.modality}_{series.uid}")
    return "/".join((*(part.replace("/", "_") for part in parts), file.key.rpartition("/")[2]))


def address(file: HostFile, ref: str, web: Web) -> Address:
    """Return where the file is served; the index is not needed."""
    with asking(f"idc:{ref}"):
        place, key = place_of(file.locator)
        return Address(Place(place.bucket, _REGION).url(key))


def needs(ref: str, web: Web) -> Need | None:
    """Return None: all that the Commons has in these buckets is open."""
    return None
