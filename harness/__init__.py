"""Empirical verdicts on what a signal does to a containerised app."""


def __getattr__(name: str) -> str:
    """The version, ``__version__``, which is looked up among all that is installed only as it is asked for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("signal-harness")
