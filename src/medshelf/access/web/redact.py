"""Credentials stay out of whatever is shown, logged or written."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET = re.compile(
    r"token|key|secret|signature|sig$|password|passwd|credential|authorization|x-amz-|x-goog-|^se$|^st$|^sv$|^sp$|expires|policy",
    re.IGNORECASE,
)
HARMLESS_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "if-range", "range", "user-agent"})
"""Headers that go along when a redirect leads to another host; any other may hold a credential, whatever its name."""


def shown(url: str) -> str:
    """Return an address as it may be shown: without user, password and signed or secret parts of its query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host += f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is none"
    pairs = [(k, "…" if _SECRET.search(k) else v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(pairs, safe="…/:"), ""))


def hidden(text: str, sent: Mapping[str, str] | None) -> str:
    """Return a text of a server without the credentials that it was sent, should it repeat them."""
    for name, value in (sent or {}).items():
        if name.lower() not in (*HARMLESS_HEADERS, "content-type"):
            for part in (value, *value.split(), *_of_basic(value)):
                text = text.replace(part, "…") if len(part) > 6 else text
    return text


def _of_basic(value: str) -> tuple[str, ...]:
    """Return name and password of a header of the scheme Basic (RFC 7617), which only codes them."""
    scheme, _, coded = value.partition(" ")
    try:
        pair = base64.b64decode(coded, validate=True).decode() if scheme == "Basic" else ""
    except ValueError:
        return ()
    return tuple(sorted((pair, *pair.split(":", 1)), key=len, reverse=True))
