"""Changes that help, as patches of a Dockerfile and of a start script."""

from __future__ import annotations

import subprocess
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from harness.core.dockerfile import starting
from harness.core.facts import StartCommand
from harness.core.fix import Edit, Fix, ScriptEdit
from harness.core.patch import Patch, Sources, edited, of_options, of_script
from harness.core.subject import Folder, LaunchOptions
from tests.support.options import ALL_SET

if TYPE_CHECKING:
    from pathlib import Path

START = StartCommand(entrypoint=(), command=("/bin/sh", "-c", "node server.js"), stop_signal=None)
PLAIN = LaunchOptions()
OWN = LaunchOptions(command=("node", "server.js"))
DOCKERFILE = "FROM node\nCOPY run.sh /run.sh\nCMD node server.js\n"
RUN = "#!/bin/sh\nnode server.js\n"
ENTRYPOINT, CMD = (Edit(instruction=name, value='["a"]') for name in ("ENTRYPOINT", "CMD"))
SIGNAL = Edit(instruction="STOPSIGNAL", value="SIGQUIT")
USER = Edit(instruction="USER", value="me")


def sources(dockerfile: str = DOCKERFILE, *, run: str = RUN, start: StartCommand = START) -> Sources:
    texts = {"Dockerfile": dockerfile, "run.sh": run}
    return Sources(folder=Folder(path="app"), files=tuple(texts), read=texts.__getitem__, start=start)


def changed(text: str, *edits: Edit, target: str | None = None, command: tuple[str, ...] = ("old",)) -> str:
    return edited(text, edits, target=target, start=replace_start(command))


def replace_start(command: tuple[str, ...]) -> StartCommand:
    return StartCommand(entrypoint=(), command=command, stop_signal=None)


def test_an_option_becomes_a_line_of_the_dockerfile() -> None:
    assert of_options(OWN, PLAIN, sources()) == Patch(
        change='Dockerfile: CMD ["node", "server.js"]',
        edited=(("Dockerfile", 'FROM node\nCOPY run.sh /run.sh\nCMD ["node", "server.js"]\n'),),
        text="--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,3 +1,3 @@\n FROM node\n COPY run.sh /run.sh\n"
        '-CMD node server.js\n+CMD ["node", "server.js"]\n',
    )


def test_several_options_become_one_patch() -> None:
    patch = of_options(replace(OWN, stop_signal="SIGQUIT", user="me"), PLAIN, sources())
    assert patch is not None
    assert patch.change == 'Dockerfile: CMD ["node", "server.js"]; Dockerfile: USER me; Dockerfile: STOPSIGNAL SIGQUIT'


def test_an_entrypoint_by_option_takes_the_cmd_away() -> None:
    patch = of_options(LaunchOptions(entrypoint=("a",)), PLAIN, sources())
    assert patch is not None
    assert dict(patch.edited)["Dockerfile"].endswith('CMD []\nENTRYPOINT ["a"]\n')


@pytest.mark.parametrize("name", [one.name for one in fields(LaunchOptions)])
def test_what_no_dockerfile_can_say_is_no_patch(name: str) -> None:
    options = replace(OWN, **{name: getattr(ALL_SET, name)})
    said = name in ("entrypoint", "command", "user", "stop_signal")
    assert (of_options(options, PLAIN, sources()) is not None) == said


@pytest.mark.parametrize(
    ("options", "launch"),
    [
        (OWN, LaunchOptions(command=("other",))),
        (replace(OWN, entrypoint=("x",)), LaunchOptions(entrypoint=("x",))),
        (LaunchOptions(stop_signal="SIGINT"), LaunchOptions(stop_signal="SIGQUIT")),
        (LaunchOptions(user="a"), LaunchOptions(user="b")),
        (PLAIN, PLAIN),
    ],
    ids=["command", "entrypoint", "signal", "user", "nothing"],
)
def test_what_the_options_of_the_run_say_anyway_is_no_patch(options: LaunchOptions, launch: LaunchOptions) -> None:
    assert of_options(options, launch, sources()) is None


def test_an_option_that_the_run_has_anyway_stays_out_of_the_patch() -> None:
    patch = of_options(replace(OWN, user="me", init=True), LaunchOptions(user="me", init=True), sources())
    assert patch is not None
    assert patch.change == 'Dockerfile: CMD ["node", "server.js"]'


@pytest.mark.parametrize(
    ("text", "edits", "wanted"),
    [
        ("FROM a\nCMD old\nRUN x\n", [CMD], 'FROM a\nCMD ["a"]\nRUN x\n'),
        ("FROM a\ncmd one\nCMD two \\\n  more\n", [CMD], 'FROM a\ncmd one\nCMD ["a"]\n'),
        ("FROM a\n", [SIGNAL], "FROM a\nSTOPSIGNAL SIGQUIT\n"),
        ("FROM a", [SIGNAL], "FROM a\nSTOPSIGNAL SIGQUIT\n"),
        ("FROM a\r\nCMD x\r\n", [CMD, SIGNAL], 'FROM a\r\nCMD ["a"]\r\nSTOPSIGNAL SIGQUIT\r\n'),
        ("FROM a\r\nCMD x", [SIGNAL], "FROM a\r\nCMD x\r\nSTOPSIGNAL SIGQUIT\r\n"),
        ("FROM a\nUSER you\nCMD x\n", [USER], "FROM a\nUSER you\nCMD x\nUSER me\n"),
        ("FROM a\nRUN <<EOF\nCMD no\nEOF\n# end\n", [CMD], 'FROM a\nRUN <<EOF\nCMD no\nEOF\nCMD ["a"]\n# end\n'),
        ("FROM a\nCMD x\n\nFROM b\nCMD y\n", [CMD], 'FROM a\nCMD x\n\nFROM b\nCMD ["a"]\n'),
    ],
)
def test_an_edit_takes_the_place_of_the_instruction_that_holds(text: str, edits: list[Edit], wanted: str) -> None:
    assert changed(text, *edits) == wanted


STAGES = "FROM a AS one\nCMD x\n\nFROM one AS two\nRUN y\n\nFROM c\nCMD z\n"


def test_only_the_stage_that_is_built_is_changed() -> None:
    assert changed(STAGES, CMD, target="two") == STAGES.replace("RUN y\n", 'RUN y\nCMD ["a"]\n')
    assert changed(STAGES, CMD, target="0") == STAGES.replace("CMD x", 'CMD ["a"]')
    assert changed(STAGES, CMD, target="nope") == STAGES


def test_a_cmd_that_a_new_entrypoint_would_take_away_is_said_again() -> None:
    assert changed(STAGES, ENTRYPOINT, target="two").count('ENTRYPOINT ["a"]\nCMD ["old"]\n') == 1
    assert changed("FROM a\nCMD x\n", ENTRYPOINT) == 'FROM a\nCMD x\nENTRYPOINT ["a"]\n'
    assert changed("FROM a\nENTRYPOINT b\n", ENTRYPOINT) == 'FROM a\nENTRYPOINT ["a"]\n'
    assert changed("FROM a\n", ENTRYPOINT, command=()) == 'FROM a\nENTRYPOINT ["a"]\n'


def test_what_was_edited_is_what_holds() -> None:
    assert [one.text for one in starting(changed(STAGES, CMD, ENTRYPOINT))] == ['CMD ["a"]', 'ENTRYPOINT ["a"]']


SCRIPT = Fix(script=ScriptEdit(script="/run.sh", line="exec node server.js"))


def test_a_script_of_the_context_is_patched() -> None:
    patch = of_script(SCRIPT, PLAIN, sources())
    assert patch == Patch(
        change="run.sh: exec",
        edited=(("run.sh", "#!/bin/sh\nexec node server.js\n"),),
        text="--- a/run.sh\n+++ b/run.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-node server.js\n+exec node server.js\n",
    )


def test_a_script_and_its_dockerfile_are_patched_together() -> None:
    patch = of_script(replace(SCRIPT, edits=(CMD,)), PLAIN, sources())
    assert patch is not None
    assert [path for path, _ in patch.edited] == ["run.sh", "Dockerfile"]
    assert patch.change == 'Dockerfile: CMD ["a"]; run.sh: exec'


@pytest.mark.parametrize(
    ("fix", "launch", "source"),
    [
        (Fix(edits=(CMD,)), PLAIN, sources()),
        (Fix(script=ScriptEdit(script="/run.sh", line=None)), PLAIN, sources()),
        (replace(SCRIPT, edits=(CMD,)), OWN, sources()),
        (replace(SCRIPT, edits=(replace(CMD, where="catalogue"),)), PLAIN, sources()),
        (SCRIPT, PLAIN, sources("FROM node\n")),
        (SCRIPT, PLAIN, sources("")),
        (SCRIPT, PLAIN, sources(run="if x; then node server.js; fi\n")),
    ],
    ids=["no script", "no line", "overridden", "elsewhere", "not copied", "no stage", "not sure"],
)
def test_a_script_that_cannot_be_patched_for_sure_is_left(fix: Fix, launch: LaunchOptions, source: Sources) -> None:
    assert of_script(fix, launch, source) is None


@pytest.mark.parametrize(
    "text", [DOCKERFILE, "FROM node\nCMD x", "FROM node\r\nCMD x\r\n", "FROM node\nRUN '\x0b\x85'"]
)
def test_a_patch_is_one_that_git_applies(tmp_path: Path, text: str) -> None:
    patch = of_options(replace(OWN, stop_signal="SIGQUIT"), PLAIN, sources(text))
    assert patch is not None
    (tmp_path / "Dockerfile").write_bytes(text.encode())
    subprocess.run(["git", "apply", "-"], input=patch.text.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "Dockerfile").read_bytes().decode() == dict(patch.edited)["Dockerfile"]
