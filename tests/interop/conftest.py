"""Trainers and their tools: these tests need what `make interop` installs, and fail where it is missing."""
