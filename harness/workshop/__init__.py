"""The workshop: a demo to present, labs to do, and what both stand on."""
