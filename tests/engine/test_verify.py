"""Output that was cut shortly before the container's end is held against the engine's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.errors import Disturbed
from harness.core.subject import LaunchOptions
from harness.engine.containers import DockerEngine
from harness.run.protocol import Launch
from harness.run.waiting import until

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.engine
LONG_S = 30


@pytest.mark.parametrize("cut", [False, True])
def test_output_that_was_cut_before_the_end_is_not_believed(api: docker.APIClient, base: str, *, cut: bool) -> None:
    options = LaunchOptions(entrypoint=("/bin/sh", "-c"), command=("echo one; echo two >&2",), network="none")
    with DockerEngine(api) as engine, engine.launch(Launch(image=base, options=options)) as container:
        container.start()
        assert container.inbox.wait_for_end(within_s=LONG_S)
        assert until(lambda: container.inbox.closed or None, timeout_s=LONG_S, time=container.inbox)
        container.verify()
        if cut:
            container.inbox._bytes -= 1  # as if its last byte had been lost
            with pytest.raises(Disturbed, match="broke off before its end"):
                container._compare_output()
        else:
            container._compare_output()
