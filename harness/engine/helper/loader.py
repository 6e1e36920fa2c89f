"""What the helper's Python is started with (``-c``): it takes in our modules from its input, and runs the program.

So the image needs to have nothing of ours, and the program is always that of the harness that runs it. The first line
is one object of JSON: the source of each module by its name, that of a package is empty.
"""

import json
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import ClassVar


class Sent(SourceFileLoader):
    """A loader of a module whose source was sent; its path is its name."""

    sources: ClassVar[dict[str, str]] = {}

    @classmethod
    def find_spec(cls, name: str, *_: object) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if name not in cls.sources:
            return None
        return ModuleSpec(name, cls(name, name), is_package=not cls.sources[name])

    def get_data(self, path: str) -> bytes:
        """See `importlib.abc.ResourceLoader`."""
        return self.sources[path].encode()

    def path_stats(self, path: str) -> dict[str, float]:
        """See `importlib.abc.SourceLoader`: nothing is kept of it."""
        raise OSError(path)


if __name__ == "__main__":
    Sent.sources = json.loads(sys.stdin.buffer.readline())
    sys.meta_path.insert(0, Sent)
    from harness.engine.helper.program import main

    main()
