"""A presentation as plain lines, one after another: for a recording, a pipe, or a terminal that can do no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from harness.report.path_text import moment, step_line
from harness.report.style import printable
from harness.workshop.demo.container import log_line, once_more, run_line, tree, typed
from harness.workshop.demo.live import Phase
from harness.workshop.demo.loop import run_loop
from harness.workshop.demo.presentation import Command, StepKind
from harness.workshop.demo.screens import blocks

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.live import Snapshot
    from harness.workshop.demo.presentation import Presentation, Step, View
    from harness.workshop.demo.screens import Context

_HINT: Final = "[" + ", ".join(f"{command} {command.name.lower()}" for command in Command) + "]"


def present(presentation: Presentation, context: Context, console: Console, keys: Keys, *, hint: bool) -> None:
    """Go through a presentation until it is finished; with ``hint`` the keys are named where it waits for one."""
    run_loop(presentation, keys, PlainPresenter(context, console, hint=hint).draw)


class PlainPresenter:
    """Prints of each view what has not been printed yet."""

    def __init__(self, context: Context, console: Console, *, hint: bool) -> None:
        self._context = context
        self._console = console
        self._hint = hint
        self._step: Step | None = None
        self._hinted = self._keys = False
        self._begin()

    def _begin(self) -> None:
        self._container = ""
        self._actions = self._lines = self._steps = 0
        self._held: object = None
        self._over = False

    def draw(self, view: View) -> None:
        """Print what is new."""
        snapshot = view.snapshot
        if view.keys and not self._keys:
            self._blocks(view)
        self._keys = view.keys
        if view.keys:
            return
        if view.step is not self._step:
            self._begin_step(view)
        elif snapshot is not None and self._container not in ("", snapshot.container):
            self._begin()
            self._print(Text(f"\n{once_more(snapshot) or 'once more'}"), indent=0)
        if view.step.kind is StepKind.RUN and snapshot is not None:
            self._run(view, snapshot)
        elif view.step.kind is StepKind.CLAIMS:
            if view.waits and not self._over:
                self._blocks(view)
            self._over = view.waits
        waits = view.waits and self._hint
        if waits and not self._hinted:
            self._print(Text(_HINT))
        self._hinted = waits

    def _begin_step(self, view: View) -> None:
        """Begin another step."""
        chapter = view.step.chapter
        if view.step.kind is StepKind.TITLE:
            self._rule(self._context.story.title)
        elif chapter is not None and (self._step is None or self._step.number != view.step.number):
            self._console.print()
            self._rule(f"{view.step.number}/{view.chapters} {chapter.title}")
        self._step, self._hinted = view.step, False
        self._begin()
        if view.step.kind in (StepKind.TITLE, StepKind.QUESTION, StepKind.VERDICT, StepKind.FIX):
            self._blocks(view)
        elif view.step.kind is StepKind.RUN and view.step.cell is not None:
            cell = view.step.cell
            self._print(Text(f"\n{cell.subject.name} on {printable(cell.subject.base or '')}"), indent=0)

    def _blocks(self, view: View) -> None:
        for block in blocks(self._context, view):
            self._console.print()
            if block.title:
                self._print(Text(block.title), indent=0)
            self._print(block.body)

    def _run(self, view: View, snapshot: Snapshot) -> None:
        if snapshot.container and not self._container:
            self._container = snapshot.container
            self._console.print(run_line(snapshot), soft_wrap=True)  # for copying
        news = [
            (line.at_ns, Text("  │ ", no_wrap=True, overflow="ellipsis").append_text(log_line(line.text)))
            for line in snapshot.lines[self._lines :]
        ]
        news += [(taken.at_ns, typed(taken.action.command)) for taken in snapshot.actions[self._actions :]]
        for _, line in sorted(news, key=lambda item: item[0]):
            self._print(line, indent=0)
        self._lines, self._actions = len(snapshot.lines), len(snapshot.actions)
        if snapshot.phase is Phase.HELD and snapshot.held is not self._held:
            self._held = snapshot.held
            self._tree(view, snapshot)
        if snapshot.row is None:
            return
        if path := snapshot.row.evidence.path:
            for step in path.steps[self._steps : view.shown]:
                self._print(Text(f"{moment(step.at_us):>10}  ").append_text(step_line(step, path)))
        self._steps = view.shown
        if view.waits and not self._over:
            self._over = True
            self._tree(view, snapshot)

    def _tree(self, view: View, snapshot: Snapshot) -> None:
        self._print(tree(snapshot, self._context.signal(snapshot.cell), view.shown))

    def _rule(self, title: str) -> None:
        self._console.rule(Text(printable(title)), align="left")

    def _print(self, body: RenderableType, *, indent: int = 2) -> None:
        """Print something, without the blanks that fill its lines up."""
        options = self._console.options.update(width=self._console.width - indent)
        for line in self._console.render_lines(body, options, pad=False):
            text = " " * indent + "".join(segment.text for segment in line)
            self._console.print(Text(text.rstrip(), no_wrap=True, overflow="ignore"), crop=False)
