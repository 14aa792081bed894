"""Places and bytes: folders, archives and lists as trees of names, and files written whole or not at all."""
