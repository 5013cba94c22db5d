"""Which tasks are watched, and a scrape of them: queries, each with a result of its own, by a deadline."""
