"""Bases from packages as an engine's provider, and what comes of a store that fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import pytest

from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable, UsageError
from harness.local_bases.assemble import _fingerprint
from harness.local_bases.provider import LocalBases
from harness.local_bases.recipe import DEFAULTS, architecture, parse_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.core.errors import HarnessError

MUSL = "local:musl-node24"


@dataclass
class ScriptedStore:
    """A store whose images have these recipe labels; or that fails."""

    labels: dict[str, str] = field(default_factory=dict)
    arch: str = "amd64"
    fault: HarnessError | None = None

    def architecture(self) -> str:
        if self.fault:
            raise self.fault
        return self.arch

    def label(self, reference: str, name: str) -> str | None:
        assert name == "signal-harness.recipe"
        return self.labels.get(reference)

    def import_rootfs(self, archive: IO[bytes], *, tag: str, changes: Sequence[str]) -> None:
        pytest.fail("nothing is to be assembled")


def provide(store: ScriptedStore, folder: Path, reference: str = MUSL) -> list[str]:
    reports: list[str] = []
    LocalBases(folder / "cache").provide(reference, store, report=reports.append, rebuild=False)
    return reports


@pytest.mark.parametrize(
    ("reference", "handled"), [(MUSL, True), ("local:", True), ("node:24", False), ("x/local:1", False)]
)
def test_recipes_are_handled_well_formed_or_not(reference: str, handled: bool, tmp_path: Path) -> None:
    assert LocalBases(tmp_path).handles(reference) is handled


@pytest.mark.parametrize("reference", [*DEFAULTS, "local:debian11-node18.20.0-npm9.6.7"])
def test_a_tag_leads_back_to_its_recipe(reference: str, tmp_path: Path) -> None:
    bases = LocalBases(tmp_path)
    assert bases.tag(reference) == f"signal-harness/base:{reference.removeprefix('local:')}"
    assert bases.reference(bases.tag(reference)) == reference


@pytest.mark.parametrize("tag", ["node:24", "signal-harness/from:0f", "signal-harness/base2:x", "<none>:<none>"])
def test_other_tags_are_no_recipes(tag: str, tmp_path: Path) -> None:
    assert LocalBases(tmp_path).reference(tag) is None


def test_a_malformed_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        LocalBases(tmp_path).tag("local:plan9")


def test_what_is_there_is_taken_without_a_word(tmp_path: Path) -> None:
    recipe = parse_recipe(MUSL)
    store = ScriptedStore({recipe.tag: _fingerprint(recipe, architecture("amd64"))})
    assert provide(store, tmp_path) == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("fault", [EngineFault("the engine says: no space"), EngineUnavailable("no engine answers")])
def test_an_engine_that_fails_makes_the_base_unavailable(fault: HarnessError, tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable) as refusal:
        provide(ScriptedStore(fault=fault), tmp_path)
    assert refusal.value.message == f"{MUSL} cannot be assembled: {fault.message}"
    assert refusal.value.remedy == "Check the engine, its log and its disk."


def test_an_architecture_without_packages_is_said(tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="riscv64"):
        provide(ScriptedStore(arch="riscv64"), tmp_path)
