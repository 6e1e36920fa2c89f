"""Markdown: what a comment says, what is left out of it, and that no text in it is more than text."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.core.evidence import LogLine
from harness.core.question import Probe
from harness.core.verdict import Expected, Verdict
from harness.report.markdown import MARKER, MOST, inert, render
from harness.report.style import printable
from tests.support.evidence import changed
from tests.support.reports import (
    DEBIAN,
    ENGINE,
    FORCED,
    FORWARDED,
    KILLED,
    REAPED,
    SWALLOWED,
    TRIED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)
from tests.unit.report.test_junit import EVERYTHING, SMALL, compared, document, forged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from harness.core.document import Document, Row, Tried
    from harness.core.evidence import Evidence, Untested

JOINER = "\u2060"
FINE = document(result("node", FORWARDED), result("undead", ZOMBIE, probe=Probe.REAP, expected=Expected.NEVER))
OLD = report(
    result("node", FORWARDED, base=DEBIAN.reference),
    result("npm", SWALLOWED, base=DEBIAN.reference),
    result("sh", SWALLOWED, base=DEBIAN.reference),
    result("old", FORWARDED, base=DEBIAN.reference),
    result("slow", FORWARDED, base=DEBIAN.reference),
    result("same", FORWARDED, base=DEBIAN.reference),
    facts=DEBIAN,
)
NEW = report(
    result("node", SWALLOWED),
    result("npm", FORWARDED),
    result("sh", KILLED),
    result("young", FORWARDED),
    result("slow", UNTESTED),
    result("same", FORWARDED),
    engine=changed(ENGINE, version="29.0", trace=True),
)

FINE_MD = """<!-- signal-harness -->
## ✓ 2 cells: 1 as expected, 1 with no expectation; 1 bad

`musl-node24` on Docker Engine 28.1 (runc 1.2, kernel 6.12)

<details>
<summary>All 2 cells on musl-node24</summary>

alpine 3.22 · musl 1.2.5 · /bin/sh is BusyBox v1.37.0 ash · Node 24.11.1 · npm 11.6.2

| variant | SIGTERM | reap |
|---|---|---|
| `node` | ✓ |  |
| `undead` |  | ○ |

</details>

<details>
<summary>What the symbols mean</summary>

- ✓ forwarded: received once, the app is in control
- ○ zombie: an orphan that ended stays
- ! behind a symbol: not as expected
- SH015: PID 1 does not wait for orphans: they stay as zombies

</details>
"""
EVIDENCE_MD = """
Because: PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it

App: node server.js (PID 7): it wrote the ready line

```text
the roll call
  1 /bin/sh -c node server.js  [told by docker, +0.0 ms; dropped by the kernel; still there]
    7 node server.js  [the app; never told; still there]
processes before
  1 /bin/sh -c node server.js  [ignores PIPE]
    7 node server.js  [catches TERM 32]
processes after
  1 /bin/sh -c node server.js  [ignores PIPE]
    7 node server.js  [catches TERM 32]
end of the log
  Listening
to reproduce it by hand
  docker run x
  docker kill x
```

</details>
"""
SMALL_MD = (
    """<!-- signal-harness -->
## ✗ 1 cell not as expected, 1 untested; 0 of 3 as expected

`musl-node24` on Docker Engine 28.1 (runc 1.2, kernel 6.12)

### ✗ 1 cell not as expected

| cell | expected | is | reason |
|---|---|---|---|
| `musl-node24/naive/SIGTERM` | forwarded (the catalogue says: always) | ○ swallowed | PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it |

### ? 1 cell untested

| cell | reason |
|---|---|
| `musl-node24/v/SIGTERM` | no ready line within 30 s |

<details>
<summary>All 3 cells on musl-node24</summary>

alpine 3.22 · musl 1.2.5 · /bin/sh is BusyBox v1.37.0 ash · Node 24.11.1 · npm 11.6.2

| variant | SIGTERM |
|---|---|
| `node` | ✓ |
| `naive` | ○! |
| `v` | ? |

</details>

<details>
<summary>What the symbols mean</summary>

- ✓ forwarded: received once, the app is in control
- ○ swallowed: not received; everything keeps running
- ? untested: could not be tested
- ! behind a symbol: not as expected
- SH001: PID 1 is not the app and has no handler: the kernel drops the signal

</details>

<details>
<summary>Evidence: musl-node24/naive/SIGTERM, swallowed</summary>
"""  # noqa: E501  that is how it is written
    + EVIDENCE_MD
)
COMPARED_MD = (
    """<!-- signal-harness -->
## ✗ 1 cell worse, 1 sideways, 1 untested, 1 gone, 1 new, 1 better; 1 of 6 as expected

`musl-node24` on Docker Engine 29.0 (runc 1.2, kernel 6.12)

- 1 recorded cell is not among the results: musl-node24/old/SIGTERM.
- 1 cell is covered by nothing, neither a recording nor the catalogue: musl-node24/young/SIGTERM.

### `debian12-node24` → `musl-node24`: 1 worse, 1 unknown, 1 sideways, 1 gone, 1 new, 1 better, 1 the same

- the image is now `sha256:abc`, was `sha256:def`
- the system is now `alpine 3.22`, was `debian 12`
- the C library is now `musl 1.2.5`, was `glibc 2.36`
- /bin/sh is now `BusyBox v1.37.0 ash`, was `dash 0.5.12-2`

**It is not the same engine: what changed may be the engine's doing.**

- the engine is now `Docker Engine 29.0`, was `Docker Engine 28.1`
- the kernel's record of signals is now `used`, was `not used`

**▼ 1 worse.** Likely: /bin/sh is now BusyBox v1.37.0 ash, was dash 0.5.12-2: it stays the parent of what it starts

| cell | was | is | detail |
|---|---|---|---|
| `node/SIGTERM` | ✓ forwarded | ○ swallowed | PID 1 was `node server.js`, is `/bin/sh -c node server.js` |

- **◆ 1 changed sideways: as bad as before, in another way:** `sh/SIGTERM` ○ swallowed → ✗ killed. Likely: /bin/sh is now BusyBox v1.37.0 ash, was dash 0.5.12-2; the processes are the same
- **? 1 not to be compared: untested then or now:** `slow/SIGTERM` ✓ forwarded → ? untested.
- **\\- 1 gone:** `old/SIGTERM` ✓ forwarded.
- **\\+ 1 new:** `young/SIGTERM` ✓ forwarded.
- **▲ 1 better:** `npm/SIGTERM` ○ swallowed → ✓ forwarded. Likely: /bin/sh is now BusyBox v1.37.0 ash, was dash 0.5.12-2: it becomes what it starts

### ? 1 cell untested

| cell | reason |
|---|---|
| `musl-node24/slow/SIGTERM` | no ready line within 30 s |

<details>
<summary>All 6 cells on musl-node24</summary>

alpine 3.22 · musl 1.2.5 · /bin/sh is BusyBox v1.37.0 ash · Node 24.11.1 · npm 11.6.2

| variant | SIGTERM |
|---|---|
| `node` | ○! |
| `npm` | ✓! |
| `sh` | ✗! |
| `young` | ✓ |
| `slow` | ? |
| `same` | ✓ |

</details>

<details>
<summary>What the symbols mean</summary>

- ✓ forwarded: received once, the app is in control
- ○ swallowed: not received; everything keeps running
- ✗ killed: not received, the app is gone
- ? untested: could not be tested
- ! behind a symbol: not as expected
- SH001: PID 1 is not the app and has no handler: the kernel drops the signal
- SH006: The app is gone, and never saw the signal

</details>

<details>
<summary>Evidence: musl-node24/node/SIGTERM, swallowed</summary>
"""  # noqa: E501  that is how it is written
    + EVIDENCE_MD
)


def headline(made: Document, old: Document | None = None) -> str:
    first, second, *_ = render(made, compared(old, made) if old else ()).splitlines()
    assert first == MARKER == "<!-- signal-harness -->"
    return second.removeprefix("## ")


def test_a_document_as_expected_is_written_whole() -> None:
    assert render(FINE) == FINE_MD


def test_a_document_with_an_untested_and_an_unexpected_cell_is_written_whole() -> None:
    assert render(SMALL) == SMALL_MD


def test_a_comparison_is_written_whole() -> None:
    assert render(NEW, compared(OLD, NEW)) == COMPARED_MD


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (document(), "? no cells"),
        (document(result("v", FORWARDED)), "? 1 cell: nothing was expected"),
        (document(result("v", FORWARDED, expected=Expected.ALWAYS)), "✓ all 1 cell as expected"),
        (
            document(*(result(name, SWALLOWED, expected=Expected.NEVER) for name in "abc")),
            "✓ all 3 cells as expected, 3 of them bad",
        ),
        (document(result("v", FORWARDED, SWALLOWED)), "? 1 cell: nothing was expected, 1 of them unstable"),
        (document(result("v", UNTESTED)), "? 1 cell untested; 0 of 1 as expected"),
        (
            document(result("v", FORWARDED, SWALLOWED, expected=Expected.ALWAYS), result("w", UNTESTED)),
            "✗ 1 cell not as expected, 1 unstable, 1 untested; 0 of 2 as expected",
        ),
        (
            document(*(result(name, FORWARDED, expected=Expected.NEVER) for name in "abc")),
            "✗ 3 cells not as expected; 0 of 3 as expected",
        ),
    ],
)
def test_the_headline_says_it_all(made: Document, told: str) -> None:
    assert headline(made) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": FORWARDED}, {"a": FORWARDED}, "✓ all 1 cell as expected"),
        ({"a": FORWARDED, "b": FORWARDED}, {"a": KILLED, "b": KILLED}, "✗ 2 cells worse; 0 of 2 as expected"),
        ({"a": KILLED, "b": KILLED}, {"a": FORWARDED, "b": KILLED}, "✓ 1 cell better; 1 of 2 as expected"),
        ({"a": KILLED}, {"a": SWALLOWED}, "✗ 1 cell sideways; 0 of 1 as expected"),
        ({"a": KILLED}, {"b": SWALLOWED}, "? 1 cell gone, 1 new; 0 of 1 as expected"),
        ({"a": UNTESTED}, {"a": SWALLOWED}, "? 1 cell: nothing was expected; 1 bad"),
    ],
)
def test_the_headline_says_what_changed(
    old: dict[str, Evidence | Untested], new: dict[str, Evidence | Untested], told: str
) -> None:
    was, now = (document(*(result(name, one) for name, one in given.items())) for given in (old, new))
    assert headline(now, was) == told


def test_a_document_of_nothing_is_rendered() -> None:
    assert render(document()).splitlines()[:4] == [
        MARKER,
        "## ? no cells",
        "",
        "Docker Engine 28.1 (runc 1.2, kernel 6.12)",
    ]


def test_a_worse_cell_is_not_told_again_among_those_not_as_expected() -> None:
    old = document(result("a", FORWARDED), result("b", KILLED))
    new = document(result("a", KILLED, expected=Expected.ALWAYS), result("b", KILLED, expected=Expected.ALWAYS))
    text = render(new, compared(old, new))
    assert "### ✗ 1 more cell not as expected" in text
    assert text.count("| `musl-node24/a/SIGTERM` |") == 0
    assert text.count("| `musl-node24/b/SIGTERM` |") == 1
    assert headline(new, old) == "✗ 1 cell worse, 1 not as expected; 0 of 2 as expected"


def test_a_base_that_nothing_was_recorded_of_is_named() -> None:
    assert "Nothing was recorded to compare with: `debian12-node24`\n" in render(
        EVERYTHING, compared(SMALL, EVERYTHING)
    )
    assert "Nothing was recorded" not in render(EVERYTHING)


def test_what_an_unstable_cell_showed_is_told() -> None:
    old, new = document(result("v", FORWARDED)), document(result("v", FORWARDED, SWALLOWED))
    assert "| ✓ forwarded | \\~ unstable (forwarded, swallowed) |" in render(new, compared(old, new))


def test_a_base_that_is_the_same_says_so() -> None:
    text = render(FINE, compared(FINE, FINE))
    assert "### `musl-node24`, compared with what was recorded: 2 the same\n\n- nothing that is recorded" in text


def test_tables_and_lists_are_short() -> None:
    old = document(*(result(f"v{n}", FORWARDED) for n in range(50)), *(result(f"w{n}", KILLED) for n in range(50)))
    new = document(*(result(f"v{n}", KILLED) for n in range(50)), *(result(f"w{n}", FORWARDED) for n in range(50)))
    text = render(new, compared(old, new))
    assert text.count("| ✓ forwarded | ✗ killed |") == 20
    assert "\n… and 30 more of them.\n" in text
    assert text.count("✗ killed → ✓ forwarded") == 8
    assert ", … and 42 more." in text


MANY = document(
    *(result(f"v{n}", changed(KILLED, logs=SWALLOWED.seen.logs * 12), expected=Expected.ALWAYS) for n in range(400))
)


def test_a_long_report_is_cut_between_parts() -> None:
    text = render(MANY)
    kept = text.count("<summary>Evidence: ")
    assert MOST - 2_500 < len(text) <= MOST
    assert 20 < kept < 400
    assert text.endswith(
        f"\n\n_Left out, as a comment has little room: evidence of cells ({400 - kept}). See the HTML report._\n"
    )
    assert text.count("<details>") == text.count("</details>") == kept + 2
    assert text.count("```text\n") == text.count("\n```\n") == kept
    assert "… and 380 more of them.\n\n<details>\n<summary>All 400 cells on musl-node24</summary>" in text
    assert text.count("| ✗! |\n") == 400


def test_a_part_that_is_too_long_is_left_out_and_later_ones_stay() -> None:
    text = render(document(*(result("v" * 300 + str(n), UNTESTED) for n in range(300))))
    assert len(text) < MOST
    assert "All 300 cells" not in text
    assert "<summary>What the symbols mean</summary>" in text
    assert "_Left out, as a comment has little room: tables of all cells (1). See the HTML report._" in text


def test_a_cut_report_is_written_whole() -> None:
    long = document(*(result("v" * 350 + f"{n:03}", FORWARDED) for n in range(200)))
    assert render(long) == (
        """<!-- signal-harness -->
## ? 200 cells: nothing was expected

`musl-node24` on Docker Engine 28.1 (runc 1.2, kernel 6.12)

<details>
<summary>What the symbols mean</summary>

- ✓ forwarded: received once, the app is in control
- ! behind a symbol: not as expected

</details>

_Left out, as a comment has little room: tables of all cells (1). See the HTML report._
"""
    )


def test_evidence_is_cut_in_length() -> None:
    tree = tuple(changed(SWALLOWED.seen.before[0], pid=n) for n in range(100))
    logs = (LogLine(at_ns=1, text="x" * 1000),)
    text = render(
        document(
            result("v", changed(SWALLOWED, before=tree, after=tree, logs=logs, trace=None), expected=Expected.ALWAYS)
        )
    )
    assert "\n… and " in text
    assert text.count("/bin/sh -c node server.js  [ignores PIPE]") < 70


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def tokens(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield from (token, *(token.children or ()))


def shape(text: str) -> Counter[str]:
    """What Markdown makes of a text: how many of each element, but for its words and its code."""
    kinds = (token.type for token in tokens(text))
    return Counter(kind for kind in kinds if kind not in ("text", "text_special", "code_inline", "softbreak"))


def shown(text: str) -> str:
    """The words that people see."""
    return "".join(token.content for token in tokens(text) if token.type in ("text", "code_inline", "text_special"))


def words(text: str) -> str:
    """A text's words: backticks may become code, which has no spaces at its ends."""
    return re.sub(f"[`\\s{JOINER}]", "", text)


NASTY = [
    "@someone and @org/team",
    "#123 and GH-123 and a/b#4",
    "a | b",
    "`code` ``more`` ` and `a|b`",
    "`a``b`` `` `",
    "<img src=x onerror=alert(1)>",
    "<!-- x -->",
    "</details></summary>",
    "![x](http://example.com/x.png)",
    "[x](javascript:alert(1)) [y][1] [^1]",
    "[1]: http://example.com",
    "https://example.com www.example.com a@example.com",
    "**bold** __bold__ _em_ *em* ~~gone~~ ~gone~",
    "\\`\\|\\\\|\\",
    "&lt;&amp;&#64;",
    "- x",
    "1. x",
    "1) x",
    "+ x",
    "# x",
    "> x",
    "---",
    "===",
    "```\nx\n```",
    "~~~",
    "    code",
    "\n\n<details>\n\n# x\n\n",
    ":tada: $x$",
    "a\r\n\tb",
    "0123456789abcdef0123456789abcdef01234567",
    "{{ 7 * 7 }}{% raw %}",
]
TEXTS = st.text(max_size=40) | st.sampled_from(NASTY) | st.text(alphabet="`|\\*_[]()<>!#@~-+1. \n&;:/wx", max_size=30)


def test_the_measure_sees_markup() -> None:
    """The negative control: what is not made inert is seen."""
    plain = shape("x")
    for text in ("[x](y)", "![x](y)", "<b>", "**x**", "~~x~~", "<http://x.y>", "- x", "# x", "> x", "1. x", "---"):
        assert shape(text) != plain, text
    assert shape("| a |\n|---|\n| x | y |") == shape("| a |\n|---|\n| x |")
    assert words(shown("| a |\n|---|\n| x | y |")) != words("axy")


@given(TEXTS)
@example("`a``b`")
@example("\\`x`")
@example("`x`\\")
@example("a`|`b`c")
def test_any_text_is_text_in_a_paragraph_a_list_a_heading_and_a_cell(text: str) -> None:
    assume(text.strip())
    wanted = words(printable(text).replace("\n", "\\n"))
    for before, after in (("", ""), ("- ", ""), ("### ", ""), ("x\n", "\ny"), ("| a | b |\n|---|---|\n| x | ", " |")):
        written, benign = f"{before}{inert(text)}{after}", f"{before}QQ{after}"
        assert shape(written) == shape(benign)
        assert words(shown(written)) == words(shown(benign)).replace("QQ", wanted)


LINKED = re.compile(r"@\w|#\d|\bGH-\d|://|\bwww\.|\b[0-9a-f]{7,40}\b|:\w+:", re.ASCII | re.IGNORECASE)


@given(TEXTS)
def test_nothing_is_linked_by_github_but_in_code(text: str) -> None:
    plain = "".join(token.content for token in tokens(f"x {inert(text)}") if token.type == "text")
    assert not LINKED.search(plain)


@pytest.mark.parametrize("text", ["@someone", "#1", "GH-1", "https://x", "www.x", "0" * 40, ":tada:"])
def test_what_github_links_is_known(text: str) -> None:
    assert LINKED.search(text)
    assert not LINKED.search(str(inert(text)))


def test_code_stays_code() -> None:
    assert str(inert("PID 1 is `npm start`: no handler")) == "PID 1 is `npm start`: no handler"
    assert str(inert("`a|b`")) == "\\`a&#124;b\\`"
    assert [token.content for token in tokens(inert("`a``b`")) if token.type == "code_inline"] == ["a", "b"]


HTML = re.compile(r"<!-- signal-harness -->|</?details>|<summary>[^<>]*</summary>")


@given(TEXTS)
def test_any_text_leaves_the_report_as_it_is(text: str) -> None:
    made, benign = forged(text), forged("x")
    for old in (None, FINE):
        written = render(made, compared(old, made) if old else ())
        plain = render(benign, compared(old, benign) if old else ())
        assert len(written) <= MOST
        assert shape(written) == shape(plain)
        for token in tokens(written):
            if token.type == "html_block":
                assert not HTML.sub("", token.content).strip()
        assert [line for line in written.splitlines() if line.startswith("<")] == [
            line for line in plain.splitlines() if line.startswith("<")
        ]


def test_a_fence_is_longer_than_any_that_it_holds() -> None:
    logs = (LogLine(at_ns=1, text="````"), LogLine(at_ns=2, text="<b> @someone"))
    text = render(document(result("v", changed(SWALLOWED, logs=logs), expected=Expected.ALWAYS)))
    (block,) = (token for token in tokens(text) if token.type == "fence")
    assert "  ````\n  <b> @someone\n" in block.content
    assert "docker kill x" in block.content


FIXES = """\
### How to fix v on local:musl-node24, stop

| tried | brought | because |
|---|---|---|
| CMD \\["node", "server.js"\\] | ✓ graceful, 0.1 s, exit 0 |  |
| \\--init | ✂ abrupt, 0.1 s, exit 143 | the container ended by itself |

As a patch, built and run:

```diff
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,2 +1,2 @@
 FROM node
-CMD node server.js
+CMD ["node", "server.js"]
```
"""
IN_VAIN = """\
### How to fix v on local:musl-node24, stop

| tried | brought | because |
|---|---|---|
| \\--init | ✂ abrupt, 0.1 s, exit 143 | the container ended by itself |

Nothing tried helps: each is abrupt.

In the app (not tried):

```text
process.on('SIGTERM', () => server.close());
```

`sh` stays as PID 1.
"""


def bad(tried: Sequence[Tried], *advice: str) -> Row:
    row = result("v", FORCED, probe=Probe.STOP, expected=Expected.ALWAYS)
    return changed(row, tried=tuple(tried), **({"advice": advice} if advice else {}))


def test_what_was_tried_is_a_table_and_the_patch_that_helped_a_block() -> None:
    assert FIXES in render(document(bad(TRIED)))


def test_where_nothing_helped_that_is_said_with_what_has_not_been_tried() -> None:
    code = "  process.on('SIGTERM', () => server.close());"
    row = bad(
        TRIED[:1], "Nothing tried helps: each is abrupt.", "In the app (not tried):", code, "`sh` stays as PID 1."
    )
    assert IN_VAIN in render(document(row))


def test_a_patch_that_did_not_help_is_not_shown_nor_is_advice_where_something_did() -> None:
    vain = changed(TRIED[1], verdict=Verdict.FORCED)
    assert "```diff" not in render(document(bad([vain])))
    assert "In the Dockerfile" not in render(document(bad(TRIED)))


def test_what_was_tried_is_text() -> None:
    patch = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-```\n+<b> @someone \x1b[2J\n"
    hostile = changed(TRIED[1], change="```\n@someone", patch=patch)
    text = render(document(bad([hostile, changed(TRIED[0], reason="<b>|@someone")])))
    (block,) = (token for token in tokens(text) if token.type == "fence" and token.info == "diff")
    assert block.content.splitlines()[-2:] == ["-```", "+<b> @someone \\x1b[2J"]
    assert "&lt;b&gt;&#124;@⁠someone" in text


def test_a_long_patch_is_cut() -> None:
    patch = "--- a/x\n+++ b/x\n@@ -0,0 +1,90 @@\n" + "+RUN x\n" * 90
    (block,) = (
        token for token in tokens(render(document(bad([changed(TRIED[1], patch=patch)])))) if token.info == "diff"
    )
    assert block.content.splitlines()[39:] == ["+RUN x", "… and 53 more lines"]


def test_names_are_inert_in_a_summary() -> None:
    base = "x/<b>@someone&#1"
    named = report(result("v", REAPED, probe=Probe.REAP, base=base), facts=changed(DEBIAN, reference=base))
    assert f"<summary>All 1 cell on x_&lt;b&gt;@{JOINER}someone&amp;#{JOINER}1</summary>" in render(named)


def test_a_big_document_is_rendered() -> None:
    text = render(EVERYTHING, compared(OLD, EVERYTHING))
    assert len(text) <= MOST
    assert text.count("<details>") == text.count("</details>")
    assert text == render(EVERYTHING, compared(OLD, EVERYTHING))
