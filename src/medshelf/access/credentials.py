"""Credentials, from where each host's own tools keep them. They are read, never stored, copied or shown."""

from __future__ import annotations

import configparser
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

Parser = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Secret:
    """What a host wants to see: a token, or a name and a password."""

    service: str
    where: str
    """Where it was found: the name of a variable, or a file."""
    values: Mapping[str, str] = field(repr=False)
    """``token``, or ``user`` and ``password``; ``site`` too, where one program serves at many places, and a token is
    good for, and shown to, only one of them."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where the credentials of one host may stand, in the order in which they are looked for."""

    name: str
    label: str
    variables: tuple[Mapping[str, str], ...] = ()
    """Environment variables by what they hold; those of one mapping are needed together."""
    files: tuple[tuple[str, Parser], ...] = ()
    """Files, with ``~`` and variables, and what reads them."""
    how: str = ""
    """How a person gets one."""


def _whole(text: str) -> Mapping[str, str]:
    return {"token": text.strip()} if text.strip() else {}


def _kaggle_json(text: str) -> Mapping[str, str]:
    found = json.loads(text)
    return {"user": str(found["username"]), "password": str(found["key"])}


def _kaggle_login(text: str) -> Mapping[str, str]:
    """Return the token that ``kaggle auth login`` got, as long as it holds; Kaggle's own programs renew it."""
    found = json.loads(text)
    ends = datetime.fromisoformat(found["access_token_expiration"])
    ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    return {"token": str(found["access_token"])} if found["access_token"] and ends > datetime.now(UTC) else {}


def _synapse_config(text: str) -> Mapping[str, str]:
    """Return the token of the profile that ``SYNAPSE_PROFILE`` names, else of the default, or of the older section."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    named = os.environ.get("SYNAPSE_PROFILE", "").strip() or "default"
    sections = ("default" if named == "default" else f"profile {named}", "authentication")
    found = next((one for one in sections if parser.has_section(one) and parser.options(one)), sections[0])
    return {"token": parser.get(found, "authtoken").strip()}


SERVICES: Mapping[str, Service] = {
    one.name: one
    for one in (
        Service(
            "huggingface", "Hugging Face", ({"token": "HF_TOKEN"}, {"token": "HUGGING_FACE_HUB_TOKEN"}),
            (("$HF_TOKEN_PATH", _whole), ("$HF_HOME/token", _whole),
             ("$XDG_CACHE_HOME/huggingface/token", _whole), ("~/.cache/huggingface/token", _whole)),
            "https://huggingface.co/settings/tokens, then: hf auth login",
        ),
        Service(
            "kaggle", "Kaggle",
            ({"token": "KAGGLE_API_TOKEN"}, {"user": "KAGGLE_USERNAME", "password": "KAGGLE_KEY"}),
            (("~/.kaggle/access_token", _whole), ("~/.kaggle/access_token.txt", _whole),
             ("~/.kaggle/credentials.json", _kaggle_login), ("$KAGGLE_CONFIG_DIR/kaggle.json", _kaggle_json),
             ("~/.kaggle/kaggle.json", _kaggle_json), ("$XDG_CONFIG_HOME/kaggle/kaggle.json", _kaggle_json),
             ("~/.config/kaggle/kaggle.json", _kaggle_json)),
            "https://www.kaggle.com/settings, Create New Token",
        ),
        Service(
            "synapse", "Synapse", ({"token": "SYNAPSE_AUTH_TOKEN"},),
            (("~/.synapseConfig", _synapse_config),),
            "https://www.synapse.org/#!PersonalAccessTokens: with the permissions view and download",
        ),
        Service(
            "physionet", "PhysioNet", ({"user": "PHYSIONET_USERNAME", "password": "PHYSIONET_PASSWORD"},), (),
            "https://physionet.org/register/",
        ),
        Service("zenodo", "Zenodo", ({"token": "ZENODO_TOKEN"}, {"token": "ZENODO_ACCESS_TOKEN"}), (),
                "https://zenodo.org/account/settings/applications/tokens/new/"),
        Service("github", "GitHub", ({"token": "GITHUB_TOKEN"}, {"token": "GH_TOKEN"}), (),
                "https://github.com/settings/tokens"),
        Service("figshare", "Figshare", ({"token": "FIGSHARE_TOKEN"},), (), "https://figshare.com/account/applications"),
        Service("dryad", "Dryad", ({"user": "DRYAD_CLIENT_ID", "password": "DRYAD_CLIENT_SECRET"},), (),
                "https://datadryad.org/account: ask for an API account"),
        Service("osf", "OSF", ({"token": "OSF_TOKEN"},), (), "https://osf.io/settings/tokens"),
        Service("dataverse", "Dataverse", ({"token": "DATAVERSE_API_TOKEN", "site": "DATAVERSE_SERVER"},), (),
                "your account page at the Dataverse"),
        Service("google-drive", "Google Drive", ({"token": "GOOGLE_API_KEY"},), (),
                "https://console.cloud.google.com/apis/credentials: an API key with the Drive API"),
        Service("girder", "Girder", ({"token": "GIRDER_API_KEY", "site": "GIRDER_API_URL"},), (),
                "your account page at the Girder site, API keys"),
        Service("grand-challenge", "Grand Challenge",
                ({"token": "GRAND_CHALLENGE_AUTHORIZATION"},), (), "https://grand-challenge.org/settings/api-tokens/"),
    )
}  # fmt: skip


def secret(service: str) -> Secret | None:
    """Return the credentials of a host, or None when there are none where its tools keep them."""
    known = SERVICES[service]
    for names in known.variables:
        values = {what: os.environ.get(name, "").strip() for what, name in names.items()}
        if all(values.values()):
            return Secret(service, " and ".join(f"${name}" for name in names.values()), values)
    for text, parse in known.files:
        path = _path(text)
        if path is not None and path.is_file():
            values = dict(_read(path, parse))
            if values:
                return Secret(service, str(path), values)
    return None


def _path(text: str) -> Path | None:
    """Return the place of a file; None when the variable that names it is not set."""
    head, slash, rest = text.partition("/")
    if head.startswith("$"):
        named = os.environ.get(head[1:])
        return Path(named, rest) if named and slash else Path(named) if named else None
    return Path(text).expanduser()


def _read(path: Path, parse: Parser) -> Mapping[str, str]:
    """Read a file of credentials; one that is damaged holds none."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, configparser.Error):
        return {}


def services() -> Sequence[Service]:
    """Return all hosts that know credentials."""
    return tuple(SERVICES.values())
