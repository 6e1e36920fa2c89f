"""Apps and wrappers of other people, as `tests/apps` has them: rows of a table, made into a catalogue and run.

A row is a command with its environment; how it is started (`Form`) makes its Dockerfile. So that one image context
serves all rows of a catalogue, everything of `tests/apps` and the sample app lie in it side by side.
"""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from harness.core.verdict import Verdict
from tests.support.command import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TESTS: Final = Path(__file__).parents[1]
APPS: Final = TESTS / "apps"
SAMPLE_APP: Final = TESTS.parent / "sample_app"
OPEN: Final = frozenset({Verdict.UNTESTED, Verdict.UNSTABLE})


class Form(Enum):
    """How a command is started; the value is what stands at the end of its Dockerfile."""

    EXEC = "CMD {words}"
    SHELL = "CMD {line}"
    NPM = 'CMD ["npm", "start"]'
    SCRIPT = 'CMD ["sh", "start.sh"]'
    TINI = 'ENTRYPOINT ["tini", "--"]\nCMD {words}'
    INIT = "CMD {words}\n"  # with --init

    @property
    def word(self) -> str:
        """Its name in names of variants."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way to start a command."""

    name: str
    command: tuple[str, ...]
    form: Form = Form.EXEC
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """Its name in the catalogue."""
        return f"{self.name}.{self.form.word}"

    @property
    def dockerfile(self) -> str:
        """Its Dockerfile."""
        line = shlex.join(self.command)
        start = self.form.value.format(words=json.dumps(self.command), line=line)
        lines = ["ARG BASE", "FROM ${BASE}", "WORKDIR /app", "COPY . ."]
        lines += [f"ENV {name}={value}" for name, value in self.environment.items()]
        if self.form is Form.NPM:
            lines.append(f"COPY {self.variant}.json package.json")
        if self.form is Form.SCRIPT:
            lines.append(f"COPY {self.variant}.sh start.sh")
        return "\n".join([*lines, start.rstrip(), ""])

    def write(self, context: Path) -> None:
        """Put what only this row needs into the build context."""
        line = shlex.join(self.command)
        if self.form is Form.NPM:
            package = {"name": self.name, "private": True, "scripts": {"start": line}}
            (context / f"{self.variant}.json").write_text(json.dumps(package), encoding="utf-8")
        if self.form is Form.SCRIPT:
            # What comes after the command keeps every shell from putting it in its own place.
            text = f"#!/bin/sh\necho starting\n{line}\nexit $?\n"
            (context / f"{self.variant}.sh").write_text(text, encoding="utf-8")


def write_catalogue(
    folder: Path, app: str, rows: Iterable[Row], expect: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """A folder with a catalogue, its Dockerfiles and its build context.

    Args:
        folder: where; its parents must be there.
        app: the catalogue's ``[app]`` table, with its tables for probes.
        rows: what is in it.
        expect: what is expected of variants, ``depends`` of those that are not in it.
    """
    context = folder / "context"
    context.mkdir(parents=True)
    shutil.copytree(SAMPLE_APP, context, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    for sources in sorted(path for path in APPS.iterdir() if path.is_dir()):
        shutil.copytree(sources, context, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    parts = ['schema = 1\ncontext = "context"', app]
    for row in rows:
        row.write(context)
        (folder / f"{row.variant}.Dockerfile").write_text(row.dockerfile, encoding="utf-8")
        lines = ["[[variant]]", f'name = "{row.variant}"', f'title = "{row.form.word}"']
        lines += [f'dockerfile = "{row.variant}.Dockerfile"', f"init = {str(row.form is Form.INIT).lower()}"]
        lines.append(f'expect = {{ forwards = "{expect.get(row.variant, "depends")}" }}')
        parts.append("\n".join(lines))
    (folder / "catalogue.toml").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What the harness says of one cell."""

    verdict: Verdict
    reason: str
    log: tuple[str, ...]

    @property
    def open(self) -> bool:
        """Whether it says that it cannot tell."""
        return self.verdict in OPEN


def ask(folder: Path, base: str, *words: str) -> dict[tuple[str, str], Said]:
    """What ``signal-harness run`` says of a catalogue on a base, by variant and question."""
    done = command("run", "--catalogue", str(folder), "--base", base, "--json", "-", *words)
    if not done.stdout:
        raise RuntimeError(f"no results, exit code {done.returncode}: {done.stderr}")
    return {_key(row): _said(row) for row in json.loads(done.stdout)["results"]}


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["subject"], row["signal"] if row["probe"] == "signal" else row["probe"]


def _said(row: Mapping[str, Any]) -> Said:
    log = tuple((row["evidence"] or {}).get("logs", ()))
    return Said(verdict=Verdict(row["verdict"]), reason=row["reason"], log=log)
