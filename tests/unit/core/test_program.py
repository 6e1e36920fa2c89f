"""What a process is, by its command line alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.program import (
    INITS,
    SHELLS,
    Kind,
    kind_of,
    manner_of,
    passes_on,
    preloaded,
    program,
    rewritten,
    runs_on_others,
    script,
    shell_text,
    titled,
)


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ('/bin/sh -c "npm" "start"', Kind.SHELL_FORM),
        ("/bin/bash -ec x", Kind.SHELL_FORM),
        ("bash -o pipefail -c x", Kind.SHELL_FORM),
        ("bash -lc x", Kind.SHELL_FORM),
        ("bash -euo pipefail -c x", Kind.SHELL_FORM),
        ("bash --rcfile /etc/rc -O extglob -c x", Kind.SHELL_FORM),
        ("bash -o pipefail /entry.sh -c", Kind.SCRIPT),
        ("/bin/sh /entry.sh node server.js", Kind.SCRIPT),
        ("npm start", Kind.NPM),
        ("node /usr/local/bin/npm start", Kind.NPM),
        ("node --run start", Kind.NODE_RUN),
        ("node --watch server.js", Kind.NODE_WATCH),
        ("node server.js", Kind.OTHER),
        ("su node -c x", Kind.SU),
        ("/sbin/docker-init -- node server.js", Kind.INIT),
        ("/usr/bin/tini -g -- npm start", Kind.INIT),
        ("dumb-init npm start", Kind.INIT),
        ("runsvdir -P /etc/service log: ....", Kind.SUPERVISOR),
        ("runsv web", Kind.SUPERVISOR),
        ("s6-svscan /services", Kind.SUPERVISOR),
        ("s6-supervise web", Kind.SUPERVISOR),
        ("/usr/bin/python3 /usr/bin/supervisord -c /etc/supervisord.conf", Kind.SUPERVISOR),
        ("python3 -s /usr/local/bin/supervisord", Kind.SUPERVISOR),
        ("node /app/node_modules/.bin/concurrently npm:web npm:api", Kind.SUPERVISOR),
        ("node /app/node_modules/.bin/run-p web api", Kind.SUPERVISOR),
        ("node /usr/local/bin/pm2-runtime server.js", Kind.SUPERVISOR),
        ("node node_modules/nodemon/bin/nodemon.js server.js", Kind.SUPERVISOR),
        ("node /app/pm2.js", Kind.OTHER),
        ("node /app/node_modules/.bin/yarn start", Kind.RUNNER),
        ("node /opt/yarn-v1.22.22/bin/yarn.js start", Kind.RUNNER),
        ("node /app/.yarn/releases/yarn-4.1.0.cjs start", Kind.RUNNER),
        ("node /root/.cache/corepack/pnpm/9.0.0/bin/pnpm.cjs start", Kind.RUNNER),
        ("node /app/yarn-server.js", Kind.OTHER),
        ("node server.js nodemon", Kind.OTHER),
        ("python3 supervisord", Kind.OTHER),
        ("python3 -m http.server", Kind.OTHER),
        ("tee /tmp/log", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_what_a_process_is(args: str, kind: Kind) -> None:
    assert kind_of(args.split()) is kind


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ("sh -c node server.js", Kind.SHELL_FORM),
        ("/bin/sh -e -c node server.js", Kind.SHELL_FORM),
        ("busybox sh -c x", Kind.SHELL_FORM),
        ("/bin/sh", Kind.SCRIPT),
        ("-sh", Kind.OTHER),
        ("node", Kind.OTHER),
        ("node --run=start", Kind.NODE_RUN),
        ("node --watch-path=src server.js", Kind.NODE_WATCH),
        ("node /usr/lib/node_modules/npm/bin/npm-cli.js run x", Kind.NPM),
        ("/usr/local/bin/node server.js --watch", Kind.OTHER),
        ("sudo -u node x", Kind.OTHER),
        ("catatonit -- node", Kind.INIT),
        ("tini-static -- node", Kind.INIT),
        ("docker-entrypoint.sh node", Kind.OTHER),
        (" \t ", Kind.OTHER),
    ],
)
def test_what_a_process_is_where_one_may_be_mistaken(args: str, kind: Kind) -> None:
    assert kind_of(args.split()) is kind


@given(st.text())
def test_any_command_line_is_something(args: str) -> None:
    assert kind_of(args.split()) in Kind


@pytest.mark.parametrize(
    ("words", "name"), [(["/usr/bin/tini", "--"], "tini"), (["node"], "node"), ([], ""), (["a/"], "a"), (["/"], "")]
)
def test_a_program_is_named_without_its_folder(words: list[str], name: str) -> None:
    assert program(words) == name


@pytest.mark.parametrize(
    ("words", "name", "changed"),
    [
        (("npm start",), "npm", True),
        (("nginx: master process /usr/sbin/nginx -g daemon off;",), "nginx", True),
        (("/srv/my app/server",), "server", False),
        (("orders-api",), "orders-api", False),
        (("node", "a b"), "node", False),
        ((" ",), " ", False),
    ],
)
def test_a_title_is_not_a_command_line(words: tuple[str, ...], name: str, *, changed: bool) -> None:
    assert program(words) == name
    assert titled(words) is changed


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("bash", "-o", "pipefail", "/srv/my loop.sh", "x"), "my loop.sh"),
        (("/bin/sh", "-x", "--", "/srv/-a"), "-a"),
        (("busybox", "sh", "/srv/a.sh"), "a.sh"),
        (("sh",), ""),
    ],
)
def test_a_script_is_named_by_the_first_word_that_is_no_option(words: tuple[str, ...], name: str) -> None:
    assert script(words) == name


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_shell_runs_text_behind_c_and_nothing_else(shell: str) -> None:
    assert shell_text([f"/bin/{shell}", "-c", "node server.js"])
    assert shell_text([f"/bin/{shell}", "-e", "-c", "node server.js"])
    assert not shell_text([f"/bin/{shell}", "/entry.sh", "x", "-c"])
    assert not shell_text([f"/bin/{shell}"])


@pytest.mark.parametrize("words", [["node", "-c", "server.js"], ["su", "-c", "x"], ["-c"], []])
def test_what_is_no_shell_runs_no_text(words: list[str]) -> None:
    assert not shell_text(words)


@pytest.mark.parametrize(("name", "words"), INITS.items())
def test_an_init_is_an_init_by_the_words_that_put_it_in_front(name: str, words: tuple[str, ...]) -> None:
    assert kind_of((*words, "node", "server.js")) is Kind.INIT
    assert kind_of([name]) is Kind.INIT


@pytest.mark.parametrize(
    ("args", "sent"),
    [
        ("dumb-init node x.js", 15),
        ("dumb-init --rewrite 15:3 node x.js", 3),
        ("/usr/bin/dumb-init -v -r 15:3 node x.js", 3),
        ("dumb-init --rewrite=15:3 -- node x.js", 3),
        ("dumb-init -r 1:2 -r 15:0 node x.js", 0),
        ("dumb-init -r 15 node", 15),
        ("dumb-init -- x --rewrite 15:3", 15),
        ("dumb-init x -r 15:3", 15),
        ("tini -r 15:3 -- x", 15),
    ],
)
def test_an_init_may_send_another_signal(args: str, sent: int) -> None:
    assert rewritten(args.split(), 15) == sent


def test_what_a_wrapper_does_with_a_signal() -> None:
    assert manner_of(["tini", "--", "x"]).forwards is None
    assert manner_of(["npm", "start"]).forwards == {2, 15}
    assert manner_of(["node", "--run", "x"]).raises
    assert manner_of(["sh", "-c", "x; y"]).forwards == frozenset()
    assert manner_of(["sh", "-c", "trap x TERM; y"]).unknown
    assert manner_of(["sh", "/entry.sh"]).unknown
    assert manner_of(["supervisord"]).unknown


@pytest.mark.parametrize(
    ("args", "child", "passes"),
    [
        ("timeout 60 node server.js", "node server.js", True),
        ("sudo -u app /srv/orders", "/srv/orders", True),
        ("node /srv/node_modules/.bin/cross-env A=b node server.js", "/usr/local/bin/node server.js", True),
        ("uv run uvicorn app:app", "/srv/.venv/bin/python /srv/.venv/bin/uvicorn app:app", True),
        ("flock /lock /entry.py x", "/usr/bin/python3 -u /entry.py x", True),
        ("node /srv/node_modules/.bin/tsx server.ts", "node --require /a --import /b server.ts", True),
        ("node /srv/node_modules/.bin/tsx watch server.ts", "node --require /a --import /b server.ts", True),
        ("node /srv/node_modules/.bin/tsx server.ts", "/srv/esbuild --service=0.25 --ping", False),
        ("gunicorn app:app", "gunicorn app:app", False),
        ("python3 /usr/bin/gunicorn app:app", "python3 /usr/bin/gunicorn app:app", False),
        ("node cluster.js 80", "node worker.js 80", False),
        ("timeout 60 node server.js", "node server.js 80", False),
        ("postgres -D /data", "postgres: checkpointer", False),
        ("server worker", "", False),
        ("", "node server.js", False),
    ],
)
def test_whether_a_command_line_ends_in_another(args: str, child: str, passes: bool) -> None:
    assert passes_on(args.split(), child.split()) is passes


@pytest.mark.parametrize(
    ("command", "by", "file"),
    [
        ("node --require /a.cjs --import file:///b.mjs app.ts", "node /bin/tsx app.ts", "/a.cjs"),
        ("node --import=/b.mjs app.ts", "node run.js", "/b.mjs"),
        ("node -r /a.cjs app.ts", "node --require=/a.cjs run.js", None),
        ("node -r /a.cjs -r /b.cjs app.ts", "node -r /a.cjs run.js", "/b.cjs"),
        ("node app.js", "node run.js", None),
        ("node app.js -r", "node run.js", None),
        ("", "", None),
    ],
)
def test_what_a_launcher_has_run_before_the_app(command: str, by: str, file: str | None) -> None:
    assert preloaded(command.split(), by.split()) == file


@pytest.mark.parametrize(
    ("command", "other", "runs"),
    [
        ("/usr/bin/node app.js", "node run.js", True),
        ("node app.js", "node app.js", False),
        ("node", "node run.js", False),
        ("python3 app.py", "node run.js", False),
        ("nginx: worker process", "nginx: master process", False),
    ],
)
def test_who_runs_the_same_program_on_other_words(command: str, other: str, runs: bool) -> None:
    assert runs_on_others(command.split(), other.split()) is runs
