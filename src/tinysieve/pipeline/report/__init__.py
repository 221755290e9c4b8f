"""The report page and the cards: data read from finished stages, words, charts, templates filled."""
