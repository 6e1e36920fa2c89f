"""What a dask worker does for a run: a session there drives the engine beside it, opened once, and closed with the run.

dask finds these functions by their names (they are pickled as such), so that a worker needs the same version of ours.
A worker that ends leaves to the next session on its machine what it has not removed, as any process of ours does.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec
from distributed import WorkerPlugin, get_worker
from distributed.protocol import pickle

from harness import __version__
from harness.core.errors import Abandoned, EngineUnavailable, HarnessError, UsageError
from harness.session import Hooks, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Worker

    from harness.core.journal import Head
    from harness.core.subject import Cell, Subject
    from harness.session import Selection

IDLE_S: Final = 60.0
"""After how many seconds without a cell a session is closed, as where the client was killed; a cell opens it anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a run wants of a worker.

    ``token`` is the run, ``folder`` the catalogue's in the archive that comes along. What a worker tells goes to the
    topic ``token``: a note as text, a build as base, variant and whether it begins. Cells are known by their numbers,
    which are the same everywhere: names of two bases may look alike.
    """

    token: str
    selection: Selection
    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A session on a worker: its bases, its cells, and what is run there, on what."""

    references: tuple[str, ...]
    cells: tuple[Cell, ...]
    head: Head


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A cell's row, in a results document as JSON, from the worker at an address; or why its engine has ``gone``."""

    worker: str
    document: bytes = b""
    gone: str = ""


class _Kept(WorkerPlugin):
    """The session of one run on a worker, for all threads; as a plugin of the worker, it ends with that."""

    def __init__(self, worker: Any, order: Order, archive: bytes) -> None:
        self._worker = worker
        self._order = order
        self._archive = archive
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._session: Session | None = None
        self._users = 0
        self._idle: threading.Timer | None = None
        self._ended = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The session, opened if it is not; it stays open as long as it is used.

        Raises:
            Abandoned: the run has ended.
            HarnessError: it cannot be opened.
        """
        with self._lock:
            session = self._session = self._session or self._open()
            if self._ended:
                self._shut()
                raise Abandoned("the run has ended")
            self._users += 1
            if self._idle is not None:
                self._idle.cancel()
        try:
            yield session
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and not self._ended:
                    self._idle = threading.Timer(IDLE_S, self._rest)
                    self._idle.daemon = True
                    self._idle.start()

    async def teardown(self, worker: Worker) -> None:
        """Leave nothing where a worker is stopped in the middle of a run."""
        if worker is self._worker:
            await asyncio.to_thread(self.end)

    def end(self) -> None:
        """Give up what is under way, and close the session for good; one that is being opened is closed after that."""
        self._ended = True
        if (session := self._session) is not None:
            session.abandon()
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            self._shut()

    def _open(self) -> Session:
        if self._ended:
            raise Abandoned("the run has ended")

        def tell(message: object) -> None:
            self._worker.log_event(self._order.token, message)

        def note(line: str) -> None:
            tell(f"{self._worker.address}: {line}")

        def build(subject: Subject, begins: bool) -> None:
            tell([subject.base, subject.name, begins])

        with ExitStack() as stack:
            # What a worker that was killed leaves in this folder of its own, dask removes as the next one starts there.
            own = self._worker.local_directory
            root = Path(stack.enter_context(TemporaryDirectory(prefix="signal-harness-", dir=own)))
            with NamedTemporaryFile(suffix=".tar", dir=own) as archive:
                archive.write(self._archive)
                archive.flush()
                # As they were, run bits and all; who sends this can have the worker do anything.
                shutil.unpack_archive(archive.name, root, filter="fully_trusted")
            selection = replace(self._order.selection, catalogue=root / self._order.folder)
            session = stack.enter_context(Session(selection, Hooks(note=note, build=build)))
            added = self._worker.plugin_add(self, name=self._order.token)
            asyncio.run_coroutine_threadsafe(added, self._worker.loop.asyncio_loop).result()
            self._stack = stack.pop_all()
        return session

    def _rest(self) -> None:
        with self._lock:
            if not self._users:
                self._shut()

    def _shut(self) -> None:
        self._session = None
        self._stack.close()


_KEPT: Final[dict[str, _Kept]] = {}
_KEEPING: Final = threading.Lock()


async def open_session(version: str, order: bytes, archive: bytes, *, dask_worker: Any) -> Opened:
    """Open a run's session on a worker, which dask passes by that name, and say what it plans.

    Raises:
        HarnessError: it cannot be, as for want of an engine or a base.
    """
    return await asyncio.to_thread(_opened, dask_worker, version, order, archive)


async def end_session(token: str) -> None:
    """Give up what is under way here for a run, and remove all of it."""
    if (kept := _KEPT.get(token)) is not None:
        await asyncio.to_thread(kept.end)


def make_image(cell: int, *, version: str, order: bytes, archive: bytes) -> None:
    """Make sure that the image of a cell is here; why it cannot be had, the cell itself tells."""
    with suppress(HarnessError), _kept(get_worker(), version, order, archive).session() as session:
        for image in session.prepare([session.cells[cell]]):
            image.result()


def ask(cell: int, _image: None, *, version: str, order: bytes, archive: bytes) -> Answer:
    """Run a cell here.

    Raises:
        UsageError: this worker has another version.
        Abandoned: the run has ended.
    """
    worker = get_worker()
    here = str(worker.address)
    try:
        with _kept(worker, version, order, archive).session() as session:
            (row,) = (future.result() for future in session.run([session.cells[cell]]))
            if not row.tested and not session.engine.answers():
                return Answer(worker=here, gone=row.reason)
            return Answer(worker=here, document=msgspec.json.encode(session.document([row])))
    except EngineUnavailable as error:
        return Answer(worker=here, gone=error.message)


def _opened(worker: Any, version: str, order: bytes, archive: bytes) -> Opened:
    with _kept(worker, version, order, archive).session() as session:
        return Opened(references=session.references, cells=session.cells, head=session.head())


def _kept(worker: Any, version: str, order: bytes, archive: bytes) -> _Kept:
    if version != __version__:
        raise other_version(version, str(worker.address), __version__)
    read: Order = pickle.loads(order)
    with _KEEPING:
        return _KEPT.setdefault(read.token, _Kept(worker, read, archive))


def other_version(ours: str, worker: str, its: str | None) -> UsageError:
    """The refusal of a worker whose version is not the client's; ``None`` is no version at all."""
    has = f"signal-harness {its}" if its else "no signal-harness"
    return UsageError(
        f"the dask worker at {worker} has {has}, and this is {ours}",
        remedy=f"pip install 'signal-harness[distributed]=={ours}' there, and start it again.",
    )
