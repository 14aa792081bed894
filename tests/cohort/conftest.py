"""Fixtures of this room."""

from tests.twins import data, twins

__all__ = ["data", "twins"]
