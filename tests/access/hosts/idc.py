"""The Imaging Data Commons: an index of our making, and its bucket, with one series for each file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from medshelf.access.web import Web
from tests.access.hosts import s3
from tests.access.hosts.fake import FILES, Ask, FakeHost, Reply

COLUMNS = (
    "collection_id", "analysis_result_id", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "instanceCount",
    "license_short_name", "aws_bucket", "crdc_series_uuid", "series_size_MB", "source_DOI",
)  # fmt: skip


def write_index(place: Path, rows: list[tuple[Any, ...]], facts: str = "idc_version: '25'") -> None:
    """Write an index as the Commons has it."""
    import duckdb

    kinds = [
        "BIGINT" if name == "instanceCount" else "DOUBLE" if name.endswith("MB") else "VARCHAR" for name in COLUMNS
    ]
    with duckdb.connect() as made:
        made.execute(f"CREATE TABLE t ({', '.join(map(' '.join, zip(COLUMNS, kinds, strict=True)))})")
        if rows:
            made.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        made.execute(f"COPY t TO '{place}' (FORMAT parquet, KV_METADATA {{{facts}}})")


class Host(FakeHost):
    NAME = "idc"
    REF = "lctsc"
    CHECKSUM = "md5"
    IN_XML = True
    LOCATOR = "idc-open-data/530a443b-2233-499f-8ba2-b9ad43658974/a.dcm"
    ADDRESSES = {
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=lidc_idri": "lidc_idri",
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=LIDC-IDRI": "lidc_idri",
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?analysis_results_id=TotalSegmentator-CT-Segmentations": "totalsegmentator_ct_segmentations",
        "https://portal.imaging.datacommons.cancer.gov/collections/nlst/": "nlst",
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=nlst&analysis_results_id=NLSTSeg": "nlst/nlstseg",
        "https://viewer.imaging.datacommons.cancer.gov/viewer/1.3.6.1.4.1.14519.5.2.1.7014.4598.1": "1.3.6.1.4.1.14519.5.2.1.7014.4598.1",
        "https://viewer.imaging.datacommons.cancer.gov/v3/viewer/?StudyInstanceUIDs=1.3.6.1.4.1.14519": "1.3.6.1.4.1.14519",
        "https://viewer.imaging.datacommons.cancer.gov/v3/viewer/?StudyInstanceUIDs=1.3.6.1&SeriesInstanceUIDs=1.3.6.2": "1.3.6.2",
        "https://viewer.imaging.datacommons.cancer.gov/v3/viewer?StudyInstanceUIDs=1.3.6.1.5": "1.3.6.1.5",
        "http://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=lctsc": "lctsc",
        "https://viewer.imaging.datacommons.cancer.gov/slim/studies/1.2.3.4.5?SeriesInstanceUID=1.2.3.4.6": "1.2.3.4.6",
    }
    NOT_MINE = (
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=lctsc&collection_id=nlst",
        "https://portal.imaging.datacommons.cancer.gov/explore/filters/?collection_id=lctsc&BodyPartExamined=CHEST",
        "https://viewer.imaging.datacommons.cancer.gov/v3/viewer/?StudyInstanceUIDs=1.2.3,1.2.4",
        "https://portal.imaging.datacommons.cancer.gov/", "https://portal.imaging.datacommons.cancer.gov/explore/",
        "https://learn.canceridc.dev/", "https://datacommons.cancer.gov/collections/x",
    )  # fmt: skip

    def __init__(self, files: Mapping[str, bytes] = FILES, *, raw: bool = False) -> None:
        self.keys: dict[str, bytes] = {}
        self.rows: list[tuple[Any, ...]] = []
        named: dict[str, bytes] = {}
        for number, (name, data) in enumerate(files.items()):
            patient = name if raw else name.replace("/", "_")
            uuid, study, series = str(uuid5(NAMESPACE_OID, str(number))), f"1.2.3.4.{number}", f"1.2.3.5.{number}"
            row = (
                "lctsc", None, patient, study, series, "CT", 1, "CC BY 3.0", "idc-open-data-two", uuid, len(data) / 1e6,
                "10.7937/k9/tcia.2017.3r3fvz08",
            )  # fmt: skip
            self.rows.append(row)
            self.keys[f"{uuid}/{uuid}.dcm"] = data
            named[f"lctsc/{patient}/{study}/CT_{series}/{uuid}.dcm"] = data
        super().__init__(named, raw=raw)

    @contextmanager
    def serve(self, **options: Any) -> Iterator[Web]:
        before = os.environ.get("MEDSHELF_IDC_INDEX")
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "index.parquet")
            write_index(place, self.rows)
            os.environ["MEDSHELF_IDC_INDEX"] = str(place)
            try:
                with super().serve(**options) as web:
                    yield web
            finally:
                os.environ.pop("MEDSHELF_IDC_INDEX")
                if before:
                    os.environ["MEDSHELF_IDC_INDEX"] = before

    def reply(self, ask: Ask) -> Reply | None:
        if ask.origin != "https://idc-open-data-two.s3.us-east-1.amazonaws.com":
            return None
        return s3.listed("x", self.keys, ask) if "list-type" in ask.query else s3.served(self.keys, ask.path[1:], ask)
