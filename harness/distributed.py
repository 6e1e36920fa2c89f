"""A run over the workers of a dask scheduler: each cell is a task, and runs on the engine beside the worker it goes to.

What the workers find comes together here as the parts of a run do that is merged: they have to agree on all that
decides about verdicts. Imported only when it is asked for; `harness.distributed_worker` is what workers do.
"""

from __future__ import annotations

import io
import logging
import tarfile
import threading
import time
import uuid
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from importlib import metadata
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import dask
from distributed import Client
from distributed.protocol import pickle
from msgspec import structs

from harness import __version__
from harness.catalogues import load_catalogue
from harness.core.errors import Abandoned, EngineFault, EngineUnavailable, HarnessError, UsageError
from harness.core.merging import merged
from harness.distributed_worker import Order, ask, end_session, make_image, open_session, other_version
from harness.files import shown
from harness.report.decoding import read_document
from harness.run.leaving import LEFT
from harness.session import now, read_ignores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.core.document import Cut, Document, Row
    from harness.core.facts import BaseFacts, EngineFacts
    from harness.core.ignoring import Ignore
    from harness.core.journal import Head
    from harness.core.subject import Cell
    from harness.distributed_worker import Answer, Opened
    from harness.session import Hooks, Selection

_ANSWERS_S: Final = 10.0
"""How long a scheduler may take to answer, and workers to come where there are none yet."""

_LOOKS_S: Final = 5.0
_NONE_S: Final = 30.0
"""After how many seconds without a row the workers are looked at, and how long there may be none: a nanny starts its
worker again within a few (distributed, ``nanny.py``)."""

_MOST_BYTES: Final = 1 << 30
_START: Final = "dask scheduler\ndask worker tcp://HOST:8786 --nworkers 1    # beside each engine"
_LOGGERS: Final = ("distributed", "distributed.client", "distributed.core", "tornado")


class Distributed:
    """A run under way on dask workers, as `harness.session.Session` is one here.

    A context manager: on leaving, nothing of it is left on any worker's engine.

    Raises:
        UsageError: on entering, if the selection names what does not exist, or workers do not agree.
        EngineUnavailable: on entering, if no scheduler answers, it has no workers, or one of them has no engine.
        BaseUnavailable: on entering, if a worker has no such base.
    """

    references: tuple[str, ...]
    ignores: tuple[Ignore, ...]
    engine_facts: EngineFacts
    engines: tuple[EngineFacts, ...]

    def __init__(self, selection: Selection, hooks: Hooks, scheduler: str) -> None:
        self._selection = selection
        self._hooks = hooks
        self._scheduler = scheduler
        self.cells: tuple[Cell, ...] = ()
        self._stack = ExitStack()
        self._token = f"signal-harness-{uuid.uuid4().hex}"
        self._heads: dict[str, Document] = {}
        self._busy: set[str] = set()
        self._without: set[str] = set()
        self._news: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._tasks: list[Any] = []
        self._left = threading.Event()

    def __enter__(self) -> Distributed:
        """Open a session on each worker, the first one first: it decides which bases there are."""
        self._folder, self._catalogue = load_catalogue(self._selection.catalogue)
        self.ignores = read_ignores(self._folder, self._catalogue.select(self._selection.variants))
        self._started, self._began = now(), time.monotonic()
        archive = _archive([self._folder, self._folder / self._catalogue.context])
        with ExitStack() as stack:
            self._client = self._connected(stack)
            stack.callback(self._end)
            self._client.subscribe_topic(self._token, self._told)
            folder = self._folder.resolve()
            order = Order(token=self._token, selection=replace(self._selection, catalogue=None), folder=folder.name)
            opened = self._first(order, archive)
            self.cells, self.references, self._head = opened.cells, opened.references, opened.head
            order = replace(order, selection=replace(order.selection, bases=self.references))
            self._open(order, archive, [worker for worker in self._workers() if worker not in self._heads])
            # As a task, which is done anew where all workers die that had it; what is scattered would be lost.
            sent = self._client.submit(bytes, archive, pure=False)
            self._what = {"version": __version__, "order": pickle.dumps(order), "archive": sent}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Take back what has not begun, have the workers give up what is under way, and clear up."""
        self._stack.close()

    def run(self, cells: Sequence[Cell] | None = None) -> list[Future[Row]]:
        """Start running cells, the first ones first, each where its image is, or where there is time for it."""
        keys = None if cells is None else {_key(cell) for cell in cells}
        wanted = [number for number, cell in enumerate(self.cells) if keys is None or _key(cell) in keys]
        images: dict[tuple[str | None, str], Any] = {}
        for number in wanted:
            base, name, _ = _key(self.cells[number])
            if (base, name) not in images:
                images[base, name] = self._client.submit(make_image, number, pure=False, **self._what)
        made = [images[_key(self.cells[number])[:2]] for number in wanted]
        tasks = self._client.map(ask, wanted, made, pure=False, **self._what)
        futures: dict[int, Future[Row]] = {number: Future() for number in wanted}
        for number, task in zip(wanted, tasks, strict=True):
            self._follow(number, task)
        collecting = threading.Thread(target=self._collect, args=(dict(futures),), name="dask-rows", daemon=True)
        collecting.start()
        return list(futures.values())

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        results = tuple(rows)
        facts = self._facts
        return structs.replace(
            facts,
            duration_s=round(time.monotonic() - self._began, 3),
            subjects={name: facts.subjects[name] for name in dict.fromkeys(row.subject for row in results)},
            cut=cut,
            results=results,
        )

    def head(self) -> Head:
        """What is run, and on what: how a journal of it begins."""
        return structs.replace(self._head, document=self._facts)

    def _connected(self, stack: ExitStack) -> Any:
        """A client of the scheduler, once it has workers of our version."""
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it, we tell
        dask.config.set({"distributed.admin.large-graph-warning-threshold": _MOST_BYTES})
        try:
            client = stack.enter_context(Client(self._scheduler, timeout=_ANSWERS_S, set_as_default=False))
        except ValueError as error:
            raise UsageError(f"{self._scheduler!r} is no address of a dask scheduler: {error}") from error
        except OSError as error:
            why = f"no dask scheduler answers at {self._scheduler}"
            raise EngineUnavailable(why, remedy=f"Start one, and workers:\n{_START}") from error
        try:
            client.wait_for_workers(1, timeout=_ANSWERS_S)
        except TimeoutError as error:
            why = f"the dask scheduler at {self._scheduler} has no workers"
            raise EngineUnavailable(why, remedy=f"Start one beside each engine:\n{_START}") from error
        for worker, its in sorted(client.run(metadata.version, "signal-harness", on_error="return").items()):
            if its != __version__:
                raise other_version(__version__, worker, its if isinstance(its, str) else None)
        return client

    def _workers(self) -> list[str]:
        """The addresses of the workers that may have an engine.

        Raises:
            EngineUnavailable: the scheduler does not answer any more.
        """
        try:
            return sorted(set(self._client.nthreads()) - self._without)
        except (OSError, RuntimeError) as error:
            raise EngineUnavailable(self._went) from error

    def _occupy(self, worker: str) -> None:
        """Take in that a worker may have something of this run."""
        self._busy.add(worker)
        LEFT.add(worker, "busy dask worker")

    def _first(self, order: Order, archive: bytes) -> Opened:
        """A session on the first worker that lives long enough to have one."""
        for worker in self._workers():
            if opened := self._open(order, archive, [worker]):
                return opened[worker]
        raise EngineUnavailable(f"no worker of the dask scheduler at {self._scheduler} lived for long")

    def _open(self, order: Order, archive: bytes, workers: list[str]) -> Mapping[str, Opened]:
        """Sessions on workers, but for those that have died; all have to agree with those before.

        Raises:
            HarnessError: one cannot be opened, or does not agree.
        """
        if not workers:
            return {}
        what = (__version__, pickle.dumps(order), archive)
        for worker in workers:
            self._occupy(worker)
        opened: dict[str, Opened] = {}
        answers = self._client.run(open_session, *what, workers=workers, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, OSError):  # as dask's of a connection that has ended
                self._hooks.note(f"the dask worker at {worker} went away")
                continue
            if isinstance(answer, HarnessError):
                answer.message = f"the dask worker at {worker}: {answer.message}"
                raise answer
            if isinstance(answer, Exception):
                raise EngineUnavailable(f"the dask worker at {worker} could not begin: {answer!r}") from answer
            self._meet(worker, answer.head.document)
            opened[worker] = answer
        return opened

    def _meet(self, worker: str, document: Document) -> None:
        """Take in what a worker says of its engine, bases and variants.

        Raises:
            UsageError: another one says something else.
        """
        one = structs.replace(document, started=self._started, duration_s=0.0, results=())
        self._heads[worker] = one
        self._occupy(worker)
        try:
            facts = merged(list(self._heads.items())).document
        except UsageError as error:
            _, _, conflicts = error.message.partition("\n")
            why = f"the dask workers at the addresses below do not agree\n{conflicts}"
            raise UsageError(why, remedy="Make them alike, or leave some out.") from error
        if any(head.engines.keys() != facts.engines.keys() for head in self._heads.values()):
            raise UsageError(
                f"dask workers have different engines: {', '.join(sorted(facts.engines))}",
                remedy="Run on each kind by itself, and compare: signal-harness diff",
            )
        variants = {variant.name: variant for variant in self._catalogue.variants}
        subjects = {
            name: structs.replace(subject, dockerfile=self._shown(variants[name].dockerfile))
            for name, subject in facts.subjects.items()
        }
        self._facts = structs.replace(facts, subjects=subjects)
        self.engine_facts = next(iter(facts.engines.values()))
        self.engines = (self.engine_facts,)

    def _shown(self, dockerfile: str) -> str:
        return shown(self._folder / dockerfile).encode(errors="replace").decode()

    def _told(self, event: tuple[float, Any]) -> None:
        """Pass on what a worker tells: a note, or that a build begins or ends."""
        message = event[1]
        if isinstance(message, str):
            self._hooks.note(message)
            return
        base, name, begins = message
        cell = next((one for one in self.cells if _key(one)[:2] == (base, name)), None)
        if cell is not None:
            self._hooks.build(cell.subject, begins)

    def _follow(self, number: int, task: Any) -> None:
        self._tasks.append(task)
        task.add_done_callback(lambda done: self._news.put((number, done)))

    def _collect(self, waiting: dict[int, Future[Row]]) -> None:
        """Take in rows as they come, until there is one for each cell, or none can come any more."""
        fault: HarnessError = EngineFault("what dask workers found could not be taken in")
        none_since: float | None = None
        try:
            while waiting and not self._left.is_set():
                try:
                    number, task = self._news.get(timeout=_LOOKS_S)
                except Empty:
                    none_since = self._looked(none_since)
                    continue
                none_since = None
                row = self._row(number, task)
                if row is not None:
                    self._hooks.result(row)
                    waiting.pop(number).set_result(row)
        except HarnessError as error:
            fault = error
        finally:
            for future in waiting.values():
                future.set_exception(fault)

    def _row(self, number: int, task: Any) -> Row | None:
        """The row that a task brought; ``None`` if its worker or engine is no more, and the cell goes to another.

        Raises:
            HarnessError: it has brought none.
        """
        if task.status != "finished":
            error = task.exception() if task.status == "error" else None
            if error is None or isinstance(error, Abandoned):  # it was lost or taken back, or its worker was stopped
                self._workers()  # or there is no scheduler any more
                self._follow(number, self._client.submit(ask, number, None, pure=False, **self._what))
                return None
            if isinstance(error, HarnessError):
                raise error
            raise EngineUnavailable(f"dask could not run {self.cells[number].id}: {error!r}")
        answer: Answer = task.result()
        task.release()
        if answer.gone:
            self._move(number, answer)
            return None
        document = read_document(answer.document, place=f"the dask worker at {answer.worker}")
        if answer.worker not in self._heads:
            self._meet(answer.worker, structs.replace(document, subjects={}))
        return document.results[0]

    @property
    def base_facts(self) -> Mapping[str, BaseFacts]:
        """What there is to know about each base, by its reference."""
        return self._facts.bases

    @property
    def _went(self) -> str:
        return f"the dask scheduler at {self._scheduler} went away"

    def _move(self, number: int, answer: Answer) -> None:
        """Give a cell to another worker: the engine of the one that had it is gone."""
        if answer.worker not in self._without:
            self._without.add(answer.worker)
            gone = f"the dask worker at {answer.worker} has no engine any more: {answer.gone}"
            self._hooks.note(f"{gone}; its cells are run by others")
        others = self._workers()
        if not others:
            raise EngineUnavailable(f"no dask worker has an engine any more: {answer.gone}")
        # Rather there than anywhere, as those may go, too, and others come.
        where = {"workers": others, "allow_other_workers": True}
        self._follow(number, self._client.submit(ask, number, None, pure=False, **where, **self._what))

    def _looked(self, none_since: float | None) -> float | None:
        """Since when there are no workers; ``None`` if there are.

        Raises:
            EngineUnavailable: there have been none for too long, or there is no scheduler.
        """
        if self._workers():
            return None
        since = none_since or time.monotonic()
        if time.monotonic() - since > _NONE_S:
            raise EngineUnavailable("no dask worker is left", remedy=f"Start some, beside an engine each:\n{_START}")
        return since

    def _end(self) -> None:
        self._left.set()
        with suppress(OSError, RuntimeError):  # where the scheduler is gone, its workers end by themselves
            if self._client.status == "running":
                self._client.cancel(self._tasks)
                self._client.run(end_session, self._token, on_error="ignore")
        for worker in self._busy:
            LEFT.discard(worker)


def _key(cell: Cell) -> tuple[str | None, str, str]:
    return cell.subject.base, cell.subject.name, cell.question.name


def _archive(folders: Iterable[Path]) -> bytes:
    """Folders as they are, links as links, by their paths from the one that the first one is in.

    Raises:
        UsageError: they cannot be read, or are too much to be sent.
    """
    file = io.BytesIO()
    first, *rest = (folder.resolve() for folder in folders)
    outer = [one for one in {first, *rest} if not any(one.is_relative_to(other) for other in {first, *rest} - {one})]

    def counted(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        if file.tell() > _MOST_BYTES:
            raise UsageError(
                f"{first} and the build context hold more than 1 GiB, and each dask worker gets all of it",
                remedy="Keep there what images need.",
            )
        return entry

    try:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for folder in sorted(outer):
                tar.add(folder, arcname=folder.relative_to(first.parent).as_posix(), filter=counted)
    except OSError as error:
        raise UsageError(f"{first} cannot be sent to dask workers: {error}") from error
    return file.getvalue()
