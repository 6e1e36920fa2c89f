"""What a container may not do that is asked what an image has, or whether containers run, and nothing of signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.core.catalogue import LIMITS
from harness.engine.client import our_errors
from harness.engine.creation import limits_cpus, share_of_cpus

if TYPE_CHECKING:
    import docker

_CPUS: Final = 1.0


def confined(api: docker.APIClient) -> dict[str, Any]:
    """The arguments of ``APIClient.create_host_config``: no rights, and a part of the machine.

    That is the memory and the processes of a catalogue's containers, and one processor's time where the engine can
    limit that.

    Raises:
        EngineUnavailable: the engine does not say what it can.
    """
    with our_errors():
        cpus = limits_cpus(api.info())
    return {
        "mem_limit": LIMITS.memory,
        "pids_limit": LIMITS.pids_limit,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        **(share_of_cpus(_CPUS) if cpus else {}),
    }
