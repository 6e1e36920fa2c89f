"""The config on the disk: which one is found, and where its paths lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.configs import Found, read_config
from harness.core.errors import UsageError

ONE = '[[subject]]\nimage = "one"\n'
TABLE = '[[tool.signal-harness.subject]]\nimage = "two"\n'


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, two folders below the test's own."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def found(named: Path | None = None) -> Found:
    it = read_config(named)
    assert it is not None
    return it


def test_where_there_is_none_there_is_none(deep: Path) -> None:
    assert read_config(None) is None
    (deep / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert read_config(None) is None


def test_the_nearest_one_upwards_is_read(deep: Path) -> None:
    (deep.parents[1] / "signal-harness.toml").write_text(ONE)
    assert found().config.place == "../../signal-harness.toml"
    (deep.parent / "pyproject.toml").write_text(TABLE)
    assert found().config.place == "../pyproject.toml, tool.signal-harness"
    (deep / "pyproject.toml").write_text("[tool.ruff]\n")
    assert found().config.subjects[0].name == "two"
    (deep / "signal-harness.toml").write_text(ONE)
    assert found().config.place == "signal-harness.toml"


def test_our_own_file_goes_before_the_table(deep: Path) -> None:
    (deep / "pyproject.toml").write_text(TABLE)
    (deep / "signal-harness.toml").write_text(ONE)
    assert found().config.subjects[0].name == "one"


def test_a_pyproject_of_others_that_is_broken_does_not_matter(deep: Path) -> None:
    (deep / "pyproject.toml").write_text("[[[")
    assert read_config(None) is None


def test_paths_start_from_the_configs_folder(deep: Path) -> None:
    text = '[[subject]]\nbuild = "app"\n[[subject]]\narchive = "/x/a.tar"\n[[subject]]\nimage = "app"\n'
    (deep.parent / "signal-harness.toml").write_text(text)
    it = found()
    assert [it.subject(one) for one in it.config.subjects] == ["../app", "docker-archive:/x/a.tar", "app"]
    assert it.path("out.json") == "../out.json"
    assert it.path("-") == "-"
    (deep / "signal-harness.toml").write_text(text)
    assert found().subject(found().config.subjects[0]) == "./app"


@pytest.mark.parametrize(
    ("name", "content", "message", "remedy"),
    [
        ("none.toml", None, "none.toml cannot be read: No such file or directory", ""),
        (
            "pyproject.toml",
            b"[tool.ruff]",
            "pyproject.toml has no [tool.signal-harness]",
            "Add that table, or name a signal-harness.toml.",
        ),
        ("pyproject.toml", b"signal-harness [", "pyproject.toml is not valid TOML: ", ""),
        ("other.toml", b"x", "other.toml is not valid TOML: ", ""),
        ("other.toml", b"\xff", "other.toml is not UTF-8, as TOML is: invalid start byte", ""),
        ("other.toml", b"x = 1", "other.toml: unknown key 'x'", "Known keys: check, subject, output, ignore."),
    ],
)
@pytest.mark.usefixtures("deep")
def test_one_that_is_named_and_is_none_is_refused(name: str, content: bytes | None, message: str, remedy: str) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_config(Path(name))
    assert caught.value.message.startswith(message)
    assert caught.value.remedy == remedy


@pytest.mark.usefixtures("deep")
def test_a_folder_is_not_a_config() -> None:
    Path("signal-harness.toml").mkdir()
    assert read_config(None) is None
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_config(Path("signal-harness.toml"))
