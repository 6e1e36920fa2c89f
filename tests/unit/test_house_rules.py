"""Rules of the house that no linter knows."""

from __future__ import annotations

import dis
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "harness"

# As a word in a name, a string or a comment: `node`, NODE_RUN, KnownNode, "npm start", node24; not "nodes", "denoted".
WORD = re.compile(r"(?<![A-Za-z])(?i:node|npm)(?![A-Za-z])|(?:Node|Npm)(?=[A-Z])|(?<=[a-z])(?:Node|Npm)(?![a-z])")

AT_HOME = {
    "workshop": "the story and the labs are about Node",
    "local_bases": "they assemble Node",
    "core/program.py": "the one table of programs and wrappers",
    "core/advice.py": "what is wrong with each wrapper",
    "core/fix.py": "what takes a wrapper's place",
    "core/handlers.py": "handlers by language",
    "cli": "examples in help, and what users type: --npm, --node",
    "files.py": "an example in a message",
    "pytest_workers.py": "pytest-xdist calls a worker a node",
}


def names_it() -> set[str]:
    files = {path.relative_to(HARNESS).as_posix(): path for path in HARNESS.rglob("*.py")}
    return {name for name, path in files.items() if WORD.search(path.read_text(encoding="utf-8"))}


def allowed(name: str, by: str) -> bool:
    return name == by or name.startswith(f"{by}/")


def test_only_catalogues_workshop_and_local_bases_name_a_language() -> None:
    assert {name for name in names_it() if not any(allowed(name, by) for by in AT_HOME)} == set()


@pytest.mark.parametrize("place", AT_HOME)
def test_no_exception_outlives_its_reason(place: str) -> None:
    assert any(allowed(name, place) for name in names_it())


@pytest.mark.parametrize(
    "text", ["node", "NODE_RUN", "known_node", "KnownNode", "NodeRun", '"npm start"', "node24", "# Node's", "Kind.NPM"]
)
def test_the_word_is_seen_in_every_form(text: str) -> None:
    assert WORD.search(text)


@pytest.mark.parametrize("text", ["nodes", "denoted", "anode", "Nodes", "inodes", "npms"])
def test_other_words_are_not_taken_for_it(text: str) -> None:
    assert not WORD.search(text)


def imports(path: Path, modules: set[str]) -> set[str]:
    """The modules of the product that one imports at its top, those for type checking alone among them."""
    found: set[str] = set()
    module = ""
    for step in dis.get_instructions(compile(path.read_bytes(), path, "exec")):
        if step.opname == "IMPORT_NAME":
            module = str(step.argval)
        elif step.opname == "IMPORT_FROM":
            found |= ({f"{module}.{step.argval}"} & modules) or ({module} & modules)
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    files = {
        ".".join(("harness", *path.relative_to(HARNESS).with_suffix("").parts)): path for path in HARNESS.rglob("*.py")
    }
    order = TopologicalSorter({name: imports(path, set(files)) for name, path in files.items()})
    assert len(list(order.static_order())) == len(files)


def test_two_modules_stand_on_tenacity() -> None:
    """One waits for what is to come; one asks an engine again, for what may come twice."""
    users = {
        path.relative_to(HARNESS).as_posix()
        for path in HARNESS.rglob("*.py")
        if re.search(r"^from tenacity", path.read_text(encoding="utf-8"), re.M)
    }
    assert users == {"run/waiting.py", "engine/again.py"}
