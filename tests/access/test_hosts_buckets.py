"""Buckets as a program of another maker serves them (moto, a server of Amazon S3), and what is above them."""

from __future__ import annotations

import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medshelf.access.download import Source, Wanted, fetch_all
from medshelf.access.hosts import HostFile, Inside, Limits, gcs, host_named, idc, isic, manual, openneuro, s3, tcia
from medshelf.access.hosts import _idc_index as idc_index
from medshelf.access.hosts import _tcia_pages as tcia_pages
from medshelf.access.web import Web
from medshelf.access.web.client import Patience
from medshelf.errors import AccessError, AccessNeeded, MissingExtra, NotFound, NotWhole
from tests.access.hosts import gcs as fake_gcs
from tests.access.hosts import idc as fake_idc
from tests.access.hosts import isic as fake_isic
from tests.access.hosts import openneuro as fake_openneuro
from tests.access.hosts import s3 as fake_s3
from tests.access.hosts import tcia as fake_tcia
from tests.access.hosts.fake import FILES, Ask, Reply, in_json

PART = 5 << 20
"""The least that Amazon takes as a part but the last (UploadPart)."""


class Moto:
    """A server of Amazon S3 on the loopback device."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.base = f"http://{host}:{port}"

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.base, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )

    def put(self, bucket: str, keys: dict[str, bytes], acl: str = "public-read") -> None:
        client = self.client()
        client.create_bucket(Bucket=bucket)
        for key, data in keys.items():
            client.put_object(Bucket=bucket, Key=key, Body=data, ACL=acl)

    def web(self, *buckets: str) -> Web:
        """A client for which the addresses of some buckets, by name and by path, lead here."""
        rewrites = {"https://s3.us-east-1.amazonaws.com": self.base}
        for bucket in buckets:
            for server in ("s3.us-east-1.amazonaws.com", "s3.amazonaws.com"):
                rewrites[f"https://{bucket}.{server}"] = f"{self.base}/{bucket}"
        patience = Patience(connect_s=5, stall_s=5, tries=2)
        return Web(rewrites=rewrites, patience=patience, sleep=lambda s: None, offline=False)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    found = Moto()
    yield found
    found.server.stop()


def read(module: ModuleType, file: HostFile, ref: str, web: Web, start: int = 0) -> bytes:
    at = module.address(file, ref, web)
    with web.open(at.url, headers=at.headers, start=start) as answer:
        assert answer.status == (206 if start else 200)
        return answer.read()


# --- s3 ----------------------------------------------------------------------------------------


def test_s3_lists_and_serves_what_another_program_put_there(moto: Moto) -> None:
    odd = {
        "a+b c.txt": b"1",
        "a&b<c>.txt": b"2",
        "100%/x=y?z#.txt": b"3",
        "ünïcode/影像.txt": b"4",
        "tilde~'(!)*.txt": b"5",
    }
    keys = {**{f"top/{name}": data for name, data in {**FILES, **odd}.items()}, "top/": b"", "topper/x": b"no"}
    moto.put("all-open", keys)
    web = moto.web("all-open")
    found = s3.list_files("all-open/top/", web)
    assert found == s3.list_files("all-open/top", web) or found.ref != "s3:all-open/top"
    data = {file.locator: read(s3, file, "all-open/top/", web) for file in found.files}
    assert data == {key: data for key, data in keys.items() if key.startswith("top/") and key != "top/"}
    for file in found.files:
        assert (file.size_bytes, file.checksums["md5"]) == (
            len(data[file.locator]),
            hashlib.md5(data[file.locator]).hexdigest(),
        )
    assert {file.name for file in found.files} >= {*FILES, "a+b c.txt", "a&b_c_.txt"}


def test_s3_listings_of_another_program_come_in_pages(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    moto.put("many", {f"d/{n} +{n}.bin": b"%d" % n for n in range(25)})
    monkeypatch.setattr("medshelf.access.hosts._bucket.PAGE", 4)
    assert len({file.name for file in s3.list_files("many/d/", moto.web("many")).files}) == 25


def test_s3_parts_have_no_md5_and_are_fetched_by_range(moto: Moto) -> None:
    client = moto.client()
    moto.put("in-parts", {})
    data = bytes(range(256)) * (PART // 256) + b"end"
    number = client.create_multipart_upload(Bucket="in-parts", Key="a.bin", ACL="public-read")["UploadId"]
    parts = [
        {
            "PartNumber": n,
            "ETag": client.upload_part(Bucket="in-parts", Key="a.bin", UploadId=number, PartNumber=n, Body=body)[
                "ETag"
            ],
        }
        for n, body in enumerate((data[:PART], data[PART:]), 1)
    ]
    client.complete_multipart_upload(Bucket="in-parts", Key="a.bin", UploadId=number, MultipartUpload={"Parts": parts})
    web = moto.web("in-parts")
    for ref in ("in-parts/", "in-parts/a.bin"):
        (file,) = s3.list_files(ref, web).files
        assert (file.name, file.size_bytes, dict(file.checksums)) == ("a.bin", len(data), {})
        assert read(s3, file, ref, web, PART) == b"end"


def test_s3_what_is_not_open_says_so(moto: Moto) -> None:
    moto.put("closed", {"a.bin": b"secret"}, acl="private")
    web = moto.web("closed")
    need = s3.needs("closed/a.bin", web)
    assert need is not None and need.kind == "account" and "s3://closed/a.bin" in need.steps[1]
    with pytest.raises(AccessError, match="HTTP 403"):
        s3.list_files("closed/a.bin", web)
    (file,) = s3.list_files("closed/", web).files  # the server shows what it does not serve
    at = s3.address(file, "closed/", web)
    with pytest.raises(AccessError), web.ask(at.url):
        pass
    with pytest.raises(NotFound, match="no key"):
        s3.list_files("closed/b.bin/", web)
    with pytest.raises(NotFound, match="no such thing"):
        s3.list_files("no-such-bucket/", moto.web("no-such-bucket"))


def test_s3_buckets_that_do_not_list_serve_single_files() -> None:
    fake = fake_s3.Host()
    fake.fault = lambda ask, reply: fake_s3.error("AccessDenied", 403) if "list-type" in ask.query else reply
    with fake.serve() as web:
        (file,) = s3.list_files("some-data/folder 1/readme.txt", web).files
        assert (file.name, file.size_bytes) == ("readme.txt", len(FILES["readme.txt"]))
        assert s3.needs("some-data/folder 1/readme.txt", web) is None
        need = s3.needs("some-data/folder 1/", web)
        assert need is not None and need.kind == "account"
        need = s3.needs("closed-data/x", web)
        assert need is not None and "s3://closed-data/x" in need.steps[1]
        with pytest.raises(AccessError, match="refuses"):
            s3.list_files("closed-data/", web)


def test_s3_the_region_is_told_by_the_bucket_and_asked_once() -> None:
    fake = fake_s3.Host()
    with fake.serve() as web:
        found = s3.list_files("some-data/folder 1", web)
        assert found.ref == "s3:some-data@eu-central-1/folder 1"
        for file in found.files:
            read(s3, file, "some-data/folder 1", web)
    assert sum(ask.origin == "https://some-data.s3.amazonaws.com" for ask in fake.asked) == 1


def test_s3_listings_that_break_off_are_errors() -> None:
    fake, token = fake_s3.Host(), b"NextContinuationToken"
    fake.fault = lambda ask, reply: Reply(reply.status, reply.body.replace(token, b"Other"), reply.headers)
    with fake.serve() as web, pytest.raises(AccessError, match="breaks off"):
        s3.list_files(fake.REF, web)
    fake.fault = lambda ask, reply: Reply(reply.status, reply.body.replace(b"<Size>", b"<Size>-"), reply.headers)
    with fake.serve() as web, pytest.raises(AccessError, match="name or size"):
        s3.list_files(fake.REF, web)


@pytest.mark.parametrize(
    ("ref", "root"),
    [
        ("a-b/x", "https://a-b.s3.amazonaws.com"),
        ("a-b@us-west-2/x", "https://a-b.s3.us-west-2.amazonaws.com"),
        ("openneuro.org/x", "https://s3.amazonaws.com/openneuro.org"),
        ("a.b@eu-west-1/x", "https://s3.eu-west-1.amazonaws.com/a.b"),
        ("a_B1/x", "https://s3.amazonaws.com/a_B1"),
        ("a-b@s3.example.org:9000/x", "https://s3.example.org:9000/a-b"),
    ],
)
def test_s3_names_that_can_be_those_of_servers_are(ref: str, root: str) -> None:
    from medshelf.access.hosts._bucket import place_of

    assert place_of(ref)[0].root == root


def test_s3_what_the_downloader_brings_is_what_was_put_there(
    moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a large file, in several ranges at a time, as of a host that limits each stream."""
    keys = {f"d/{name}": data for name, data in FILES.items() if data} | {"d/big.bin": bytes(range(251)) * 200_000}
    moto.put("to-fetch", keys)
    monkeypatch.setattr(s3, "LIMITS", Limits(parallel=4, split_from_bytes=8 << 20))
    web = moto.web("to-fetch")
    found = s3.list_files("to-fetch/d/", web)
    wanted = [Wanted(Source(s3, file, "to-fetch/d/")) for file in found.files]
    report = fetch_all(wanted, tmp_path / "out", web)
    assert not report.failures
    for key, data in keys.items():
        assert (tmp_path / "out" / key.removeprefix("d/")).read_bytes() == data
    assert {one.strength for one in report.fetched} == {"md5"}


# --- gcs ---------------------------------------------------------------------------------------


def test_gcs_single_files_and_folders() -> None:
    fake = fake_gcs.Host()
    with fake.serve() as web:
        (file,) = gcs.list_files("some_data/folder 1/readme.txt", web).files
        assert file.name == "readme.txt" and read(gcs, file, fake.REF, web) == FILES["readme.txt"]
        assert gcs.list_files("some_data/folder 1", web).files == gcs.list_files("some_data/folder 1/", web).files
        with pytest.raises(NotFound):
            gcs.list_files("some_data/missing/", web)


def test_gcs_files_that_are_kept_packed_have_no_size() -> None:
    fake = fake_gcs.Host()
    fake.entry = lambda key: {"name": key, "size": "5", "md5Hash": "AAAA", "contentEncoding": "gzip"}  # type: ignore[method-assign]
    with fake.serve() as web:
        file = gcs.list_files(fake.REF, web).files[0]
    assert file.size_bytes is None and not file.checksums


@pytest.mark.parametrize("status", [400, 401, 403])
def test_gcs_buckets_that_are_closed_or_cost(status: int) -> None:
    fake = fake_gcs.Host()
    fake.fault = lambda ask, reply: in_json({"error": {"code": status, "message": "Bucket is requester pays"}}, status)
    with fake.serve() as web:
        need = gcs.needs(fake.REF, web)
        assert need is not None and need.kind == "account"
        with pytest.raises(AccessNeeded, match="pay"):
            gcs.list_files(fake.REF, web)


# --- idc ---------------------------------------------------------------------------------------


@pytest.fixture
def commons(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put rows of the shelf's own index into the server: three series of LCTSC, with as many bytes as it says."""
    chosen = idc_index.chosen("lctsc?Modality=RTSTRUCT").series[:3]
    keys = {}
    for one in chosen:
        share = one.size_bytes // one.instances
        for n in range(one.instances):
            size = share if n else one.size_bytes - share * (one.instances - 1)
            keys[f"{one.uuid}/{n:036d}.dcm"] = bytes([n % 256]) * size
    moto.put("idc-open-data", keys)
    return chosen, keys


def test_idc_series_are_listed_from_the_bucket_as_the_index_says(moto: Moto, commons: Any) -> None:
    chosen, keys = commons
    web = moto.web("idc-open-data")
    for one in chosen:
        found = idc.list_files(one.uid, web)
        assert found.ref == f"idc:{one.uid}@v25" and found.licence == one.licence and found.version == "v25"
        assert len(found.files) == one.instances
        assert sum(len(read(idc, file, one.uid, web)) for file in found.files) == one.size_bytes
        folder = f"lctsc/{one.patient_id}/{one.study_uid}/RTSTRUCT_{one.uid}/"
        assert all(file.name.startswith(folder) and file.checksums["md5"] for file in found.files)
        assert found.files[0].meta == {"series": one.uid, "modality": "RTSTRUCT", "licence": one.licence}


def test_idc_the_downloader_brings_real_dicom_and_goes_on_where_it_was(
    moto: Moto, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = sorted((shared_data / "dcm-qa-nih/In/20180918Si").rglob("*.dcm"))[:6]
    assert len(slices) == 6
    uuid = "11111111-2222-4333-8444-555555555555"
    moto.put("idc-open-data-cr", {f"{uuid}/{n}.dcm": one.read_bytes() for n, one in enumerate(slices)})
    total = sum(one.stat().st_size for one in slices)
    place = tmp_path / "index.parquet"
    given = {"crdc_series_uuid": uuid, "aws_bucket": "idc-open-data-cr", "Modality": "MR", "instanceCount": 6}
    fake_idc.write_index(place, [row(**given, PatientID="p", series_size_MB=total / 1e6)])
    monkeypatch.setenv("MEDSHELF_IDC_INDEX", str(place))
    idc_index._facts.cache_clear()
    web = moto.web("idc-open-data-cr")
    found = idc.list_files("lctsc", web)
    ref = found.ref.removeprefix("idc:")
    wanted = [Wanted(Source(idc, file, ref)) for file in found.files]
    for some in (wanted[:2], wanted):
        report = fetch_all(some, tmp_path / "out", web)
        assert not report.failures and len(report.fetched) == len(some)
    folder = tmp_path / "out/lctsc/p/1.2.3.4.0/MR_1.2.3.5.0"
    assert [(folder / f"{n}.dcm").read_bytes() for n in range(6)] == [one.read_bytes() for one in slices]


@pytest.mark.parametrize("harm", ["one file less", "one byte less", "one file more"])
def test_idc_series_that_are_not_whole_are_errors(moto: Moto, commons: Any, harm: str) -> None:
    chosen, keys = commons
    one = chosen[0]
    key, client = f"{one.uuid}/{0:036d}.dcm", moto.client()
    if harm == "one file less":
        client.delete_object(Bucket="idc-open-data", Key=key)
    elif harm == "one byte less":
        client.put_object(Bucket="idc-open-data", Key=key, Body=keys[key][1:], ACL="public-read")
    else:
        client.put_object(Bucket="idc-open-data", Key=f"{one.uuid}/more.dcm", Body=b"", ACL="public-read")
    with pytest.raises(NotWhole, match=f"the index has {one.instances} of {one.size_bytes}"):
        idc.list_files(one.uid, moto.web("idc-open-data"))
    client.delete_object(Bucket="idc-open-data", Key=f"{one.uuid}/more.dcm")


def test_idc_the_index_of_the_shelf_is_what_its_readme_says() -> None:
    import tomllib

    import duckdb

    from medshelf.catalogue.place import catalogue_root

    folder = catalogue_root() / "idc"
    about = tomllib.loads((folder / "README.toml").read_text())
    with duckdb.connect() as made:
        table = made.execute("SELECT * FROM read_parquet(?)", [str(folder / "series.parquet")])
        assert [column[0] for column in table.description] == about["columns"]
        names = {
            row[0]
            for row in made.execute(
                "SELECT DISTINCT collection_id FROM read_parquet(?)", [str(folder / "series.parquet")]
            ).fetchall()
        }
    assert names == {*about["collections"], "nlst"}
    for name in (*about["collections"], *about["results"]):
        found = idc_index.chosen(name)
        assert found.version == str(about["version"]) and found.series
    # counts of the Commons' own page of each collection, release 25
    assert len(idc_index.chosen("lidc_idri?Modality=CT").series) == 1018
    assert len({one.patient_id for one in idc_index.chosen("lidc_idri").series}) == 1010
    assert len({one.patient_id for one in idc_index.chosen("pancreas_ct").series}) == 80


def test_idc_the_package_of_the_makers_answers_for_what_the_shelf_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound) as missing:
        idc_index.chosen("nlst?PatientID=100002")
    assert "pip install idc-index-data" in (missing.value.hint or "")
    package = tmp_path / "idc_index_data"
    package.mkdir()
    (package / "__init__.py").touch()
    rows = [row(collection_id="nlst", PatientID="100002"), row(collection_id="lctsc", SeriesInstanceUID="1.2.3.4.99")]
    fake_idc.write_index(package / "idc_index.parquet", rows, "written_by: 'us'")
    monkeypatch.syspath_prepend(tmp_path)
    found = idc_index.chosen("nlst?PatientID=100002")
    assert (len(found.series), found.version, found.pinned) == (1, None, "nlst?PatientID=100002")
    assert len(idc_index.chosen("lctsc").series) == 120
    assert set(idc_index.by_uid(["1.2.3.4.99", found.series[0].uid])) == {"1.2.3.4.99", found.series[0].uid}


def row(**given: Any) -> tuple[Any, ...]:
    plain = dict(zip(fake_idc.COLUMNS, fake_idc.Host().rows[0], strict=True))
    return tuple({**plain, **given}.values())


def test_idc_references_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "index.parquet"
    rows = [
        row(PatientID="a", SeriesInstanceUID="1.2.3.4.1"),
        row(PatientID="b", SeriesInstanceUID="1.2.3.4.2", Modality="RTSTRUCT"),
        row(PatientID="a", SeriesInstanceUID="1.2.3.4.3", analysis_result_id="masks", source_DOI="10.5281/zenodo.1"),
        row(PatientID="c", SeriesInstanceUID="1.2.3.4.4", collection_id="half", StudyInstanceUID="1.2.3.9.9"),
        row(PatientID="c", SeriesInstanceUID="1.2.3.4.5", collection_id="half", analysis_result_id="masks_2"),
    ]
    fake_idc.write_index(place, rows, "idc_version: '7', partial: 'half 10.5281/zenodo.2'")
    monkeypatch.setenv("MEDSHELF_IDC_INDEX", str(place))

    def uids(ref: str) -> set[str]:
        return {one.uid[-1] for one in idc_index.chosen(ref).series}

    assert uids("LCTSC") == {"1", "2"}
    assert uids("lctsc?PatientID=a") == {"1"}
    assert uids("masks") == uids("lctsc/masks") == uids("10.5281/ZENODO.1") == {"3"}
    assert uids("half/masks-2") == uids("1.2.3.4.5") == {"5"}
    for none in (
        "half",
        "1.2.3.9.9",
        "10.5281/zenodo.2",
        "lctsc?PatientID=' OR 1=1 --",
        "x",
        "lctsc?Modality=CT&PatientID=b",
    ):
        with pytest.raises(NotFound, match="no series"):
            idc_index.chosen(none)
    with pytest.raises(AccessError, match="no such column"):
        idc_index.chosen("lctsc?PatientAge=50")
    with pytest.raises(AccessError, match="version 7"):
        idc_index.chosen("lctsc@v6")
    assert idc_index.chosen("lctsc@v7?PatientID=a").pinned == "lctsc@v7?PatientID=a"
    assert set(idc_index.by_uid(["1.2.3.4.4", "1.2.3.4.9"])) == {"1.2.3.4.4"}


def test_idc_an_index_that_is_none_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "index.parquet"
    monkeypatch.setenv("MEDSHELF_IDC_INDEX", str(place))
    for data in (None, b"", b"PAR1" * 9):
        if data is not None:
            place.write_bytes(data)
        with pytest.raises(AccessError, match="can't be read"):
            idc_index.chosen("lctsc")
    fake_idc.write_index(place, [row(crdc_series_uuid="../x")])
    idc_index._facts.cache_clear()
    with pytest.raises(AccessError, match="no good place"):
        idc_index.chosen("lctsc")


def test_idc_without_duckdb_it_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from medshelf.errors import MissingExtra

    idc_index._facts.cache_clear()
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtra, match=r"medshelf\[idc\]"):
        idc.list_files("lctsc", Web(offline=True))


def test_idc_listings_are_not_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idc, "_MOST_SERIES", 100)
    with pytest.raises(AccessError, match="too many") as found:
        idc.list_files("lctsc", Web(offline=True))
    assert found.value.why == "120 series" and "PatientID" in (found.value.hint or "")


# --- tcia --------------------------------------------------------------------------------------

MANIFEST = (
    "downloadServerUrl=https://nbia.cancerimagingarchive.net/nbia-download/servlet/DownloadServlet\nincludeAnnotation=true\n"
    "noOfrRetry=4\ndatabasketId=manifest-1.tcia\nmanifestVersion=3.0\nListOfSeriesToDownload=\n"
)


def test_tcia_collections_that_the_commons_has_come_from_there(moto: Moto, commons: Any) -> None:
    one = commons[0][0]
    with fake_idc.Host().serve() as web:
        for ref in ("collection/lctsc", "10.7937/k9/tcia.2017.3r3fvz08"):
            found = tcia.list_files(ref, web)
            assert found.ref.startswith("idc:") and len(found.files) == len(FILES)
            assert tcia.needs(ref, web) is None
    found = tcia.list_files(f"series/{one.uid}", moto.web("idc-open-data"))
    assert [read(tcia, file, found.ref, moto.web("idc-open-data")) for file in found.files]


def test_tcia_collections_of_other_releases_are_not_taken_for_those_of_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As TCGA-GBM is at the Commons, where slides are, and no pictures of the collection."""
    place = tmp_path / "index.parquet"
    ours, slides = "10.7937/k9/tcia.2016.x", "10.5281/zenodo.12690010"
    rows = [
        row(collection_id="slides_alone", source_DOI=slides),
        row(collection_id="both", source_DOI=slides), row(collection_id="both", source_DOI=ours, PatientID="b"),
        row(collection_id="two", source_DOI="10.7937/a"), row(collection_id="two", source_DOI="10.7937/b"),
        row(collection_id="mixed", source_DOI="10.7937/c"), row(collection_id="mixed", source_DOI="10.7937/d"),
        row(collection_id="mixed", source_DOI=slides),
    ]  # fmt: skip
    fake_idc.write_index(place, rows)
    monkeypatch.setenv("MEDSHELF_IDC_INDEX", str(place))
    idc_index._facts.cache_clear()
    assert tcia._in_commons("collection/slides-alone") is None
    assert tcia._in_commons("collection/mixed") is None
    both, two = tcia._in_commons("collection/both"), tcia._in_commons("collection/two")
    assert both is not None and (both.pinned, [one.patient_id for one in both.series]) == (f"{ours}@v25", ["b"])
    assert two is not None and len(two.series) == 2


def nbia(ask: Ask, counts: dict[str, int]) -> Reply | None:
    """What the interface of the archive says of series: V4_getSeries.java, an empty body for what it does not show."""
    if ask.path != "/nbia-api/services/v4/getSeries":
        return None
    uid = ask.query["SeriesInstanceUID"]
    return in_json([{"SeriesInstanceUID": uid, "ImageCount": counts[uid]}]) if uid in counts else Reply(200, b"")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_tcia_lists_of_series(ending: str) -> None:
    fake = fake_idc.Host()
    unknown = "1.3.6.1.4.1.14519.5.2.1.9"
    text = MANIFEST.replace("\n", ending) + ending.join(["1.2.3.5.0", unknown, "1.2.3.5.1", unknown])
    ref = "cancerimagingarchive.net/wp-content/uploads/X.tcia"
    fake.fault = lambda ask, reply: (
        Reply(200, text.encode()) if ask.path.endswith("X.tcia") else nbia(ask, {unknown: 7}) or reply
    )
    with fake.serve() as web:
        found = tcia.list_files(ref, web)
        assert [file.name.rpartition("/")[2] for file in found.files][2:] == [f"{unknown}.zip"]
        assert found.files[2].inside == Inside(7, "md5hashes.csv")
        assert [read(tcia, file, ref, web) for file in found.files[:2]] == list(fake.files.values())[:2]
        at = tcia.address(found.files[2], ref, web).url
    assert (
        at
        == f"https://nbia.cancerimagingarchive.net/nbia-api/services/v4/getImageWithMD5Hash?SeriesInstanceUID={unknown}"
    )


@pytest.mark.parametrize(
    "text", ["", "<html>no</html>", MANIFEST, MANIFEST + "not a uid\n", "ListOfSeriesToDownload=\n1.2.3.4.5"]
)
def test_tcia_lists_of_series_that_are_none(text: str) -> None:
    fake = fake_idc.Host()
    fake.fault = lambda ask, reply: Reply(200, text.encode())
    with fake.serve() as web, pytest.raises(AccessError, match="no list of series"):
        tcia.list_files("cancerimagingarchive.net/X.tcia", web)
    with pytest.raises(AccessError, match="is not at"):
        tcia.list_files("evil.example/X.tcia", Web(offline=True))


UID = "1.3.6.1.4.1.14519.5.2.1.77"


def _series_zip(
    files: dict[str, bytes], *, sums: dict[str, str] | None, extra: dict[str, bytes] | None = None
) -> bytes:
    """A zip as V4_getImageWithMD5Hash.java makes it: the list of checksums is its last member."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in {**files, **(extra or {})}.items():
            packed.writestr(name, data)
        if sums is not None:
            lines = ["Filename,MD5Hash", *(f"{name},{md5}" for name, md5 in sums.items())]
            packed.writestr("md5hashes.csv", "\n".join(lines) + "\n")
    return made.getvalue()


SLICES = {f"{n:08d}.dcm": bytes([n]) * 3000 for n in range(1, 5)}
SUMS = {name: hashlib.md5(data).hexdigest().upper() for name, data in SLICES.items()}
FEWER = dict(list(SLICES.items())[:2])
SERIES = {
    "whole": (_series_zip(SLICES, sums=SUMS), None),
    "with a licence": (_series_zip(SLICES, sums=SUMS, extra={"LICENSE": b"CC BY"}), None),
    "checksums that the archive does not know": (_series_zip(SLICES, sums=dict.fromkeys(SLICES, "null")), None),
    "broken off, and whole as a zip": (_series_zip(FEWER, sums=None), "broke off"),
    "fewer than the host says": (_series_zip(FEWER, sums={name: SUMS[name] for name in FEWER}), "another number"),
    "one missing": (_series_zip(FEWER, sums=SUMS), "lacks a file"),
    "wrong bytes": (_series_zip({**SLICES, "00000003.dcm": b"other"}, sums=SUMS), "wrong checksum"),
    "a list that is none": (_series_zip({**SLICES, "md5hashes.csv": b"<html>"}, sums=None), "is none"),
    "an error with status 200": (b"The user has not been granted the access", "something else than the file"),
}


@pytest.mark.parametrize("case", SERIES)
def test_tcia_series_are_compared_with_the_checksums_inside(case: str, tmp_path: Path) -> None:
    data, trouble = SERIES[case]
    fake = fake_idc.Host()

    def fault(ask: Ask, reply: Reply) -> Reply:
        if ask.path.endswith("/getImageWithMD5Hash"):
            return Reply(200, b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data), {"Transfer-Encoding": "chunked"})
        return nbia(ask, {UID: 4}) or reply

    fake.fault = fault
    with fake.serve() as web:
        web = Web(rewrites=web.rewrites, patience=Patience(tries=1, give_up_s=1), sleep=lambda s: None, offline=False)
        listing = tcia.list_files(f"series/{UID}", web)
        (file,) = listing.files
        report = fetch_all([Wanted(Source(tcia, file, f"series/{UID}"))], tmp_path, web)
        if trouble is None:
            assert not report.failures and report.fetched[0].strength == "structural"
            assert (tmp_path / f"{UID}.zip").read_bytes() == data
            again = fetch_all([Wanted(Source(tcia, file, f"series/{UID}"))], tmp_path, web)
            assert not again.failures and again.fetched[0].received_bytes == 0
        else:
            (failure,) = report.failures
            assert isinstance(failure.error, NotWhole) and re.search(trouble, str(failure.error)), failure.error
            assert not (tmp_path / f"{UID}.zip").exists()


def test_tcia_series_that_the_archive_does_not_show() -> None:
    fake = fake_idc.Host()
    fake.fault = lambda ask, reply: nbia(ask, {}) or reply
    with fake.serve() as web, pytest.raises(NotFound, match="no such series"):
        tcia.list_files(f"series/{UID}", web)
    fake.fault = lambda ask, reply: nbia(ask, {UID: 0}) or reply
    with fake.serve() as web, pytest.raises(AccessError, match="how many files"):
        tcia.list_files(f"series/{UID}", web)


def test_tcia_needs_duckdb_only_where_the_index_has_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDSHELF_IDC_INDEX", raising=False)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    fake = fake_tcia.Host()
    with fake.serve() as web:
        for ref in (fake.REF, "10.7937/tcia.2019.tt7f4v7o", "analysis-result/some-result"):
            assert tcia.list_files(ref, web).files and tcia.needs(ref, web) is None
        for ref in ("collection/lctsc", "10.7937/k9/tcia.2017.3r3fvz08", f"series/{UID}"):
            with pytest.raises(MissingExtra):
                tcia.list_files(ref, web)


def test_the_names_of_the_index_are_those_that_it_answers_for() -> None:
    from medshelf.catalogue.place import catalogue_root

    names = (catalogue_root() / "idc" / "names.txt").read_text().split()
    assert len(names) > 40 and "lctsc" in names
    for name in names:
        assert idc_index.may_have(name) and idc_index.chosen(name).series
    for name in ("nlst", "ct-org", "10.7937/tcia.2019.tt7f4v7o"):
        assert not idc_index.may_have(name)
        with pytest.raises(NotFound):
            idc_index.chosen(name)


def test_tcia_packages_of_aspera_and_what_is_asked_for_are_left_to_people() -> None:
    fake = fake_tcia.Host()
    plain = fake.entry
    package = "https://faspex.cancerimagingarchive.net/aspera/faspex/public/package?context=eyJ"
    fake.entry = lambda n, name: plain(n, name) | ({"download_url": package} if n == 1 else {})  # type: ignore[method-assign]
    with fake.serve() as web:
        need = tcia.needs(fake.REF, web)
        assert need is not None and need.kind == "click-through" and any(package in step for step in need.steps)
        assert any(f"{fake_tcia.UPLOADS}readme.txt" in step for step in need.steps)
        with pytest.raises(AccessNeeded, match="Aspera"):
            tcia.list_files(fake.REF, web)
    fake.entry = lambda n, name: plain(n, name) | ({"download_url": ""} if n == 2 else {})  # type: ignore[method-assign]
    with fake.serve() as web:
        need = tcia.needs(fake.REF, web)
        assert need is not None and any(step == "Load 'Part 2'" for step in need.steps)
    fake = fake_tcia.Host()
    fake.ACCESS = "Limited"  # type: ignore[misc]
    with fake.serve() as web:
        need = tcia.needs(fake.REF, web)
        assert need is not None and need.kind == "application"


def test_tcia_downloads_that_are_named_and_not_shown_are_an_error() -> None:
    fake = fake_tcia.Host()
    fake.fault = lambda ask, reply: (
        in_json({"results": [], "page": 1, "total_pages": 1}) if "/downloads/" in ask.path else reply
    )
    with fake.serve() as web, pytest.raises(AccessError, match="does not show"):
        tcia.list_files(fake.REF, web)


def test_tcia_pages_by_doi_and_kind() -> None:
    fake = fake_tcia.Host()
    with fake.serve() as web:
        assert tcia_pages.page_of("10.7937/tcia.2019.tt7f4v7o", web).slug == "ct-org"
        assert len(tcia.list_files("analysis-result/some-result", web).files) == 1
        with pytest.raises(NotFound, match="nothing to download"):
            tcia.list_files("collection/other", web)
        with pytest.raises(NotFound, match="no such"):
            tcia.list_files("collection/none", web)


# --- openneuro and isic ------------------------------------------------------------------------


def test_openneuro_from_another_server(moto: Moto) -> None:
    moto.put("openneuro.org", {f"ds000114/{name}": data for name, data in FILES.items()} | {"ds0001140/x": b"x"})
    fake = fake_openneuro.Host()
    with fake.serve() as told:
        web = moto.web()
        web.rewrites = {**web.rewrites, **told.rewrites}
        found = openneuro.list_files("ds000114", web)
        assert (found.ref, found.version) == ("openneuro:ds000114@1.0.2", "1.0.2")
        assert {file.name: read(openneuro, file, found.ref, web) for file in found.files} == dict(FILES)
        with pytest.raises(AccessError, match="newest snapshot alone"):
            openneuro.list_files("ds000114@1.0.1", web)
        with pytest.raises(NotFound, match="public"):
            openneuro.list_files("ds999999", web)


def test_isic_addresses_are_signed_anew_and_the_archive_of_all_is_one_file() -> None:
    fake = fake_isic.Host()
    with fake.serve() as web:
        found = isic.list_files("image/ISIC_0000001", web)
        first, second = (isic.address(found.files[0], "image/ISIC_0000001", web).url for _ in range(2))
        assert first != second and found.licence == "CC-BY-NC"
        assert len(isic.list_files("search/sex:male AND age_approx:55", web).files) == len(FILES)
        fake.fault = lambda ask, reply: Reply(
            200, b"", {"Content-Length": "70000000000", "ETag": '"' + "0" * 32 + '-9"'}
        )
        (file,) = isic.list_files("snapshot", web).files
    assert (file.size_bytes, dict(file.checksums)) == (70_000_000_000, {})
    assert "query" not in fake.asked[0].query and fake.asked[3].query["query"] == "sex:male AND age_approx:55"


def test_isic_pages_elsewhere_are_errors() -> None:
    fake = fake_isic.Host()
    fake.fault = lambda ask, reply: in_json({"results": [], "next": "https://evil.example/api/v2/"})
    with fake.serve() as web, pytest.raises(AccessError, match="elsewhere"):
        isic.list_files(fake.REF, web)


# --- manual ------------------------------------------------------------------------------------


def test_manual_tells_the_steps_of_the_record() -> None:
    from medshelf.catalogue import shelf

    record = shelf.load("adni")
    need = manual.needs("adni", None)
    assert need.kind == record.access.kind == "application"
    assert set(record.access.steps) <= set(need.steps) and record.access.landing in need.steps[0]
    with pytest.raises(AccessNeeded) as found:
        manual.list_files("adni", Web(offline=True))
    assert found.value.steps == need.steps and found.value.where == "manual:adni"
    with pytest.raises(AccessNeeded):
        manual.address(HostFile("a", "a"), "adni", Web(offline=True))


def test_manual_every_record_has_something_to_do() -> None:
    import tomllib

    from medshelf.catalogue import shelf
    from medshelf.catalogue.place import catalogue_root

    kinds = set(tomllib.loads((catalogue_root() / "vocabulary/access.toml").read_text())) - {"open", "unknown"}
    for record in shelf.records():
        need = manual.needs(record.id, None)
        assert need.kind in kinds and need.why.endswith(".") and need.steps, record.id


def test_manual_hosts_and_what_is_none() -> None:
    page = "https://ieee-dataport.org/open-access/octa-500"
    need = manual.needs(page, None)
    assert need.kind == "account" and page in need.steps[0]
    assert host_named("manual") is manual
    with pytest.raises(AccessError, match="no host that serves"):
        manual.needs("https://example.org/", None)
    with pytest.raises(NotFound, match="no dataset"):
        manual.needs("no-such-dataset-at-all", None)
