"""An audit needs no more of an engine than the protocol says; what it finds decides the command's exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from harness.auditing import Auditing
from harness.cli.audit import audit
from harness.core.audit import Audit
from harness.core.errors import EngineUnavailable, UsageError
from harness.engine.registry import ENGINES
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.standing import NGINX, NODE, SHELL, standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.audit import Looked

WEB, PROXY, API = (
    standing("web", SHELL, number=1),
    standing("proxy", NGINX, number=2),
    standing("api", (NODE,), number=3),
)
OURS = standing("signal-harness-1", number=4, ours=True)


def run(monkeypatch: pytest.MonkeyPatch, standing_ones: Iterable[Looked], *words: str) -> Any:
    engine = ScriptedOpenEngine(standing=tuple(standing_ones))
    monkeypatch.setattr(engines, "installed", engine, raising=False)
    monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
    done = CliRunner().invoke(audit, words)
    assert engine.closed or isinstance(done.exception, UsageError)
    return done


@pytest.mark.parametrize(
    ("there", "words", "code"),
    [
        ((WEB, PROXY), (), 1),
        ((PROXY, API), (), 0),
        ((WEB, PROXY), ("proxy",), 0),
        ((), (), 0),
        ((OURS,), (), 0),
        ((OURS,), ("signal-harness-1",), 1),
    ],
)
def test_the_exit_code_tells_whether_one_would_be_stopped_badly(
    monkeypatch: pytest.MonkeyPatch, there: tuple[Looked, ...], words: tuple[str, ...], code: int
) -> None:
    assert run(monkeypatch, there, *words).exit_code == code


def test_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join(run(monkeypatch, (PROXY, OURS)).output.split())
    assert "1 of signal-harness's own left out: signal-harness-1" in words
    assert "left out" not in run(monkeypatch, (PROXY, OURS), "proxy").output


def test_json_is_what_the_types_say(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, (PROXY, WEB), "--json", "-")
    document = json.loads(done.stdout)
    assert [(one["name"], one["expected"], one["sure"]) for one in document["containers"]] == [
        ("web", "forced", "certain"),
        ("proxy", "graceful", "likely"),
    ]
    assert set(document) == set(Audit.__struct_fields__)
    assert "a stop would be" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(("wep",), "there is no container 'wep'"), (("--watch", "--json", "x"), "--watch and --json do not go together")],
)
def test_bad_input_is_told(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    fault = run(monkeypatch, (WEB,), *words).exception
    assert isinstance(fault, UsageError)
    assert fault.message == message


def test_one_that_ends_meanwhile_is_told() -> None:
    engine = ScriptedOpenEngine(standing=(WEB, PROXY))
    engine.look = lambda wanted: (PROXY,)  # type: ignore[method-assign]
    found = Auditing(engine).look()
    assert ([one.name for one in found.containers], found.ended) == (["proxy"], ("web",))


def test_of_what_is_named_some_may_go_later() -> None:
    engine = ScriptedOpenEngine(standing=(WEB, PROXY, API))
    auditing = Auditing(engine, ["web", "api"])
    assert [one.name for one in auditing.look().containers] == ["web", "api"]
    engine.standing = (PROXY, API)
    assert [one.name for one in auditing.look().containers] == ["api"]


def test_a_watch_prints_changes_until_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(WEB, PROXY), (WEB, PROXY), (PROXY,)])

    def look(self: ScriptedOpenEngine, _: object) -> tuple[Looked, ...]:
        found = next(looks, None)
        if found is None:
            raise EngineUnavailable("gone")
        return found

    monkeypatch.setattr(ScriptedOpenEngine, "look", look)
    monkeypatch.setattr("harness.cli.audit.AGAIN_S", 0.0)
    done = run(monkeypatch, (WEB, PROXY), "--watch")
    assert isinstance(done.exception, EngineUnavailable)
    assert [line.split(" ", 1)[1].partition(": ")[0] for line in done.output.splitlines()] == ["web", "proxy", "web"]
    assert done.output.splitlines()[-1].endswith("web: gone")
