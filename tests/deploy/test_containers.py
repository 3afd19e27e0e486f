"""The Dockerfile and compose.yaml: each command runs as the image would run it, without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.hosts import Place, exec_form, image_variables, in_path, instructions, is_ignored, of_kind, tracked
from tests.support.programs import PROJECT, free_port
from tests.support.waiting import wait_until

OURS = ("web", "worker", "scheduler", "migrate")
BUILT = "collectstatic"


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return found


def command_of(service: str) -> list[str]:
    words: list[str] = compose()["services"][service].get("command") or exec_form(of_kind("CMD")[-1])
    return words


def health_check() -> list[str]:
    return exec_form(re.sub(r"--\S+ ", "", of_kind("HEALTHCHECK")[0]))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What is in the image after the build: the code, and the static files that the build collects."""
    place = Place(tmp_path_factory.mktemp("image"))
    [build] = [rest for rest in of_kind("RUN") if BUILT in rest]
    done = subprocess.run(
        ["sh", "-ec", place.moved(build)],
        cwd=place.project,
        env={"PATH": os.environ["PATH"], "ENV_FILE": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


class TestImage:
    def test_it_holds_the_product_and_nothing_of_this_machine(self, image: Place) -> None:
        names = {str(path.relative_to(image.project)) for path in image.project.rglob("*") if path.is_file()}

        assert {"manage.py", "gunicorn.conf.py", "templates/base.html", "conveyor/settings.py"} <= names
        assert not [name for name in names if name.startswith(("tests/", "sandbox/", "docs/", ".")) or "/." in name]
        for secret in (".env", "conveyor.env", "db.sqlite3", "db.sqlite3-wal", "spill/x.spill", ".git/config"):
            assert is_ignored(secret), secret
        assert (image.root / "srv" / "staticfiles" / "staticfiles.json").is_file()

    def test_no_variable_of_the_image_is_a_secret(self) -> None:
        assert not {"SECRET_KEY", "TOKEN_KEYS", "DIGITAL_OCEAN_CLIENT_SECRET"} & image_variables().keys()
        assert instructions()[-1][0] == "CMD"
        assert of_kind("USER") == ["10001:10001"]

    def test_packages_come_from_the_lock_file(self) -> None:
        [install] = [rest for rest in of_kind("RUN") if "pip install" in rest]

        assert install.endswith("pip install --require-hashes -r requirements.txt")

    def test_every_stage_has_one_version_of_python(self) -> None:
        assert len({rest.split(" ")[0] for rest in of_kind("FROM")}) == 1

    @pytest.mark.skipif(not in_path("hadolint"), reason="hadolint is not installed")
    def test_hadolint_finds_nothing(self) -> None:
        command = ["hadolint", "--failure-threshold", "warning", "Dockerfile"]
        found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

        assert found.returncode == 0, found.stdout


class TestCompose:
    @pytest.mark.skipif(not in_path("docker-compose"), reason="docker-compose is not installed")
    def test_compose_reads_it(self, tmp_path: Path) -> None:
        for name in ("compose.yaml", "Dockerfile"):
            (tmp_path / name).write_text((PROJECT / name).read_text())
        (tmp_path / "conveyor.env").touch()
        given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SITE": "example.com", "POSTGRES_PASSWORD": "x"}
        command = ["docker-compose", "--file", "compose.yaml", "config"]

        def config(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=60
            )

        assert config(given).returncode == 0, config(given).stderr
        del given["POSTGRES_PASSWORD"]
        assert "set POSTGRES_PASSWORD" in config(given).stderr

    @pytest.mark.parametrize("service", [*OURS, "proxy", "redis"])
    def test_a_container_may_do_little(self, service: str) -> None:
        found = compose()["services"][service]

        assert found["read_only"] is True
        assert found["cap_drop"] == ["ALL"]
        assert found["security_opt"] == ["no-new-privileges:true"]

    def test_the_database_is_reached_from_inside_alone(self) -> None:
        found = compose()
        assert found["networks"]["back"] == {"internal": True}
        for service in ("db", "redis"):
            assert found["services"][service]["networks"] == ["back"]
            assert "ports" not in found["services"][service]

    def test_a_worker_has_the_time_to_finish(self) -> None:
        from conveyor import celery_config

        assert int(compose()["services"]["worker"]["stop_grace_period"][:-1]) > celery_config.task_time_limit

    def test_each_variable_is_one_that_conveyor_reads(self) -> None:
        known = set(re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "README.md").read_text(), re.MULTILINE))
        example = (PROJECT / "deploy" / "conveyor.env").read_text()

        assert set(compose()["x-conveyor"]["environment"]) <= known
        assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) <= known
        assert image_variables().keys() - known == {
            "PATH",
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONUNBUFFERED",
            "GUNICORN_CMD_ARGS",
        }


class TestCommands:
    def test_everything_starts_answers_and_ends_without_writing_beside_its_volume(
        self, image: Place, tmp_path: Path
    ) -> None:
        port = str(free_port())
        given = image_variables() | {"LISTEN": "127.0.0.1", "PORT": port}
        before = image.files()
        migrated = image.run(command_of("migrate"), given)
        assert migrated.returncode == 0, migrated.stderr
        web, worker, scheduler = (tmp_path / f"{name}.log" for name in ("web", "worker", "scheduler"))

        assert image.run(health_check(), given).returncode == 1  # nothing answers yet
        with (
            image.running(command_of("web"), given, web) as server,
            image.running(command_of("scheduler"), given, scheduler) as second,
        ):
            wait_until(lambda: image.run(health_check(), given).returncode == 0, seconds=60)
            wait_until(image.has_messages, seconds=60)
            with image.running(command_of("worker"), given, worker) as first:
                wait_until(lambda: not image.has_messages(), seconds=60)
                for process in (server, first, second):
                    process.terminate()
                assert [process.wait(60) for process in (server, first, second)] == [0, 0, 0]

        assert image.files() == before


@pytest.mark.parametrize("port", ["", "soon", "70000"])
def test_the_health_check_of_a_bad_port_fails_in_one_line(image: Place, port: str) -> None:
    found = image.run(health_check(), image_variables() | {"LISTEN": "127.0.0.1", "PORT": port or str(free_port())})

    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert "Traceback" not in found.stderr


def test_the_files_are_part_of_the_project() -> None:
    assert {"Dockerfile", "compose.yaml", ".dockerignore", "deploy/caddy/Caddyfile"} <= set(tracked())
