"""A start script whose last command is to take its place."""

from __future__ import annotations

import pytest

from harness.core.script import with_exec

NODE = "exec node server.js --port 1"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("#!/bin/sh\nnode server.js\n", "#!/bin/sh\nexec node server.js\n"),
        ("node server.js", "exec node server.js\n"),
        ("/usr/bin/node server.js\n\n# the end\n\n", "exec /usr/bin/node server.js\n"),
        ('node "$FILE" > log 2>&1\n', 'exec node "$FILE" > log 2>&1\n'),
        ("A=1 node server.js\n", "A=1 exec node server.js\n"),
        ("cd /srv && node server.js; true\n", "cd /srv && exec node server.js\n"),
        ("node server.js &\nwait $!\nexit $?\n", "exec node server.js\n"),
        ("node server.js & wait\n", "exec node server.js\n"),
        ("set -e\r\nnode server.js\r\n", "set -e\r\nexec node server.js\r\n"),
        ("node migrate.js\nnode server.js\n", "node migrate.js\nexec node server.js\n"),
    ],
)
def test_the_command_stays_as_the_script_has_it(text: str, edited: str) -> None:
    assert with_exec(text, NODE) == edited


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ('#!/bin/sh\nset -e\n"$@"\n', '#!/bin/sh\nset -e\nexec "$@"\n'),
        ('"$@" &\nwait "$!"\n', 'exec "$@"\n'),
    ],
)
def test_what_a_script_is_given_takes_its_place(text: str, edited: str) -> None:
    assert with_exec(text, 'exec "$@"') == edited


@pytest.mark.parametrize(
    "text",
    [
        "exec node server.js\n",
        "if true; then\n  node server.js\nfi\n",
        "while true; do node server.js; done\n",
        "node server.js | tee log\n",
        "node server.js &\n",
        "node server.js &\ntail -f log\n",
        "python app.py\n",
        '"$NODE" server.js\n',
        "env A=1 \\\nnode server.js\n",
        "cat <<node\nnode\n",
        "main() { node server.js; }\nmain\n",
        "# node server.js\n",
        "",
    ],
)
def test_what_is_not_sure_is_left(text: str) -> None:
    assert with_exec(text, NODE) is None


@pytest.mark.parametrize("wanted", ["", "exec", "if", "a; b", "'"])
def test_a_wanted_command_that_is_none_changes_nothing(wanted: str) -> None:
    assert with_exec("node server.js\n", wanted) is None
