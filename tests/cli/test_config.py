"""``check`` by a config: its subjects, each with its options, what is left be, and how long a stop may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

CONFIG = """
[check]
no-try = true
ready = "log:ready"
stop-timeout = 1

[[subject]]
image = "local:musl-node24"
command = ["node", "-e", "process.on('SIGTERM', () => setTimeout(process.exit, 300)); {ready}"]
max-stop = "100ms"

[[subject]]
image = "local:debian12-node24"
command = ["node", "-e", "{ready}"]

[output]
json = "results.json"
sarif = "results.sarif"

[[ignore]]
rule = "app-drops"
subject = "local:debian*"
reason = "holds no state"

[[ignore]]
rule = "slow-stop"
reason = "was slow for a while"
until = 2020-01-01
""".replace("{ready}", "setInterval(() => {}, 1000); console.log('ready')")


def test_a_config_says_what_to_check_and_what_to_leave_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "signal-harness.toml").write_text(CONFIG)
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    done = command("check", "--github", "-")
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    slow, dropped = json.loads((tmp_path / "results.json").read_text())["results"]
    assert (slow["subject"], slow["verdict"], slow["rule"]) == ("local:musl-node24", "graceful", "SH017"), told
    assert slow["ignored"] is None
    assert (dropped["subject"], dropped["verdict"], dropped["rule"]) == ("local:debian12-node24", "forced", "SH003")
    assert dropped["ignored"] == {
        "reason": "holds no state",
        "place": "../signal-harness.toml, ignore 1",
        "until": None,
    }
    assert "../signal-harness.toml, ignore 2: SH017 of local:musl-node24 is ignored no more, since 2020-01-01" in told
    assert "1 not as expected, 1 ignored" in told
    levels = [line.partition(" ")[0] for line in done.stdout.splitlines()]
    assert levels == ["::error", "::notice"]
    alerts = json.loads((tmp_path / "results.sarif").read_text())["runs"][0]["results"]
    assert {alert["ruleId"]: "suppressions" in alert for alert in alerts} == {"SH017": False, "SH003": True}
