"""Programs that are not ours: what of Debian's packages each is made of, and how it is started."""

from __future__ import annotations

import os
from typing import Final

from tests.support import index_programs
from tests.support.index_programs import FROM_NPM, FROM_PYPI
from tests.support.program import FROM_SCRATCH, Program
from tests.support.python_base import PYTHON_PACKAGES

VARIABLE: Final = "SIGNAL_HARNESS_PROGRAMS"
ALL_WANTED: Final = os.environ.get(VARIABLE) == "all"
"""Whether those are checked, too, that take long to download or to start."""

NGINX = """worker_processes 2;
pid /run/nginx.pid;
events { worker_connections 64; }
http { access_log off; server { listen 8080; root /srv; location /slow { limit_rate 20k; } } }
"""
HAPROXY = """global
  maxconn 64
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend web
  bind :8080
  http-request return status 200
"""
APACHE = """ServerRoot /etc/apache2
ServerName localhost
PidFile /run/apache2.pid
Listen 8080
ErrorLog /dev/stderr
DocumentRoot /srv
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User www-data
Group www-data
StartServers 2
"""
WSGI = """import time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
ASGI = """async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
SUPERVISOR = """[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/run/supervisord.pid

[program:web]
command=python3 -m http.server 8080
directory=/srv
stopsignal=INT

[program:cache]
command=redis-server --port 6379
"""
LOOP = """#!/bin/sh
trap 'echo done; exit 0' TERM
while :; do sleep 1; done
"""
DEAF_LOOP = """#!/bin/sh
while :; do sleep 1; done
"""
SERVER = """require("http").createServer((_, response) => response.end("hello")).listen(8080);
process.on("SIGTERM", () => process.exit(0));
"""
LAUNCHER = """require("child_process").spawn("node", ["/server.js"], { stdio: "inherit" });
process.on("SIGTERM", () => process.exit(0));
"""
FPM = """[global]
error_log = /dev/stderr
[www]
user = www-data
group = www-data
listen = 9000
pm = static
pm.max_children = 2
"""
RACK = """run ->(env) { [200, {"content-type" => "text/plain"}, ["hello"]] }
"""
TASKS = """from pathlib import Path
from celery import Celery
from celery.signals import worker_ready

app = Celery("tasks", broker="memory://")

@worker_ready.connect
def ready(**_):
    Path("/tmp/ready").touch()
"""
JAVA = """import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

public class Server {
    public static void main(String[] words) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/slow", exchange -> {
            try {
                Thread.sleep(1500);
            } catch (InterruptedException stopped) {
                return;
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        if (words.length > 0) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                server.stop(5);
                System.out.println("done");
            }));
        }
    }
}
"""
GO = """package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	server := &http.Server{Addr: ":8080"}
	http.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { time.Sleep(1500 * time.Millisecond) })
	if len(os.Args) > 1 {
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		go func() {
			<-told
			server.Shutdown(context.Background())
			os.Exit(0)
		}()
	}
	server.ListenAndServe()
	select {}
}
"""
_ANY: Final = "0.0.0.0"  # noqa: S104 in a container
REDIS_SERVICE: Final = "#!/bin/sh\nexec redis-server --port {port}\n"
REDIS: Final = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1")
_KERBEROS: Final = ("libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0", "libcom-err2", "libkeyutils1")
_LDAP: Final = ("libldap-2.5-0", "libsasl2-2", "libsasl2-modules-db", "libgnutls30", "libnettle8", "libhogweed6")
_TLS: Final = ("libunistring2", "libp11-kit0", "libidn2-0", "libtasn1-6", "libffi8")
_POSTGRES: Final = ("postgresql-15", "postgresql-client-15", "libpq5", "libicu72", "libxml2", "libxslt1.1", "tzdata")
_PHP: Final = ("php8.2-fpm", "php8.2-cli", "php8.2-common", "libicu72", "libxml2", "libsodium23", "libargon2-1")
_RUBY: Final = ("puma", "ruby", "ruby3.1", "libruby3.1", "ruby-nio4r", "ruby-rubygems", "rubygems-integration")
_CELERY: Final = ("celery", "python3-celery", "python3-kombu", "python3-billiard", "python3-amqp", "python3-vine")
_CLICK: Final = ("python3-click", "python3-click-didyoumean", "python3-click-plugins", "python3-click-repl")
_PROMPT: Final = ("python3-prompt-toolkit", "python3-wcwidth", "python3-tz", "python3-six", "python3-dateutil")
_LINK: Final = "RUN ln -s python3.11 /usr/bin/python3 && mkdir -p /srv"

QUICK: Final = (
    Program(
        name="nginx",
        packages=("nginx", "nginx-common"),
        files={"etc/nginx/nginx.conf": NGINX, "srv/slow": "x" * 60_000},
        steps=("RUN mkdir -p /var/lib/nginx /var/log/nginx /srv",),
        start=("nginx", "-g", "daemon off;"),
        port=8080,
    ),
    Program(name="redis", packages=REDIS, start=("redis-server", "--port", "6379"), port=6379),
    Program(
        name="http-server",
        packages=PYTHON_PACKAGES,
        steps=(_LINK,),
        start=("python3", "-m", "http.server", "8080"),
        port=8080,
    ),
    Program(name="shell-loop", files={"loop.sh": LOOP}, start=("/loop.sh",)),
    Program(
        name="apache2",
        packages=("apache2-bin", "libapr1", "libaprutil1", "libexpat1"),
        files={"etc/apache2/apache2.conf": APACHE},
        steps=("RUN mkdir -p /srv /run",),
        start=("apache2", "-DFOREGROUND"),
        port=8080,
    ),
    Program(
        name="gunicorn",
        packages=(*PYTHON_PACKAGES, "python3-gunicorn", "gunicorn", "python3-pkg-resources"),
        files={"srv/hello.py": WSGI},
        steps=(_LINK, "WORKDIR /srv"),
        start=("gunicorn", "--workers", "2", "--bind", "0.0.0.0:8080", "hello:app"),
        port=8080,
    ),
    Program(
        name="supervisord",
        packages=(*PYTHON_PACKAGES, *REDIS, "supervisor", "python3-pkg-resources"),
        files={"etc/supervisord.conf": SUPERVISOR},
        steps=(_LINK,),
        start=("supervisord", "-c", "/etc/supervisord.conf"),
        port=8080,
    ),
    Program(name="cron", packages=("cron",), steps=("RUN mkdir -p /var/spool/cron/crontabs",), start=("cron", "-f")),
    index_programs.UVICORN,
)

_INITDB: Final = (
    "RUN useradd postgres && mkdir /data && chown postgres /data",
    "USER postgres",
    "RUN /usr/lib/postgresql/15/bin/initdb --no-sync -D /data",
)
POSTGRES: Final = Program(
    name="postgres",
    packages=(*_POSTGRES, "libreadline8", "readline-common", *_KERBEROS, *_LDAP, *_TLS),
    steps=_INITDB,
    start=("/usr/lib/postgresql/15/bin/postgres", "-D", "/data", "-k", "/tmp"),
    port=5432,
)
_ECJ: Final = "org.eclipse.jdt.internal.compiler.batch.Main"
JVM: Final = Program(
    name="java",
    packages=("openjdk-17-jre-headless", "libeclipse-jdt-core-java"),
    files={"build/Server.java": JAVA},
    steps=(
        "RUN ln -s /usr/lib/jvm/java-17-openjdk-*/bin/java /usr/bin/java && mkdir /app",
        f"RUN java -cp '/usr/share/java/*' {_ECJ} -17 -proc:none -d /app /build/Server.java",
    ),
    start=("java", "-cp", "/app", "Server"),
    port=8080,
)
STATIC: Final = Program(
    name="go",
    packages=("golang-1.19-go", "golang-1.19-src"),
    files={"build/server.go": GO},
    dockerfile=FROM_SCRATCH,
    start=("/server",),
    port=8080,
)
PHP: Final = Program(
    name="php-fpm",
    packages=(*_PHP, "libmagic1", "libmagic-mgc", "libapparmor1", "libedit2", "libbsd0", "php-common", "tzdata"),
    files={"etc/fpm.conf": FPM},
    start=("php-fpm8.2", "-F", "-y", "/etc/fpm.conf"),
    port=9000,
)
HAPROXY_SERVER: Final = Program(
    name="haproxy",
    packages=("haproxy", "liblua5.3-0", "libopentracing1", "libopentracing-c-wrapper0"),
    files={"etc/haproxy/haproxy.cfg": HAPROXY},
    start=("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
    port=8080,
)
UVICORN: Final = Program(
    name="uvicorn",
    packages=(*PYTHON_PACKAGES, "python3-uvicorn", "python3-h11", "python3-asgiref", "python3-click", "uvicorn"),
    files={"srv/hello.py": ASGI},
    steps=(_LINK, "WORKDIR /srv"),
    start=("uvicorn", "--host", _ANY, "--port", "8080", "hello:app"),
    port=8080,
)
PUMA: Final = Program(
    name="puma",
    packages=(*_RUBY, "ruby-rack", "rake", "libyaml-0-2", "libffi8", "libgdbm6", "libncurses6"),
    files={"srv/config.ru": RACK},
    steps=("WORKDIR /srv",),
    start=("puma", "--workers", "2", "--bind", "tcp://0.0.0.0:8080", "config.ru"),
    port=8080,
)
SLOW: Final = (
    Program(
        name="launcher",
        files={"launcher.js": LAUNCHER, "server.js": SERVER},
        start=("node", "/launcher.js"),
        port=8080,
    ),
    Program(name="deaf-loop", files={"loop.sh": DEAF_LOOP}, start=("/loop.sh",)),
    HAPROXY_SERVER,
    QUICK[0].variant("quit", stop_signal="SIGQUIT"),
    POSTGRES,
    POSTGRES.variant("int", stop_signal="SIGINT"),
    POSTGRES.variant("quit", stop_signal="SIGQUIT"),
    JVM,
    JVM.variant("hook", start=(*JVM.start, "hook")),
    JVM.variant("xrs", start=("java", "-Xrs", *JVM.start[1:])),
    STATIC,
    STATIC.variant("notify", start=("/server", "notify")),
    PHP,
    PHP.variant("quit", stop_signal="SIGQUIT"),
    PUMA,
    Program(
        name="celery",
        packages=(*PYTHON_PACKAGES, *_CELERY, *_CLICK, *_PROMPT, "python3-pkg-resources", "libffi8", "tzdata"),
        files={"srv/tasks.py": TASKS},
        steps=(_LINK, "WORKDIR /srv", "HEALTHCHECK --interval=1s --retries=60 CMD test -e /tmp/ready"),
        start=("celery", "-A", "tasks", "worker", "--concurrency", "2", "--without-mingle", "--without-gossip"),
    ),
    UVICORN,
    UVICORN.variant("workers", start=(*UVICORN.start, "--workers", "2")),
    Program(
        name="runit",
        packages=(*REDIS, "runit"),
        files={f"etc/services/{port}/run": REDIS_SERVICE.format(port=port) for port in (6379, 6380)},
        start=("runsvdir", "-P", "/etc/services"),
    ),
    Program(
        name="s6",
        packages=(*REDIS, "s6", "libskarnet2.13", "libs6-2.11", "libexecline2.9", "execline"),
        files={f"etc/services/{port}/run": REDIS_SERVICE.format(port=port) for port in (6379, 6380)},
        start=("s6-svscan", "/etc/services"),
    ),
    HAPROXY_SERVER.variant("usr1", stop_signal="SIGUSR1"),
    QUICK[4].variant("winch", stop_signal="SIGWINCH"),
)
SLOW_PATH: Final = "/slow"
"""What nginx, gunicorn, Java and Go take more than a second to answer."""

ALL: Final = {program.name: program for program in (*QUICK, *SLOW, *FROM_PYPI, *FROM_NPM)}
