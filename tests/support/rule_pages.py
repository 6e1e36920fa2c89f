"""The pages on rules in docs/rules: written from the table of rules, with an example whose output is pasted.

``python -m tests.support.rule_pages`` writes them anew, and runs the examples for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.handlers import by_language
from harness.core.rules import Rule
from harness.core.signals import Signal
from tests.support.pasted import ROOT, Command, commands, run_all

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER: Final = ROOT / "docs" / "rules"
_GENERATED: Final = "<!-- Written by `make rules` from harness/core/rules.py: change it there. -->"
_READY: Final = "console.log('ready')"
_FOR_EVER: Final = f"setInterval(() => {{}}, 1000); {_READY}"


def _explain(base: str, cell: str) -> str:
    return f"signal-harness explain --no-try local:{base} {cell}"


def _check(options: str, command: str) -> str:
    return f"signal-harness check local:debian12-node24 --no-try {options} -- {command}"


EXAMPLES: Final[Mapping[Rule, str]] = {
    Rule.WRAPPER_DROPS: _explain("debian12-node24", "entrypoint-no-exec SIGTERM"),
    Rule.NOT_FORWARDED: _explain("debian12-node24", "npm-start SIGINT"),
    Rule.APP_DROPS: _explain("debian12-node24", "no-handlers SIGTERM"),
    Rule.APP_RUNS_ON: _check(
        "--stop-timeout 2 --ready log:ready", f"node -e \"process.on('SIGTERM', () => {{}}); {_FOR_EVER}\""
    ),
    Rule.CONTAINER_RUNS_ON: _check(
        "--stop-timeout 2 --ready log:ready",
        'sh -c \'trap "kill \\$!" TERM; node -e "process.on(\\"SIGTERM\\", () => process.exit()); '
        'setInterval(() => {}, 1000); console.log(\\"ready\\")" & wait; wait; sleep 60\'',
    ),
    Rule.APP_GONE: _explain("debian12-node24", "npm-start-exec SIGTERM"),
    Rule.NO_HANDLER: _check("--init --ready log:ready", f'node -e "{_FOR_EVER}"'),
    Rule.CUT_SHORT: _explain("debian12-node24", "entrypoint-trap-once SIGTERM"),
    Rule.REQUEST_LOST: _check(
        "--port 8080 --request /",
        "node -e \"process.on('SIGTERM', () => process.exit()); "
        "require('http').createServer((_, to) => setTimeout(() => to.end(), 3000)).listen(8080)\"",
    ),
    Rule.SENT_TWICE: _explain("musl-node24", "npm-start-tini-g SIGTERM"),
    Rule.CTRL_C_TWICE: _explain("musl-node24", "npm-start tty"),
    Rule.CTRL_C_LOST: _check(
        "--probe tty --ready log:ready",
        f"sh -c \"trap '' INT; setsid node -e \\\"process.on('SIGINT', () => process.exit()); {_FOR_EVER}\\\" & wait\"",
    ),
    Rule.TRANSLATED: _explain("debian12-node24", "dumb-init-rewrite SIGTERM"),
    Rule.EXIT_CODE_LOST: _explain("debian12-node24", "ignore-term exit-code"),
    Rule.NOT_REAPED: _explain("debian12-node24", "pid-1 reap"),
}
"""A command of ours that finds it; what is found now and then has none, nor what takes a threshold."""


def page_of(rule: Rule) -> Path:
    """Where the page on a rule is."""
    return FOLDER / f"{rule}.md"


def written(rule: Rule, output: str | None) -> str:
    """The page on a rule; ``output`` is what its example prints."""
    about = rule.about
    named = ", ".join(f"`{verdict.symbol} {verdict}`" for verdict in about.verdicts)
    verdicts = f"verdicts: {named}" if named else "read off a Dockerfile by `signal-harness lint`"
    parts = [
        _GENERATED,
        f"# {rule}: {about.title}",
        f"`{about.slug}` · {verdicts} · [all rules](README.md)",
        "## What is seen",
        about.seen,
        "## Why it matters",
        about.why,
        "## How to fix it",
        "\n".join(f"- {line}" for line in about.fix),
    ]
    if about.in_app:
        parts.append("A handler of SIGTERM, by language:")
        for label, code in by_language(Signal(15)).items():
            parts += [f"{label[0].upper()}{label[1:]}:", "\n".join(["```", *code, "```"])]
    if example := EXAMPLES.get(rule):
        block = f"```text\n{output}```"
        parts += ["## To see it", f"```sh\n{example}   # exit code {_code(rule)}\n```", block]
    parts += [
        "## To leave it be",
        "In `signal-harness.toml`, with a reason and, if it is for a while, a date ([more](../config.md)):",
        f'```toml\n[[ignore]]\nrule = "{rule}"\nsubject = "my/app*"\nreason = "why it is as it should be"\n```',
    ]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The page that lists all rules."""
    rows = [f"| [{rule}]({rule}.md) | `{rule.about.slug}` | {rule.about.title} |" for rule in Rule]
    return "\n".join(
        [
            _GENERATED,
            "",
            "# Rules",
            "",
            "Each bad verdict comes to one rule. Its id stays; `signal-harness rule SH003` shows it on a terminal.",
            "",
            "With the kernel's record more is known than without. Without it, some findings come to the general rule",
            "of their verdict: SH002, SH005, SH006 or SH008.",
            "",
            "| rule | name | what it finds |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def example_of(rule: Rule) -> Command | None:
    """The example of a page, with the output that is pasted on it."""
    found = commands(page_of(rule))
    return found[0] if found else None


def _code(rule: Rule) -> int:
    """How an example ends: the matrix expects some of what is bad, a check of an image nothing of it."""
    return 0 if EXAMPLES[rule].startswith("signal-harness explain") else 1


def main() -> None:
    """Run all examples, and write all pages."""
    ran = run_all(Command(line, _code(rule), None) for rule, line in EXAMPLES.items())
    FOLDER.mkdir(exist_ok=True)
    for rule in Rule:
        line = EXAMPLES.get(rule)
        page_of(rule).write_text(written(rule, ran[line].output if line else None), encoding="utf-8")
    FOLDER.joinpath("README.md").write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
