"""The shelf: records read from TOML, checked against the vocabularies, baked into SQLite, searched."""
