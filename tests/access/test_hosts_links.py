"""Google Drive, Dropbox, Box and OneDrive: links that lead to a file, or to a page."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from medshelf.access.hosts import HostFile, box, dropbox, google_drive, onedrive
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound
from tests.access.hosts import box as fake_box
from tests.access.hosts import dropbox as fake_dropbox
from tests.access.hosts import google_drive as fake_google
from tests.access.hosts import onedrive as fake_onedrive
from tests.access.hosts.fake import FILES, Ask, Reply
from tests.access.hosts.google_drive import number_of

LARGE = "images/case 1/ct.nii.gz"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)


def read(module: Any, file: HostFile, ref: str, web: Web) -> bytes:
    at = module.address(file, ref, web)
    with web.open(at.url, headers=at.headers) as answer:
        assert answer.status == 200
        return answer.read()


# --- Google Drive ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["readme.txt", LARGE])
def test_google_drive_serves_files_with_and_without_the_form(name: str) -> None:
    fake = fake_google.Host()
    with fake.serve() as web:
        (one,) = google_drive.list_files(number_of(name), web).files
        assert (one.name, one.size_bytes, one.checksums) == (name.rpartition("/")[2], len(FILES[name]), {})
        assert read(google_drive, one, number_of(name), web) == FILES[name]
        forms = [ask for ask in fake.asked if ask.query.get("uuid")]
        assert bool(forms) is (name == LARGE)


def test_google_drive_with_a_key_tells_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", fake_google.Host.SECRET["GOOGLE_API_KEY"])
    fake = fake_google.Host()
    with fake.serve() as web:
        found = google_drive.list_files(fake.REF, web)
        assert {one.name: one.size_bytes for one in found.files} == {name: len(data) for name, data in FILES.items()}
        for one in found.files:
            assert one.checksums == {"md5": hashlib.md5(FILES[one.name], usedforsecurity=False).hexdigest()}
        (one,) = google_drive.list_files(number_of(LARGE), web).files
        assert one.checksums and read(google_drive, one, number_of(LARGE), web) == FILES[LARGE]
        google_drive.list_files(f"{number_of(LARGE)}~0-Abc", web)
        assert fake.asked[-1].headers["x-goog-drive-resource-keys"] == f"{number_of(LARGE)}/0-Abc"
    assert {ask.origin for ask in fake.asked} == {fake_google.API}


def test_google_drive_says_that_too_many_have_asked() -> None:
    fake = fake_google.Host()
    with fake.serve() as web:
        (one,) = google_drive.list_files(number_of(LARGE), web).files
        fake.quota = True
        for call in (google_drive.list_files, lambda ref, web: google_drive.address(one, ref, web)):
            with pytest.raises(AccessError, match="too many people") as caught:
                call(number_of(LARGE), web)
            assert not isinstance(caught.value, AccessNeeded)
            assert "Too many users have viewed" in str(caught.value) and "Wait a day" in str(caught.value)


@pytest.mark.parametrize("ref", [fake_google.Host.HIDDEN, f"folders/{fake_google.Host.HIDDEN}"])
def test_google_drive_says_that_something_is_not_shared(ref: str) -> None:
    fake = fake_google.Host()
    with fake.serve() as web:
        need = google_drive.needs(ref, web)
        assert need is not None and need.kind == "application"
        with pytest.raises(AccessNeeded, match="not shared"):
            google_drive.list_files(ref, web)
        with pytest.raises(NotFound):
            google_drive.list_files(number_of("nothing"), web)


@pytest.mark.parametrize("status", [401, 403])
def test_google_drive_refusals_are_of_the_owner(status: int) -> None:
    fake = fake_google.Host()
    fake.fault = lambda ask, reply: Reply(status)
    with fake.serve() as web, pytest.raises(AccessNeeded, match="not shared"):
        google_drive.list_files(number_of(LARGE), web)


def test_google_drive_forms_that_lead_elsewhere_are_not_followed() -> None:
    fake = fake_google.Host()

    def elsewhere(ask: Ask, reply: Reply) -> Reply:
        body = reply.body.replace(b"https://drive.usercontent.google.com", b"https://evil.example")
        return Reply(reply.status, body, reply.headers)

    fake.fault = elsewhere
    with fake.serve() as web, pytest.raises(AccessError, match="shows a page"):
        google_drive.list_files(number_of(LARGE), web)
    assert not any("evil" in ask.origin for ask in fake.asked)


@pytest.mark.parametrize("bit", ["<a ", "<a href='", "<a b=", "<!--", "</", 'a="', "<p class=uc-error>", "<a href=x>b"])
def test_google_drive_pages_do_not_hang(bit: str) -> None:
    fake = fake_google.Host()
    page = f"<title>t</title>{bit * (400_000 // len(bit))}".encode()
    fake.fault = lambda ask, reply: Reply(200, page, {"Content-Type": "text/html"})
    begun = time.monotonic()
    with fake.serve() as web:
        with pytest.raises(AccessError, match="names no file|shows a page"):
            google_drive.list_files(fake.REF, web)
        with pytest.raises(AccessError, match="shows a page"):
            google_drive.list_files(number_of(LARGE), web)
    assert time.monotonic() - begun < 5


def test_google_drive_exports_documents() -> None:
    fake = fake_google.Host()
    with fake.serve() as web:
        ref = f"spreadsheets/{number_of('sheet')}"
        (one,) = google_drive.list_files(ref, web).files
        assert one.name == "Sheet one.xlsx" and read(google_drive, one, ref, web).startswith(b"PK")
        assert google_drive.needs(ref, web) is None


def test_google_drive_shortcuts_are_what_they_lead_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    target = {"targetId": number_of(LARGE), "targetMimeType": "application/gzip", "targetResourceKey": "0-k"}
    google = "application/vnd.google-apps"
    told = {"id": number_of("s"), "name": "s", "mimeType": f"{google}.shortcut", "shortcutDetails": target}
    sheet = {"id": number_of("t"), "name": "t", "mimeType": f"{google}.spreadsheet", "size": "7"}
    fake = fake_google.Host()
    fake.fault = lambda ask, reply: fake_google.in_json({"files": [told, sheet]})
    with fake.serve() as web:
        found = google_drive.list_files(fake.REF, web).files
        assert [(one.name, one.locator, one.size_bytes) for one in found] == [
            ("s", f"{number_of(LARGE)}~0-k", None), ("t.xlsx", f"spreadsheets/{number_of('t')}", None),
        ]  # fmt: skip


# --- the others --------------------------------------------------------------------------------


def test_dropbox_serves_a_folder_as_one_zip_if_it_can() -> None:
    fake = fake_dropbox.Host()
    with fake.serve() as web:
        found = dropbox.list_files("sh/folder1/AAkey", web)
        assert [(one.name, one.checksums) for one in found.files] == [("all.zip", {})]
        assert read(dropbox, found.files[0], "sh/folder1/AAkey", web).startswith(b"PK")
        fake.too_large = True
        need = dropbox.needs("sh/folder1/AAkey", web)
        assert need is not None and "https://www.dropbox.com/sh/folder1/AAkey?dl=0" in need.steps[0]
        with pytest.raises(AccessNeeded, match="page instead of the file"):
            dropbox.list_files("sh/folder1/AAkey", web)


def test_box_pages_of_folders_are_for_people() -> None:
    fake = fake_box.Host()
    with fake.serve() as web:
        ref = "app.box.com/s/afile"
        assert read(box, box.list_files(ref, web).files[0], ref, web) == FILES["readme.txt"]
        for ref in ("nihcc.app.box.com/v/DeepLesion", "app.box.com/s/afolder"):
            need = box.needs(ref, web)
            assert need is not None and f"https://{ref}" in need.steps[0]
            with pytest.raises(AccessNeeded):
                box.list_files(ref, web)
        with pytest.raises(NotFound):
            box.list_files("nihcc.box.com/shared/static/gone.zip", web)


def test_onedrive_asks_a_person_where_microsoft_asks_who_is_there() -> None:
    fake = fake_onedrive.Host()
    with fake.serve() as web:
        ref = "site.sharepoint.com/:u:/g/personal/x_y_org/EfAbC?e=k1"
        assert read(onedrive, onedrive.list_files(ref, web).files[0], ref, web) == FILES["readme.txt"]
        for closed in ("1drv.ms/u/s!Closed", "1drv.ms/f/s!Folder", "site.sharepoint.com/:f:/g/personal/x_y_org/EfAbC"):
            need = onedrive.needs(closed, web)
            assert need is not None and f"https://{closed}" in need.steps[0]
            with pytest.raises(AccessNeeded):
                onedrive.list_files(closed, web)
