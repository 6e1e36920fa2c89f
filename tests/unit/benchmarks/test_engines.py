"""Engines of other releases: how each is started, and what is told of what they found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from benchmarks import engines
from benchmarks.engines import KINDS, Ran, compare, differences, end_all, open_cells, run, told
from harness.core.document import Cut
from harness.core.errors import EngineUnavailable
from harness.report.formats import Format, render
from tests.support.reports import ENGINE, FORWARDED, SWALLOWED, UNTESTED, report, result

if TYPE_CHECKING:
    from collections.abc import Iterator

PODMAN = structs.replace(ENGINE, name="Podman", version="5.4.2+ds1", runtime="crun 1.21", init="catatonit")
FIRST = report(result("a", FORWARDED), result("b", FORWARDED), result("c", FORWARDED), result("d", UNTESTED))
OTHER = report(
    result("a", FORWARDED), result("b", SWALLOWED), result("c", UNTESTED), result("d", FORWARDED), engine=PODMAN
)


def test_each_engine_has_all_that_it_keeps_in_its_own_folder(tmp_path: Path) -> None:
    for kind in KINDS:
        words = kind.command(tmp_path)
        assert f"unix://{tmp_path}/engine.sock" in words
        assert ("crun" in words) is (kind.program == "docker" and kind.runtime == "crun")
        if kind.program == "podman":
            conf = (tmp_path / "containers.conf").read_text()
            assert f'runtime = "{kind.runtime}"' in conf
            assert f'tmp_dir = "{tmp_path}/tmp"' in conf
    assert len({kind.name for kind in KINDS}) == len(KINDS) == 8


def test_a_cell_differs_where_both_found_something_and_is_open_where_one_could_not_test_it() -> None:
    assert [(a.subject, b.verdict.value) for a, b in differences(FIRST, OTHER)] == [("b", "swallowed")]
    assert [row.subject for row in open_cells(FIRST, OTHER)] == ["c"]
    assert differences(FIRST, FIRST) == open_cells(FIRST, FIRST) == []


def test_what_differs_is_printed_with_the_reasons_of_both(capsys: pytest.CaptureFixture[str]) -> None:
    first, other = Ran(kind=KINDS[0], document=FIRST), Ran(kind=KINDS[-1], document=OTHER)
    compare(first, other)
    text = capsys.readouterr().out
    assert "podman-13-crun against docker-12-runc: 1 verdicts differ, 1 more untested" in text
    assert "  musl-node24/b/SIGTERM: forwarded -> swallowed\n" in text
    assert "  musl-node24/c/SIGTERM: untested: no ready line within 30 s\n" in text
    assert told(other) == "| Podman 5.4.2 | crun 1.21 | catatonit | 4 | 1 | 1 |"


class _Asked(Exception):
    pass


def test_what_was_run_is_not_run_again_but_for_what_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def up(_: engines.Kind) -> Iterator[engines.Up]:
        raise _Asked

    monkeypatch.setattr(engines, "engine", up)
    file = tmp_path / "r.json"
    file.write_text(render(Format.JSON, FIRST))
    assert run(KINDS[0], tmp_path / "base.tar", [], file).document == FIRST
    cut = structs.replace(FIRST, cut=Cut(planned=9, reason="interrupted", exit_code=130))
    file.write_text(render(Format.JSON, cut))
    with pytest.raises(_Asked):
        run(KINDS[0], tmp_path / "base.tar", [], file)


def test_nothing_of_this_machine_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "end", lambda _: pytest.fail("a process was killed"))
    end_all(None)
    end_all(Path("/proc/self/ns/mnt").readlink())


def test_a_root_needs_mmdebstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "cache_folder", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="mmdebstrap"):
        engines.root_of("12")
