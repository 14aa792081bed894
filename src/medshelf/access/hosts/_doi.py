"""DOIs, however they are written."""

from __future__ import annotations

import re
from urllib.parse import unquote

_DOI = re.compile(
    r"(?:https?://(?:(?:dx\.|www\.)?doi\.org|commons\.datacite\.org/doi\.org|handle\.\w+\.org)/)?(?:doi:\s*)?"
    r"(10\.\d{4,9}(?:\.\d+)*/[^\s?#]+)(?:[?#].*)?",
    re.IGNORECASE,
)
"""Prefix and suffix as in ISO 26324; addresses of the resolver and of DataCite Commons are taken off."""


def doi_of(text: str) -> str | None:
    """Return the DOI that a text or address is, in lower case and without decoration; None when it is none."""
    found = doi_as_written(text)
    return found.lower() if found else None


def doi_as_written(text: str) -> str | None:
    """Return the DOI as it is written, for hosts that tell capitals from small letters; DOIs do not (ISO 26324)."""
    found = _DOI.fullmatch(unquote(text.strip()))
    return found[1].rstrip(".,;)/") if found else None
