"""``merge``, and what `run` says of parts that there are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.entry import cli
from harness.cli.merge import merge
from harness.core.document import Shard
from harness.core.errors import UsageError
from harness.core.signals import Signal
from harness.core.verdict import Expected
from harness.report.json import render
from tests.support.evidence import changed
from tests.support.reports import FORWARDED, SWALLOWED, report, result

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from harness.core.document import Document

ROWS = tuple(result(name, FORWARDED, signal=Signal(15), expected=Expected.ALWAYS) for name in ("exec", "tini"))
PARTS = tuple(
    changed(report(row), shard=Shard(parts=(number,), of=2, planned=tuple(one.id for one in ROWS)))
    for number, row in enumerate(ROWS, start=1)
)


def call(folder: Path, *documents: Document, to: str = "-") -> Result:
    files = []
    for number, document in enumerate(documents):
        file = folder / f"{number}.json"
        file.write_text(render(document))
        files.append(str(file))
    return CliRunner().invoke(merge, [*files, "--json", to])


def test_parts_make_a_file_that_other_commands_read(tmp_path: Path) -> None:
    file = tmp_path / "whole.json"
    done = call(tmp_path, *PARTS, to=str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    assert json.loads(file.read_text()) == json.loads(render(report(*ROWS)))
    assert "2 cells in" in done.stderr
    words = ["report", str(file), "--to", "json", "--to", f"html={tmp_path / 'report.html'}"]
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == 0
    assert json.loads(shown.stdout) == json.loads(file.read_text())


def test_missing_cells_are_named_and_the_rest_is_written(tmp_path: Path) -> None:
    done = call(tmp_path, PARTS[0])
    assert done.exit_code == 4
    assert f"missing: {ROWS[1].id}\n" in done.stderr
    assert "part 2 of 2 is in no file" in done.stderr
    document = json.loads(done.stdout)
    assert [row["subject"] for row in document["results"]] == ["exec"]
    assert document["cut"]["planned"] == 2


def test_a_verdict_that_is_not_as_expected_is_the_exit_code(tmp_path: Path) -> None:
    bad = changed(
        PARTS[1], results=report(result("tini", SWALLOWED, signal=Signal(15), expected=Expected.ALWAYS)).results
    )
    assert call(tmp_path, PARTS[0], bad).exit_code == 1


def test_contradictions_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    bad = report(result("exec", SWALLOWED, signal=Signal(15), expected=Expected.ALWAYS))
    file = tmp_path / "whole.json"
    done = call(tmp_path, *PARTS, bad, to=str(file))
    assert isinstance(done.exception, UsageError)
    assert "swallowed" in done.exception.message
    assert not file.exists()


def test_what_is_no_results_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    done = CliRunner().invoke(merge, [str(tmp_path / "x.json"), "--json", "-"])
    assert isinstance(done.exception, UsageError)
    assert CliRunner().invoke(merge, ["--json", "-"]).exit_code == 2


@pytest.mark.parametrize("part", ["0/3", "4/3", "x", "1/0"])
def test_a_part_that_there_is_not_is_a_usage_error_that_says_what_is_right(part: str) -> None:
    done = CliRunner().invoke(cli, ["run", "--shard", part])
    assert done.exit_code == 2
    assert "1/3, 2/3 and 3/3 are the three parts of a run" in " ".join(done.stderr.split())
