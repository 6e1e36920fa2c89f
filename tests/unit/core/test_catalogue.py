"""The catalogue: what is read, and what each mistake is answered with."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.catalogue import LIMITS, Catalogue, Variant, parse_catalogue
from harness.core.errors import UsageError
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, Built, Claim, ExitSetting, Expectation, LogPattern, Quiescent, StopSetting, unmet
from harness.core.verdict import Expected
from tests.support.facts import base_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.facts import BaseFacts

OURS = Path(__file__).parents[3] / "dockerfiles"
DOCKERFILES = sorted(OURS.glob("*.Dockerfile"))

HEAD = """
schema = 1
context = "../app"

[app]
ready = '^Listening pid=(?P<pid>\\d+)'
received = '^Received (?P<signal>SIG\\w+)'
"""
ROW = """
[[variant]]
name = "one"
title = "the first"
dockerfile = "one.Dockerfile"
"""
FULL = """
done = '^Bye'

[app.stop]
environment = { SHUTDOWN = "1" }
port = 3000
path = "/hold"

[app.exit-code]
environment = { EXIT_AFTER_MS = "300", EXIT_CODE = "{code}" }

[[variant]]
name = "full"
title = "all keys"
dockerfile = "full.Dockerfile"
target = "production"
init = true
entrypoint = ["tini", "--"]
command = ["node", "server.js"]
requires = { node = ">=22", npm = "<12" }
expect = { forwards = "always", SIGHUP = "never", "RTMIN+3" = "depends", stop = "always", tty = "depends" }
claim = { text = "it works", source = "an article", SIGTERM = "never", exit-code = "always", reap = "never" }
"""


def parse(text: str, *, missing: Sequence[str] = ()) -> Catalogue:
    return parse_catalogue(text, place="c.toml", has_file=lambda name: name not in missing)


def variant(**keys: object) -> Variant:
    return Variant(**{"name": "v", "title": "t", "dockerfile": "v.Dockerfile"} | keys)


def facts(*, node: str | None = None, npm: str | None = None) -> BaseFacts:
    programs = {"node": node, "npm": npm}
    return base_facts(
        reference="b", id="sha256:0", programs={name: version for name, version in programs.items() if version}
    )


def test_a_catalogue_is_read_whole() -> None:
    assert parse(HEAD + FULL + ROW) == Catalogue(
        context="../app",
        app=App(
            ready=LogPattern(pattern=re.compile(r"^Listening pid=(?P<pid>\d+)")),
            receipts=LogPattern(pattern=re.compile(r"^Received (?P<signal>SIG\w+)")),
            done=LogPattern(pattern=re.compile(r"^Bye")),
            stop=StopSetting(environment={"SHUTDOWN": "1"}, port=3000, path="/hold"),
            exit_code=ExitSetting(environment={"EXIT_AFTER_MS": "300", "EXIT_CODE": "{code}"}),
        ),
        variants=(
            Variant(
                name="full",
                title="all keys",
                dockerfile="full.Dockerfile",
                target="production",
                launch=replace(LIMITS, init=True, entrypoint=("tini", "--"), command=("node", "server.js")),
                requires={"node": ">=22", "npm": "<12"},
                expect=Expectation(
                    forwards=Expected.ALWAYS,
                    signals={Signal(1): Expected.NEVER, Signal(37): Expected.DEPENDS},
                    probes={Probe.STOP: Expected.ALWAYS, Probe.TTY: Expected.DEPENDS},
                ),
                claim=Claim(
                    text="it works",
                    source="an article",
                    forwards=Expectation(
                        signals={Signal(15): Expected.NEVER},
                        probes={Probe.EXIT_CODE: Expected.ALWAYS, Probe.REAP: Expected.NEVER},
                    ),
                ),
            ),
            Variant(name="one", title="the first", dockerfile="one.Dockerfile"),
        ),
    )


def test_nothing_said_is_depends() -> None:
    (row,) = parse(HEAD + ROW).variants
    assert row.expect == Expectation(forwards=Expected.DEPENDS)
    assert row.claim is None


def test_an_expectation_of_a_signal_goes_before_the_default() -> None:
    expectation = Expectation(forwards=Expected.ALWAYS, signals={Signal(1): Expected.NEVER})
    assert expectation.of(Question(signal=Signal(1))) is Expected.NEVER
    assert expectation.of(Question(signal=Signal(15))) is Expected.ALWAYS
    assert Expectation().of(Question(signal=Signal(15))) is None


@pytest.mark.parametrize("probe", [probe for probe in Probe if probe is not Probe.SIGNAL])
def test_what_is_expected_of_signals_says_nothing_of_other_probes(probe: Probe) -> None:
    expectation = Expectation(forwards=Expected.ALWAYS, signals={Signal(2): Expected.NEVER})
    assert expectation.of(Question(probe=probe)) is None
    assert Expectation(probes={probe: Expected.NEVER}).of(Question(probe=probe)) is Expected.NEVER
    assert Expectation(probes={probe: Expected.NEVER}).of(Question(signal=Signal(2))) is None


def test_the_probe_stop_is_not_the_signal_of_that_name() -> None:
    (row,) = parse(HEAD + ROW + "expect = { stop = 'never' }").variants
    assert row.expect == Expectation(probes={Probe.STOP: Expected.NEVER})


def test_an_app_that_only_logs_has_no_settings_for_probes() -> None:
    app = parse(HEAD + ROW).app
    assert (app.done, app.stop, app.exit_code, app.probes) == (None, None, None, (Probe.SIGNAL,))


def test_an_app_that_can_be_stopped_is_stopped_in_a_check_of_signals() -> None:
    app = parse(HEAD + "done = 'x'\n[app.stop]" + ROW).app
    assert app.stop == StopSetting(environment={}, port=None, path="/")
    assert app.probes == (Probe.SIGNAL, Probe.STOP)


def test_the_environment_to_exit_holds_the_code_wherever_it_is_wanted() -> None:
    setting = ExitSetting(environment={"ARGS": "--exit={code} --again={code}", "OTHER": "{other}"})
    assert setting.exiting(143) == {"ARGS": "--exit=143 --again=143", "OTHER": "{other}"}


BAD = {
    "bad TOML": ("schema = = 1", r"c\.toml is not valid TOML: .+ \(at line 1, column 10\)"),
    "no schema": ("context = 'x'", r"c\.toml: schema is missing"),
    "unknown schema": (HEAD.replace("schema = 1", "schema = 2") + ROW, r"c\.toml: schema 2 is unknown"),
    "schema is true": (
        HEAD.replace("schema = 1", "schema = true"),
        r"c\.toml, schema: expected a whole number, got true or false",
    ),
    "no context": ("schema = 1", r"c\.toml: context is missing"),
    "context is no string": ("schema = 1\ncontext = 7", r"c\.toml, context: expected a string, got a whole number"),
    "no app": ("schema = 1\ncontext = 'x'" + ROW, r"c\.toml: app is missing"),
    "app is no table": ("schema = 1\ncontext = 'x'\napp = 3", r"c\.toml, app: expected a table, got a whole number"),
    "no variant": (HEAD, r"c\.toml: there is no \[\[variant\]\]"),
    "variant is one table": (
        HEAD + ROW.replace("[[variant]]", "[variant]"),
        r"c\.toml, variant: expected a list, got a table",
    ),
    "variant is a list of numbers": (
        "variant = [1]\n" + HEAD,
        r"c\.toml, variant 1: expected a table, got a whole number",
    ),
    "unknown key at the top": ("colour = 'red'\n" + HEAD + ROW, r"c\.toml: unknown key 'colour'"),
    "unknown key in app": (HEAD + "steady = 'x'" + ROW, r"c\.toml, app: unknown key 'steady'"),
    "unknown key in a variant": (HEAD + ROW + "tittle = 'x'", r"c\.toml, variant 1 \(one\): unknown key 'tittle'"),
    "unknown fact": (
        HEAD + ROW + "requires = { yarn = '1' }",
        r"c\.toml, variant 1 \(one\), requires: unknown key 'yarn'",
    ),
    "unknown signal in expect": (
        HEAD + ROW + "expect = { SIGNAL = 'always' }",
        r"c\.toml, variant 1 \(one\), expect: unknown key 'SIGNAL'",
    ),
    "unknown signal in claim": (
        HEAD + ROW + "claim = { text = 'x', source = 'y', SIGKILL = 'always' }",
        r"c\.toml, variant 1 \(one\), claim: unknown key 'SIGKILL'",
    ),
    "bad forwards": (
        HEAD + ROW + "expect = { forwards = 'sometimes' }",
        r"c\.toml, variant 1 \(one\), expect: forwards is 'sometimes'",
    ),
    "forwards is a number": (HEAD + ROW + "expect = { forwards = 1 }", r"c\.toml, .*expect: forwards is 1"),
    "bad specifier": (
        HEAD + ROW + "requires = { npm = 'new' }",
        r"c\.toml, variant 1 \(one\), requires: 'new' is not a valid version specifier",
    ),
    "specifier is a number": (
        HEAD + ROW + "requires = { npm = 9 }",
        r"c\.toml, variant 1 \(one\), requires: expected a string, got a whole number",
    ),
    "claim without a source": (
        HEAD + ROW + "claim = { text = 'x' }",
        r"c\.toml, variant 1 \(one\), claim: source is missing",
    ),
    "no name": (HEAD + "[[variant]]\ntitle = 'x'", r"c\.toml, variant 1: name is missing"),
    "bad name": (
        HEAD + ROW.replace('"one"', '"../One"'),
        r"c\.toml, variant 1 \(\.\./One\): '\.\./One' is not a valid name",
    ),
    "no title": (HEAD + ROW.replace("title", "# title"), r"c\.toml, variant 1 \(one\): title is missing"),
    "no dockerfile": (HEAD + ROW.replace("dockerfile", "# "), r"c\.toml, variant 1 \(one\): dockerfile is missing"),
    "init is a word": (
        HEAD + ROW + "init = 'yes'",
        r"c\.toml, variant 1 \(one\), init: expected true or false, got a string",
    ),
    "command is a string": (
        HEAD + ROW + "command = 'node x'",
        r"c\.toml, variant 1 \(one\), command: expected a list, got a string",
    ),
    "command holds a number": (
        HEAD + ROW + "command = ['node', 1]",
        r"c\.toml, variant 1 \(one\), command 2: expected a string, got a whole number",
    ),
    "duplicate names": (HEAD + ROW + ROW, r"c\.toml: 2 variants are called 'one'"),
    "the second of two": (
        HEAD + ROW + ROW.replace('"one"', '"two"') + "x = 1",
        r"c\.toml, variant 2 \(two\): unknown key 'x'",
    ),
    "bad ready": (HEAD.replace("^Listening", "(") + ROW, r"c\.toml, app: ready is not a valid regular expression: "),
    "bad received": (
        HEAD.replace("^Received", "[") + ROW,
        r"c\.toml, app: received is not a valid regular expression: ",
    ),
    "bad done": (HEAD + "done = '*'" + ROW, r"c\.toml, app: done is not a valid regular expression: "),
    "received without signal": (
        HEAD.replace("?P<signal>", "") + ROW,
        r"c\.toml, app: received needs a group \(\?P<signal>…\)",
    ),
    "unknown key in app.stop": (
        HEAD + "done = 'x'\n[app.stop]\nports = 3" + ROW,
        r"c\.toml, app, stop: unknown key 'ports'",
    ),
    "stop is no table": (HEAD + "stop = true" + ROW, r"c\.toml, app, stop: expected a table, got true or false"),
    "stop without done": (
        HEAD + "[app.stop]\nport = 3000" + ROW,
        r"c\.toml, app: done is missing: stop and exit-code need to see that the app is done",
    ),
    "exit-code without done": (
        HEAD + "[app.exit-code]\nenvironment = { CODE = '{code}' }" + ROW,
        r"c\.toml, app: done is missing: stop and exit-code need to see that the app is done",
    ),
    "port 0": (
        HEAD + "done = 'x'\n[app.stop]\nport = 0" + ROW,
        r"c\.toml, app, stop, port: expected a whole number >= 1",
    ),
    "port too high": (
        HEAD + "done = 'x'\n[app.stop]\nport = 65536" + ROW,
        r"c\.toml, app, stop, port: expected a whole number <= 65535",
    ),
    "port is a word": (
        HEAD + "done = 'x'\n[app.stop]\nport = '80'" + ROW,
        r"c\.toml, app, stop, port: expected a whole number, got a string",
    ),
    "port is true": (
        HEAD + "done = 'x'\n[app.stop]\nport = true" + ROW,
        r"c\.toml, app, stop, port: expected a whole number, got true or false",
    ),
    "path without a slash": (
        HEAD + "done = 'x'\n[app.stop]\npath = 'hold'" + ROW,
        r"c\.toml, app, stop, path: expected a string matching regex '\^/'",
    ),
    "empty path": (
        HEAD + "done = 'x'\n[app.stop]\npath = ''" + ROW,
        r"c\.toml, app, stop, path: expected a string matching regex '\^/'",
    ),
    "environment holds a number": (
        HEAD + "done = 'x'\n[app.stop]\nenvironment = { MS = 0 }" + ROW,
        r"c\.toml, app, stop, environment: expected a string, got a whole number",
    ),
    "environment is a list": (
        HEAD + "done = 'x'\n[app.stop]\nenvironment = ['MS=0']" + ROW,
        r"c\.toml, app, stop, environment: expected a table, got a list",
    ),
    "exit-code without an environment": (
        HEAD + "done = 'x'\n[app.exit-code]" + ROW,
        r"c\.toml, app, exit-code: no variable of environment holds \{code\}",
    ),
    "exit-code whose environment does not hold the code": (
        HEAD + "done = 'x'\n[app.exit-code]\nenvironment = { EXIT = '3' }" + ROW,
        r"c\.toml, app, exit-code: no variable of environment holds \{code\}",
    ),
    "unknown key in app.exit-code": (
        HEAD + "done = 'x'\n[app.exit-code]\nport = 3\nenvironment = { EXIT = '{code}' }" + ROW,
        r"c\.toml, app, exit-code: unknown key 'port'",
    ),
    "unknown probe in expect": (
        HEAD + ROW + "expect = { exit_code = 'always' }",
        r"c\.toml, variant 1 \(one\), expect: unknown key 'exit_code'",
    ),
    "the probe signal in expect": (
        HEAD + ROW + "expect = { signal = 'always' }",
        r"c\.toml, variant 1 \(one\), expect: unknown key 'signal'",
    ),
    "bad expectation of a probe": (
        HEAD + ROW + "expect = { reap = 'often' }",
        r"c\.toml, variant 1 \(one\), expect: reap is 'often'",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        parse(text)


@pytest.mark.parametrize("missing", ["one.Dockerfile", "../app"])
def test_what_a_row_names_must_be_there(missing: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"c.toml: {missing} is not there")) as caught:
        parse(HEAD + ROW, missing=[missing])
    assert caught.value.remedy == "Paths are relative to the catalogue's folder."


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse(HEAD + ROW + "tittle = 'x'")
    assert caught.value.remedy.startswith("Did you mean 'title'? Known keys: name, title, dockerfile, ")


def test_an_unknown_expectation_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse(HEAD + ROW + "expect = { exit_code = 'always' }")
    assert caught.value.remedy == (
        "Did you mean 'exit-code'? Known keys: forwards, names of signals, stop, exit-code, reap, tty."
    )


@given(st.text())
def test_any_text_is_a_catalogue_or_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


@given(
    st.sampled_from(["schema", "context", "app", "variant"]), st.sampled_from(["1", "'x'", "[]", "{}", "true", "1.5"])
)
def test_any_type_in_any_place_at_the_top_is_a_usage_error(key: str, value: str) -> None:
    with pytest.raises(UsageError, match=r"^c\.toml"):
        parse(f"{key} = {value}")


NAMES = ("npm-start", "npm-start-tini", "tini", "node")
SOME = Catalogue(
    context=".",
    app=App(),
    variants=tuple(variant(name=name) for name in NAMES),
)


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ([], NAMES),
        (["tini"], ["tini"]),
        (["npm-*"], ["npm-start", "npm-start-tini"]),
        (["*tini*", "npm-*"], ["npm-start", "npm-start-tini", "tini"]),
        (["node", "npm-start"], ["npm-start", "node"]),
        (["n[op]*e"], ["node"]),
    ],
)
def test_globs_select_in_catalogue_order(globs: list[str], names: Sequence[str]) -> None:
    assert [row.name for row in SOME.select(globs)] == list(names)


@pytest.mark.parametrize(
    ("glob", "remedy"),
    [
        ("TINI", "Known variants: npm-start, npm-start-tini, tini, node"),
        ("", "Known variants: npm-start, npm-start-tini, tini, node"),
        ("nodes", "Did you mean node?"),
        ("npm-star", "Did you mean npm-start or npm-start-tini?"),
    ],
)
def test_a_glob_that_matches_nothing_is_an_error(glob: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        SOME.select(["tini", glob])
    assert caught.value.message == f"no variant matches {glob!r}"
    assert caught.value.remedy == remedy


def test_an_app_that_says_nothing_of_itself_is_ready_at_rest_and_has_no_words() -> None:
    app = parse("schema = 1\ncontext = '.'\n[app]" + ROW).app
    assert (app.ready, app.receipts, app.done) == (Quiescent(), None, None)


def test_a_catalogue_names_bases_requirements_and_how_containers_are_run() -> None:
    catalogue = parse(
        "bases = ['a:1', 'b:2']\nrequires = { node = '*' }"
        + HEAD.replace("[app]", "[launch]\nmemory = '1g'\nuser = 'node'\nextra_hosts = { x = '127.0.0.1' }\n[app]")
        + ROW
        + "init = true"
    )
    assert (catalogue.bases, catalogue.requires) == (("a:1", "b:2"), {"node": "*"})
    launch = replace(LIMITS, memory="1g", user="node", extra_hosts={"x": "127.0.0.1"}, init=True)
    assert catalogue.variants[0].launch == launch


def test_a_variant_adds_the_capabilities_that_it_needs_to_those_of_all() -> None:
    limits = (
        "[launch]\ncap_drop = ['ALL']\ncap_add = ['CHOWN']\nsecurity_opt = ['no-new-privileges']\ncpus = 1.5\n[app]"
    )
    catalogue = parse(HEAD.replace("[app]", limits) + ROW + "cap_add = ['SETUID', 'KILL']" + ROW.replace("one", "two"))
    needs, others = (row.launch for row in catalogue.variants)
    wanted = replace(LIMITS, cap_drop=("ALL",), cap_add=("CHOWN",), security_opt=("no-new-privileges",), cpus=1.5)
    assert others == wanted
    assert needs == replace(wanted, cap_add=("CHOWN", "SETUID", "KILL"))


def test_a_variant_on_a_base_is_a_subject() -> None:
    (row,) = (catalogue := parse(HEAD + ROW + "target = 'dev'")).variants
    subject = catalogue.subject(row, "node:24")
    assert subject.image == Built(base="node:24", dockerfile="one.Dockerfile", target="dev")
    assert (subject.base, subject.name, subject.app, subject.launch) == ("node:24", "one", catalogue.app, row.launch)


@pytest.mark.parametrize(
    ("requires", "found", "why"),
    [
        ({}, facts(), None),
        ({"node": ">=22"}, facts(node="22.0.0"), None),
        (
            {"node": ">=22"},
            facts(node="24.0.0-nightly20260101"),
            "it needs node >=22, and the base's node calls itself ",
        ),
        ({"node": ">=22"}, facts(node="20.19.0"), "it needs node >=22, and the base has 20.19.0"),
        ({"npm": "<9.7"}, facts(node="22.0.0"), "it needs npm <9.7, and the base has no npm"),
        ({"npm": "<9.7"}, facts(npm="9.6.7"), None),
        ({"npm": ">=11"}, facts(npm="11.0.0-pre.1"), "it needs npm >=11, and the base has 11.0.0-pre.1"),
        ({"npm": ">=10"}, facts(npm="11.0.0-pre.1"), None),
        ({"node": "*"}, facts(node="nightly"), None),
        ({"node": "*"}, facts(), "it needs node, and the base has no node"),
        (
            {"node": ">=22", "npm": "<9.7"},
            facts(node="24.0.0", npm="11.6.0"),
            "it needs npm <9.7, and the base has 11.6.0",
        ),
    ],
)
def test_what_a_base_lacks(requires: dict[str, str], found: BaseFacts, why: str | None) -> None:
    reason = unmet(requires, found)
    assert reason == why if why is None else (reason or "").startswith(why)


def ours() -> Catalogue:
    text = (OURS / "catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(text, place="catalogue.toml", has_file=lambda name: (OURS / name).exists())


def test_our_catalogue_is_well_formed_and_rich() -> None:
    assert len(ours().variants) >= 25


def test_every_dockerfile_has_a_row_and_every_row_a_dockerfile() -> None:
    assert {row.dockerfile for row in ours().variants} == {path.name for path in DOCKERFILES}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.stem)
def test_a_dockerfile_takes_its_base_as_an_argument(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    instructions = [line for line in lines if line.strip() and not line.startswith("#")]
    assert instructions[0] == "ARG BASE"
    assert any(re.fullmatch(r"FROM \$\{BASE\}( AS [a-z-]+)?", line) for line in lines)
    assert not any(re.match(r"#\s*syntax\s*=", line) for line in lines)
