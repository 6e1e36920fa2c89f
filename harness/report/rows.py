"""One row of a results document in plain text: its name, what was expected, what was seen, and the evidence. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.judge import as_expected
from harness.core.process import depths
from harness.core.rules import GENERAL, Rule
from harness.core.verdict import Expected, Outcome, Verdict
from harness.report.apps import app_lines
from harness.report.roll_call_table import roll_call_lines
from harness.report.style import printable
from harness.report.tried import in_vain, patches_that_help, tried_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.cause import Cause
    from harness.core.comparison import Comparison, Difference
    from harness.core.document import Call, Ignored, Process, Row, SubjectFacts
    from harness.core.question import Question

_LOG_TAIL: Final = 12
_MANY: Final = 8


Place = tuple[str | None, str, str, str]
"""Where a cell is: what stands for its engine among several, its base (or what has none), its subject, its question."""


def place_of(row: Row) -> Place:
    """Where a row's cell is."""
    return row.column, row.subject if row.base is None else row.base, row.subject, row.question.name


def by_base(rows: Iterable[Row]) -> dict[tuple[str | None, str], list[Row]]:
    """Rows by their engine, where there are several, and base, in the order in which these come up."""
    bases: dict[tuple[str | None, str], list[Row]] = {}
    for row in rows:
        bases.setdefault(place_of(row)[:2], []).append(row)
    return bases


def by_table(rows: Iterable[Row]) -> dict[str | None, list[Row]]:
    """Rows by their base, as tables show them: those of images that were given, which have none, together."""
    tables: dict[str | None, list[Row]] = {}
    for row in rows:
        tables.setdefault(row.base, []).append(row)
    return tables


def questions_of(rows: Iterable[Row]) -> list[Question]:
    """The questions that rows answer, in the order of columns: signals by number, then the other probes."""
    return sorted(dict.fromkeys(row.question for row in rows), key=lambda question: question.order)


Heading = tuple["Question", str | None]
"""What a column of a table is about: a question, and what stands for the engine where there are several."""


def headings_of(rows: Iterable[Row]) -> list[Heading]:
    """The columns of a table: for each question, in their order, one for each engine that answers it."""
    found = dict.fromkeys((row.question, row.column) for row in rows)
    return sorted(found, key=lambda heading: heading[0].order)


def heading_text(heading: Heading, apart: str = " ") -> str:
    """What stands above a column: ``SIGTERM``, and where there are several engines, which it is."""
    question, column = heading
    return question.name if column is None else f"{question.name}{apart}{column}"


def differs(row: Row, recorded: Mapping[str, Verdict]) -> bool:
    """Whether a cell is not as expected, by what is recorded of cell ids; one that was not tested says nothing."""
    return met(row, recorded.get(row.id)) is False


def met(row: Row, known: Verdict | None) -> bool | None:
    """Whether a cell is as expected, by what is recorded of it; ``None`` if nothing can be said, or it is left be."""
    if row.ignored is not None:
        return None
    return False if row.rule is Rule.SLOW_STOP else as_expected(row.expected, row.verdict, known, row.required)


def rule_of(row: Row) -> Rule | None:
    """The rule that a row comes to: its own, or the general one of its verdict in a file that names none."""
    return row.rule or GENERAL.get(row.verdict)


def why_ignored(ignored: Ignored) -> str:
    """Why a finding is left be, for how long, and where that is said."""
    until = f"until {ignored.until}, " if ignored.until else ""
    return one_line(f"{ignored.reason} ({until}{ignored.place})")


def expectation(row: Row) -> str:
    """What is required of a cell, or the catalogue expects of it, in words."""
    if row.rule is Rule.SLOW_STOP:
        return "a shorter stop"
    if row.required:
        more = [verdict for verdict in row.required if not verdict.good]
        return " or ".join([row.probe.good, *more])
    if row.expected is Expected.DEPENDS:
        return "what was recorded"
    return row.probe.good.value if row.expected is Expected.ALWAYS else f"anything but {row.probe.good}"


def changes_of(comparisons: Iterable[Comparison]) -> dict[Place, Difference]:
    """The cells that changed, by where they are."""
    return {
        (comparison.new.column, comparison.new.base.reference, *difference.key): difference
        for comparison in comparisons
        for difference in comparison.differences
    }


def exchanged(row: Row, subject: SubjectFacts) -> str:
    """Which image of a Dockerfile gave way to a row's base, and where; empty if none did."""
    exchanges = [one for one in subject.exchanged if one.text != f"FROM {row.base}"]
    return "\n".join(one_line(f"{one.text} → {row.base}, line {one.line}") for one in exchanges)


def in_place_of(subjects: Iterable[SubjectFacts], base: str | None = None) -> list[str]:
    """Which images of subjects' Dockerfiles a base (or each) takes the place of, as a fact about it, if any."""
    froms = dict.fromkeys(one.text for subject in subjects for one in subject.exchanged)
    images = [text.removeprefix("FROM ") for text in froms if text != f"FROM {base}"]
    return [f"in place of {one_line(', '.join(images))}"] if images else []


def story(row: Row, known: Verdict | None, cause: Cause | None) -> str:
    """One cell in plain text: what was expected, also by what is recorded, what was seen and why, and the evidence."""
    lines = [
        one_line(row.id),
        f"  expected  {wanted(row, known)}",
        f"  observed  {_observed(row)}",
        f"  because   {one_line(row.reason)}",
        *(f"  app       {one_line(line)}" for line in app_lines(row.evidence.apps)),
    ]
    if rule := rule_of(row):
        lines.append(f"  rule      {rule}: {rule.about.title}")
    if row.ignored:
        lines.append(f"  ignored   {why_ignored(row.ignored)}")
    if cause:
        lines.append(f"  likely    {one_line('; '.join(part for part in (cause.text, cause.detail) if part))}")
    shown = (*roll_call(row.evidence.roll_call), *fixes(row), *_behind_roll_call(row))
    return "\n".join([*lines, *(f"  {line}" for line in shown)])


def wanted(row: Row, known: Verdict | None) -> str:
    """What is expected of a cell, in words, and who says so; of a given image, nobody has to."""
    if known not in (None, Verdict.UNTESTED):
        return f"{known}, as recorded"
    if row.required:
        return f"{expectation(row)}, as required"
    return expectation(row) if row.base is None else f"{expectation(row)} (the catalogue says: {row.expected})"


def _observed(row: Row) -> str:
    known = {"delivery": row.delivery, "outcome": row.outcome, "exit code": row.exit_code}
    return ", ".join([row.verdict, *(f"{name} {value}" for name, value in known.items() if value is not None)])


def evidence(row: Row) -> list[str]:
    """What a cell's verdict rests on, line by line in plain text, and how to repeat it."""
    return [*roll_call(row.evidence.roll_call), *_behind_roll_call(row)]


def _behind_roll_call(row: Row) -> list[str]:
    shown, lines = row.evidence, []
    if shown.tree:
        lines += processes(shown.tree.before, shown.tree.after, running=row.outcome is Outcome.RUNNING)
    lines += log_end(shown.logs)
    if shown.reproduce:
        lines += ["to reproduce it by hand", *_in(one_line(line) for line in shown.reproduce)]
    return lines


def fixes(row: Row) -> list[str]:
    """What was tried for a cell, the patches that helped, and what to change where nothing did; empty for nothing."""
    if not row.tried:
        return []
    lines = ["tried", *_in(map(one_line, tried_lines(row.tried)))]
    for one, patch in patches_that_help(row.tried):
        lines += [f"the patch, built and run: {one.verdict.symbol} {one.verdict}", *_in(map(one_line, patch))]
    if in_vain(row):
        lines += ["how to fix it", *_in(map(one_line, row.advice))]
    return lines


def roll_call(calls: Sequence[Call]) -> list[str]:
    """The roll call of a container; nothing where there is none."""
    return ["the roll call", *_in(map(one_line, roll_call_lines(calls)))] if calls else []


def processes(before: Sequence[Process], after: Sequence[Process], *, running: bool) -> list[str]:
    """The processes of a container, which may be ``running`` still, before and after what was done to it."""
    gone = "none could be seen" if running else "none: the container has ended"
    return ["processes before", *_in(tree(before)), "processes after", *_in(tree(after) or [gone])]


def log_end(lines: Sequence[str]) -> list[str]:
    """The end of a log, if it has any lines."""
    return ["end of the log", *_in(one_line(line) for line in lines[-_LOG_TAIL:])] if lines else []


def _in(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def tree(processes: Sequence[Process]) -> list[str]:
    """A process tree line by line, children right of their parents, with what each does with signals."""
    depth = depths(processes)
    return [
        f"{'  ' * depth[process.pid]}{process.number} {one_line(process.command)}  [{_handles(process)}]"
        for process in processes
    ]


def _handles(process: Process) -> str:
    masks = {"catches": process.caught, "ignores": process.ignored, "blocks": process.blocked}
    return "; ".join(f"{word} {_few(signals)}" for word, signals in masks.items() if signals) or "no handlers"


def _few(signals: Sequence[str]) -> str:
    names = " ".join(one_line(name.removeprefix("SIG")) for name in signals[:_MANY])
    return f"{names} and {len(signals) - _MANY} more" if len(signals) > _MANY else names


def one_line(text: str) -> str:
    """Text with all control characters spelled out, newlines too: nothing from a container passes for our lines."""
    return printable(text).replace("\n", "\\n")
