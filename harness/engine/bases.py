"""Base images from the engine's store, a registry, or packages, and the facts about each."""

from __future__ import annotations

import uuid
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import requests
from docker.errors import DockerException

from harness.core.errors import BaseUnavailable, Disturbed, EngineFault, EngineUnavailable, UsageError
from harness.core.facts import BaseFacts, ImageFacts
from harness.core.program import PROGRAMS
from harness.core.references import is_glob, name_and_tag, natural, own_digest, same_platform
from harness.engine.again import afresh, timed_out
from harness.engine.answers import Answers, Question
from harness.engine.client import our_errors, stream
from harness.engine.confinement import confined
from harness.engine.containers import LABEL, labels
from harness.engine.kinds import kind_of
from harness.engine.login import login
from harness.engine.removals import remove
from harness.engine.store import ImageStore, platform_of, start_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import docker

    from harness.engine.protocol import BaseProvider

PIN: Final = "signal-harness/from"
_REMEDY: Final = "Check the name, or log in to its registry (docker login)."
_SILENCE_S: Final = 6
_PROBE_S: Final = 60
_MOST_LINES: Final = 500
"""How many lines of a base are read; the engine cuts each at 16 KiB (moby, daemon/logger/copier.go)."""

_WHOLE: Final = "whole=yes"
"""The last line of an answer, which a shell that is killed on the way does not write."""

_PROBE: Final = (
    """
. /etc/os-release 2>/dev/null; echo "os=$ID $VERSION_ID"
sh=$(readlink -f /bin/sh)
case $sh in
  *busybox*) echo "shell=$($sh 2>&1 | sed -n '1s/ (.*//p') ash" ;;
  *dash) echo "shell=dash $(dpkg-query -W -f '${Version}' dash 2>/dev/null)" ;;
  *bash) echo "shell=bash $($sh -c 'echo $BASH_VERSION')" ;;
  *) echo "shell=$sh" ;;
esac
for musl in /lib/ld-musl-*; do
  [ -e "$musl" ] && echo "libc=musl $($musl 2>&1 | sed -n 's/^Version //p')"
done
command -v getconf >/dev/null && getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^/libc=/'
%PROGRAMS%
entry=$(command -v "$1") && echo "entrypoint_sha256=$(sha256sum "$entry" 2>/dev/null | cut -d' ' -f1)"
"""
).replace(
    "%PROGRAMS%",
    "\n".join(
        f'command -v {name} >/dev/null && echo "program.{name}=$({known.version})"' for name, known in PROGRAMS.items()
    ),
) + f"echo {_WHOLE}\n"


class Bases:
    """The base images of one run; see `OpenEngine.bases` and `BaseStore` of `harness.engine.protocol`."""

    def __init__(
        self,
        api: docker.APIClient,
        *,
        defaults: tuple[str, ...] = (),
        providers: Sequence[BaseProvider] = (),
        report: Callable[[str], None],
        cache: Path | None = None,
    ) -> None:
        self._api = api
        self._answers = Answers(cache and cache / "answers")
        self._store = ImageStore(api)
        self._defaults = defaults
        self._providers = providers
        self._report = report
        self._images: dict[str, dict[str, Any]] = {}
        self._remedy = "\n".join((_REMEDY, *(provider.remedy for provider in providers)))

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The bases that may be used if none is named: a registry's, then those of each provider."""
        return tuple(filter(None, (self._defaults, *(provider.defaults for provider in self._providers))))

    def defaults(self) -> tuple[str, ...]:
        """The bases to use if none is named: of those that the engine has, the official ones first.

        If it has none, a registry is asked, and if none answers, stand-ins are assembled.

        Raises:
            BaseUnavailable: no registry has them, and there are no stand-ins.
        """
        for references in self.choices:
            if all(self.present(reference) for reference in references):
                return references
        try:
            for reference in self._defaults:
                self.get(reference)
        except BaseUnavailable as error:
            if not self._providers:
                raise
            self._report(f"{error.message}; using stand-ins made from packages")
            return self._providers[0].defaults
        return self._defaults

    @property
    def examples(self) -> str:
        """A base of each kind, as a remedy names them."""
        return " or ".join(references[0] for references in self.choices)

    def present(self, reference: str) -> bool:
        """Whether the engine has a base already."""
        return self._store.inspect(self.tag(reference)) is not None

    def expand(self, references: Iterable[str]) -> tuple[str, ...]:
        """The references, with each glob replaced by the local tags that match, 9 before 10.

        Raises:
            BaseUnavailable: a glob matches nothing.
        """
        expanded: list[str] = []
        for reference in references:
            matching = [reference]
            if is_glob(reference):
                matching = sorted((tag for tag in self._tags() if fnmatchcase(tag, reference)), key=natural)
            if not matching:
                remedy = "docker images lists the tags that are here."
                raise BaseUnavailable(f"no local image matches {reference!r}", remedy=remedy)
            expanded += matching
        return tuple(dict.fromkeys(expanded))

    def _tags(self) -> list[str]:
        """The tags of local images that can be bases, those of a provider as its references."""
        tags = self._store.tags()
        provided = [name for tag in tags for provider in self._providers if (name := provider.reference(tag))]
        others = [tag for tag in tags if not tag.startswith(("signal-harness/", "<none>"))]
        return provided + others

    def _provider(self, reference: str) -> BaseProvider | None:
        return next((provider for provider in self._providers if provider.handles(reference)), None)

    def tag(self, reference: str) -> str:
        """The tag under which the engine keeps a base."""
        provider = self._provider(reference)
        return provider.tag(reference) if provider else reference

    def get(
        self,
        reference: str,
        *,
        rebuild: bool = False,
        pull: bool = True,
        again: bool = False,
        platform: str | None = None,
    ) -> None:
        """Make sure that the engine has a base, pulling it if ``pull``, or making it.

        ``rebuild`` makes it again, if it comes from a provider; ``again`` pulls it again, as its tag may have moved.
        With a ``platform``, one for another is pulled again, too.

        Raises:
            UsageError: the reference is malformed.
            BaseUnavailable: it cannot be pulled or made.
        """
        if not reference.strip():
            raise UsageError("a base is empty", remedy=self._remedy)
        if not pull and not self.present(reference):
            raise BaseUnavailable(f"{reference} is not here", remedy="Leave out --pull never to get it.")
        if provider := self._provider(reference):
            provider.provide(reference, self._store, report=self._report, rebuild=rebuild)
        else:
            try:
                present = self.present(reference)
            except EngineFault as fault:
                raise UsageError(f"{reference!r} is not an image reference: {fault}", remedy=self._remedy) from fault
            other = platform is not None and present and not self._is_for(reference, platform)
            try:
                if again or not present or (other and pull):
                    self._pull(reference, platform)
            except BaseUnavailable as fault:
                if other:
                    here = platform_of(self._store.inspect(self.tag(reference)) or {})
                    fault.message = f"{reference} is here for {here}, not for {platform}; {fault.message}"
                raise
        image = self._store.inspect(self.tag(reference))
        if image is None:
            raise BaseUnavailable(f"the engine has no {reference}", remedy=self._remedy)
        self._images[reference] = image

    def image(self, reference: str) -> tuple[str, str]:
        """The name of a base for ``FROM`` that can mean this very image only, and its id."""
        image_id = str(self._images[reference]["Id"])
        tag = image_id.removeprefix("sha256:")[:16]
        with our_errors():
            self._api.tag(image_id, PIN, tag)
        return f"{PIN}:{tag}", image_id

    def facts(self, reference: str) -> BaseFacts:
        """The facts about a base, some of them from a container of it, unless what an earlier one wrote is kept.

        Raises:
            BaseUnavailable: it has no shell, which every variant needs to build and to run.
        """
        image = self._images[reference]
        config = image.get("Config") or {}
        entrypoint = tuple(config.get("Entrypoint") or ())
        told = _pairs(afresh(partial(self._told, reference, image, *entrypoint[:1])))
        answers = {key: text for key, text in told if text}
        return BaseFacts(
            reference=reference,
            id=str(image["Id"]),
            digest=own_digest(reference, image.get("RepoDigests") or ()),
            os=answers.get("os"),
            libc=answers.get("libc"),
            shell=answers.get("shell"),
            programs={name: version for name in PROGRAMS if (version := answers.get(f"program.{name}"))},
            stop_signal=config.get("StopSignal") or None,
            entrypoint=entrypoint,
            entrypoint_sha256=answers.get("entrypoint_sha256"),
        )

    def image_facts(self, reference: str) -> ImageFacts:
        """What an image says of itself, without a container of it."""
        return image_facts(reference, self._images[reference])

    @cached_property
    def _limits(self) -> dict[str, Any]:
        return confined(self._api)

    @cached_property
    def _version(self) -> Mapping[str, Any]:
        with our_errors():
            version: Mapping[str, Any] = self._api.version()
        return version

    def _told(self, reference: str, image: Mapping[str, Any], *arguments: str) -> str:
        """What a base says of itself: what is kept of that, or what a container of it writes."""
        container = {
            "entrypoint": ["/bin/sh", "-c"],
            "command": [_PROBE, "sh", *arguments],
            "host_config": self._api.create_host_config(network_mode="none", **self._limits),
        }
        question = Question(
            image=str(image["Id"]),
            platform=platform_of(image),
            engine=kind_of(self._version).name,
            architecture=str(self._version.get("Arch")),
            container=container,
        )
        kept = self._answers.find(question)
        if kept is not None and _is_whole(kept):
            return kept
        text = self._ask(reference, question.image, container)
        if _is_whole(text):
            self._answers.keep(question, text)
        return text

    def _ask(self, reference: str, image_id: str, container: Mapping[str, Any]) -> str:
        name = f"{LABEL}-facts-{uuid.uuid4().hex[:12]}"
        try:
            with our_errors():
                self._api.create_container(image_id, name=name, labels=labels("facts"), **container)
            return self._output(reference, name)
        finally:
            self._remove(name)

    def _output(self, reference: str, name: str) -> str:
        """What a container writes to the end.

        Raises:
            BaseUnavailable: it does not start.
        """
        try:
            with our_errors():
                self._api.start(name)
                _end(self._api, name)
                return str(self._api.logs(name, stderr=False, tail=_MOST_LINES).decode("utf-8", "replace"))
        except Disturbed:
            raise
        except EngineFault as fault:
            raise BaseUnavailable(
                f"{reference} has no shell that runs, and the variants' Dockerfiles need /bin/sh: {fault}",
                remedy=f"Choose a base with a shell, such as {self.examples}.",
            ) from fault

    def _remove(self, name: str) -> None:
        """Remove a container, or say that it is left: what it has told is true all the same."""
        try:
            remove(self._api, name)
        except (EngineFault, EngineUnavailable) as fault:
            self._report(f"1 container could not be removed: {fault}; once that is mended: signal-harness clean")

    def _is_for(self, reference: str, platform: str) -> bool:
        return same_platform(platform, platform_of(self._store.inspect(self.tag(reference)) or {}))

    def _pull(self, reference: str, platform: str | None = None) -> None:
        """Pull an image; a registry that says nothing for some seconds counts as absent."""
        self._report(f"pulling {reference}")
        name, tag = name_and_tag(reference)
        params = {"fromImage": name, "tag": tag or None, "platform": platform}
        try:
            headers = login(name)
            timeout = (_SILENCE_S, _SILENCE_S)
            for _ in stream(self._api, "images/create", params=params, headers=headers, timeout=timeout):
                pass  # layer by layer
        except EngineFault as fault:
            raise BaseUnavailable(f"{reference} cannot be pulled: {fault}", remedy=self._remedy) from fault
        except (requests.RequestException, DockerException, OSError) as error:
            raise BaseUnavailable(
                f"{reference} cannot be pulled: the registry said nothing for {_SILENCE_S} s", remedy=self._remedy
            ) from error


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return [(key, value.strip()) for key, _, value in lines]


def _is_whole(text: str) -> bool:
    """Whether a base has said all that it was asked: to the end, nothing cut off, and no answer empty."""
    lines = text.splitlines()
    return lines[-1:] == [_WHOLE] and len(lines) < _MOST_LINES and all(value for _, value in _pairs(text))


def _end(api: docker.APIClient, name: str) -> None:
    """Wait until a container has ended.

    Raises:
        EngineFault: it has not in time.
        requests.RequestException: the connection broke.
    """
    try:
        api.wait(name, timeout=_PROBE_S)
    except (requests.ConnectionError, requests.Timeout) as error:
        if not timed_out(error):
            raise
        raise EngineFault(f"it did not end within {_PROBE_S} s") from None


def image_facts(reference: str, described: Mapping[str, Any]) -> ImageFacts:
    """What an image (or a container of it) says of itself, by the engine's description of it."""
    config = described.get("Config") or {}
    exposed = (port.partition("/") for port in config.get("ExposedPorts") or ())
    check = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return ImageFacts(
        reference=reference,
        id=str(described["Id"]),
        start=start_command(config),
        ports=tuple(sorted(int(port) for port, _, protocol in exposed if protocol == "tcp")),
        healthcheck=check[0] != "NONE",
        platform=platform_of(described),
    )
