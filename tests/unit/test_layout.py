"""CONTRIBUTING says in which file a fact is: the file is there, and has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FACTS = {
    "Which words can a verdict be": r'SWALLOWED = "swallowed"',
    "Which probes are there": r"class Probe\(",
    "What is tested": r"class Subject\b",
    "What does a catalogue row mean": r"LIMITS: Final",
    "Which fields does a results file have": r"class Row\(",
    "How does evidence become a verdict": r"def judge\(",
    "When does evidence leave doubt": r"^def ",
    "How long is the settle time": r"SETTLE_S|settle_s",
    "When does a container rest": r"def quiet",
    "What contradicts a finding": r"def contradiction",
    "What do processes sleep on": r"def waits",
    "Which signals are there": r"def parse_signal",
    "Which process is the app": r"def find_app",
    "What is advised": r"def started\(",
    "Which commands repeat a cell by hand": r"class ByHand",
    "Which programs are wrappers": r"PROGRAMS",
    "What would a stop do to a container that runs": r"def forecast\(",
    "Which containers does an audit look at": r"def chosen\(",
    "Who looks at containers without touching them": r"def look\(",
    "What does `docker stop` do": r"def ask",
    "What tells of a stop": r"class Stopping",
    "What differs between Docker and Podman": r"PODMAN: Final",
    "What are engines called": r"def columns_of",
    "Where is an engine": r"def endpoint_at",
    "What does a killed run leave": r"def sweep",
    "Who runs cells at once": r"class Runner",
    "Which of those that may share a container": r"class Agenda",
    "How many of them start a container": r"class Turns",
    "Who creates containers": r"create_container",
    "Who removes them": r"remove_container",
    "Which requests to an engine may come twice": r"def answered",
    "Who takes up the engine's events": r"class Events",
    "How does a run end that is interrupted": r"class Leaving",
    "Who reads the kernel's record": r"class Tracer",
    "Which of its records concern": r"class Records",
    "On which machine are tracefs": r"class Machine",
    "What does a helper on another machine": r"class Service",
    "Who builds and tags images": r"class Images",
    "What keeps a killed run from being taken up": r"def changes",
    "Who shares a run out among machines": r"class Distributed",
    "Which answers of a base are kept": r"class Answers",
    "What is sent to a builder": r"def packed\(",
    "What may a build take of the machine": r"def bounds\(",
    "Which release files": r"def checked\(",
    "Which files does a `.dockerignore` leave out": r"def leaves_out",
    "In which order do columns stand": r"def order",
    "How is a step of a signal's path put into words": r"sends \{",
    "Which colour does a verdict get": r"def colour",
    "Which formats can be written": r"class Format\(",
    "What do exit codes mean": r"class ExitCode",
}
ROWS = re.findall(r"^\| (.+\?) \| `(\S+)`.* \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)


def test_every_question_has_a_fact_to_look_for() -> None:
    assert len(ROWS) == len(FACTS) >= 20
    assert all(any(question.startswith(fact) for fact in FACTS) for question, _ in ROWS)


@pytest.mark.parametrize(("question", "file"), ROWS, ids=lambda text: str(text)[:40])
def test_the_fact_is_in_the_file(question: str, file: str) -> None:
    (pattern,) = (pattern for fact, pattern in FACTS.items() if question.startswith(fact))
    assert re.search(pattern, (ROOT / file).read_text(), re.MULTILINE)
