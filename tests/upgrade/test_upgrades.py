"""A tag that is moved in a registry: what changed is seen, and it is what the two images, run directly, differ in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from harness.catalogues import load_catalogue
from tests.support.command import command
from tests.support.leftovers import owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import docker

    from tests.support.registry import Registry

pytestmark = [pytest.mark.engine, pytest.mark.cli]

MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"
# Node's own change logs: 18.16.1 brings npm 9.5.1, and 18.17.0 brings npm 9.6.7.
NODE_18_16, NODE_18_17 = "local:debian12-node18.16.1", "local:debian12-node18.17.0"
RANKS = {
    "forwarded": 0,
    "graceful": 0,
    "duplicated": 1,
    "translated": 1,
    "cut-short": 2,
    "swallowed": 3,
    "killed": 3,
    "abrupt": 3,
    "forced": 3,
}
ENTRYPOINT_WITHOUT_EXEC = """#!/bin/sh
# Runs its arguments, and does not become them.
"$@"
"""
Cell = tuple[str, str]
Verdicts = dict[Cell, str]


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """A tag that is moved from one image to another, and what is known of it beforehand.

    ``known`` are verdicts before and after, known in the field; ``steady`` are variants that no such upgrade touches.
    ``says`` is what every cause has to say of the bases' facts, and ``silent`` what none may blame.
    """

    name: str
    old: str
    new: str
    variants: tuple[str, ...]
    signals: tuple[str, ...]
    probes: tuple[str, ...] = ("signal",)
    derived: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[Cell, tuple[str, str]]
    steady: tuple[str, ...]
    says: tuple[str, ...]
    silent: tuple[str, ...] = ()
    facts: tuple[str, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """The options of a run."""
        options = (("--variant", self.variants), ("--signal", self.signals), ("--probe", self.probes))
        return (*(word for option, values in options for value in values for word in (option, value)), "--grace", "2")


UPGRADES = (
    Upgrade(
        name="another-system",
        old=MUSL,
        new=DEBIAN,
        variants=("npm-start", "npm-start-exec", "node-shell-form", "node-exec-form", "no-handlers"),
        signals=("TERM",),
        known={
            ("npm-start", "SIGTERM"): ("forwarded", "swallowed"),
            ("node-shell-form", "SIGTERM"): ("forwarded", "swallowed"),
            ("npm-start-exec", "SIGTERM"): ("forwarded", "killed"),
            ("node-exec-form", "SIGTERM"): ("forwarded", "forwarded"),
            ("no-handlers", "SIGTERM"): ("swallowed", "swallowed"),
        },
        steady=("node-exec-form", "no-handlers"),
        says=("/bin/sh is now {new[shell]}, was {old[shell]}", "BusyBox", "ash", "dash", "it stays the parent"),
        silent=("npm", "Node"),
        facts=("the system", "the C library", "/bin/sh", "Node", "npm"),
    ),
    Upgrade(
        name="another-npm",
        old=NODE_18_16,
        new=NODE_18_17,
        variants=("npm-run-exec", "npm-start-exec", "npm-start", "node-exec-form", "node-watch"),
        signals=("TERM",),
        known={
            # npm/cli#6547: from 9.6.7 on, npm no longer forwards a signal.
            ("npm-run-exec", "SIGTERM"): ("forwarded", "swallowed"),
            ("npm-start-exec", "SIGTERM"): ("killed", "swallowed"),
            ("npm-start", "SIGTERM"): ("swallowed", "swallowed"),
            ("node-exec-form", "SIGTERM"): ("forwarded", "forwarded"),
            ("node-watch", "SIGTERM"): ("forwarded", "forwarded"),
        },
        steady=("node-exec-form", "node-watch", "npm-start"),
        says=("npm is now 9.6.7, was 9.5.1", "the processes are the same"),
        silent=("Node", "/bin/sh"),
        facts=("Node", "npm"),
    ),
    Upgrade(
        name="npm-mended",
        old=NODE_18_17,
        new=DEBIAN,
        variants=("npm-run-exec", "npm-start-exec", "node-exec-form"),
        signals=("TERM",),
        known={
            ("npm-run-exec", "SIGTERM"): ("swallowed", "forwarded"),
            ("npm-start-exec", "SIGTERM"): ("swallowed", "killed"),
            ("node-exec-form", "SIGTERM"): ("forwarded", "forwarded"),
        },
        steady=("node-exec-form",),
        says=("npm is now {new[programs][npm]}, was 9.6.7", "the processes are the same"),
        silent=("Node", "/bin/sh"),
        facts=("Node", "npm"),
    ),
    Upgrade(
        name="another-stop-signal",
        old=MUSL,
        new="quit",
        derived={"Dockerfile": "FROM signal-harness/base:musl-node24\nSTOPSIGNAL SIGQUIT\n"},
        variants=("npm-start", "entrypoint-trap-once", "node-exec-form", "stopsignal", "no-handlers"),
        signals=("TERM",),
        probes=("stop", "signal"),
        known={
            ("npm-start", "stop"): ("graceful", "forced"),
            ("entrypoint-trap-once", "stop"): ("abrupt", "forced"),
            ("npm-start", "SIGTERM"): ("forwarded", "forwarded"),
            ("node-exec-form", "stop"): ("graceful", "graceful"),
            ("stopsignal", "stop"): ("graceful", "graceful"),
            ("no-handlers", "stop"): ("forced", "forced"),
        },
        steady=("node-exec-form", "stopsignal", "no-handlers"),
        says=("STOPSIGNAL is now SIGQUIT, was absent", "stops it with SIGQUIT, not with SIGTERM"),
        silent=("npm", "Node", "/bin/sh"),
        facts=("STOPSIGNAL",),
    ),
    Upgrade(
        name="an-entrypoint-without-exec",
        old=MUSL,
        new="no-exec",
        derived={
            "Dockerfile": "FROM signal-harness/base:musl-node24\nCOPY docker-entrypoint.sh /usr/local/bin/\n",
            "docker-entrypoint.sh": ENTRYPOINT_WITHOUT_EXEC,
        },
        variants=("node-exec-form", "tini", "node-shell-form", "entrypoint-exec", "no-handlers"),
        signals=("TERM",),
        known={
            ("node-exec-form", "SIGTERM"): ("forwarded", "swallowed"),
            ("tini", "SIGTERM"): ("forwarded", "swallowed"),
            ("entrypoint-exec", "SIGTERM"): ("forwarded", "forwarded"),
        },
        steady=("entrypoint-exec", "no-handlers"),
        says=(
            "`docker-entrypoint.sh` now stays the parent of what it starts",
            "the entrypoint's file is now sha256:{new[entrypoint_sha256]:.12}",
            "was sha256:{old[entrypoint_sha256]:.12}",
        ),
        silent=("npm", "Node", "/bin/sh is now"),
        facts=("the entrypoint's file",),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Played:
    """An upgrade played out: the truth, and what each command had to say."""

    upgrade: Upgrade
    reference: str
    truth: tuple[Verdicts, Verdicts]
    bases: tuple[dict[str, Any], dict[str, Any]]
    digests: tuple[str, str]
    baseline: Path
    results: Path
    recorded: str
    again: subprocess.CompletedProcess[str]
    unchanged: dict[str, Any]
    after: subprocess.CompletedProcess[str]
    told: subprocess.CompletedProcess[str]
    change: dict[str, Any]

    def differing(self) -> set[tuple[Cell, str]]:
        """Which cells changed how, by the truth."""
        old, new = self.truth
        assert old.keys() == new.keys()
        changed = {cell: RANKS[new[cell]] - RANKS[old[cell]] for cell in old if old[cell] != new[cell]}
        return {(cell, "worse" if by > 0 else "better" if by else "sideways") for cell, by in changed.items()}


def verdicts(document: dict[str, Any], base: str) -> Verdicts:
    rows = [row for row in document["results"] if row["base"] == base]
    return {
        (row["subject"], row["signal"] if row["probe"] == "signal" else row["probe"]): row["verdict"] for row in rows
    }


def cells_of(told: dict[str, Any]) -> set[tuple[Cell, str]]:
    return {((one["subject"], one["question"]), one["change"]) for one in told["changed"]}


def image_of(reference: str) -> str:
    """A base's name on the engine."""
    return reference.replace("local:", "signal-harness/base:", 1)


@pytest.fixture(scope="session")
def bases() -> None:
    """What is pushed is there."""
    done = command("bases", "build", MUSL, DEBIAN, NODE_18_16, NODE_18_17)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where upgrades are played out."""

    api: docker.APIClient
    registry: Registry
    derive: Callable[..., str]
    folder: Path

    def play(self, upgrade: Upgrade) -> Played:
        """Record what the old image does, move the tag to the new one, and ask what changed."""
        files = {name: text for name, text in upgrade.derived.items() if name != "Dockerfile"}
        new = self.derive(upgrade.new, upgrade.derived["Dockerfile"], **files) if upgrade.derived else upgrade.new

        # The truth, found without registry, baseline and comparison.
        done = command("run", "--json", "-", "--base", upgrade.old, "--base", new, *upgrade.asked)
        document = json.loads(done.stdout)
        truth = (verdicts(document, upgrade.old), verdicts(document, new))

        repository = f"{upgrade.name}/node"
        reference = f"{self.registry.address}/{repository}:lts"
        folder = self.folder / upgrade.name
        baselines, results, same, change = (
            folder / name for name in ("baselines", "now.json", "same.json", "change.json")
        )
        asked = ("--base", reference, "--pull", "always", *upgrade.asked)

        first = self.registry.push(image_of(upgrade.old), repository)
        update = command("baseline", "update", "--dir", str(baselines), *asked)
        assert update.returncode == 0, update.stderr
        (baseline,) = baselines.iterdir()
        recorded = baseline.read_text()

        assert self.registry.push(image_of(upgrade.old), repository) == first
        again = command("run", "--baseline", str(baselines), "--json", str(same), *asked)
        assert command("diff", str(baseline), str(same), "--json", str(change)).returncode == 0
        (unchanged,) = json.loads(change.read_text())["comparisons"]

        second = self.registry.push(image_of(new), repository)
        # It is somebody else who has pushed it: here the tag still names the old image.
        self.api.tag(image_of(upgrade.old), f"{self.registry.address}/{repository}", "lts")
        after = command("run", "--baseline", str(baselines), "--json", str(results), *asked)
        told = command("diff", str(baseline), str(results), "--json", str(change))
        (changed,) = json.loads(change.read_text())["comparisons"]
        return Played(
            upgrade=upgrade,
            reference=reference,
            truth=truth,
            bases=(document["bases"][upgrade.old], document["bases"][new]),
            digests=(first, second),
            baseline=baseline,
            results=results,
            recorded=recorded,
            again=again,
            unchanged=unchanged,
            after=after,
            told=told,
            change=changed,
        )


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest,
    registry: Registry,
    bases: None,
    derive: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Upgrade], Future[Played]]]:
    """The upgrades that tests ask for, under way two at a time: they wait more than they work."""
    stage = Stage(api=registry.api, registry=registry, derive=derive, folder=tmp_path_factory.mktemp("upgrades"))
    wanted = [item.callspec.params.get("played") for item in request.session.items if hasattr(item, "callspec")]
    with ThreadPoolExecutor(max_workers=2) as pool:
        played = {upgrade.name: pool.submit(stage.play, upgrade) for upgrade in UPGRADES if upgrade in wanted}
        yield lambda upgrade: played[upgrade.name]
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=UPGRADES, ids=lambda upgrade: upgrade.name)
def played(request: pytest.FixtureRequest, plays: Callable[[Upgrade], Future[Played]]) -> Played:
    """One upgrade, played out once for all tests of it."""
    return plays(request.param).result()


class TestUpgrade:
    def test_what_is_known_in_the_field_is_the_truth_here(self, played: Played) -> None:
        old, new = played.truth
        assert {cell: (old[cell], new[cell]) for cell in played.upgrade.known} == dict(played.upgrade.known)

    def test_the_run_finds_what_the_new_image_does(self, played: Played) -> None:
        assert verdicts(json.loads(played.results.read_text()), played.reference) == played.truth[1]

    def test_the_tag_is_seen_to_be_moved(self, played: Played) -> None:
        image = played.change["image"]
        first, second = played.digests
        assert first != second
        assert (image["old"], image["new"]) == tuple(
            f"{played.reference.removesuffix(':lts')}@{digest[:19]}" for digest in played.digests
        )
        text = " ".join(played.told.stdout.split())
        assert f"the image {image['old']} → {image['new']}" in text

    def test_what_differs_between_the_images_is_told(self, played: Played) -> None:
        assert [one["name"] for one in played.change["base"]] == list(played.upgrade.facts)
        assert played.change["engine"] == []

    def test_what_changed_is_exactly_the_truth(self, played: Played) -> None:
        assert cells_of(played.change) == played.differing()
        assert played.change["same"] == len(played.truth[0]) - len(played.differing())

    def test_each_change_has_the_verdicts_of_the_truth(self, played: Played) -> None:
        old, new = played.truth
        for one in played.change["changed"]:
            cell = (one["subject"], one["question"])
            assert (one["old"]["verdict"], one["new"]["verdict"]) == (old[cell], new[cell])

    def test_what_it_cannot_touch_is_not_told(self, played: Played) -> None:
        assert {one["subject"] for one in played.change["changed"]}.isdisjoint(played.upgrade.steady)
        changes = played.told.stdout.rpartition("\n= ")[0]
        for name in played.upgrade.steady:
            assert f"    {name} " not in changes

    def test_the_cause_is_the_one_that_is_known(self, played: Played) -> None:
        old, new = played.bases
        causes = {one["cause"] for one in played.change["changed"]}
        assert causes
        for cause in causes:
            for said in played.upgrade.says:
                assert said.format(old=old, new=new) in cause
            assert [word for word in played.upgrade.silent if word in cause] == []

    def test_the_text_tells_cells_causes_and_counts(self, played: Played) -> None:
        text = " ".join(played.told.stdout.split())
        counts = Counter(how for _, how in played.differing())
        for one in played.change["changed"]:
            assert f"likely: {one['cause']}" in text
            assert one["subject"] in text
        for how, count in counts.items():
            assert f"{count} {how}" in played.told.stdout.splitlines()[-1]
        assert played.told.stdout.splitlines()[-1].startswith(f"{len(played.truth[0])} cells: ")

    def test_the_exit_codes_tell_worse_from_other_changes(self, played: Played) -> None:
        hows = {how for _, how in played.differing()}
        files = (str(played.baseline), str(played.results))
        assert played.told.returncode == (1 if "worse" in hows else 0)
        assert command("diff", *files, "--fail-on", "any").returncode == 1
        assert command("diff", *files, "--fail-on", "never").returncode == 0
        backwards = command("diff", *reversed(files))
        assert backwards.returncode == (1 if "better" in hows else 0)

    def test_the_run_fails_and_names_each_cell(self, played: Played) -> None:
        assert played.after.returncode == 1
        told = " ".join(played.after.stdout.split())
        old, new = played.truth
        for (variant, question), _ in played.differing():
            was, is_now = old[variant, question], new[variant, question]
            assert f"/{variant}/{question}: expected {was}, but {is_now}:" in told

    def test_the_same_image_under_the_tag_again_changes_nothing(self, played: Played) -> None:
        assert played.again.returncode == 0, played.again.stdout
        assert "all as expected" in " ".join(played.again.stdout.split())
        assert played.unchanged["changed"] == played.unchanged["base"] == played.unchanged["engine"] == []
        assert played.unchanged["image"] is None
        assert played.unchanged["same"] == len(played.truth[0])

    def test_runs_and_diffs_leave_the_baseline_as_it_is(self, played: Played) -> None:
        assert played.baseline.read_text() == played.recorded


ONE = ("--variant", "node-shell-form", "--signal", "HUP")


@pytest.fixture(scope="module")
def moved(registry: Registry, bases: None) -> str:
    """A repository with the old image under ``old`` and the new one under ``new``."""
    for image, tag in ((MUSL, "old"), (DEBIAN, "new")):
        registry.push(image_of(image), "moved/node", tag)
    return f"{registry.address}/moved/node"


@pytest.fixture(scope="module")
def recorded(moved: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline of the old image, which is not to be written to."""
    folder = tmp_path_factory.mktemp("recorded")
    assert command("baseline", "update", "--base", f"{moved}:old", "--dir", str(folder), *ONE).returncode == 0
    (baseline,) = folder.iterdir()
    return baseline


class TestBaselines:
    @pytest.fixture
    def update(self, moved: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        def run(*words: str) -> subprocess.CompletedProcess[str]:
            return command("baseline", "update", "--base", f"{moved}:lts", "--dir", str(tmp_path / "baselines"), *words)

        return run

    def test_two_updates_give_the_same_bytes(
        self, registry: Registry, update: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
    ) -> None:
        registry.push(image_of(MUSL), "moved/node")
        words = ("--pull", "always", "--variant", "node-*-form")
        assert update(*words).returncode == 0
        (baseline,) = (tmp_path / "baselines").iterdir()
        before = baseline.read_bytes()
        done = update(*words)
        assert done.returncode == 0
        assert baseline.read_bytes() == before
        assert "= 6 the same" in done.stdout
        assert command("baseline", "check", str(baseline)).returncode == 0

    def test_a_part_of_a_moved_tag_is_refused_and_the_file_stays(
        self, registry: Registry, update: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
    ) -> None:
        registry.push(image_of(MUSL), "moved/node")
        assert update("--pull", "always", *ONE).returncode == 0
        (baseline,) = (tmp_path / "baselines").iterdir()
        before = baseline.read_bytes()
        registry.push(image_of(DEBIAN), "moved/node")
        done = update("--pull", "always", *ONE)
        assert done.returncode == 2
        assert "was recorded of another image or engine" in done.stderr
        assert baseline.read_bytes() == before

    def test_all_of_a_moved_tag_is_recorded_and_what_changed_is_told(
        self, registry: Registry, update: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
    ) -> None:
        small = ("--pull", "always", "--catalogue", str(small_catalogue(tmp_path)), "--grace", "1")
        registry.push(image_of(MUSL), "moved/node")
        assert update(*small).returncode == 0
        registry.push(image_of(DEBIAN), "moved/node")
        done = update(*small)
        assert done.returncode == 0
        assert "▼ 3 worse" in done.stdout
        run = command(
            "run", "--base", f"{registry.address}/moved/node:lts", "--baseline", str(tmp_path / "baselines"), *small
        )
        assert run.returncode == 0, run.stdout

    @pytest.mark.parametrize("kept", [0, 200, -3])
    def test_a_broken_file_is_told_and_not_overwritten(
        self, moved: str, recorded: Path, tmp_path: Path, kept: int
    ) -> None:
        baseline = tmp_path / recorded.name
        broken = recorded.read_bytes()[:kept]
        baseline.write_bytes(broken)
        for done in (
            command("baseline", "update", "--base", f"{moved}:old", "--dir", str(tmp_path), "--pull", "always", *ONE),
            command("run", "--base", f"{moved}:old", "--baseline", str(baseline), *ONE),
            command("diff", str(baseline), f"{moved}:new", *ONE),
        ):
            assert done.returncode == 2
            assert f"{baseline}:" in done.stderr
            assert "not valid JSON" in done.stderr
        assert baseline.read_bytes() == broken
        assert list(tmp_path.iterdir()) == [baseline]


def small_catalogue(folder: Path) -> Path:
    """A catalogue of two variants: all of it is quickly run."""
    ours, _ = load_catalogue(None)
    shutil.copytree(ours.parent / "sample_app", folder / "sample_app")
    made = folder / "dockerfiles"
    made.mkdir()
    head, *rows = (ours / "catalogue.toml").read_text().split("[[variant]]")
    wanted = ("node-shell-form", "node-exec-form")
    for name in wanted:
        shutil.copy(ours / f"{name}.Dockerfile", made)
    kept = [row.partition("\n\n\n")[0] for row in rows if any(f'name = "{name}"' in row for name in wanted)]
    (made / "catalogue.toml").write_text("[[variant]]".join([head, *kept]))
    return made


class TestImages:
    """``diff`` of images that are run now."""

    def test_two_images_are_run_in_one_session(self, api: docker.APIClient, moved: str, tmp_path: Path) -> None:
        began = int(time.time())
        told = tmp_path / "change.json"
        words = ("diff", f"{moved}:old", f"{moved}:new", *ONE, "--json", str(told))
        with subprocess.Popen([sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, text=True) as process:
            out, _ = process.communicate(timeout=200)
        assert process.returncode == 1
        assert f"{moved}:old → {moved}:new" in out
        (comparison,) = json.loads(told.read_text())["comparisons"]
        assert cells_of(comparison) == {(("node-shell-form", "SIGHUP"), "worse")}
        filters = {"type": "container", "event": "create", "label": owner(process.pid)}
        events = api.events(since=began, until=int(time.time()) + 1, decode=True, filters=filters)
        runs = Counter(event["Actor"]["Attributes"]["signal-harness.run"] for event in events)
        assert runs.pop("facts", 0) <= 2  # none where what they answered is kept
        assert list(runs.values()) == [2]

    def test_an_image_is_compared_with_a_baseline_cell_by_cell(self, moved: str, tmp_path: Path) -> None:
        update = ("baseline", "update", "--base", f"{moved}:old", "--dir", str(tmp_path))
        assert command(*update, "--variant", "node-*-form", "--signal", "HUP", "--probe", "signal").returncode == 0
        done = command("diff", str(tmp_path), f"{moved}:new", *ONE)
        assert done.returncode == 1
        assert done.stdout.splitlines()[-1] == "1 cell: 1 worse"

    def test_one_image_under_two_tags_is_no_other_image(self, registry: Registry, moved: str) -> None:
        assert registry.push(image_of(MUSL), "moved/node", "same") == registry.digest("moved/node", "old")
        done = command("diff", f"{moved}:old", f"{moved}:same", *ONE)
        assert done.returncode == 0
        assert done.stdout.splitlines()[-1] == "1 cell: 1 same"
        assert "the image" not in done.stdout

    def test_one_image_in_two_repositories_is_no_other_image(self, registry: Registry, moved: str) -> None:
        registry.push(image_of(MUSL), "mirror/node", "old")
        done = command("diff", f"{moved}:old", f"{registry.address}/mirror/node:old", *ONE)
        assert done.returncode == 0
        assert "the image" not in done.stdout

    def test_a_base_made_here_has_no_digest_of_a_repository_it_was_pushed_to(self, moved: str) -> None:
        assert command("run", "--base", f"{moved}:old", *ONE).returncode in (0, 1)
        done = command("run", "--base", MUSL, *ONE, "--json", "-")
        assert json.loads(done.stdout)["bases"][MUSL]["digest"] is None


class TestRegistry:
    """What becomes of ``--pull always`` where the registry does not give the image."""

    def commands(self, reference: str, folder: Path) -> list[tuple[str, ...]]:
        return [
            ("run", "--base", reference, "--json", str(folder / "results.json")),
            ("baseline", "update", "--base", reference, "--dir", str(folder / "baselines")),
            ("diff", reference, MUSL, "--json", str(folder / "change.json")),
        ]

    def test_one_that_is_down_is_told_although_the_image_is_here(self, own_registry: Registry, tmp_path: Path) -> None:
        name = f"{own_registry.address}/node"
        own_registry.api.tag(image_of(MUSL), name, "lts")
        own_registry.stop()
        for words in self.commands(f"{name}:lts", tmp_path):
            done = command(*words, "--pull", "always", *ONE)
            assert done.returncode == 3
            assert f"{name}:lts cannot be pulled: " in done.stderr
            assert "connection refused" in done.stderr
            assert "Check the name" in done.stderr
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
        assert command("run", "--base", f"{name}:lts", *ONE).returncode == 0
        assert command("run", "--base", f"{name}:lts", "--pull", "never", *ONE).returncode == 0

    def test_one_that_says_nothing_is_taken_for_absent(self, own_registry: Registry) -> None:
        name = f"{own_registry.address}/node:lts"
        own_registry.silence()
        done = command("run", "--base", name, "--pull", "always", *ONE)
        assert done.returncode == 3
        assert f"{name} cannot be pulled: the registry said nothing for 6 s" in done.stderr

    def test_one_without_the_image_is_told(self, own_registry: Registry) -> None:
        name = f"{own_registry.address}/node:lts"
        done = command("run", "--base", name, "--pull", "always", *ONE)
        assert done.returncode == 3
        assert f"{name} cannot be pulled: " in done.stderr
        assert "unknown" in done.stderr

    def test_the_default_does_not_ask_for_what_is_here(self, registry: Registry, bases: None) -> None:
        name = f"{registry.address}/here/node"
        registry.push(image_of(DEBIAN), "here/node")
        registry.api.tag(image_of(MUSL), name, "lts")
        words = ("run", "--base", f"{name}:lts", *ONE, "--json", "-")
        (here,) = json.loads(command(*words).stdout)["results"]
        (there,) = json.loads(command(*words, "--pull", "always").stdout)["results"]
        assert (here["verdict"], there["verdict"]) == ("forwarded", "swallowed")
