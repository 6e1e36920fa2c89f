"""One cell from start to evidence, and many of them at once. Never prints, never judges."""
