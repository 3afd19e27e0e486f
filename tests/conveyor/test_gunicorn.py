"""Conveyor behind gunicorn, with the gunicorn.conf.py of the project."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.programs import DEPLOYED, GUNICORN, MANAGE, PROJECT, environment, free_port, run
from tests.support.waiting import wait_until


class Server:
    def __init__(self, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._log = directory / "log"
        self.static = directory / "static"
        given = {
            **DEPLOYED,
            "TRUSTED_PROXIES": "0",
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            "STATIC_ROOT": str(self.static),
            "DATABASE_URL": f"sqlite:///{directory}/db.sqlite3",
        }
        assert run([*MANAGE, "collectstatic", "--no-input"], given).returncode == 0
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(GUNICORN, cwd=PROJECT, env=environment(given), stdout=log, stderr=log)

    def is_up(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def log(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("gunicorn"))
    try:
        wait_until(server.is_up, seconds=60)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=30)


def test_the_access_line_has_the_id_of_its_request(server: Server) -> None:
    answer = requests.get(f"{server.url}/healthz?code=hunter2hunter2", timeout=10)

    def lines() -> list[dict[str, str]]:
        return [line for line in server.log() if line.get("request_id") == answer.headers["X-Request-Id"]]

    wait_until(lambda: bool(lines()))
    [line] = lines()
    assert (line["logger"], line["level"]) == ("gunicorn.access", "info")
    assert '"GET /healthz HTTP/1.1" 200' in line["event"]
    assert "hunter2" not in json.dumps(server.log())


def test_no_header_changes_the_path_or_the_scheme(server: Server) -> None:
    headers = {"SCRIPT_NAME": "/secret", "PATH_INFO": "/healthz", "X-Forwarded-Proto": "https"}

    answer = requests.get(f"{server.url}/secret/healthz", headers=headers, timeout=10)

    assert answer.status_code == 400  # the path is not /healthz, so the host counts, and 127.0.0.1 is not allowed
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity"])
def test_pages_are_compressed_on_the_wire_and_files_stay_as_whitenoise_has_them(server: Server, coding: str) -> None:
    headers = {"Host": "conveyor.example.com", "Accept-Encoding": coding}
    style = f"/static/{json.loads((server.static / 'staticfiles.json').read_text())['paths']['conveyor/base.css']}"

    with requests.get(f"{server.url}/accounts/login/", headers=headers, timeout=10, stream=True) as page:
        length = len(page.raw.read(decode_content=False))
    head = requests.head(f"{server.url}/accounts/login/", headers=headers, timeout=10)
    file = requests.get(f"{server.url}{style}", headers=headers, timeout=10)
    again = requests.get(
        f"{server.url}{style}", headers=headers | {"If-Modified-Since": file.headers["Last-Modified"]}, timeout=10
    )

    expected = None if coding == "identity" else coding
    assert page.headers.get("Content-Encoding") == head.headers.get("Content-Encoding") == expected
    assert page.headers["Content-Length"] == str(length)
    assert head.content == b""
    assert "Accept-Encoding" in page.headers["Vary"]
    assert file.headers.get("Content-Encoding") == {"gzip": "gzip", "br": "br"}.get(coding)
    assert "X-Noise" not in file.headers
    assert again.status_code == 304
    assert again.content == b""
