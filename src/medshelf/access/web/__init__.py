"""The network: one client for everything that is asked over HTTP.

It names itself, honours the environment's proxies and certificates, waits as long as a host asks, and never shows a
credential to anybody but the host that it belongs to.
"""

from __future__ import annotations

from medshelf.access.web.answer import Answer, Broken
from medshelf.access.web.client import Patience, Web

__all__ = ["Answer", "Broken", "Patience", "Web"]
