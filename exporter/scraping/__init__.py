"""Which tasks are watched, and a scrape of them: one query per task, each with a result of its own, by a deadline."""
