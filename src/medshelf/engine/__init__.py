"""Work-lists and journals: idempotent tasks that can be stopped and continued. Knows nothing of medshelf's nouns."""
