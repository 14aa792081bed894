"""Nouns, frozen: records, layouts, structures, cases, findings, volumes, geometry."""
