"""The workshop demo: a story in chapters, run with real containers."""
