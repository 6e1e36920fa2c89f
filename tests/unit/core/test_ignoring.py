"""What is left be: by comments in Dockerfiles, which need a reason; and for how long."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.core.errors import UsageError
from harness.core.ignoring import Ignore, comments
from harness.core.rules import Rule

DAY = dt.date(2026, 6, 30)
ONE = Ignore(rule=Rule.APP_DROPS, subject="my/app*", reason="a batch job", place="x.toml, ignore 1", until=DAY)


def test_a_comment_leaves_rules_be_with_its_reason() -> None:
    first, second = "# signal-harness ignore=SH003,no-handler  it is a batch job ", "  #signal-harness ignore = SH001 y"
    text = f"FROM x\n{first}\nCMD x\n{second}\n"
    assert comments(text, place="Dockerfile", subject="./app") == (
        Ignore(rule=Rule.APP_DROPS, subject="./app", reason="it is a batch job", place="Dockerfile:2"),
        Ignore(rule=Rule.NO_HANDLER, subject="./app", reason="it is a batch job", place="Dockerfile:2"),
        Ignore(rule=Rule.WRAPPER_DROPS, subject="./app", reason="y", place="Dockerfile:4"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FROM x",
        "# signal-harness is used here",
        "RUN echo # signal-harness ignore=SH001 x",
        "# hadolint ignore=DL1",
    ],
)
def test_other_comments_are_none_of_ours(text: str) -> None:
    assert comments(text, place="Dockerfile", subject="x") == ()


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        (
            "# signal-harness ignore=SH003",
            "Dockerfile:2: a reason is missing",
            "For instance: # signal-harness ignore=SH003 why it is right",
        ),
        ("# signal-harness ignore=SH03 x", "Dockerfile:2: 'SH03' is not a rule", "Did you mean SH013?"),
        ("# signal-harness ignore= x", "Dockerfile:2: 'x' is not a rule", "All rules: signal-harness rule"),
        ("# signal-harness ignore=SH003, SH004 x", "Dockerfile:2: '' is not a rule", "All rules: signal-harness rule"),
        (
            "# signal-harness disable=SH003 x",
            "Dockerfile:2: 'disable' is nothing that a comment can say",
            "Did you mean 'ignore'?",
        ),
    ],
)
def test_a_comment_that_says_nothing_is_refused_with_its_line(line: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        comments(f"FROM x\n{line}\n", place="Dockerfile", subject="x")
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_a_comment_is_about_its_own_image_alone() -> None:
    (one,) = comments("# signal-harness ignore=SH003 x", place="f", subject="a[b]*")
    assert one.covers(Rule.APP_DROPS, ["a[b]*"])
    assert not one.covers(Rule.APP_DROPS, ["ab"])
    assert not one.covers(Rule.APP_DROPS, ["a[b]c"])


@pytest.mark.parametrize(
    ("rule", "names", "covered"),
    [
        (Rule.APP_DROPS, ["my/app:1"], True),
        (Rule.APP_DROPS, ["other", "my/app"], True),
        (Rule.APP_DROPS, ["your/app"], False),
        (Rule.APP_DROPS, [], False),
        (Rule.WRAPPER_DROPS, ["my/app:1"], False),
        (None, ["my/app:1"], False),
    ],
)
def test_it_covers_one_rule_of_what_matches(rule: Rule | None, names: list[str], covered: bool) -> None:
    assert ONE.covers(rule, names) is covered


def test_the_last_day_counts() -> None:
    assert not ONE.expired(DAY)
    assert ONE.expired(DAY + dt.timedelta(days=1))
