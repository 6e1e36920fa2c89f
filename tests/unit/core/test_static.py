"""What is certain of a Dockerfile that nobody has run, and what is not."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.rules import Rule
from harness.core.static import certain

ROOT = Path(__file__).parents[3]
BASELINES = [json.loads(file.read_text()) for file in sorted((ROOT / "baselines").glob("*.json"))]
SCRIPT = 'ENTRYPOINT ["/entry.sh"]\nCMD ["node", "server.js"]'


def found(lines: str, **files: str) -> list[tuple[Rule, int]]:
    text = f"FROM node:24\nCOPY *.sh /\n{lines}\n"
    texts = {f"{name}.sh": content for name, content in files.items()}
    return [(one.rule, one.instruction.line) for one in certain(text, files=texts, read=texts.__getitem__)]


@pytest.mark.parametrize(
    "command",
    [
        "CMD node server.js | tee log",
        "CMD node server.js 2>&1 | tee log",
        "CMD node server.js; true",
        "CMD cd /app && node server.js; exit $?",
        "CMD node server.js & wait",
        "CMD node server.js || echo failed",
        'CMD ["sh", "-c", "node server.js && echo done"]',
        'ENTRYPOINT ["/bin/bash", "-lc", "node server.js | cat"]',
        "ENTRYPOINT node server.js; true",
        'ENTRYPOINT ["sh", "-c"]\nCMD ["node server.js; true"]',
    ],
)
def test_a_shell_that_has_more_to_do_stays(command: str) -> None:
    assert found(command) == [(Rule.WRAPPER_DROPS, 3)]


@pytest.mark.parametrize(
    "command",
    [
        "CMD node server.js",
        "CMD exec node server.js",
        "CMD exec node server.js; true",
        "CMD cd /app && node server.js",
        "CMD npm run migrate && node server.js",
        "CMD trap 'kill $!' TERM; node server.js & wait",
        "CMD if true; then node server.js; fi; true",
        "CMD true | cat; node server.js",
        'CMD ["node", "server.js"]',
        'CMD ["node", "-c", "a; true"]',
        'ENTRYPOINT ["tini", "--"]\nCMD node server.js; true',
        "CMD true",
        "",
    ],
)
def test_what_is_not_certain_is_not_said(command: str) -> None:
    assert found(command) == []


@pytest.mark.parametrize(
    "text",
    [
        '#!/bin/sh\nset -e\n"$@"\n',
        '#!/usr/bin/env bash\n"$@"\n# the end\n\n',
        "#! /bin/bash -e\nnode server.js\n",
        "#!/bin/sh\nnode server.js &\nwait $!\n",
        "#!/bin/sh\nexec 2>&1\nnode server.js\r\n",
    ],
)
def test_a_script_that_ends_without_exec_keeps_its_shell(text: str) -> None:
    assert found(SCRIPT, entry=text) == [(Rule.WRAPPER_DROPS, 3)]
    assert found('CMD ["sh", "-e", "/entry.sh"]', entry=text) == [(Rule.WRAPPER_DROPS, 3)]


@pytest.mark.parametrize(
    "text",
    [
        '#!/bin/sh\nexec "$@"\n',
        '#!/bin/sh\nif [ "$1" = node ]; then exec "$@"; fi\n"$@"\n',
        '#!/bin/sh\n[ -z "$1" ] || exec "$@"\nnode\n',
        "#!/bin/sh\ntrap 'kill $!' TERM\nnode server.js & wait\n",
        "#!/usr/bin/env node\nrequire('./server')\n",
        "#!/bin/sh\nnode \\\n  server.js\n",
        "#!/bin/sh\nwhile true; do node server.js; done\n",
        "#!/bin/sh\nexit 0\n",
        "",
    ],
)
def test_a_script_that_may_hand_on_is_left_be(text: str) -> None:
    assert found(SCRIPT, entry=text) == []


def test_a_script_that_is_not_at_hand_is_left_be() -> None:
    assert found(SCRIPT) == []
    assert certain(f"FROM a\n{SCRIPT}") == ()


@pytest.mark.parametrize(
    ("name", "bad"), [("SIGKILL", True), ("9", True), ("STOP", True), ("SIGTERM", False), ("$S", False)]
)
def test_a_stop_signal_that_nobody_can_handle(name: str, bad: bool) -> None:
    assert found(f"STOPSIGNAL {name}") == ([(Rule.STOP_SIGNAL, 3)] if bad else [])
    assert found(f"STOPSIGNAL {name}\nSTOPSIGNAL SIGQUIT") == []


def test_what_is_almost_json_says_what_to_write() -> None:
    (one,) = certain("FROM a\nCMD ['node', 'server.js',]")
    assert (one.rule, one.instruction.line) == (Rule.NOT_JSON, 2)
    assert 'write `CMD ["node", "server.js"]`' in one.why


def test_findings_come_in_the_order_of_the_file_and_of_the_stage_that_is_built() -> None:
    text = "FROM a AS one\nSTOPSIGNAL KILL\nCMD node x | tee y\nFROM one\nCMD ['node']\nFROM b AS other\nCMD [\"node\"]"
    assert [one.rule for one in certain(text)] == []
    assert [one.rule for one in certain(text, target="one")] == [Rule.STOP_SIGNAL, Rule.WRAPPER_DROPS]
    assert [one.rule for one in certain(text.rpartition("FROM b")[0])] == [Rule.STOP_SIGNAL, Rule.NOT_JSON]
    with pytest.raises(UsageError, match="there is no stage 'two'"):
        certain(text, target="two")


@given(st.text(), st.text())
def test_any_text_is_read(dockerfile: str, script: str) -> None:
    with suppress(UsageError):  # no FROM
        certain(dockerfile)
    certain(f"FROM a\nCOPY entry.sh /\n{SCRIPT}", files=["entry.sh"], read=lambda _: script)


def test_what_is_said_of_the_catalogue_is_what_was_measured() -> None:
    """A stop of whatever a shell without a trap holds back is recorded as forced, on either base."""
    context = ROOT / "sample_app"
    files = [path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()]
    said = {}
    for file in (ROOT / "dockerfiles").glob("*.Dockerfile"):
        rules = certain(file.read_text(), files=files, read=lambda path: (context / path).read_text())
        said[file.name.removesuffix(".Dockerfile")] = [one.rule for one in rules]
    assert {name: rules for name, rules in said.items() if rules} == {
        "shell-pipe": [Rule.WRAPPER_DROPS],
        "entrypoint-no-exec": [Rule.WRAPPER_DROPS],
    }
    for baseline in BASELINES:
        for name in ("shell-pipe", "entrypoint-no-exec"):
            assert baseline["cells"][f"{name}/SIGTERM"]["verdict"] == "swallowed"
