"""One run on several engines: a session on each, and the cells of each a column of the results."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from harness.catalogues import load_catalogue
from harness.core.columns import columns_of, of_column, other_content, side_by_side
from harness.core.errors import BaseUnavailable, UsageError
from harness.engine.registry import open_engine
from harness.session import Hooks, On, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from harness.core.columns import Column
    from harness.core.document import Cut, Document, Row
    from harness.core.facts import EngineFacts
    from harness.core.ignoring import Ignore
    from harness.core.journal import Head
    from harness.core.subject import Cell
    from harness.engine.protocol import OpenEngine
    from harness.session import Selection


class Columns:
    """A run under way on several engines, each named once; a context manager, as `Session` is.

    All engines are asked and all bases are there before any cell runs. Then the engines run their cells one after the
    other: engines of one machine share its processors, and a verdict is not to depend on what the other one does.

    Raises:
        UsageError: on entering, if the selection names what does not exist, or one engine twice.
        EngineUnavailable: on entering, if one of the engines does not answer.
        BaseUnavailable: on entering, if a base cannot be had on one of them, or is another image there.
    """

    def __init__(self, selection: Selection, engines: Sequence[str], hooks: Hooks | None = None) -> None:
        self._selection = selection
        self._names = tuple(engines)
        self._hooks = hooks or Hooks()
        self._stack = ExitStack()

    def __enter__(self) -> Columns:
        """Open all engines, and begin a session on each."""
        load_catalogue(self._selection.catalogue)[1].select(self._selection.variants)
        with ExitStack() as stack:
            opened = [stack.enter_context(closing(open_engine(name, self._hooks.note))) for name in self._names]
            _refuse_twice(self._names, opened)
            columns = columns_of([engine.facts() for engine in opened])
            self.sessions = tuple(
                stack.enter_context(Session(self._selection, self._told_of(column), on=On(engine, column)))
                for engine, column in zip(opened, columns, strict=True)
            )
            self._refuse_other_content()
            self._stack = stack.pop_all()
        first = self.sessions[0]
        self.references: tuple[str, ...] = first.references
        self.ignores: tuple[Ignore, ...] = first.ignores
        self.cells: tuple[Cell, ...] = tuple(cell for session in self.sessions for cell in session.cells)
        self.engines: tuple[EngineFacts, ...] = tuple(session.engine_facts for session in self.sessions)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and clear up, on all of them."""
        self._stack.close()

    def run(self, cells: Sequence[Cell] | None = None) -> Iterator[Future[Row]]:
        """Run cells engine by engine; an engine begins once all futures of the one before it have been waited for."""
        wanted = self.cells if cells is None else cells
        for session in self.sessions:
            yield from session.run([cell for cell in wanted if cell.column == session.column])

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        results = tuple(rows)
        parts = [session.document(of_column(results, session.column)) for session in self.sessions]
        return structs.replace(side_by_side(parts), cut=cut)

    def head(self) -> Head:
        """What is run, and on what: how a journal of it begins."""
        heads = [session.head() for session in self.sessions]
        return structs.replace(
            heads[0],
            document=side_by_side([head.document for head in heads]),
            cells=tuple(cell for head in heads for cell in head.cells),
            facts={name: fact for head in heads for name, fact in head.facts.items()},
        )

    def _told_of(self, column: Column) -> Hooks:
        """What is told of one engine, which says of which."""
        note = self._hooks.note
        return replace(self._hooks, note=lambda line: note(f"{column.label}: {line}"))

    def _refuse_other_content(self) -> None:
        """Refuse bases that are not the same on all engines: what differs would be taken for the engines' doing.

        Raises:
            BaseUnavailable: one is not.
        """
        first, *others = self.sessions
        for other in others:
            for name, facts in first.base_facts.items():
                if shifts := other_content(facts, other.base_facts[name]):
                    differing = "; ".join(
                        f"{one.name} {one.old or 'absent'} and {one.new or 'absent'}" for one in shifts
                    )
                    raise BaseUnavailable(
                        f"{name} is not the same image on {first.column} and {other.column}: {differing}",
                        remedy="Pull it again on both, with --pull always; one that is made from packages: remove its "
                        "image on both, and it is assembled again.",
                    )


def _refuse_twice(names: Sequence[str], engines: Sequence[OpenEngine]) -> None:
    """Refuse an engine that is there twice, under whatever names.

    Raises:
        UsageError: one is.
    """
    known: dict[str, str] = {}
    for name, engine in zip(names, engines, strict=True):
        identity = engine.identity()
        if (before := known.get(identity)) is not None:
            which = f"{name} is named twice" if before == name else f"{before} and {name} are one engine"
            raise UsageError(which, remedy="Name each engine once.")
        known[identity] = name
