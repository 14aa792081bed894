"""Credentials are found where the hosts' own programs keep them.

Places as in huggingface_hub 2, kaggle 2 with kagglesdk, and synapseclient 4.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from medshelf.access.credentials import SERVICES, secret

NAMED = ("HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "KAGGLE_CONFIG_DIR", "SYNAPSE_PROFILE")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (*NAMED, *(v for one in SERVICES.values() for names in one.variables for v in names.values())):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put(place: Path, text: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def token(service: str) -> str | None:
    found = secret(service)
    return None if found is None else found.values.get("token") or found.values["password"]


def test_the_environment_comes_before_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".cache/huggingface/token", "of the file\n")
    assert token("huggingface") == "of the file"
    monkeypatch.setenv("HF_TOKEN", "of the environment")
    assert token("huggingface") == "of the environment"


@pytest.mark.parametrize(
    ("variable", "place"),
    [("HF_TOKEN_PATH", "elsewhere/mine"), ("HF_HOME", "hub/token"), ("XDG_CACHE_HOME", "cache/huggingface/token")],
)
def test_hugging_face_has_moved_its_token(
    variable: str, place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home / ".cache/huggingface/token", "left from before")
    put(home / place, "hf-1")
    monkeypatch.setenv(variable, str(home / place if variable == "HF_TOKEN_PATH" else home / place.partition("/")[0]))
    assert token("huggingface") == "hf-1"


@pytest.mark.parametrize(
    ("variable", "place"),
    [(None, ".kaggle"), (None, ".config/kaggle"), ("XDG_CONFIG_HOME", "cfg/kaggle"), ("KAGGLE_CONFIG_DIR", "own")],
)
def test_kaggle_keeps_its_key_in_several_folders(
    variable: str | None, place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home / place / "kaggle.json", json.dumps({"username": "me", "key": "k-1"}))
    if variable:
        monkeypatch.setenv(variable, str(home / place.partition("/")[0]))
    assert token("kaggle") == "k-1"


@pytest.mark.parametrize("name", ["access_token", "access_token.txt"])
def test_kaggle_has_tokens_in_files(name: str, home: Path) -> None:
    put(home / ".kaggle/kaggle.json", json.dumps({"username": "me", "key": "old"}))
    put(home / ".kaggle" / name, "KGAT_1\n")
    assert token("kaggle") == "KGAT_1"


def test_kaggle_has_a_token_of_a_login_that_ends(home: Path) -> None:
    def login(hours: float, zone: bool = True) -> None:
        ends = datetime.now(UTC) + timedelta(hours=hours)
        told = (ends if zone else ends.replace(tzinfo=None)).isoformat()
        about = {"refresh_token": "r", "access_token": "of the login", "access_token_expiration": told}
        put(home / ".kaggle/credentials.json", json.dumps(about))

    for zone in (True, False):
        login(5, zone)
        assert token("kaggle") == "of the login"
        login(-5, zone)
        assert token("kaggle") is None
    for damaged in ("", "{}", "[]", '{"access_token": null, "access_token_expiration": null}'):
        put(home / ".kaggle/credentials.json", damaged)
        assert token("kaggle") is None


def test_synapse_has_profiles_and_an_older_section(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home / ".synapseConfig"
    put(place, "[authentication]\nauthtoken = older\n")
    assert token("synapse") == "older"
    work, older = "[profile work]\nauthtoken = of work\n", "[authentication]\nauthtoken = older\n"
    put(place, f"[default]\nauthtoken = first\n\n{work}\n{older}")
    assert token("synapse") == "first"
    monkeypatch.setenv("SYNAPSE_PROFILE", "work")
    assert token("synapse") == "of work"
    monkeypatch.setenv("SYNAPSE_PROFILE", "no such")
    assert token("synapse") == "older"
    put(place, "[default]\nusername = me\n")
    assert token("synapse") is None
    put(place, "no ini at all")
    assert token("synapse") is None
