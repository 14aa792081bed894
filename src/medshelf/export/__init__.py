"""Folders for trainers: cases written in a target's format, with lock, citations and report."""
