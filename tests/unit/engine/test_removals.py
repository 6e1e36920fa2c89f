"""Containers that are removed while a run goes on, and what is said of those that are not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import pytest
from docker.errors import APIError
from requests import ConnectionError as Unreachable
from requests import Response

from harness.engine import removals
from harness.engine.removals import Removals

if TYPE_CHECKING:
    import docker

LONG_S = 30


def refused(status: int) -> APIError:
    answer = Response()
    answer.status_code = status
    return APIError("no", response=answer, explanation="the disk is full")


class Engine:
    """Removes what it is asked to, but for what ``fails`` says by number."""

    def __init__(self, *fails: Exception, name: str = "Engine") -> None:
        self.fails = list(fails)
        self.name = name
        self.asked: list[str] = []
        self.killed: list[str] = []
        self.going = threading.Event()
        self.going.set()

    def version(self) -> dict[str, object]:
        return {"Components": [{"Name": self.name}]}

    def kill(self, container_id: str) -> None:
        self.killed.append(container_id)
        raise refused(409)

    def remove_container(self, container_id: str, *, force: bool, v: bool) -> None:
        assert (force, v) == (True, True)
        self.asked.append(container_id)
        assert self.going.wait(LONG_S)
        if self.fails:
            raise self.fails.pop(0)


def closed(engine: Engine, *ids: str) -> list[str]:
    """What is noted of the removal of some containers, one after another."""
    notes: list[str] = []
    made = Removals(cast("docker.APIClient", engine), notes.append)
    for one in ids:
        made.begin(one)
    made.close()
    return notes


def test_nobody_waits_for_a_removal_until_all_is_over() -> None:
    engine, notes = Engine(), list[str]()
    engine.going.clear()
    made = Removals(cast("docker.APIClient", engine), notes.append)
    made.begin("a")
    made.begin("b")
    engine.going.set()
    made.close()
    assert (sorted(engine.asked), notes) == (["a", "b"], [])


@pytest.mark.parametrize("status", [404, 409])
def test_what_is_gone_or_going_is_removed(status: int) -> None:
    engine = Engine(refused(status))
    assert closed(engine, "a") == []
    assert engine.asked == ["a"]


@pytest.mark.parametrize(("name", "killed"), [("Engine", []), ("Podman Engine", ["a"])])
def test_who_would_stop_it_first_is_told_to_kill_it_and_it_may_have_ended(name: str, killed: list[str]) -> None:
    engine = Engine(name=name)
    assert closed(engine, "a") == []
    assert (engine.killed, engine.asked) == (killed, ["a"])


def test_what_fails_is_tried_again_at_the_end() -> None:
    engine = Engine(refused(500))
    assert closed(engine, "a") == []
    assert engine.asked == ["a", "a"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refused(500), "the engine says: the disk is full"),
        (Unreachable("refused"), "the engine does not answer: refused"),
    ],
)
def test_what_is_left_is_told_and_how_to_remove_it(fault: Exception, why: str) -> None:
    (note,) = closed(Engine(*[fault] * 4), "a", "b")
    assert note == f"2 containers could not be removed: {why}; once that is mended: signal-harness clean"
    (note,) = closed(Engine(fault, fault), "a")
    assert note.startswith("1 container could not")


def test_containers_do_not_pile_up_on_a_slow_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removals, "_MOST", 2)
    engine, third = Engine(), threading.Event()
    engine.going.clear()
    made = Removals(cast("docker.APIClient", engine), lambda _: None)
    made.begin("a")
    made.begin("b")

    def begin() -> None:
        made.begin("c")
        third.set()

    waiting = threading.Thread(target=begin)
    waiting.start()
    assert not third.wait(0.05)
    engine.going.set()
    assert third.wait(LONG_S)
    waiting.join()
    made.close()
    assert sorted(engine.asked) == ["a", "b", "c"]


def test_what_may_not_have_been_made_is_removed_in_the_end() -> None:
    engine, notes = Engine(refused(404)), list[str]()
    made = Removals(cast("docker.APIClient", engine), notes.append)
    made.later("a", "the connection broke")
    assert engine.asked == []
    made.close()
    assert (engine.asked, notes) == (["a"], [])


def test_what_ends_after_the_run_was_interrupted_is_removed_all_the_same() -> None:
    engine = Engine()
    made = Removals(cast("docker.APIClient", engine), lambda _: None)
    made.close()
    made.begin("a")
    assert engine.asked == ["a"]
