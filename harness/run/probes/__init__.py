"""The probes, one module each: what is done to a container, what its evidence is and means, how to repeat it by hand.

A probe is registered by its line in `harness.core.question.Probe`; its module here has the same name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from harness.core.evidence import Evidence, Untested
    from harness.core.question import Probe
    from harness.core.reproduce import ByHand
    from harness.run.asking import Asking


class ProbeModule(Protocol):
    """What a probe's module has.

    Where its evidence is of a class of its own, it registers with `harness.core.judge.judge` what that means, and with
    `harness.core.describe.finding` what else it shows.
    """

    def ask(self, asking: Asking) -> Evidence | Untested:
        """Run the question once.

        Raises:
            EngineUnavailable: the engine went away.
        """
        ...

    def by_hand(self, hand: ByHand) -> tuple[str, ...]:
        """The ``docker`` commands with which a person sees the same."""
        ...


def module_of(probe: Probe) -> ProbeModule:
    """The module of a probe."""
    return cast("ProbeModule", import_module(f"{__name__}.{probe.replace('-', '_')}"))
