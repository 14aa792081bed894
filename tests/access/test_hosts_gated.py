"""Synapse, PhysioNet and Grand Challenge: hosts that look at who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medshelf.access.hosts import HostFile, grand_challenge, physionet, synapse
from medshelf.access.web import Web
from medshelf.errors import AccessError, AccessNeeded, NotFound
from tests.access.hosts import grand_challenge as fake_grand
from tests.access.hosts import physionet as fake_physionet
from tests.access.hosts import synapse as fake_synapse
from tests.access.hosts.fake import FILES, Reply


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from medshelf.access.credentials import SERVICES

    monkeypatch.setenv("HOME", str(tmp_path))
    for service in SERVICES.values():
        for names in service.variables:
            for variable in names.values():
                monkeypatch.delenv(variable, raising=False)


def give(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fake.SECRET.items():
        monkeypatch.setenv(name, value)


def read(module: Any, file: HostFile, ref: str, web: Web) -> bytes:
    at = module.address(file, ref, web)
    with web.open(at.url, headers=at.headers) as answer:
        assert answer.status == 200
        return answer.read()


# --- Synapse -----------------------------------------------------------------------------------


def test_synapse_pins_a_file_and_signs_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_synapse.Host()
    give(fake, monkeypatch)
    with fake.serve() as web:
        found = synapse.list_files("syn1001", web)
        assert (found.ref, found.version) == ("synapse:syn1001.3", "3")
        (one,) = found.files
        assert (one.name, one.size_bytes, list(one.checksums)) == ("readme.txt", len(FILES["readme.txt"]), ["md5"])
        first, second = (synapse.address(one, "syn1001.3", web) for _ in range(2))
        assert first.url != second.url and not first.headers
        assert synapse.list_files("syn1001.3", web).ref == found.ref
        with pytest.raises(NotFound):
            synapse.address(HostFile("x", "syn1001/77"), "syn1001.3", web)
        with pytest.raises(NotFound):
            synapse.list_files("syn999999", web)


@pytest.mark.parametrize(
    ("level", "unmet", "may", "kind"),
    [("OPEN", False, True, None), ("RESTRICTED_BY_TERMS_OF_USE", False, True, None),
     ("RESTRICTED_BY_TERMS_OF_USE", True, True, "click-through"), ("CONTROLLED_BY_ACT", True, True, "application"),
     ("OPEN", False, False, "application")],
)  # fmt: skip
def test_synapse_tells_which_conditions_are_not_met(
    level: str, unmet: bool, may: bool, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_synapse.Host()
    fake.level, fake.unmet, fake.may = level, unmet, may
    give(fake, monkeypatch)
    with fake.serve() as web:
        need = synapse.needs(fake.REF, web)
        assert (need and need.kind) == kind
        assert not need or "https://www.synapse.org/Synapse:syn100" in need.steps[0]
        (one,) = synapse.list_files("syn1001", web).files
        if kind:
            with pytest.raises(AccessNeeded, match="UNAUTHORIZED"):
                synapse.address(one, fake.REF, web)


def test_synapse_lists_for_everybody_and_serves_those_with_an_account() -> None:
    fake = fake_synapse.Host()
    with fake.serve() as web:
        found = synapse.list_files(fake.REF, web)
        assert {one.name for one in found.files} == set(FILES)
        with pytest.raises(AccessNeeded, match="SYNAPSE_AUTH_TOKEN"):
            synapse.address(found.files[0], fake.REF, web)


def test_synapse_pages_do_not_go_in_a_circle() -> None:
    fake = fake_synapse.Host()
    fake.circle = True
    with fake.serve() as web, pytest.raises(AccessError, match="do not end"):
        synapse.list_files(fake.REF, web)


# --- PhysioNet ---------------------------------------------------------------------------------


def test_physionet_names_itself_honestly_and_says_why_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_physionet.Host()
    fake.known_agents = ("Wget/", "libwfdb/")
    give(fake, monkeypatch)
    with fake.serve() as web:
        need = physionet.needs(fake.CREDENTIALED, web)
        assert need is not None and need.kind == "data-use-agreement"
        assert all(any(words in step for step in need.steps) for words in ("MEDSHELF_USER_AGENT", "wget -r"))
        with pytest.raises(AccessNeeded, match="User-Agent"):
            physionet.list_files(fake.CREDENTIALED, web)
    assert all(ask.headers["user-agent"].startswith("medshelf") for ask in fake.asked)
    monkeypatch.setenv("MEDSHELF_USER_AGENT", "libwfdb/agreed-with-physionet")
    with fake.serve() as web:
        assert physionet.needs(fake.CREDENTIALED, web) is None
        found = physionet.list_files(fake.CREDENTIALED, web)
        assert read(physionet, found.files[1], fake.CREDENTIALED, web) == FILES[found.files[1].name]


def test_physionet_lists_the_newest_version_and_what_is_at_a_path() -> None:
    fake = fake_physionet.Host()
    with fake.serve() as web:
        found = physionet.list_files("ct-ich", web)
        assert found.ref == "physionet:ct-ich/1.3.1" and all(one.size_bytes is None for one in found.files)
        inner = physionet.list_files("ct-ich/1.3.1/images/case 1", web)
        assert [one.name for one in inner.files] == ["images/case 1/ct.nii.gz", "images/case 1/mask.nii.gz"]
        with pytest.raises(NotFound):
            physionet.list_files("ct-ich/1.3.1/no", web)


def test_physionet_newest_version_is_where_the_page_leads() -> None:
    fake = fake_physionet.Host()
    with fake.serve() as web:
        with pytest.raises(NotFound):
            physionet.list_files("no-such-project", web)
        fake.fault = lambda ask, reply: Reply(200, b"<html>", {"Content-Type": "text/html"})
        with pytest.raises(AccessError, match="newest version"):
            physionet.list_files("ct-ich", web)


# --- Grand Challenge ---------------------------------------------------------------------------


def test_grand_challenge_signs_addresses_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_grand.Host()
    give(fake, monkeypatch)
    with fake.serve() as web:
        found = grand_challenge.list_files(fake.REF, web)
        image = next(one for one in found.files if "generic-medical-image" in one.name)
        report = next(one for one in found.files if "report" in one.name)
        first = grand_challenge.address(image, fake.REF, web)
        assert "X-Amz-Signature" in first.url and not first.headers and "Signature" not in image.locator
        assert "authorization" in {name.lower() for name in grand_challenge.address(report, fake.REF, web).headers}
        for bad in ("image/x/y", "item/" + fake_grand.number_of("x") + "/1", "x", image.locator + "x"):
            with pytest.raises((AccessError, NotFound)):
                grand_challenge.address(HostFile("x", bad), fake.REF, web)
    with fake.serve() as web:
        assert grand_challenge.address(image, fake.REF, web).url != first.url


def test_grand_challenge_lists_sets_of_dicom_files(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_grand.Host()
    fake.dicom = True
    give(fake, monkeypatch)
    with fake.serve() as web:
        found = grand_challenge.list_files(fake.REF, web)
        image = next(one for one in found.files if one.name.endswith(".dcm"))
        at = grand_challenge.address(image, fake.REF, web)
        assert at.headers == {"x-amz-date": "20260101T000000Z"}
        assert read(grand_challenge, image, fake.REF, web) in FILES.values()


def test_grand_challenge_takes_no_other_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_grand.Host()
    give(fake, monkeypatch)
    with fake.serve() as web, pytest.raises(AccessNeeded, match="not shown"):
        grand_challenge.list_files("archives/unfiltered", web)


def test_grand_challenge_archives_are_shown_to_those_who_were_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_grand.Host()
    monkeypatch.setenv("GRAND_CHALLENGE_AUTHORIZATION", "another")
    with fake.serve() as web:
        need = grand_challenge.needs(fake.REF, web)
        assert need is not None and need.kind == "application"
        assert "https://grand-challenge.org/archives/chest-archive/" in need.steps[0]
        with pytest.raises(AccessNeeded):
            grand_challenge.list_files(fake.REF, web)
