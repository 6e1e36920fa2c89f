"""Advice on Dockerfiles as they are met: followed, the signal arrives, and the app is started with all that it had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from harness.session import Selection, Session
from tests.support.followed import changes, edited, rewrite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.document import Row

pytestmark = pytest.mark.engine

BASE: Final = "local:debian12-node24"
JOBS: Final = 6
HEAD: Final = """
schema = 1
context = "app"
[launch]
extra_hosts = { "registry.npmjs.org" = "127.0.0.1" }
[app]
ready = 'Listening pid=(?P<pid>\\d+) ppid=(?P<ppid>\\d+)'
received = 'Received signal: (?P<signal>SIG[A-Z0-9+-]+)'
done = 'Shutdown complete'
[app.stop]
environment = { STOPS = "1" }
"""
APP: Final = """
const {A, GREETING, STOPS} = process.env;
const args = process.argv.slice(2);
process.on('SIGTERM', () => {
  console.log('Received signal: SIGTERM');
  if (STOPS) { console.log('Shutdown complete'); process.exit(0); }
});
setInterval(() => {}, 1 << 30);
console.log('facts', JSON.stringify([args, process.cwd(), A, GREETING, process.getuid()]));
if (args.includes('title')) process.title = 'orders-api';
console.log(`Listening pid=${process.pid} ppid=${process.ppid}`);
"""
FILES: Final = {
    "app.js": APP,
    "my app.js": APP,
    "package.json": '{"name": "x", "version": "1.0.0", "scripts": {"serve": "A=\'1 2\' node app.js \\"x y\\""}}',
    "init.sh": "#!/bin/sh\nmkdir -p sub\ncd sub\nexport GREETING='good day'\nnode ../app.js 'x y'\n",
    "start.sh": '#!/bin/sh\nexport A=1\n"$@"\n',
    "both.sh": "#!/bin/bash -e\nA=3 node app.js title\n",
}
DOCKERFILES: Final = {
    "entrypoint-in-shell-form": ('ENTRYPOINT node app.js "two words" --name "a b"',),
    "entrypoint-with-a-first-step": ("ENTRYPOINT echo migrate && node app.js",),
    "entrypoint-and-a-cmd-that-is-not-used": ("ENTRYPOINT node app.js", 'CMD ["--port", "1"]'),
    "script-that-changes-folder": ('ENTRYPOINT ["/srv/init.sh"]',),
    "script-below-tini": ('ENTRYPOINT ["tini", "--", "/srv/start.sh"]', 'CMD ["node", "app.js", "a b"]'),
    "title-in-shell-form": ("CMD node app.js title",),
    "variables": ("ENV GREETING='hello you'", 'CMD A="b c" node app.js "$GREETING" $HOME'),
    "redirection": ("CMD node app.js 2>/dev/null",),
    "su-in-shell-form": ("CMD su node -s /bin/sh -c 'node app.js \"p q\"'",),
    "shell-of-its-own": ('SHELL ["/bin/bash", "-euo", "pipefail", "-c"]', "CMD echo a | cat; node app.js; echo end"),
    "npm-as-entrypoint": ('ENTRYPOINT ["npm"]', 'CMD ["run", "serve"]'),
    "environment-launcher": ('CMD ["env", "A=9 9", "npm", "run", "serve"]',),
    "path-with-a-blank": ("CMD node '/srv/my app.js'",),
    "text-as-an-argument": ('CMD node -e \'require("/srv/app.js")\' "a  b"',),
    "stop-signal": ("STOPSIGNAL SIGQUIT", 'CMD ["node", "app.js"]'),
}
STOPPED: Final = "stop-signal"
"""The one that is about `stop`."""

IN_WORDS: Final = {
    "script-of-an-app-with-a-title": (('ENTRYPOINT ["/srv/both.sh"]',), "  exec, and the command that starts the app"),
    "loop": (("CMD while true; do node app.js; done",), "must be started last, with `exec` in front"),
}


def catalogue(folder: Path, dockerfiles: Mapping[str, str]) -> Path:
    """A catalogue of some Dockerfiles over the app."""
    (folder / "app").mkdir(parents=True)
    for name, text in FILES.items():
        file = folder / "app" / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
    rows = [HEAD]
    for name, text in dockerfiles.items():
        (folder / f"{name}.Dockerfile").write_text(text, encoding="utf-8")
        rows.append(f'[[variant]]\nname = "{name}"\ntitle = "{name}"\ndockerfile = "{name}.Dockerfile"\n')
    (folder / "catalogue.toml").write_text("\n".join(rows), encoding="utf-8")
    return folder


def run(folder: Path) -> dict[str, Row]:
    """The row of each variant: SIGTERM, or the stop where it is about that."""
    selection = Selection(
        bases=(BASE,), signals=(Signal(15),), probes=(Probe.SIGNAL, Probe.STOP), jobs=JOBS, catalogue=folder
    )
    with Session(selection) as session:
        wanted = [
            cell for cell in session.cells if (cell.subject.name == STOPPED) is (cell.question.probe is Probe.STOP)
        ]
        return {row.subject: row for row in (future.result() for future in session.run(wanted))}


def written(lines: tuple[str, ...]) -> str:
    return "\n".join(("ARG BASE", "FROM ${BASE}", "WORKDIR /srv", "COPY . .", *lines, ""))


def facts(row: Row) -> list[object]:
    """The app's arguments, folder, variables and user."""
    (line,) = (line for line in row.evidence.logs if line.startswith("facts "))
    return list(json.loads(line.removeprefix("facts ")))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    texts = {name: written(lines) for name, lines in DOCKERFILES.items()}
    texts |= {name: written(lines) for name, (lines, _) in IN_WORDS.items()}
    return run(catalogue(tmp_path_factory.mktemp("before") / "own", texts))


@pytest.fixture(scope="module")
def after(before: dict[str, Row], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """The same, with the first advice on each followed."""
    followed = {name: changes(before[name].advice)[0] for name in DOCKERFILES}
    texts = {name: edited(written(DOCKERFILES[name]), change.dockerfile) for name, change in followed.items()}
    folder = catalogue(tmp_path_factory.mktemp("after") / "own", texts)
    for change in followed.values():
        for script, (line,) in change.scripts.items():
            rewrite(folder / "app" / Path(script).name, line)
    return run(folder)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_it_helps_and_nothing_is_lost(name: str, before: dict[str, Row], after: dict[str, Row]) -> None:
    assert not before[name].verdict.good
    assert before[name].verdict is not Verdict.UNTESTED, before[name].reason
    assert after[name].verdict.good, (before[name].advice, after[name].reason, after[name].evidence.logs)
    assert facts(after[name]) == facts(before[name])


@pytest.mark.parametrize("name", IN_WORDS)
def test_what_cannot_be_said_for_sure_is_said_in_words(name: str, before: dict[str, Row]) -> None:
    row, (_, words) = before[name], IN_WORDS[name]
    assert any(words in line for line in row.advice), row.advice
    assert not any(line.startswith(("  CMD", "  ENTRYPOINT")) for line in row.advice)
