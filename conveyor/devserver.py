"""`make run`: starts Conveyor on this machine, with the sandbox instead of DigitalOcean if there are no credentials.

It does not use Django's settings, because they need the `.env` that it writes.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from cryptography.fernet import Fernet

from conveyor.environment import BASE_DIR, Environment, env_file, stop

HOST = "127.0.0.1"
GRACE = 10.0  # seconds that a child process has to end before it is killed
SANDBOX_CLIENT = {
    "DIGITAL_OCEAN_CLIENT_ID": "sandbox-client",
    "DIGITAL_OCEAN_CLIENT_SECRET": "sandbox-secret",
}

Child = subprocess.Popen[bytes]


def main(sandbox_options: Sequence[str]) -> int:
    """Set up, start and watch. Returns the exit code: 0 after Ctrl-C, else that of the process that ended first."""
    signal.signal(signal.SIGTERM, _terminated)
    file = env_file()
    if file and write_env(file):
        _say(f"Wrote new keys to {file.name}; later runs use them again.")
    env = Environment(file)
    port = env.port("PORT", 8000)
    with_sandbox = not env.text("DIGITAL_OCEAN_CLIENT_ID")
    sandbox_port = env.port("SANDBOX_PORT", port % 65535 + 1) if with_sandbox else 0
    env.finish()
    if sandbox_options and not with_sandbox:
        stop("there are options for the sandbox, but DIGITAL_OCEAN_CLIENT_ID is set, so no sandbox runs")
    require_free(port, "PORT")
    if with_sandbox:
        require_free(sandbox_port, "SANDBOX_PORT")

    environment = dict(os.environ)
    if with_sandbox:
        sandbox = f"http://{HOST}:{sandbox_port}"
        environment |= SANDBOX_CLIENT
        environment |= {"DIGITAL_OCEAN_OAUTH_URL": f"{sandbox}/v1/oauth", "DIGITAL_OCEAN_API_URL": f"{sandbox}/v2"}
    manage = [sys.executable, str(BASE_DIR / "manage.py")]
    with _children() as children:
        try:
            _say("Preparing the database ...")
            migrate = _start(children, [*manage, "migrate", "--verbosity", "0"], environment)
            if code := migrate.wait():
                return _exit_code(code)
            children.clear()
            if with_sandbox:
                state = str(BASE_DIR / "sandbox.sqlite3")
                command = [sys.executable, "-m", "sandbox", "--port", str(sandbox_port), "--state", state]
                _start(children, [*command, *sandbox_options], environment, stdin=subprocess.DEVNULL)
                if code := _wait_for(children, sandbox_port):
                    return code
            _start(children, [*manage, "runserver", f"{HOST}:{port}"], environment)
            if code := _wait_for(children, port):
                return code
            celery = [sys.executable, "-m", "celery", "--quiet", "-A", "conveyor"]
            _start(children, [*celery, "worker", "--concurrency", "2"], environment, stdin=subprocess.DEVNULL)
            _start(children, [*celery, "beat"], environment, stdin=subprocess.DEVNULL)
            _say(_welcome(port, sandbox_port))
            return _watch(children)
        except KeyboardInterrupt:
            return 0


def write_env(path: Path) -> bool:
    """Write new keys to `path`, readable by its owner only. Returns False when the file exists already."""
    lines = [
        "# Written by `make run`, once. .env.example lists all variables.",
        "DEBUG=True",
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"TOKEN_KEYS={Fernet.generate_key().decode()}",
    ]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return True


def require_free(port: int, name: str) -> None:
    """End the process with one line (exit code 1) when `port` is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            other = port + 100 if port < 65000 else 8000
            stop(f"port {port} of {HOST} is not free ({error.strerror}); choose another one: make run {name}={other}")


def _welcome(port: int, sandbox_port: int) -> str:
    address = f"http://{HOST}:{port}"
    if not sandbox_port:
        return f"\nConveyor is up: {address}  (Ctrl-C stops it)\n"
    return (
        f"\nConveyor is up: {address}  (Ctrl-C stops it)\n"
        f"There are no DigitalOcean credentials, so a sandbox at http://{HOST}:{sandbox_port} is used instead of "
        "DigitalOcean.\n"
        f'Next: open {address}, sign up with any email address, press "Connect a team" and authorize one.\n'
    )


@contextmanager
def _children() -> Iterator[list[Child]]:
    """A list for child processes. All of them have ended when the block ends."""
    children: list[Child] = []
    try:
        yield children
    finally:
        # A second Ctrl-C must not leave some of them running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in children:
            child.terminate()
        deadline = time.monotonic() + GRACE
        for child in children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _start(children: list[Child], command: list[str], environment: dict[str, str], stdin: int | None = None) -> Child:
    child = subprocess.Popen(command, env=environment, cwd=BASE_DIR, stdin=stdin)
    children.append(child)
    return child


def _wait_for(children: Sequence[Child], port: int) -> int:
    """Return 0 once `port` answers, or the exit code of a child that ended before."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return 0
        if any(child.poll() is not None for child in children):
            return _watch(children)
        time.sleep(0.05)


def _watch(children: Sequence[Child]) -> int:
    """Wait until one of them ends. Returns its exit code, but 1 instead of 0: none of them should end."""
    while True:
        for child in children:
            if child.poll() is not None:
                return _exit_code(child.returncode) or 1
        time.sleep(0.2)


def _exit_code(code: int) -> int:
    """The exit code as a shell reports it: 128 + n where signal n ended the process."""
    return code if code >= 0 else 128 - code


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
