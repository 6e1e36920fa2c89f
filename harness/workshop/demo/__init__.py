"""The workshop demo: a told story in chapters, with real containers."""
