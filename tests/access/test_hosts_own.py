"""What single hosts have of their own: old shapes, traps, and rules that no contract of all can hold."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from medshelf.access.download import fetch_file
from medshelf.access.hosts import (
    HostFile,
    _asking,
    dataverse,
    doi,
    dryad,
    figshare,
    ftp,
    girder,
    http,
    kaggle,
    mendeley,
    nextcloud,
    osf,
    zenodo,
)
from medshelf.access.hosts._names import placed
from medshelf.access.web import Web
from medshelf.access.web.client import Patience
from medshelf.access.web.redact import hidden, shown
from medshelf.errors import AccessError, AccessNeeded, NotFound
from tests.access.hosts import dataverse as fake_dataverse
from tests.access.hosts import doi as fake_doi
from tests.access.hosts import dryad as fake_dryad
from tests.access.hosts import figshare as fake_figshare
from tests.access.hosts import ftp as fake_ftp
from tests.access.hosts import girder as fake_girder
from tests.access.hosts import http as fake_http
from tests.access.hosts import kaggle as fake_kaggle
from tests.access.hosts import mendeley as fake_mendeley
from tests.access.hosts import nextcloud as fake_nextcloud
from tests.access.hosts import osf as fake_osf
from tests.access.hosts import zenodo as fake_zenodo
from tests.access.hosts.fake import FILES, Ask, Reply, in_json

MANY = {f"{n:02}.bin": b"%d" % n for n in range(25)}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from medshelf.access.credentials import SERVICES

    monkeypatch.setenv("HOME", str(tmp_path))
    for service in SERVICES.values():
        for names in service.variables:
            for variable in names.values():
                monkeypatch.delenv(variable, raising=False)


def read(module: Any, file: HostFile, ref: str, web: Web) -> bytes:
    at = module.address(file, ref, web)
    with web.ask(at.url, headers=at.headers) as answer:
        return answer.read()


# --- names -------------------------------------------------------------------------------------


def test_names_that_are_fit_stay_as_they_are() -> None:
    fit = ["a.nii.gz", "Fall 1/影像 ä.dcm", ".hidden", "a/b", "a/B2", "-x", "con1.txt", "100%.csv"]
    assert list(placed(fit)) == fit


def test_names_that_clash_get_a_number_and_no_file_is_a_folder() -> None:
    assert list(placed(["a.nii.gz", "A.nii.gz", "a.nii.gz"])) == ["a.nii.gz", "A~2.nii.gz", "a~3.nii.gz"]
    assert list(placed(["x", "x/a", "X/b"])) == ["x", "x~2/a", "X~2/b"]
    assert list(placed(["x/a", "x"])) == ["x/a", "x~2"]
    assert list(placed(["a~2", "a", "A"])) == ["a~2", "a", "A~3"]


# --- zenodo ------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_zenodo_in_all_its_shapes(native: bool, plain: bool) -> None:
    fake = fake_zenodo.Host()
    with fake.serve() as web:
        usual = zenodo.list_files("10047292", web)
        fake.native, fake.plain_checksums = native, plain and not native
        assert zenodo.list_files("10047292", web) == usual
    assert usual.licence == "cc-by-4.0" and usual.version == "2.0.1"


def test_zenodo_all_versions_lead_to_the_newest_which_is_pinned() -> None:
    with fake_zenodo.Host().serve() as web:
        assert zenodo.list_files("6802613", web).ref == "zenodo:10047292"


def test_zenodo_one_file_of_a_record() -> None:
    with fake_zenodo.Host().serve() as web:
        found = zenodo.list_files("10047292/readme.txt", web)
        assert (found.ref, [file.name for file in found.files]) == ("zenodo:10047292/readme.txt", ["readme.txt"])
        with pytest.raises(NotFound, match="10047292/other.txt.*no such file"):
            zenodo.list_files("10047292/other.txt", web)


def test_zenodo_embargo() -> None:
    fake = fake_zenodo.Host()
    meta = {"access_right": "embargoed", "embargo_date": "2031-01-01"}
    fake.fault = lambda ask, reply: in_json({"id": 10047292, "metadata": meta, "files": []})
    with fake.serve() as web:
        need = zenodo.needs("10047292", web)
        assert need is not None and "2031-01-01" in need.why
        with pytest.raises(AccessNeeded, match="2031-01-01"):
            zenodo.list_files("10047292", web)


# --- figshare ----------------------------------------------------------------------------------


def test_figshare_articles_with_more_files_than_an_article_names() -> None:
    with fake_figshare.Host(MANY).serve() as web:
        found = figshare.list_files("11857698", web)
    assert len(found.files) == 25 and found.ref == "figshare:11857698.v3" and found.licence == "CC BY 4.0"


def test_figshare_bytes_do_not_come_from_behind_the_firewall() -> None:
    with fake_figshare.Host().serve() as web:
        for file in figshare.list_files("11857698.v3", web).files:
            assert figshare.address(file, "11857698", web).url.startswith("https://api.figshare.com/v2/file/download/")
        with pytest.raises(AccessError, match="HTTP 202"):
            http.list_files("https://figshare.com/ndownloader/files/500", web)


def test_figshare_collections_and_their_versions() -> None:
    with fake_figshare.Host().serve() as web:
        found = figshare.list_files("c.4107803", web)
        assert found.ref == "figshare:c.4107803.v2" and {file.name.partition("/")[0] for file in found.files} == {
            "11857698"
        }
        assert read(figshare, found.files[0], "c.4107803", web) == FILES["readme.txt"]
        assert figshare.list_files("c.4107803.v2", web) == found
        with pytest.raises(AccessError, match=r"c\.4107803\.v1.*newest version.*that is 2"):
            figshare.list_files("c.4107803.v1", web)


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 500.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("host", "fake", "ref"),
    [
        (figshare, fake_figshare, "c.4107803"), (dryad, fake_dryad, fake_dryad.Host.REF),
        (kaggle, fake_kaggle, "owner/chest-images@3/"),
    ],
)  # fmt: skip
def test_listings_in_pages_keep_to_what_a_host_bears(
    host: Any, fake: Any, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(_asking, "time", clock)
    monkeypatch.setattr(host, "_PAGE", 5, raising=False)
    server = fake.Host({f"{n}.bin": b"x" for n in range(23)})
    with server.serve(sleep=clock.sleep) as web:
        assert len(host.list_files(ref, web).files) == 23
        asked = len(server.asked)
        assert asked > 4
        assert clock.now - 500.0 >= (asked - 2) / host.LIMITS.per_second - 1e-6


def test_figshare_a_file_of_which_only_the_id_is_known() -> None:
    with fake_figshare.Host().serve() as web:
        (file,) = figshare.list_files("file.500", web).files
        assert file.size_bytes == len(FILES["readme.txt"])
        assert read(figshare, file, "file.500", web) == FILES["readme.txt"]


def test_figshare_links_to_other_places_get_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIGSHARE_TOKEN", "fs-token")
    fake = fake_figshare.Host()
    link = {"id": 9, "name": "a", "size": 0, "is_link_only": True, "download_url": "https://other.org/a"}
    fake.fault = lambda ask, reply: in_json([link]) if ask.path.endswith("/files") else reply
    with fake.serve() as web:
        at = figshare.address(figshare.list_files("11857698", web).files[0], "11857698", web)
    assert (at.url, dict(at.headers)) == ("https://other.org/a", {})


# --- dataverse ---------------------------------------------------------------------------------


def test_dataverse_tables_are_fetched_as_they_were_deposited() -> None:
    fake = fake_dataverse.Host()
    fake.table = "labels/ümlaut & 影像+1%.csv"
    with fake.serve() as web:
        listed = {file.name: file for file in dataverse.list_files(fake.REF, web).files}
        table = listed[fake.table]
        assert table.size_bytes == len(FILES[fake.table])
        assert read(dataverse, table, fake.REF, web) == FILES[fake.table]
        assert "format=original" not in dataverse.address(listed["readme.txt"], fake.REF, web).url


def test_dataverse_guest_books_are_a_click() -> None:
    fake = fake_dataverse.Host()
    fake.guest_book = True
    with fake.serve() as web:
        need = dataverse.needs(fake.REF, web)
    assert need is not None and need.kind == "click-through"


def test_dataverse_says_which_files_are_restricted() -> None:
    fake = fake_dataverse.Host()
    with fake.serve() as web:
        assert all(file.meta == {"restricted": "yes"} for file in dataverse.list_files(fake.RESTRICTED, web).files)
        assert not any(file.meta for file in dataverse.list_files(f"{fake.REF}@1.0", web).files)


@pytest.mark.parametrize(
    "server", ["https://dataverse.harvard.edu", "dataverse.nl.evil.org", "https://dataverse.nl@evil.org", ""]
)
def test_dataverse_tokens_are_for_one_site(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAVERSE_API_TOKEN", "dv-token")
    monkeypatch.setenv("DATAVERSE_SERVER", server)
    fake = fake_dataverse.Host()
    with fake.serve() as web:
        read(dataverse, dataverse.list_files(fake.REF, web).files[0], fake.REF, web)
    assert fake.asked and not any("x-dataverse-key" in ask.headers for ask in fake.asked)


# --- girder ------------------------------------------------------------------------------------


def test_girder_keys_are_for_one_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIRDER_API_KEY", "gk-key")
    monkeypatch.setenv("GIRDER_API_URL", "https://data.kitware.com/api/v1")
    fake = fake_girder.Host()
    with fake.serve() as web:
        girder.list_files(fake.REF, web)
    assert not any("gk-key" in repr(ask) or ask.path.endswith("api_key/token") for ask in fake.asked)


def test_girder_items_of_several_files_are_folders() -> None:
    number = "0" * 23 + "1"

    def fault(ask: Ask, reply: Reply) -> Reply:
        if ask.path.endswith(f"/item/{number}"):
            return in_json({"_id": number, "name": "case 1"})
        names = ["a.raw", "a.mhd"] if ask.path.endswith("/files") else []
        return in_json([{"_id": f"{n + 1:024x}", "name": name, "size": 1} for n, name in enumerate(names)])

    fake = fake_girder.Host()
    fake.fault = fault
    with fake.serve() as web:
        found = girder.list_files(f"data.kitware.com/item/{number}", web)
    assert [file.name for file in found.files] == ["case 1/a.raw", "case 1/a.mhd"]


# --- nextcloud ---------------------------------------------------------------------------------


def test_nextcloud_older_servers() -> None:
    fake = fake_nextcloud.Host()
    fake.old = True
    with fake.serve() as web:
        found = nextcloud.list_files(fake.REF, web)
        assert {file.name: read(nextcloud, file, fake.REF, web) for file in found.files} == dict(FILES)
    assert not any("authorization" in ask.headers for ask in fake.asked if "/dav/files/" in ask.path)


def test_nextcloud_a_single_file() -> None:
    fake = fake_nextcloud.Host()
    fake.single = True
    with fake.serve() as web:
        (file,) = nextcloud.list_files(fake.REF, web).files
        assert read(nextcloud, file, fake.REF, web) == FILES["readme.txt"]


def test_nextcloud_folders_and_files_of_a_share() -> None:
    fake = fake_nextcloud.Host()
    with fake.serve() as web:
        for path in ("images", "images/case 1", "images/case 1/ct.nii.gz"):
            ref = f"{fake.REF}?path=/{path}"
            found = nextcloud.list_files(ref, web)
            expected = {name: data for name, data in FILES.items() if f"{name}/".startswith(f"{path}/")}
            assert found.ref == f"nextcloud:{ref}" and expected
            assert {file.name: read(nextcloud, file, ref, web) for file in found.files} == expected
            assert nextcloud.needs(ref, web) is None
        with pytest.raises(NotFound):
            nextcloud.list_files(f"{fake.REF}?path=/no", web)


def test_nextcloud_shares_with_a_password() -> None:
    fake = fake_nextcloud.Host()
    with fake.serve() as web:
        need = nextcloud.needs(fake.PASSWORD, web)
        assert need is not None and "password" in need.why
        with pytest.raises(AccessNeeded, match="password"):
            nextcloud.list_files(fake.PASSWORD, web)


def test_nextcloud_entries_outside_of_the_share() -> None:
    fake = fake_nextcloud.Host()
    fake.fault = lambda ask, reply: Reply(
        207, reply.body.replace(b"/public.php/dav/files/aRhphk35H23De2s/r", b"/remote.php/r")
    )
    with fake.serve() as web, pytest.raises(AccessError, match="outside"):
        nextcloud.list_files(fake.REF, web)


# --- osf and mendeley --------------------------------------------------------------------------


def test_osf_components_are_folders_and_registrations_are_found() -> None:
    fake = fake_osf.Host()

    def fault(ask: Ask, reply: Reply) -> Reply:
        if "/nodes/dv2ag/" in ask.path:
            return in_json({}, 404)
        if ask.path.endswith("/registrations/dv2ag/"):
            return in_json({"data": {"id": "dv2ag"}})
        if ask.path.endswith("/dv2ag/children/"):
            return in_json({"data": [{"id": "xctdy", "attributes": {"title": "Part 1/2"}}], "links": {"next": None}})
        return in_json({"data": [], "links": {"next": None}}) if "/dv2ag/" in ask.path else reply

    fake.fault = fault
    with fake.serve() as web:
        assert {file.name for file in osf.list_files("dv2ag", web).files} == {f"Part 1_2/{name}" for name in FILES}


def test_osf_pages_of_files_look_like_those_of_projects() -> None:
    fake = fake_osf.Host()
    one = {"data": fake.entry("xctdy", "/", "readme.txt", FILES["readme.txt"], [])}
    fake.fault = lambda ask, reply: in_json(one) if ask.path == "/v2/files/xrz5f/" else reply
    with fake.serve() as web:
        found = osf.list_files("xrz5f", web)
        assert (found.ref, [file.name for file in found.files]) == ("osf:file/xrz5f", ["readme.txt"])
        assert osf.list_files("file/xrz5f", web) == found and osf.needs("xrz5f", web) is None
        assert read(osf, found.files[0], "xrz5f", web) == FILES["readme.txt"]
        with pytest.raises(NotFound):
            osf.list_files("zzzzz", web)


def test_dataverse_finds_what_is_registered_in_capitals() -> None:
    fake = fake_dataverse.Host()
    with fake.serve() as web:
        small = dataverse.list_files("dataverse.nl/doi:10.34894/aecrsd", web)
        assert small == dataverse.list_files(fake.REF, web) and small.ref == f"dataverse:{fake.REF}@1.0"
        assert dataverse.needs("dataverse.nl/doi:10.34894/aecrsd", web) is None
        for name in ("AECRSD", "aecrsd"):
            ref = f"dataverse.nl/file/doi:10.34894/{name}/1"
            (file,) = dataverse.list_files(ref, web).files
            assert read(dataverse, file, ref, web) == FILES[file.name] and dataverse.needs(ref, web) is None
        for ref in ("dataverse.nl/doi:10.34894/none", "dataverse.nl/file/doi:10.34894/NONE/1"):
            with pytest.raises(NotFound):
                dataverse.list_files(ref, web)


def test_osf_projects_that_keep_their_files_elsewhere() -> None:
    fake = fake_osf.Host({})
    with fake.serve() as web, pytest.raises(NotFound, match="own storage"):
        osf.list_files(fake.REF, web)


def test_mendeley_folders_in_a_circle() -> None:
    fake = fake_mendeley.Host()
    folders = [{"id": "f0", "name": "a", "parent_id": "f1"}, {"id": "f1", "name": "b", "parent_id": "f0"}]
    fake.fault = lambda ask, reply: in_json(folders) if "/folders/" in ask.path else reply
    with fake.serve() as web:
        assert mendeley.list_files(fake.REF, web).files


# --- doi ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("10.5281/zenodo.5", "zenodo:5"),
        ("10.6084/m9.figshare.5", "figshare:5"),
        ("10.5061/dryad.abc", "dryad:10.5061/dryad.abc"),
        ("10.17632/rscbjbr9sj.2", "mendeley:rscbjbr9sj/2"),
        ("10.17605/osf.io/xctdy", "osf:xctdy"),
        ("10.34894/aecrsd", "dataverse:dataverse.nl/doi:10.34894/aecrsd"),
    ],
)
def test_dois_of_known_hosts_are_told_without_the_network(name: str, ref: str) -> None:
    found = doi.claimed(name)
    assert found is not None
    assert f"{found[0].NAME}:{found[1]}" == ref


def test_a_doi_is_pinned_to_its_host_and_looked_up_once() -> None:
    fake = fake_doi.Host()
    with fake.serve() as web:
        found = doi.list_files(fake.REF, web)
        assert found.ref == "zenodo:10047292"
        for file in found.files:
            doi.address(file, fake.REF, web)
    assert sum(ask.origin == "https://doi.org" for ask in fake.asked) == 1


def test_dois_that_lead_nowhere() -> None:
    fake = fake_doi.Host()
    with fake.serve() as web:
        with pytest.raises(NotFound, match="10.9999/none"):
            doi.list_files("10.9999/none", web)
        values = [{"type": "URL", "data": {"value": "https://www.nature.com/articles/x"}}]
        fake.fault = lambda ask, reply: in_json({"responseCode": 1, "values": values})
        with pytest.raises(AccessError, match="nature.com"):
            doi.list_files("10.1038/x", web)


# --- http --------------------------------------------------------------------------------------


def test_http_servers_that_do_not_like_head() -> None:
    fake = fake_http.Host()
    fake.no_head = True
    with fake.serve() as web:
        (file,) = http.list_files(fake.REF, web).files
    assert (file.name, file.size_bytes) == ("readme.txt", len(FILES["readme.txt"]))
    assert fake.asked[-1].headers["range"] == "bytes=0-0"


def test_http_empty_files_have_no_first_byte() -> None:
    fake = fake_http.Host({"empty.bin": b""})
    fake.no_head = True
    with fake.serve() as web:
        assert http.list_files(fake.REF, web).files[0].size_bytes == 0


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("attachment; filename=a.zip", "a.zip"),
        ('attachment; filename="a b.zip"', "a b.zip"),
        ("inline", "get"),
        ("", "get"),
        ("attachment; filename=\"x\"; filename*=UTF-8''%C3%BC.zip", "ü.zip"),
        ("attachment; filename*=UTF-8''..%2F..%2Fe", "e"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.zip"', "y.zip"),
        ("attachment; filename*=nonsense''%ff", None),
        ("attachment; filename*=UTF-8", None),
        ('attachment; filename=""', "get"),
    ],
)
def test_http_names_that_servers_tell(told: str, name: str | None) -> None:
    fake = fake_http.Host()
    fake.fault = lambda ask, reply: Reply(200, b"", {"Content-Length": "5", "Content-Disposition": told})
    with fake.serve() as web:
        found = http.list_files(fake.REF, web).files[0].name
    assert found == name or name is None and "/" not in found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, {"md5": "00" * 16}),
        ({"Content-MD5": "!"}, {}),
        ({"Content-MD5": "AAAA"}, {}),
        ({"x-goog-hash": "md5=" + base64.b64encode(b"a" * 16).decode()}, {"md5": "61" * 16}),
        ({"x-goog-hash": "md5=" + base64.b64encode(b"a" * 16).decode(), "x-goog-stored-content-encoding": "gzip"}, {}),
    ],
)
def test_http_checksums_that_servers_tell(headers: dict[str, str], found: dict[str, str]) -> None:
    fake = fake_http.Host()
    fake.fault = lambda ask, reply: Reply(200, b"", {"Content-Length": "5", **headers})
    with fake.serve() as web:
        assert http.list_files(fake.REF, web).files[0].checksums == found


def test_http_pages_that_are_called_pages() -> None:
    fake = fake_http.Host()
    fake.fault = lambda ask, reply: Reply(200, b"", {"Content-Length": "5", "Content-Type": "text/html; charset=utf-8"})
    with fake.serve() as web:
        assert http.list_files("https://a.org/index.html", web).files[0].name == "index.html"
        with pytest.raises(AccessError, match="a page and not"):
            http.list_files("https://a.org/index", web)


# --- ftp ---------------------------------------------------------------------------------------


def test_ftp_single_files_and_folders() -> None:
    fake = fake_ftp.Host()
    with fake.serve() as web:
        (file,) = ftp.list_files(f"{fake.REF}readme.txt", web).files
        assert (file.name, file.size_bytes) == ("readme.txt", 6)
        without = ftp.list_files(fake.REF.rstrip("/"), web)
        assert without.files == ftp.list_files(fake.REF, web).files
        with pytest.raises(NotFound, match="missing"):
            ftp.list_files(f"{fake.REF}missing/", web)
        with pytest.raises(NotFound):
            ftp.open_at(HostFile("x", "/data/missing"), fake.REF, 0, web)


@pytest.fixture
def talk() -> Any:
    """Start an FTP server that says what it is told to: answers by the first word of a command."""
    servers: list[socket.socket] = []

    def start(answers: dict[str, str], greeting: str = "220 hello") -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                with one, one.makefile("rwb") as stream:
                    stream.write(f"{greeting}\r\n".encode())
                    stream.flush()
                    with suppress(OSError):
                        for line in stream:
                            said = answers.get(line.split()[0].decode(), "500 what")
                            if said == "hang up":
                                break
                            stream.write(said.encode("latin-1") + b"\r\n")
                            stream.flush()

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


GOOD = {"USER": "331 name", "PASS": "230 in", "TYPE": "200 ok"}


@pytest.mark.parametrize(
    ("answers", "greeting"),
    [
        ({}, "220 x"),
        ({}, "421 busy"),
        ({}, "nonsense"),
        ({}, ""),
        ({}, "220 " + "x" * 20_000),
        ({**GOOD, "SIZE": "213 many"}, "220 x"),
        ({**GOOD, "SIZE": "hang up"}, "220 x"),
        ({"USER": "530 no"}, "220 x"),
        ({**GOOD, "SIZE": "550 no", "EPSV": "229 (|||x|)"}, "220 x"),
        ({**GOOD, "SIZE": "213 5", "EPSV": "229 (|||1|)", "PASV": "227 (1,2)"}, "220 \xff"),
        ({**GOOD, "SIZE": "550 no", "EPSV": "229 (|||1|)"}, "220 x"),
    ],
)
def test_ftp_servers_that_say_anything(answers: dict[str, str], greeting: str, talk: Callable[..., str]) -> None:
    ref = f"{talk(answers, greeting)}/a"
    web = Web(offline=False, patience=Patience(connect_s=1, stall_s=1))
    for call in (lambda: ftp.list_files(ref, web), lambda: ftp.open_at(HostFile("a", "/a"), ref, 3, web).read()):
        try:
            call()
        except (AccessError, NotFound) as error:
            assert error.where == f"ftp:{ref}"


@pytest.mark.parametrize("with_rest", [True, False])
def test_ftp_transfers_that_break_off_go_on(
    with_rest: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first connection ends after a part; the second, at a server with and without REST, brings the rest."""
    from pyftpdlib.handlers import FTPHandler

    def without(self: Any, line: str) -> None:
        self.respond("502 Command not implemented.")

    if not with_rest:
        monkeypatch.setattr(FTPHandler, "ftp_REST", without)
    fake, begun = fake_ftp.Host({"a.bin": bytes(range(256)) * 20_000}), []
    real = ftp._Stream.readinto

    def readinto(self: Any, buffer: Any) -> int:
        if len(begun) < 3:
            begun.append(True)
            return real(self, buffer)
        if len(begun) == 3:
            begun.append(True)
            raise ftp._told(ConnectionResetError("reset"), self._ref)
        return real(self, buffer)

    monkeypatch.setattr(ftp._Stream, "readinto", readinto)
    with fake.serve() as web:
        (file,) = ftp.list_files(fake.REF, web).files
        got = fetch_file(ftp, file, fake.REF, tmp_path / "a.bin", web)  # type: ignore[arg-type]
    assert (tmp_path / "a.bin").read_bytes() == fake.files["a.bin"] and got.size_bytes == 256 * 20_000
    assert len(begun) == 4


def test_ftp_transfers_that_break_off_are_an_error() -> None:
    data = socket.create_server(("127.0.0.1", 0))
    port = data.getsockname()[1]

    def half() -> None:
        one, _ = data.accept()
        one.sendall(b"half")
        one.close()

    control = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        one, _ = control.accept()
        with one, one.makefile("rwb") as stream:
            for said in (
                b"220 x",
                b"331 x",
                b"230 x",
                b"200 x",
                f"227 (127,0,0,1,{port >> 8},{port & 255})".encode(),
                b"150 here",
                b"426 broke",
            ):
                stream.write(said + b"\r\n")
                stream.flush()
                stream.readline() if said != b"150 here" else None

    for target in (half, serve):
        threading.Thread(target=target, daemon=True).start()
    ref = f"127.0.0.1:{control.getsockname()[1]}/a"
    web = Web(offline=False, patience=Patience(connect_s=5))
    with ftp.open_at(HostFile("a", "/a"), ref, 0, web) as stream, pytest.raises(AccessError, match="426"):
        stream.read()
    data.close()
    control.close()


# --- what is shown -----------------------------------------------------------------------------


def test_texts_of_servers_are_shown_without_what_was_sent() -> None:
    sent = {"Authorization": "Bearer abcdefgh", "X-Dataverse-key": "12345678", "Accept": "text/plain"}
    assert hidden("you sent Bearer abcdefgh, 12345678, text/plain", sent) == "you sent …, …, text/plain"
    assert shown("http://[") == "an address that is none"
