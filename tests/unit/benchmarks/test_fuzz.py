"""The fuzz run in a short form: no parser fails; and one that does, or takes long, is found."""

from __future__ import annotations

import time

import pytest

from benchmarks import fuzz
from harness.core.errors import UsageError


def test_no_parser_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        fuzz.main(["--inputs", "60", "--seed", "7"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"{60 * len(fuzz.parsers()):,} inputs, 0 failures", lines
    assert end.value.code == 0


@pytest.mark.parametrize("parser", fuzz.parsers(), ids=lambda parser: parser.name)
def test_every_parser_takes_the_files_that_are_changed(parser: fuzz.Parser) -> None:
    found = fuzz.fuzzed(parser, len(parser.seeds), seed=1)
    assert (found.taken, found.refused, found.failures) == (len(parser.seeds), 0, ())
    assert parser.seeds


def test_the_same_seed_changes_files_the_same_way() -> None:
    seen: list[list[bytes]] = [[], [], []]
    for inputs, seed in zip(seen, (1, 1, 2), strict=True):
        fuzz.fuzzed(fuzz.Parser("x", inputs.append, (b"some text", b"other")), 20, seed)
    assert seen[0] == seen[1] != seen[2]


def test_what_fails_refuses_or_takes_long_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes) -> None:
        if data == b"refused":
            raise UsageError("no")
        if data == b"failed":
            raise RecursionError("too deep")
        if data == b"slow":
            until = time.process_time() + 0.03
            while time.process_time() < until:
                pass

    monkeypatch.setattr(fuzz, "LONGEST_S", 0.02)
    seeds = (b"taken", b"refused", b"failed", b"slow")
    found = fuzz.fuzzed(fuzz.Parser("x", read, seeds), len(seeds), 1)
    assert (found.taken, found.refused) == (2, 1)
    assert [data for _, data in found.failures] == [b"failed", b"slow"]
    assert found.failures[0][0] == "RecursionError: too deep"
