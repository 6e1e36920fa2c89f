"""The project here is for a pytest of its own, with signal-harness installed."""

collect_ignore = ["project"]
