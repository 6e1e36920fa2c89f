"""The instruction that starts PID 1, edited: by what is configured and by the processes that it became."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.fix import ScriptEdit, own_command, started, with_init
from harness.core.subject import LaunchOptions
from tests.support.facts import start_command
from tests.support.scripted import process, through_ps

SH = ("/bin/sh", "-c")
NODE = ("node", "server.js")
NPM = ("npm start",)
BASES_OWN = ("docker-entrypoint.sh",)
Words = tuple[str, ...]


def edited(
    entrypoint: Words,
    command: Words,
    *chain: Words,
    launch: LaunchOptions | None = None,
    drop: frozenset[str] = frozenset(),
    add: dict[str, str] | None = None,
) -> tuple[list[str], ScriptEdit | None]:
    """The lines, and the edit of a script, for processes one below the other."""
    tree = tuple(replace(process(n, "x", parent=n - 1), argv=argv) for n, argv in enumerate(chain, start=1))
    start = start_command(entrypoint=entrypoint, command=command)
    fix = started(start, launch or LaunchOptions(), tree, drop=drop, add=add or {})
    return [edit.line for edit in fix.edits], fix.script


def text(words: str) -> Words:
    return (*SH, words)


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("node server.js", '["node", "server.js"]'),
        ('"node" "server.js"', '["node", "server.js"]'),
        ('node server.js "two words" --name "a b"', '["node", "server.js", "two words", "--name", "a b"]'),
        ('node -e "a b"', '["node", "-e", "a b"]'),
        ("node '/srv/it is \"here\".js'", '["node", "/srv/it is \\"here\\".js"]'),
        ("node server.js & wait $!", '["node", "server.js"]'),
        ("node server.js | tee /x", '["node", "server.js"]'),
        ("node $ARGS", '["/bin/sh", "-c", "exec node $ARGS"]'),
        ("A=1 node server.js", '["/bin/sh", "-c", "A=1 exec node server.js"]'),
        ("node server.js >/x 2>&1", '["/bin/sh", "-c", "exec node server.js >/x 2>&1"]'),
        ("migrate && node server.js", '["/bin/sh", "-c", "migrate && exec node server.js"]'),
        ("cd sub; node server.js", '["/bin/sh", "-c", "cd sub; exec node server.js"]'),
        ("trap '' TERM; node server.js; echo end", '["/bin/sh", "-c", "trap \'\' TERM; exec node server.js"]'),
    ],
)
def test_a_shell_form_keeps_what_it_says(command: str, value: str) -> None:
    app = ("node", "as it calls itself")
    assert edited((), text(command), text(command), app) == ([f"CMD {value}"], None)
    assert edited(BASES_OWN, text(command), text(command), app) == ([f"CMD {value}"], None)
    assert edited(text(command), (), text(command), app) == ([f"ENTRYPOINT {value}"], None)


@pytest.mark.parametrize("command", ["while :; do node server.js; done", "cat x | node server.js", "a & b & node x &"])
def test_what_cannot_be_edited_for_sure_is_not(command: str) -> None:
    assert edited((), text(command), text(command), NODE) == ([], None)


@pytest.mark.parametrize(
    ("command", "app", "value"),
    [
        ("gunicorn app; true", ("/usr/bin/python3", "/usr/bin/gunicorn", "app"), '["gunicorn", "app"]'),
        ("./serve -v; true", ("/usr/bin/python3", "-u", "./serve", "-v"), '["./serve", "-v"]'),
        ("php-fpm8.2 -F; true", ("php-fpm: master process (x)",), '["php-fpm8.2", "-F"]'),
        ("serve; cat /log; exit 3", ("web: master",), '["serve"]'),
        ("migrate; serve", ("web: master",), '["/bin/sh", "-c", "migrate; exec serve"]'),
    ],
)
def test_what_the_kernel_runs_by_an_interpreter_or_goes_by_a_title_is_found_in_a_text(
    command: str, app: Words, value: str
) -> None:
    assert edited((), text(command), text(command), app)[0] == [f"CMD {value}"]


def test_a_title_of_the_apps_is_not_started() -> None:
    assert edited((), text("node server.js"), text("node server.js"), ("orders-api",)) == (
        ['CMD ["node", "server.js"]'],
        None,
    )
    for title in (("orders-api",), ("orders: worker 1",)):
        assert edited((), ("npm", "start"), NPM, title) == ([], None)
        assert edited(("/srv/init.sh",), (), ("/bin/sh", "/srv/init.sh"), title) == (
            [],
            ScriptEdit(script="/srv/init.sh", line=None),
        )


def test_a_cmd_behind_an_entrypoint_in_shell_form_stays_unused() -> None:
    assert edited(text("node server.js"), ("--port", "1"), (*text("node server.js"), "--port", "1"), NODE) == (
        ['ENTRYPOINT ["/bin/sh", "-c", "exec node server.js"]'],
        None,
    )


@pytest.mark.parametrize("options", [("-o", "pipefail", "-c"), ("-euo", "pipefail", "-c")])
def test_a_shell_with_options_is_kept_where_it_is_needed(options: Words) -> None:
    shell = ("/bin/bash", *options)
    assert edited((), (*shell, "node server.js"), (*shell, "node server.js"), NODE)[0] == ['CMD ["node", "server.js"]']
    (line,), _ = edited((), (*shell, "a | b; node $X"), (*shell, "a | b; node $X"), NODE)
    assert line.endswith('"pipefail", "-c", "a | b; exec node $X"]')


def test_a_login_shell_stays_for_what_it_reads() -> None:
    shell = ("bash", "-lc", "node server.js")
    assert edited((), shell, shell, NODE)[0] == ['CMD ["bash", "-lc", "exec node server.js"]']


@pytest.mark.parametrize(
    ("entrypoint", "command", "chain", "line"),
    [
        (("/srv/init.sh",), (), (("/bin/sh", "/srv/init.sh"), NODE), "exec node server.js"),
        (("bash", "/srv/init.sh"), (), (("bash", "/srv/init.sh"), NODE), "exec node server.js"),
        (("/srv/init.sh",), NODE, (("/bin/sh", "/srv/init.sh", *NODE), NODE), 'exec "$@"'),
        (
            ("tini", "--", "/srv/init.sh"),
            (),
            (("tini", "--", "/srv/init.sh"), ("/bin/sh", "/srv/init.sh"), NODE),
            "exec node server.js",
        ),
        ((), ("/srv/init.sh", "-v"), (("/bin/bash", "/srv/init.sh", "-v"), ("node", "a b.js")), "exec node 'a b.js'"),
        (BASES_OWN, ("sh", "/srv/init.sh"), (("sh", "/srv/init.sh"), NODE), "exec node server.js"),
    ],
)
def test_a_script_that_stays_is_edited_itself(
    entrypoint: Words, command: Words, chain: tuple[Words, ...], line: str
) -> None:
    assert edited(entrypoint, command, *chain) == ([], ScriptEdit(script="/srv/init.sh", line=line))


def test_what_a_script_is_given_is_edited_too() -> None:
    chain = (("/bin/sh", "/srv/init.sh", "npm", "start"), NPM, ("sh", "-c", "node server.js"), NODE)
    assert edited(("/srv/init.sh",), ("npm", "start"), *chain) == (
        ['CMD ["node", "server.js"]'],
        ScriptEdit(script="/srv/init.sh", line='exec "$@"'),
    )


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ((NODE,), '"node", "server.js"'),
        ((("sh", "-c", "node server.js"), NODE), '"node", "server.js"'),
        ((("sh", "-c", "A=1 node server.js"), NODE), '"sh", "-c", "A=1 exec node server.js"'),
        ((("sh", "-c", "migrate && node server.js"), NODE), '"sh", "-c", "migrate && exec node server.js"'),
    ],
)
def test_a_package_manager_makes_way_for_what_its_script_says(below: tuple[Words, ...], words: str) -> None:
    assert edited((), ("npm", "start"), NPM, *below)[0] == [f"CMD [{words}]"]
    assert edited((), ("env", "B=2", "npm", "start"), NPM, *below)[0] == [f'CMD ["env", "B=2", {words}]']
    assert edited(("tini", "-v", "--"), ("npm", "start"), ("tini",), NPM, *below)[0] == [f"CMD [{words}]"]
    assert edited((), text("npm start"), NPM, *below)[0] == [f"CMD [{words}]"]
    assert edited(("npm",), ("start",), NPM, *below)[0] == [f"ENTRYPOINT [{words}]", "CMD []"]


def test_su_becomes_a_user() -> None:
    su = ("su", "-s", "/bin/sh", "-c", "exec node server.js", "node")
    assert edited(BASES_OWN, su, su, NODE)[0] == ["USER node", 'CMD ["node", "server.js"]']
    shell = text("su - app -c 'node server.js $A'")
    stays = (shell, ("su", "-", "app", "-c", "node server.js $A"), NODE)
    assert edited((), shell, *stays)[0] == ["USER app", 'CMD ["/bin/sh", "-c", "exec node server.js $A"]']


def test_the_engines_init_is_no_part_of_the_image() -> None:
    init = LaunchOptions(init=True)
    assert edited((), text("node a.js"), ("/sbin/docker-init", "--"), text("node a.js"), ("node", "a.js"), launch=init)[
        0
    ] == ['CMD ["node", "a.js"]']


@pytest.mark.parametrize(
    ("words", "drop", "line"),
    [
        (("dumb-init", "--rewrite", "15:3", *NODE), {"--rewrite"}, 'CMD ["dumb-init", "node", "server.js"]'),
        (("tini", "-e", "143", "-g", "--", *NODE), {"-g"}, 'CMD ["tini", "-e", "143", "--", "node", "server.js"]'),
    ],
)
def test_an_option_of_an_init_that_is_at_fault_goes(words: Words, drop: set[str], line: str) -> None:
    assert edited((), words, words, NODE, drop=frozenset(drop))[0] == [line]


def test_an_option_that_an_init_lacks_is_added() -> None:
    words = ("dumb-init", "-v", *NODE)
    line = 'CMD ["dumb-init", "--single-child", "-v", "node", "server.js"]'
    assert edited((), words, words, NODE, add={"dumb-init": "--single-child"})[0] == [line]
    assert edited((), ("tini", "--", *NODE), ("tini", "--"), NODE, add={"dumb-init": "--single-child"})[0] == []


def test_an_entrypoint_that_is_an_init_keeps_its_cmd() -> None:
    assert edited(("tini", "-g", "--"), NODE, ("tini", "-g"), NODE, drop=frozenset({"-g"}))[0] == [
        'ENTRYPOINT ["tini", "--"]'
    ]


@pytest.mark.parametrize("chain", [(("node", "cluster.js"), ("node", "cluster.js")), (("dotenv", "--", *NODE), NODE)])
def test_what_must_forward_is_not_taken_away(chain: tuple[Words, ...]) -> None:
    assert edited((), chain[0], *chain) == ([], None)


def test_what_must_forward_is_started_without_a_shell_above_it() -> None:
    shell = text("dotenv -- node server.js")
    assert edited((), shell, shell, ("dotenv", "--", *NODE), NODE)[0] == ['CMD ["dotenv", "--", "node", "server.js"]']


def test_words_that_ps_has_split_are_not_put_together() -> None:
    npm = process(1, "npm start")
    tree = (
        npm,
        replace(process(2, "x", parent=1), argv=("sh", "-c", "node", "server.js")),
        process(3, "node", parent=2),
    )
    fix = started(start_command(command=("npm", "start")), LaunchOptions(), through_ps(tree))
    assert fix.edits == ()
    assert "The app's own command stands in the script" in fix.notes[0]


def test_a_command_that_the_catalogue_gives_is_edited_there() -> None:
    launch = LaunchOptions(command=("npm", "start"))
    assert edited(BASES_OWN, ("npm", "start"), NPM, NODE, launch=launch)[0] == ['command = ["node", "server.js"]']


@pytest.mark.parametrize(
    ("entrypoint", "command", "main", "line"),
    [
        (BASES_OWN, NODE, NODE, 'CMD ["tini", "--", "node", "server.js"]'),
        ((), NODE, NODE, 'CMD ["tini", "--", "node", "server.js"]'),
        (text("node a.js"), (), ("node", "a.js"), 'ENTRYPOINT ["tini", "--", "/bin/sh", "-c", "node a.js"]'),
        (("npm",), ("start",), NPM, 'ENTRYPOINT ["tini", "--", "npm"]'),
    ],
)
def test_an_init_in_front(entrypoint: Words, command: Words, main: Words, line: str) -> None:
    tree = (replace(process(1, "x"), argv=main),)
    fix = with_init(start_command(entrypoint=entrypoint, command=command), LaunchOptions(), tree)
    assert [edit.line for edit in fix.edits] == [line]


@pytest.mark.parametrize(
    ("argv", "trusted"),
    [
        (NODE, True),
        (("/srv/my app",), True),
        (("orders-api",), False),
        (("orders: worker",), False),
        (("node", "x" * 400), False),
    ],
)
def test_whose_command_line_can_be_started_again(argv: Words, trusted: bool) -> None:
    one = replace(process(1, "x"), argv=argv)
    assert own_command(one) == (argv if trusted else None)
    assert own_command(through_ps((one,))[0]) is None
