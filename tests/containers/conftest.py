from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.engine.bases import Bases
from harness.engine.client import connect
from harness.engine.images import Images
from harness.session import cache_folder, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def image() -> Iterator[Callable[[str, str], str]]:
    """Gives the image of a variant on a base."""
    folder, catalogue = load_catalogue(None)
    bases = Bases(connect(), cache=cache_folder(), report=lambda _: None)
    with Images(
        connect(),
        folder=folder,
        context=folder / catalogue.context,
        base_image=bases.image,
        on_build=lambda *_: None,
        jobs=2,
    ) as images:

        def get(base: str, variant: str) -> str:
            bases.get(base)
            return images.image_of(base, catalogue.select([variant])[0])

        yield get
