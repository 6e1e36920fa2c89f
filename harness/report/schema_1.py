"""Files of schema 1, brought into the shape of schema 2: plain data in, data to encode out.

Schema 1 knew one engine, called subjects variants, and kept command lines as strings; these are split at blanks, as its
readers did. What is taken over as it is, is checked as part of schema 2; what is made anew, is checked here: what is
wrong raises `msgspec.ValidationError`, whose message names the place.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.core.document import Participant, Role, SignalPath
from harness.core.program import PROGRAMS
from harness.core.rules import GENERAL
from harness.core.signal_path import KERNEL, TERMINAL, PathBuilder
from harness.core.trace import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS: Final = {name.replace("-", "_"): name for name in PROGRAMS}

_ENGINE: Final = "docker"
"""There was no other engine then."""

_Party = tuple[int | None, str]


def results(data: dict[str, Any]) -> dict[str, Any]:
    """A results document of schema 1 as one of schema 2."""
    with _at(""):
        engine, subjects = data.pop("engine"), data.pop("variants").items()
        name, bases, rows = str(engine["name"]), data.pop("bases").items(), list(data["results"])
    return {
        **data,
        "schema": 2,
        "engines": {name: engine},
        "bases": {reference: _base(reference, facts, place=".bases[...]") for reference, facts in bases},
        "subjects": {variant: _subject(facts, place=".subjects[...]") for variant, facts in subjects},
        "judged": None,
        "shard": None,
        "cut": None,
        "results": [_row(row, name, place=f".results[{number}]") for number, row in enumerate(rows)],
    }


def baseline(data: dict[str, Any]) -> dict[str, Any]:
    """A baseline of schema 1 as one of schema 2."""
    with _at(""):
        reference, facts, cells = data["base"], data["image"], data["cells"].items()
    image = _base(reference, facts, place=".image")
    del image["reference"]
    return {**data, "schema": 2, "image": image, "cells": {name: _cell(name, cell) for name, cell in cells}}


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Name the place of what is wrong, as msgspec does."""
    try:
        yield
    except KeyError as error:
        raise msgspec.ValidationError(f"Object missing required field `{error.args[0]}` - at `${place}`") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise msgspec.ValidationError(f"Not as schema 1 has it: {error} - at `${place}`") from error


def _fields(part: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """The values of a part that has these keys and no others."""
    if unknown := set(part) - set(names):
        raise ValueError(f"unknown field `{min(unknown)}`")
    return tuple(part[name] for name in names)


def _cell(name: str, cell: dict[str, Any]) -> dict[str, Any]:
    with _at(f".cells[{name}]"):
        return {**cell, "chain": [command.split() for command in cell["chain"]]} if "chain" in cell else cell


def _base(reference: str, facts: dict[str, Any], *, place: str) -> dict[str, Any]:
    with _at(place):
        programs = {name: version for key, name in _PROGRAMS.items() if (version := facts.pop(key)) is not None}
        return {**facts, "reference": reference, "programs": programs}


def _subject(facts: dict[str, Any], *, place: str) -> dict[str, Any]:
    with _at(place):
        return {**facts, "exchanged": []}


def _row(row: dict[str, Any], engine: str, *, place: str) -> dict[str, Any]:
    with _at(place):
        variant, evidence, tree = row.pop("variant"), row["evidence"], row["evidence"].pop("tree")
        runs = [
            {**run, "deliveries": run["deliveries"] if run["ground"] else None, "earlier": []} for run in row["runs"]
        ]
        shown = next((number for number, run in enumerate(runs) if run["reason"] in row["reason"]), 0)
        main, path, probe = evidence.pop("pid1"), evidence.pop("path"), evidence.pop("probe")
        return {
            **row,
            "engine": engine,
            "column": None,
            "subject": variant,
            "rule": GENERAL.get(row["verdict"]),
            "ignored": None,
            "required": [],
            "deliveries": row["deliveries"] if runs[shown]["ground"] else None,
            "runs": runs,
            "shown": shown,
            "tried": [],
            "finding": _finding(probe, row["exit_code"]) if probe else None,
            "evidence": {
                **evidence,
                "apps": [],
                "main": None if main is None else main.split(),
                "chain": [command.split() for command in evidence["chain"]],
                "path": None if path is None else _path(path, row["signal"], tree, evidence["chain"]),
                "roll_call": [],
                "tree": tree and {when: [_process(process) for process in tree[when]] for when in ("before", "after")},
            },
        }


def _process(process: dict[str, Any]) -> dict[str, Any]:
    command = process.pop("args")
    return {**process, "argv": command.split(), "fetches": None}


def _finding(probe: dict[str, Any], exit_code: int | None) -> dict[str, Any]:
    brief, facts, marked = "", probe, {}
    match probe.pop("kind"):
        case "stop":
            grace_s, took_s, forced, request = _fields(probe, "grace_s", "took_s", "forced", "request")
            brief = f"{took_s:.1f} s, exit {'unknown' if exit_code is None else exit_code}"
            how = "SIGKILL" if forced else "the end came by itself"
            text = f"docker stop with {grace_s} s of grace: {how}, after {took_s:.2f} s, exit code {exit_code}"
            text += f"; the request in flight was {request}" if request else ""
        case "exit-code":
            codes = [_fields(code, "app", "container") for code in _fields(probe, "codes")[0]]
            wrong = [(given, "runs on" if seen is None else seen) for given, seen in codes if given != seen]
            brief = f"{wrong[0][0]} → {wrong[0][1]}" if wrong else ""
            text = "\n".join(
                f"the app exits with {given}: docker wait says {'nothing, it runs on' if seen is None else seen}"
                for given, seen in codes
            )
            facts = {str(given): seen for given, seen in codes}
        case "reap":
            orphan, zombie = _fields(probe, "orphan", "zombie")
            text = f"the orphan {'is a zombie' if zombie else 'is gone'}"
            facts = {"orphan": orphan["args"], "zombie": zombie}
            marked = {int(orphan["pid"]): "the orphan"}
        case kind:
            raise ValueError(f"unknown kind of probe {kind!r}")
    return {"brief": brief, "text": text, "facts": facts, "marked": marked}


def _path(steps: list[dict[str, Any]], sent: str | None, tree: dict[str, Any], chain: list[str]) -> SignalPath:
    """Steps between parties that are named at each, as participants and steps with their words."""
    to_app = _to_app(tree["before"], chain)
    app = to_app[-1] if to_app else None
    known = [_name(process) for process in tree["before"] + tree["after"]]

    def participant(party: _Party) -> Participant:
        pid, name = party
        return Participant(pid=pid, name=name, role=_role(pid, name), app=party == app)

    def at(end: dict[str, Any]) -> Participant:
        return participant(_fields(end, "pid", "name"))

    def place(participant: Participant) -> int:
        party = participant.pid, participant.name
        return known.index(party) if party in known else 0

    path = PathBuilder(sent, map(participant, to_app))
    for step in steps:
        match step.pop("step"):
            case "send":
                at_us, sender, receiver, signal, fate = _fields(step, "at_us", "from", "to", "signal", "fate")
                path.send(at_us, at(sender), signal, at(receiver), Fate(fate))
            case "take":
                at_us, process, signal, by_handler = _fields(step, "at_us", "process", "signal", "by_handler")
                path.take(at_us, at(process), signal, by_handler=by_handler)
            case "end":
                at_us, process, signal = _fields(step, "at_us", "process", "by")
                path.end(at_us, at(process), by=signal)
            case unknown:
                raise ValueError(f"unknown kind of step {unknown!r}")
    return path.build(place)


def _to_app(processes: list[dict[str, Any]], chain: list[str]) -> list[_Party]:
    """The processes from the main one down to the app, which is the last one with the last command of the chain."""
    by_pid = {process["pid"]: process for process in processes}
    current = next((process for process in reversed(processes) if process["args"] in chain[-1:]), None)
    parties: list[_Party] = []
    for _ in chain:
        if current:
            parties.insert(0, _name(current))
            current = by_pid.get(current["ppid"])
    return parties


def _name(process: dict[str, Any]) -> _Party:
    return process["inner_pid"] or process["pid"], process["args"]


def _role(pid: int | None, name: str) -> Role:
    if pid is not None:
        return Role.PROCESS
    if name in (_ENGINE, TERMINAL):
        return Role.STARTER
    return Role.KERNEL if name.startswith(KERNEL) else Role.UNKNOWN
