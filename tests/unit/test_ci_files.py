"""The workflow, the action and the hook: valid by the schemas of those who read them, and true to the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from harness.cli.entry import cli

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NOT_OURS = {"--quiet", "--preserve-env", "--repo", "--body-file", "--edit-last", "--create-if-none"}
"""Options of pip, sudo and gh."""

GUIDES = [ROOT / "docs" / "base-upgrades.md", ROOT / "docs" / "ci.md"]


def loaded(text: str) -> Any:
    return YAML(typ="safe").load(text)


def checked(schema: str, *files: Path) -> Result:
    return CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", schema, *map(str, files)])


def jobs_of_the_guide() -> list[str]:
    texts = [text for guide in GUIDES for text in re.findall(r"```yaml\n(.*?)```", guide.read_text(), re.DOTALL)]
    return [text for text in texts if "jobs:" in text]


def test_the_workflows_are_workflows() -> None:
    assert WORKFLOWS
    done = checked("vendor.github-workflows", *WORKFLOWS)
    assert done.exit_code == 0, done.output


def test_the_action_is_an_action() -> None:
    done = checked("vendor.github-actions", ROOT / "action.yml")
    assert done.exit_code == 0, done.output


def test_the_jobs_in_the_guide_are_workflows(tmp_path: Path) -> None:
    jobs = jobs_of_the_guide()
    assert jobs
    files = [tmp_path / f"{number}.yml" for number in range(len(jobs))]
    for file, text in zip(files, jobs, strict=True):
        file.write_text(text)
    done = checked("vendor.github-workflows", *files)
    assert done.exit_code == 0, done.output


def test_the_schema_refuses_what_is_no_workflow(tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.yml"
    spoiled.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "runs-at:"))
    assert checked("vendor.github-workflows", WORKFLOWS[1], spoiled, WORKFLOWS[0]).exit_code == 1


def uses_of_the_action() -> list[tuple[str, dict[str, Any]]]:
    texts = [*(file.read_text() for file in WORKFLOWS), *jobs_of_the_guide()]
    steps = [step for text in texts for job in loaded(text)["jobs"].values() for step in job["steps"]]
    return [
        (step["uses"], step.get("with", {}))
        for step in steps
        if re.match(r"\./|.*/signal-harness@", step.get("uses", ""))
    ]


def test_every_input_that_is_given_is_one_of_the_action() -> None:
    inputs = loaded((ROOT / "action.yml").read_text())["inputs"]
    uses = uses_of_the_action()
    assert uses
    for _, given in uses:
        assert set(given) <= set(inputs)
        assert set(given) & {"base", "image", "file"}


def test_the_action_hands_on_every_input() -> None:
    action = loaded((ROOT / "action.yml").read_text())
    text = (ROOT / "action.yml").read_text()
    for name in action["inputs"]:
        assert re.search(rf"\$\{{\{{ .*\binputs\.{name}\b.* \}}\}}", text), name
    # An input inside a script would be code of whoever opens a pull request.
    assert all("${{" not in step.get("run", "") for step in action["runs"]["steps"])


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z-]+", (ROOT / "action.yml").read_text()))))
def test_every_option_in_the_action_is_one_of_the_command(option: str) -> None:
    commands = (["check"], ["run"], ["diff"], ["baseline", "update"])
    helps = [CliRunner().invoke(cli, [*words, "--help"]).output for words in commands]
    assert option in NOT_OURS or any(option in text for text in helps)


def test_actions_of_others_are_pinned_by_commit() -> None:
    """A tag may be moved, a commit not; the release stands beside it for whoever brings it up to date."""
    files = [*WORKFLOWS, ROOT / "action.yml", *GUIDES]
    uses = [use for file in files for use in re.findall(r"uses: (?!\./|your-org/)(.*)", file.read_text())]
    assert len({use.partition("@")[0] for use in uses}) > 5
    assert len({use.partition("@")[0] for use in uses}) == len(set(uses))  # one release of each, everywhere
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use)] == []


def test_the_hooks_run_commands_that_are_there() -> None:
    hooks = loaded((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["signal-harness-baselines", "signal-harness-lint"]
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "signal-harness"
        assert CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0
    assert re.search(hooks[0]["files"], "baselines/node_24-alpine.json")
    assert not re.search(hooks[0]["files"], "package.json")
