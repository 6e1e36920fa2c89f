"""Which processes of a container are taken for its app, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.process import apps_below_wrappers, chain, childless, find_apps
from harness.core.program import SUPERVISORS, WRAPPERS, kind_of, known_as, program, started_by_path

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Sequence

    from harness.core.process import Process, Tree

_READY_LINE: Final = "it wrote the ready line"
_LEAF: Final = "the only process with none below it"
_EQUALS: Final = "one of {count} with none below them, which one parent started alike"
_SERVES: Final = "it listens on the port that the container serves, and `{launcher}` above it does not"
_BESIDES: Final = ", besides {helpers}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The processes that are taken for the app, and for each why; none where nothing tells.

    ``told`` says whether a person, a ready line or a port tells, and not only what a process looks like.
    """

    apps: Tree
    why: tuple[str, ...]
    told: bool = False

    @property
    def app(self) -> Process | None:
        """The first of them."""
        return self.apps[0] if self.apps else None


def choose_below_wrappers(tree: Tree, pattern: re.Pattern[str] | None = None, serving: Collection[int] = ()) -> Choice:
    """The apps by `apps_below_wrappers`: by a pattern where there is one, else by what each process is.

    ``serving`` are those, by PID, that listen on the port that the container is known to serve: what only started one
    of these, and does not listen there, is its launcher, whatever it is written in.
    """
    apps = apps_below_wrappers(tree, pattern)
    if pattern is not None:
        return Choice(apps=apps, why=(f"chosen by --app {pattern.pattern}",) * len(apps), told=True)
    found = [pair for app in apps for pair in _servers(tree, app, serving) or [(app, _why_below(tree, app))]]
    told = any(app.pid in serving for app, _ in found)
    return Choice(apps=tuple(app for app, _ in found), why=tuple(why for _, why in found), told=told)


def choose_by_log(tree: Tree, inner_pids: Collection[int]) -> Choice:
    """The apps by `find_apps`: by the PIDs that their ready lines bear, else by where they stand in the tree."""
    apps = find_apps(tree, inner_pids)
    if inner_pids and any(process.inner_pid is not None for process in tree):
        return Choice(apps=apps, why=(_READY_LINE,) * len(apps), told=True)
    helpers = [process for process in childless(tree) if process not in apps]
    besides = _BESIDES.format(helpers=_listed([program(one.argv) for one in helpers])) if helpers else ""
    why = _LEAF if len(apps) == 1 else _EQUALS.format(count=len(apps))
    return Choice(apps=apps, why=(why + besides,) * len(apps))


def _servers(tree: Tree, app: Process, serving: Collection[int]) -> list[tuple[Process, str]]:
    """Who listens below a process that does not, the uppermost each, and why they are the app.

    Workers that were forked have the words of their master, which is no launcher: it manages them.
    """
    why = _SERVES.format(launcher=app.command)
    return [
        (process, why)
        for process in tree
        if process.pid in serving
        and process.argv != app.argv
        and app in (way := chain(tree, process.pid)[:-1])
        and not any(above.pid in serving for above in way)
    ]


def _why_below(tree: Tree, app: Process) -> str:
    """Why a process is the first one that does more than start another."""
    above = chain(tree, app.pid)[:-1]
    below = f" below {_listed([_name(process) for process in above])}" if above else ""
    if kind_of(app.argv) not in WRAPPERS:
        if above:
            return f"first process{below} that does more than start another"
        return "the first process, and no shell, init, supervisor or package manager"
    helpers = [program(process.argv) for process in tree if process.ppid == app.pid and process.alive]
    nothing = f"nothing but {_listed(helpers)}" if helpers else "nothing"
    return f"{'last' if above else 'the first'} process{below}, as {nothing} runs below it"


def _name(process: Process) -> str:
    """What people call a process that starts another."""
    path = started_by_path(process.argv)
    return path if path in SUPERVISORS else known_as(process.argv)


def _listed(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last
