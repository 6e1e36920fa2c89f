"""Small programs without handlers in the languages that there is advice for, and the same with advice followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.support.program import Program
from tests.support.programs import JVM, PHP, PUMA, STATIC
from tests.support.python_base import PYTHON_PACKAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

_SH: Final = """#!/bin/sh
while :; do
  sleep 1
done
"""
_NODE: Final = """const server = require("http").createServer((request, response) =>
  setTimeout(() => response.end("hello"), request.url === "/slow" ? 1500 : 0));
server.listen(8080);
"""
_PYTHON: Final = """from http.server import HTTPServer, SimpleHTTPRequestHandler

server = HTTPServer(("", 8080), SimpleHTTPRequestHandler)
server.serve_forever()
"""
_RUBY: Final = """require "socket"
server = TCPServer.new(8080)
loop do
  connection = server.accept
  connection.write("HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello")
  connection.close
end
"""
_PHP: Final = """<?php
$server = stream_socket_server("tcp://0.0.0.0:8080");
while (true) {
    if ($connection = @stream_socket_accept($server, -1)) {
        fwrite($connection, "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello");
        fclose($connection);
    }
}
"""
_GO: Final = """package main

import (
	"net/http"
	"time"
)

func main() {
	server := &http.Server{Addr: ":8080"}
	http.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { time.Sleep(1500 * time.Millisecond) })
	server.ListenAndServe()
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A program without handlers for signals, and where the code goes that is advised.

    It goes in place of ``line``, which takes the place of ``stands_for`` in it, or, where ``before`` or ``after`` says
    so, before or behind that line. Imports go behind ``imports``.
    """

    program: Program
    path: str
    line: str
    stands_for: str = ""
    before: bool = False
    after: bool = False
    imports: str = ""

    def followed(self, advice: Sequence[str]) -> Program:
        """The program as whoever takes the advice at its word has it then."""
        text = self.program.files[self.path]
        assert f"{self.line}\n" in text
        named = [line for line in advice if self.imports and line.startswith("import ")]
        code = [line.replace(self.stands_for, self.line.strip()) if self.stands_for else line for line in advice]
        kept = [self.line]
        lines = [*(kept * self.after), *(line for line in code if line not in named), *(kept * self.before)]
        text = text.replace(f"{self.line}\n", "\n".join([*lines, ""]))
        text = text.replace(f"{self.imports}\n", "\n".join([self.imports, *named, ""])) if named else text
        return replace(self.program, name=f"{self.program.name}-advised", files={self.path: text})


def _interpreted(name: str, path: str, text: str, packages: tuple[str, ...], start: tuple[str, ...]) -> Program:
    return Program(name=f"code-{name}", packages=packages, files={path: text}, start=start, port=8080)


QUICK: Final = (
    Sample(
        program=Program(name="code-sh", files={"app.sh": _SH}, start=("/app.sh",)),
        path="app.sh",
        line="  sleep 1",
        stands_for="the-command",
    ),
    Sample(
        program=_interpreted("python", "app.py", _PYTHON, PYTHON_PACKAGES, ("python3.11", "/app.py")),
        path="app.py",
        line="server.serve_forever()",
        before=True,
    ),
    Sample(
        program=_interpreted("node", "app.js", _NODE, (), ("node", "/app.js")),
        path="app.js",
        line="server.listen(8080);",
        after=True,
    ),
)
SLOW: Final = (
    Sample(
        program=_interpreted("ruby", "app.rb", _RUBY, PUMA.packages, ("ruby", "/app.rb")),
        path="app.rb",
        line="server = TCPServer.new(8080)",
        after=True,
    ),
    Sample(
        program=_interpreted("php", "app.php", _PHP, PHP.packages, ("php8.2", "/app.php")),
        path="app.php",
        line="while (true) {",
        before=True,
    ),
    Sample(
        program=replace(STATIC, name="code-go", files={"build/server.go": _GO}),
        path="build/server.go",
        line="\tserver.ListenAndServe()",
        imports="package main",
    ),
)
JAVA: Final = Sample(
    program=replace(JVM, name="code-java"), path="build/Server.java", line="        server.start();", after=True
)
