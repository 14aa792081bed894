"""The doctor: what is there and what is wrong; never a credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from medshelf.access.credentials import SERVICES
from medshelf.access.hosts import HOSTS
from medshelf.access.web import Patience, Web
from medshelf.access.web import client as web_client
from medshelf.errors import AccessError
from medshelf.fetch.doctor import SITES, Sign, look
from tests.access.hosts.zenodo import Host


def by_name(signs: tuple[Sign, ...]) -> dict[tuple[str, str], Sign]:
    return {(sign.subject, sign.name): sign for sign in signs}


def test_without_a_network_no_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_client.Web, "open", lambda *a, **k: pytest.fail("asked"))
    found = by_name(look(web=Web(offline=True, rewrites={})))
    assert not [key for key in found if key[0] == "hosts"]
    assert found["catalogue", "records"].state == "ok"
    assert found["network", "offline"].state == "ok"
    assert {name for subject, name in found if subject == "credentials"} == {one.label for one in SERVICES.values()}


def test_a_credential_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ZENODO_TOKEN", "zt-secret-of-mine")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass-of-mine@proxy.example:3128")
    signs = look(web=Web(offline=True, rewrites={}))
    found = by_name(signs)
    assert found["credentials", "Zenodo"].said == "found in $ZENODO_TOKEN"
    assert found["credentials", "Kaggle"].state == "none"
    assert "https://www.kaggle.com" in found["credentials", "Kaggle"].said
    assert "secret-of-mine" not in str(signs) and "pass-of-mine" not in str(signs)
    assert "proxy.example:3128" in found["network", "https proxy"].said


def test_hosts_are_asked_and_any_answer_counts() -> None:
    with Host().serve() as web:
        hosts = [sign for sign in look(web=web) if sign.subject == "hosts"]
    assert {sign.name for sign in hosts} == set(SITES)
    assert {sign.state for sign in hosts} == {"ok"}
    assert set(SITES) <= set(HOSTS)


def test_hosts_that_do_not_answer_are_wrong() -> None:
    nowhere = {"https://": "http://127.0.0.1:9/"}
    web = Web(offline=False, rewrites=nowhere, patience=Patience(connect_s=1, tries=1))
    hosts = [sign for sign in look(web=web) if sign.subject == "hosts"]
    assert [(sign.name, sign.state) for sign in hosts] == [("all", "wrong")]


def test_what_the_environment_names_wrongly_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    assert by_name(look(web=Web(offline=True, rewrites={})))["network", "SSL_CERT_FILE"].state == "wrong"
    monkeypatch.setenv("MEDSHELF_REWRITES", "nonsense")
    assert by_name(look())["network", "rewrites"].state == "wrong"


def test_rewrites_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSHELF_REWRITES", "https://a.org=http://b.org/?x=1 https://c.org=https://d.org")
    assert Web().rewrites == {"https://a.org": "http://b.org/?x=1", "https://c.org": "https://d.org"}
    assert Web(rewrites={}).rewrites == {}
    for wrong in ("zenodo.org=http://x", "https://zenodo.org", "https://zenodo.org=ftp://x"):
        monkeypatch.setenv("MEDSHELF_REWRITES", wrong)
        with pytest.raises(AccessError, match="MEDSHELF_REWRITES"):
            Web()
