"""The workshop: a demo for a room, labs for attendees, and what both are told with."""
