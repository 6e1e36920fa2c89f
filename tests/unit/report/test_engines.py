"""Several engines in one run, in every form: which is which is said, and with one engine nothing of it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import structs

from harness.core.baseline import recordings
from harness.core.columns import side_by_side
from harness.core.comparison import compare, compare_all
from harness.core.verdict import Expected, Verdict
from harness.report import bases_table, difference, table
from harness.report.baseline import file_name
from harness.report.engines import engine_lines
from harness.report.formats import Format, render
from tests.support.reports import DEBIAN, ENGINE, FORWARDED, KILLED, SWALLOWED, UNTESTED, drawn, report, result

if TYPE_CHECKING:
    from harness.core.document import Document

PODMAN = structs.replace(ENGINE, name="Podman", version="4.3.1", runtime="crun 1.8", init="catatonit")


def side(label: str) -> Document:
    """What came of one engine: on Podman, one cell is not as on Docker."""
    other = label == "podman"
    rows = (
        result("naive", FORWARDED if other else SWALLOWED),
        result("exec", KILLED if other else FORWARDED, expected=Expected.ALWAYS),
        result("tini", UNTESTED),
    )
    return report(*(structs.replace(row, column=label) for row in rows), engine=PODMAN if other else ENGINE)


BOTH = side_by_side([side("docker"), side("podman")])
ALONE = report(*(structs.replace(row, column=None) for row in side("docker").results))


def test_the_table_has_a_column_for_each() -> None:
    text = drawn(table.render(BOTH))
    assert text.startswith(
        "docker: Docker Engine 28.1, runc 1.2, its init docker-init 0.19\npodman: Podman 4.3.1, crun 1.8"
    )
    lines = text.splitlines()
    (heading,) = (number for number, line in enumerate(lines) if line.count("SIGTERM") == 2)
    assert lines[heading + 1].split() == ["variant", "docker", "podman"]
    (row,) = (line for line in lines if line.split()[:1] == ["exec"])
    assert row.split()[3:] == ["✓", "forwarded", Verdict.KILLED.symbol, "killed", "←", "unexpected"]
    assert "podman/musl-node24/exec/SIGTERM: expected forwarded, but killed" in text


def test_side_by_side_the_engines_of_a_base_are_beside_each_other() -> None:
    more = side_by_side([_on_two(side("docker")), _on_two(side("podman"))])
    lines = drawn(bases_table.render(more)).splitlines()
    (heading,) = (number for number, line in enumerate(lines) if line.split()[:2] == ["musl-node24", "musl-node24"])
    assert lines[heading].split() == ["musl-node24"] * 2 + ["debian12-node24"] * 2
    assert lines[heading + 1].split() == ["variant", "docker", "podman", "docker", "podman"]


def _on_two(document: Document) -> Document:
    rows = [structs.replace(row, base=DEBIAN.reference) for row in document.results]
    bases = {**document.bases, DEBIAN.reference: DEBIAN}
    return structs.replace(document, bases=bases, results=(*document.results, *rows))


def test_with_one_engine_nothing_of_it_is_said() -> None:
    assert engine_lines(ALONE) == []
    for wanted in Format:
        text = render(wanted, ALONE)
        assert "(docker)" not in text, wanted
        assert "docker/musl-node24" not in text, wanted
    assert "SIGTERM docker" not in render(Format.MARKDOWN, ALONE)


def test_every_form_says_which_engine_a_cell_is_of() -> None:
    markdown = render(Format.MARKDOWN, BOTH)
    assert "| variant | SIGTERM docker | SIGTERM podman |" in markdown
    assert "podman/musl-node24/exec/SIGTERM" in markdown
    assert "Podman 4.3.1, crun 1.8, its init catatonit" in markdown
    (run,) = json.loads(render(Format.SARIF, BOTH))["runs"]
    texts = {one["properties"]["engines"][0]: one["message"]["text"] for one in run["results"]}
    assert "exec, SIGTERM: killed on podman/musl-node24." in texts["Podman"]
    junit = render(Format.JUNIT, BOTH)
    assert '<testsuite name="local:musl-node24 (podman)"' in junit
    of_podman = junit.split("(podman)")[1]
    assert 'value="crun 1.8"' in of_podman
    assert 'value="runc 1.2"' not in of_podman
    assert "exec on local%3Amusl-node24 (podman)%2C SIGTERM" in render(Format.GITHUB, BOTH)
    prints = [one["fingerprint"] for one in json.loads(render(Format.GITLAB, BOTH))]
    assert len(prints) == len(set(prints))
    page = render(Format.HTML, BOTH)
    assert page.count('data-engine="podman"') == page.count('data-engine="docker"') == 1
    assert 'id="cell=podman/musl-node24/exec/SIGTERM"' in page


def test_what_changes_from_one_engine_to_the_other_is_headed_by_both() -> None:
    docker, podman = recordings(BOTH)
    (compared,) = compare_all([docker], [podman], BOTH.bases)
    text = drawn(difference.render([compared]))
    assert text.startswith("local:musl-node24: docker → podman\n")
    assert "! not the same engine" in text
    assert "Docker Engine 28.1 → Podman 4.3.1" in text
    assert "1 better" in difference.summary([compared])
    page = render(Format.HTML, BOTH, [compare(podman, podman)])
    assert "What changed on local:musl-node24 (podman)" in page
    assert "was run elsewhere: the engine is now Podman 4.3.1" in difference.caveat(compared)


def test_a_baseline_goes_to_a_file_of_its_own_for_each_engine() -> None:
    assert file_name("local:musl-node24") == "musl-node24.json"
    assert file_name("local:musl-node24", "podman-5.4.2") == "musl-node24.podman-5.4.2.json"
    assert file_name("a/b:1", "x y") == "a_b_1.x_y.json"
