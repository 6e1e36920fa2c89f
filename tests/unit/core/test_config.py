"""The config: what is read of it, what is wrong with it and where, and the schema that editors are given."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from harness.core.config import Config, ConfigSubject, has_table, parse_config, schema
from harness.core.errors import UsageError
from harness.core.ignoring import Ignore, comments
from harness.core.rules import Rule
from tests.support.config_schema import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS = ("json", "sarif")
VALIDATOR = jsonschema.Draft202012Validator(schema())
WHOLE = """
[check]
max-stop = 5
no-try = true

[[subject]]
image = "my/app:latest"
ready = "port:8080"
signal = ["TERM", "HUP"]
env = { LEVEL = "debug" }
command = ["node", "server.js"]
max-stop = "500ms"

[[subject]]
build = "./api"
target = "production"

[[subject]]
archive = "app.tar"

[output]
sarif = "signals.sarif"

[[ignore]]
rule = "SH003"
subject = "batch-*"
reason = " may be killed "
until = 2026-12-31

[[ignore]]
rule = "not-reaped"
reason = "starts nothing"
"""
PLACE = "signal-harness.toml"


def parsed(text: str, *, pyproject: bool = False) -> Config:
    return parse_config(text, place=PLACE, formats=FORMATS, pyproject=pyproject)


def subject(number: int, name: str, kind: str, options: Mapping[str, Any], *command: str) -> ConfigSubject:
    return ConfigSubject(
        kind=kind,
        name=name,
        command=command or None,
        options=dict(options),
        place=f"{PLACE}, subject {number} ({name})",
    )


def test_a_config_is_read_whole() -> None:
    assert parsed(WHOLE) == Config(
        place=PLACE,
        subjects=(
            subject(
                1,
                "my/app:latest",
                "image",
                {
                    "ready": "port:8080",
                    "signal": ("TERM", "HUP"),
                    "env": {"LEVEL": "debug"},
                    "max-stop": "500ms",
                },
                "node",
                "server.js",
            ),
            subject(2, "./api", "build", {"target": "production"}),
            subject(3, "app.tar", "archive", {}),
        ),
        options={"max-stop": 5, "no-try": True},
        outputs={"sarif": "signals.sarif"},
        ignores=(
            Ignore(
                rule=Rule.APP_DROPS,
                subject="batch-*",
                reason="may be killed",
                until=dt.date(2026, 12, 31),
                place=f"{PLACE}, ignore 1",
            ),
            Ignore(rule=Rule.NOT_REAPED, subject="*", reason="starts nothing", place=f"{PLACE}, ignore 2"),
        ),
    )


def test_an_empty_config_says_nothing() -> None:
    assert parsed("") == Config(place=PLACE, options={}, outputs={})


def test_of_a_pyproject_our_table_alone_is_read() -> None:
    text = '[project]\nname = "x"\n[tool.ruff]\nx = 1\n[[tool.signal-harness.subject]]\nimage = "a"\n'
    assert has_table(text, place="pyproject.toml")
    (one,) = parsed(text, pyproject=True).subjects
    assert (one.name, one.place) == ("a", f"{PLACE}, tool.signal-harness, subject 1 (a)")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("[tool.signal-harness]", True),
        ('[project]\nname = "signal-harness"', False),
        ("[tool.ruff]", False),
        ("", False),
        ("tool = 1 # signal-harness", False),
        ("not [ toml", False),
    ],
)
def test_a_pyproject_without_our_table_is_none_of_ours(text: str, there: bool) -> None:
    assert has_table(text, place="pyproject.toml") is there


KEYS = "Known keys: check, subject, output, ignore."


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("x =", " is not valid TOML: Invalid value (at end of document)", ""),
        ("outptu = 1", ": unknown key 'outptu'", f"Did you mean 'output'? {KEYS}"),
        ("quux = 1", ": unknown key 'quux'", KEYS),
        ("subject = 1", ", subject: expected a list, got a whole number", ""),
        ("[subject]", ", subject: expected a list, got a table", ""),
        ('[check]\nimage = "x"', ", check: unknown key 'image'", None),
        ("[check]\nport = 1.5", ", check, port: expected a whole number, got a number", ""),
        ('[check]\nport = "x"', ", check, port: expected a whole number, got a string", ""),
        ("[check]\ninit = 1", ", check, init: expected true or false, got a whole number", ""),
        ('[check]\nsignal = "TERM"', ", check, signal: expected a list, got a string", ""),
        ('[check]\nenv = ["A=1"]', ", check, env: expected a table, got a list", ""),
        ("[[subject]]", ", subject 1: it names nothing", "A subject has one of image, build, archive."),
        (
            '[[subject]]\nimage = "a"\nbuild = "b"',
            ", subject 1: it names image and build",
            "A subject has one of image, build, archive.",
        ),
        ('[[subject]]\nimage = ""', ", subject 1, image: expected a string of length >= 1", ""),
        ('[[subject]]\nimage = "a"\ncommand = []', ", subject 1, command: expected a list of length >= 1", ""),
        ('[[subject]]\nimage = "a"\n[[subject]]\nimage = "a"', ", subject 2: a is named twice", "Keep one of them."),
        ('[[subject]]\nimage = "a"\nredy = "rest"', ", subject 1: unknown key 'redy'", None),
        ('[output]\nsraif = "x"', ", output: unknown key 'sraif'", "Did you mean 'sarif'? Known keys: json, sarif."),
        ("[output]\nsarif = 1", ", output: expected a string, got a whole number", ""),
        ('[[ignore]]\nrule = "SH003"', ", ignore 1: reason is missing", ""),
        ('[[ignore]]\nreason = "x"', ", ignore 1: rule is missing", ""),
        (
            '[[ignore]]\nrule = "SH003"\nreason = " "',
            ", ignore 1: reason is empty",
            "Say why the finding is as it should be.",
        ),
        ('[[ignore]]\nrule = "SH03"\nreason = "x"', ", ignore 1, rule: 'SH03' is not a rule", "Did you mean SH013?"),
        (
            '[[ignore]]\nrule = "app-drop"\nreason = "x"',
            ", ignore 1, rule: 'app-drop' is not a rule",
            "Did you mean app-drops?",
        ),
        ('[[ignore]]\nrule = "SH003"\nreason = "x"\nuntil = "soon"', ", ignore 1, until: ", ""),
        ('[[ignore]]\nrule = "SH003"\nreason = "x"\nuntil = 7', ", ignore 1, until: ", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str, remedy: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert caught.value.message.startswith(f"{PLACE}{message}")
    assert remedy is None or caught.value.remedy == remedy
    assert caught.value.exit_code == 2


def test_a_table_that_is_none_is_told_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"signal-harness\.toml, tool\.signal-harness: expected a table, got a string"):
        parsed('[tool]\nsignal-harness = "x"', pyproject=True)


# The schema.


def plain(text: str) -> Any:
    """A TOML document as an editor checks it: dates are text there."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_the_published_schema_is_that_of_the_types() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == schema(), "make schema"
    jsonschema.Draft202012Validator.check_schema(schema())


def test_what_is_read_is_valid() -> None:
    VALIDATOR.validate(plain(WHOLE))
    VALIDATOR.validate({})


@pytest.mark.parametrize(
    "text",
    [
        "outptu = 1",
        "subject = 1",
        '[check]\nsignal = "TERM"',
        '[check]\npull = "now"',
        '[check]\ntrace = "maybe"',
        # It is as good as root on the engine's machine: no file asks for it.
        '[check]\ntrace = "helper"',
        '[[ignore]]\nrule = "SH003"',
        '[[ignore]]\nrule = "SH03"\nreason = "x"',
        '[[ignore]]\nrule = "SH003"\nreason = ""',
        '[[subject]]\nimage = ""',
        '[[subject]]\nimage = "a"\nredy = "rest"',
    ],
)
def test_what_is_refused_is_not_valid(text: str) -> None:
    assert not VALIDATOR.is_valid(plain(text))


# The docs.

PAGE = FILE.with_name("config.md").read_text(encoding="utf-8")


def test_the_example_of_the_docs_is_a_config() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    made = parsed(text)
    assert [one.kind for one in made.subjects] == ["image", "build"]
    assert made.ignores[0].until == dt.date(2026, 12, 31)
    VALIDATOR.validate(plain(text))


def test_the_comment_of_the_docs_is_one() -> None:
    (text,) = re.findall(r"^```dockerfile\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [one.rule for one in comments(text, place="Dockerfile", subject="x")] == [Rule.NOT_REAPED]
