"""Base images: from the engine's store, a registry, or packages; and what matters about each."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import requests
from docker.errors import DockerException, ImageNotFound

from harness.core.errors import BaseUnavailable, EngineFault, UsageError
from harness.core.facts import BaseFacts
from harness.engine.client import messages, our_errors
from harness.engine.containers import labels, remove
from harness.local_bases.recipe import PREFIX, is_glob, is_recipe, parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import docker

REGISTRY_DEFAULTS: Final = ("node:24.11.1-alpine3.22", "node:24.11.1-bookworm-slim")
LOCAL_DEFAULTS: Final = ("local:musl-node24", "local:debian12-node24")
PIN: Final = "signal-harness/from"
_NUMBERED: Final = re.compile(r"(\D*)(\d*)")
_OURS: Final = "signal-harness/"
_RECIPES: Final = "signal-harness/base:"
_UNTAGGED: Final = "<none>"
_HUB: Final = ("docker.io/", "library/")
_SILENCE_S: Final = 6
_PROBE_S: Final = 60

_PROBE: Final = """
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
command -v node >/dev/null && echo "node=$(node --version | sed 's/^v//')"
command -v npm >/dev/null && echo "npm=$(npm --version 2>/dev/null)"
command -v tini >/dev/null && echo "tini=$(tini --version 2>&1 | sed 's/^tini version //')"
command -v dumb-init >/dev/null && echo "dumb_init=$(dumb-init --version 2>&1 | sed 's/^dumb-init v//')"
entry=$(command -v "$1") && echo "entrypoint_sha256=$(sha256sum "$entry" 2>/dev/null | cut -d' ' -f1)"
true
"""


class Bases:
    """The base images of one run.

    Args:
        api: the engine.
        cache: where downloads are kept.
        report: called with one line per lengthy step.
    """

    def __init__(self, api: docker.APIClient, *, cache: Path, report: Callable[[str], None]) -> None:
        self._api = api
        self._cache = cache
        self._report = report
        self._images: dict[str, dict[str, Any]] = {}

    def defaults(self) -> tuple[str, ...]:
        """The bases to use if none is named.

        Official images that are here come first, then stand-ins that are here; else a registry is asked, and where
        none answers stand-ins are assembled.
        """
        for references in (REGISTRY_DEFAULTS, LOCAL_DEFAULTS):
            if all(self.present(reference) for reference in references):
                return references
        try:
            for reference in REGISTRY_DEFAULTS:
                self.get(reference)
        except BaseUnavailable as error:
            self._report(f"{error.message}; using stand-ins made from packages")
            return LOCAL_DEFAULTS
        return REGISTRY_DEFAULTS

    def present(self, reference: str) -> bool:
        """Whether the engine has a base already."""
        return self._inspect(_engine_name(reference)) is not None

    def expand(self, references: Iterable[str]) -> tuple[str, ...]:
        """Put the local tags that match, 9 before 10, in the place of each glob; what is no glob stays.

        Raises:
            BaseUnavailable: a glob matches nothing.
        """
        found: list[str] = []
        for reference in references:
            if not is_glob(reference):
                found.append(reference)
                continue
            matching = sorted((tag for tag in self._tags() if fnmatchcase(tag, reference)), key=_natural)
            if not matching:
                raise BaseUnavailable(
                    f"no local image matches {reference!r}", remedy="docker images lists the tags that are here."
                )
            found += matching
        return tuple(dict.fromkeys(found))

    def _tags(self) -> list[str]:
        """The tags of images here that can be bases, recipes by their own name."""
        with our_errors():
            tags = [tag for image in self._api.images() for tag in image.get("RepoTags") or ()]
        ours = [PREFIX + tag.removeprefix(_RECIPES) for tag in tags if tag.startswith(_RECIPES)]
        return ours + [tag for tag in tags if not tag.startswith((_OURS, _UNTAGGED))]

    def get(self, reference: str, *, rebuild: bool = False, pull: bool = True, again: bool = False) -> None:
        """Make sure that the engine has a base, pulling or assembling it.

        Args:
            reference: which one.
            rebuild: assemble a recipe again.
            pull: get what is not here.
            again: ask the registry also for what is here: the tag may have been moved.

        Raises:
            UsageError: the reference is malformed, or asks for a recipe that does not exist.
            BaseUnavailable: it cannot be had.
        """
        if not reference.strip():
            raise UsageError("a base is empty", remedy=_REMEDY)
        if not pull and not self.present(reference):
            raise BaseUnavailable(f"{reference} is not here", remedy="Leave out --pull never to get it.")
        if is_recipe(reference):
            # The engine's other modules do not need what it takes to assemble an image.
            from harness.local_bases import build_recipe

            tag = build_recipe(
                self._api, parse_recipe(reference), cache=self._cache, report=self._report, rebuild=rebuild
            )
            image = self._inspect(tag)
        else:
            try:
                image = self._inspect(reference)
            except EngineFault as fault:
                raise UsageError(f"{reference!r} is no image reference: {fault}", remedy=_REMEDY) from fault
            if image is None or again:
                self._pull(reference)
                image = self._inspect(reference)
        if image is None:
            raise BaseUnavailable(f"the engine has no {reference}", remedy=_REMEDY)
        self._images[reference] = image

    def image(self, reference: str) -> tuple[str, str]:
        """A base as a name for ``FROM`` that can mean this very image only, and its id."""
        image_id = str(self._images[reference]["Id"])
        tag = image_id.removeprefix("sha256:")[:16]
        with our_errors():
            self._api.tag(image_id, PIN, tag)
        return f"{PIN}:{tag}", image_id

    def facts(self, reference: str) -> BaseFacts:
        """What matters about a base, asked of the image itself.

        Raises:
            BaseUnavailable: it has no shell or no Node, which every variant needs to build and to run.
        """
        image = self._images[reference]
        config = image.get("Config") or {}
        entrypoint = tuple(config.get("Entrypoint") or ())
        seen = self._probe(reference, str(image["Id"]), *entrypoint[:1])
        if not seen.get("node"):
            raise BaseUnavailable(
                f"{reference} has no node on its PATH, and the sample app needs it",
                remedy="Choose a base with Node, such as node:24-alpine or local:musl-node24.",
            )
        return BaseFacts(
            reference=reference,
            id=str(image["Id"]),
            digest=_digest(reference, image.get("RepoDigests") or ()),
            os=seen.get("os") or None,
            libc=seen.get("libc") or None,
            shell=seen.get("shell") or None,
            node=seen.get("node") or None,
            npm=seen.get("npm") or None,
            tini=seen.get("tini") or None,
            dumb_init=seen.get("dumb_init") or None,
            stop_signal=config.get("StopSignal") or None,
            entrypoint=entrypoint,
            entrypoint_sha256=seen.get("entrypoint_sha256") or None,
        )

    def _probe(self, reference: str, image_id: str, *arguments: str) -> dict[str, str]:
        with our_errors():
            created = self._api.create_container(
                image_id,
                entrypoint=["/bin/sh", "-c"],
                command=[_PROBE, "sh", *arguments],
                labels=labels("facts"),
                host_config=self._api.create_host_config(network_mode="none"),
            )
        try:
            with our_errors():
                self._api.start(created["Id"])
                self._api.wait(created["Id"], timeout=_PROBE_S)
                output = self._api.logs(created["Id"], stderr=False).decode("utf-8", "replace")
        except EngineFault as fault:
            raise BaseUnavailable(
                f"{reference} has no shell that runs, and the variants' Dockerfiles need /bin/sh: {fault}",
                remedy="Choose a base with a shell, such as node:24-alpine or local:musl-node24.",
            ) from fault
        finally:
            remove(self._api, created["Id"])
        pairs = (line.partition("=") for line in output.splitlines() if "=" in line)
        return {key: value.strip() for key, _, value in pairs}

    def _pull(self, reference: str) -> None:
        """Pull an image; a registry that says nothing for some seconds is taken for absent."""
        self._report(f"pulling {reference}")
        name, tag = _name_and_tag(reference)
        try:
            answer = self._api.post(
                f"{self._api.base_url}/v{self._api.api_version}/images/create",
                params={"fromImage": name, **({"tag": tag} if tag else {})},
                stream=True,
                timeout=(_SILENCE_S, _SILENCE_S),
            )
            if not answer.ok:
                raise BaseUnavailable(
                    f"{reference} cannot be pulled: {answer.json().get('message', answer.reason)}", remedy=_REMEDY
                )
            for message in messages(answer):
                if "error" in message:
                    raise BaseUnavailable(f"{reference} cannot be pulled: {message['error']}", remedy=_REMEDY)
        except (requests.RequestException, DockerException, OSError) as error:
            raise BaseUnavailable(
                f"{reference} cannot be pulled: the registry said nothing for {_SILENCE_S} s", remedy=_REMEDY
            ) from error

    def _inspect(self, reference: str) -> dict[str, Any] | None:
        with our_errors():
            try:
                return dict(self._api.inspect_image(reference))
            except ImageNotFound:
                return None


_REMEDY: Final = (
    "Check the name, or log in to its registry (docker login).\n"
    "Without a registry, assemble one from packages: signal-harness bases build local:musl-node24"
)


def _engine_name(reference: str) -> str:
    return _RECIPES + parse_recipe(reference).name if is_recipe(reference) else reference


def _natural(text: str) -> list[tuple[str, int]]:
    """A key that sorts numbers in a text by their value."""
    return [(rest, int(part or 0)) for rest, part in _NUMBERED.findall(text)]


def _digest(reference: str, digests: Sequence[str]) -> str | None:
    """The digest by which a base's own repository knows it, if it does; others may know the image, too."""
    repository, _ = _name_and_tag(reference.partition("@")[0])
    for prefix in _HUB:
        repository = repository.removeprefix(prefix)
    return next((digest for digest in digests if digest.partition("@")[0] == repository), None)


def _name_and_tag(reference: str) -> tuple[str, str]:
    """Split a reference for the pull call, whose default is all tags."""
    if "@" in reference:
        return reference, ""
    head, _, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}/{name}" if head else name, tag or "latest"
