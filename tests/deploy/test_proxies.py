"""The examples for nginx and Caddy, in front of a Conveyor that runs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.support.hosts import DEPLOY, in_path
from tests.support.programs import DEPLOYED, MANAGE, free_port, run
from tests.support.tls import certificate
from tests.support.waiting import wait_until
from tests.support.web import WebServer

HOST = {"Host": "conveyor.example.com"}


@pytest.fixture(scope="module")
def conveyor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    directory = tmp_path_factory.mktemp("conveyor")
    given = {
        **DEPLOYED,
        "TRUSTED_PROXIES": "1",
        "WEB_CONCURRENCY": "1",
        "STATIC_ROOT": str(directory / "static"),
        "DATABASE_URL": f"sqlite:///{directory}/db.sqlite3",
        "SPILL_DIR": str(directory / "spill"),
        "QUEUE_DIR": str(directory / "queue"),
    }
    for command in ("collectstatic", "migrate"):
        assert run([*MANAGE, command, "--no-input"], given).returncode == 0
    server = WebServer(directory, given)
    try:
        server.start()
        wait_until(lambda: server.started(1), seconds=60)
        yield server
    finally:
        server.close()


@contextmanager
def started(command: list[str], url: str, **given: str) -> Iterator[str]:
    """A proxy that answers at `url`."""
    process = subprocess.Popen(
        command, env=os.environ | given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    def answers() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        try:
            return requests.get(f"{url}/healthz", headers=HOST, verify=False, timeout=5).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(answers, seconds=30)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module")
def nginx(conveyor: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("nginx")
    pem, port = certificate("conveyor.example.com", directory), free_port()
    site = (DEPLOY / "nginx" / "conveyor.conf").read_text()
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{conveyor.port}")
    site = re.sub(r"listen \[::\]:\d+[^;]*;", "", site)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    site = re.sub(r"/etc/ssl/conveyor/\w+\.pem", str(pem), site)
    temporary = " ".join(
        f"{name}_temp_path {directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log stderr; events {{}} http {{ {temporary}\n{site}\n}}"
    )
    with started(["nginx", "-e", "stderr", "-c", str(directory / "nginx.conf")], f"https://127.0.0.1:{port}") as url:
        yield url


@pytest.fixture(scope="module")
def caddy(conveyor: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    given = {
        "SITE": f"http://:{url.rpartition(':')[2]}",
        "UPSTREAM": f"127.0.0.1:{conveyor.port}",
        "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
        "XDG_DATA_HOME": str(tmp_path_factory.mktemp("caddy")),
        "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("caddy")),
    }
    with started(["caddy", "run", "--config", str(DEPLOY / "caddy" / "Caddyfile")], url, **given) as url:
        yield url


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(not in_path(name), reason=f"{name} is not installed"))
        for name in ("nginx", "caddy")
    ]
)
def proxy(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(autouse=True)
def _own_certificate() -> Iterator[None]:
    """The certificate is the test's own, and requests warns of it."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_page_comes_compressed_and_names_no_server_of_ours(proxy: str) -> None:
    headers = HOST | {"Accept-Encoding": "gzip"}
    answer = requests.get(f"{proxy}/accounts/login/", headers=headers, verify=False, timeout=10, allow_redirects=False)

    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "gunicorn" not in answer.headers.get("Server", "")
    assert answer.headers["Strict-Transport-Security"] if proxy.startswith("https") else True


def test_what_the_client_says_of_its_address_does_not_count(proxy: str, conveyor: WebServer) -> None:
    forged = HOST | {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Real-IP": "203.0.113.7"}

    answer = requests.get(f"{proxy}/readyz", headers=forged, verify=False, timeout=10)

    assert answer.status_code == 404  # through a proxy it is for staff alone
    assert "203.0.113.7" not in conveyor.output


def test_a_body_that_is_too_long_is_refused_by_the_proxy(proxy: str) -> None:
    answer = requests.post(f"{proxy}/accounts/login/", data=b"x" * 4_000_000, headers=HOST, verify=False, timeout=10)

    assert answer.status_code in (413, 502)  # 502: Caddy before 2.7


def test_addresses_are_in_no_log_of_the_proxy(proxy: str, conveyor: WebServer) -> None:
    requests.get(f"{proxy}/healthz?code=hunter2hunter2", headers=HOST, verify=False, timeout=10)

    assert "hunter2hunter2" not in conveyor.output
