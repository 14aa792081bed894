"""A client for the time of one plan, which asks for the same document only once.

A record of the shelf may name ten files of one record of a host, and each has the host asked for that record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medshelf.access.web import Web


class AskedOnce:
    """Stands before a `Web`; all but `json` is that one's."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._told: dict[object, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._web, name)

    def json(
        self, url: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", body: Any = None
    ) -> Any:
        """Return what `Web.json` does; the answer to a question that was put before is that of then."""
        if method != "GET" or body is not None:
            return self._web.json(url, headers=headers, method=method, body=body)
        key = (url, *sorted((headers or {}).items()))
        if key not in self._told:
            self._told[key] = self._web.json(url, headers=headers)
        return self._told[key]
