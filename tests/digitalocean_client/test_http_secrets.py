"""What an exception of an HTTP call must not hold, whatever its cause."""

from __future__ import annotations

import traceback
from typing import Any

import msgspec
import pytest

from digitalocean_client import errors, oauth
from digitalocean_client import http as do_http
from digitalocean_client.answers import Answer
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox

TOKEN = "doo_v1_" + "5ec2e7" * 10
SECRET = "a-client-secret-5ec2e7"


def everything_in(error: BaseException) -> str:
    """All that a careless log or error report could find in an exception: its chain, arguments and attributes."""
    seen: list[object] = []
    texts: list[str] = []

    def look(value: object, depth: int = 0) -> None:
        if depth > 6 or any(value is each for each in seen):
            return
        seen.append(value)
        texts.append(repr(value))
        if isinstance(value, BaseException):
            texts.append(str(value))
            for each in (value.__cause__, value.__context__, *value.args):
                look(each, depth + 1)
        if hasattr(value, "__dict__"):
            for each in vars(value).values():
                look(each, depth + 1)
        if isinstance(value, dict):
            for each in value.values():
                look(each, depth + 1)

    look(error)
    texts.append("".join(traceback.format_exception(error)))
    return "\n".join(texts)


class TestSecrets:
    """No exception, and nothing that it refers to, holds the token, the client secret or a body."""

    @pytest.mark.parametrize(
        "kind",
        [
            "refused",
            "reset",
            "empty",
            "truncated",
            "slow",
            "redirect",
            "500",
            "401",
            "422",
            "html",
            "shape",
            "too large",
        ],
    )
    def test_no_exception_holds_the_token(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        echo = f"you sent {TOKEN} and {SECRET}".encode()
        answers = {
            "reset": b"",
            "empty": http(b""),
            "truncated": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + echo,
            "slow": http(echo * 1000),
            "redirect": http(echo, f"Location: http://127.0.0.1:9/?t={TOKEN}", status="302 Found"),
            "500": http(echo, status="500 No"),
            "401": http(echo, status="401 No"),
            "422": http(msgspec.json.encode({"id": "x"}), status="422 No"),
            "html": http(b"<html>" + echo),
            "shape": http(msgspec.json.encode([TOKEN, SECRET])),
            "too large": http(echo * 1000),
        }
        if kind == "too large":
            monkeypatch.setattr(do_http, "LARGEST_BODY", 100)
        with raw(answers.get(kind, b""), pause=0.01 if kind == "slow" else 0) as server:
            url = "http://127.0.0.1:9/" if kind == "refused" else server.url
            with pytest.raises(errors.DigitalOceanError) as caught:
                do_http.send(
                    "POST", url, timeout=0.5, token=TOKEN, form={"token": TOKEN, "client_secret": SECRET}
                ).json()

        found = everything_in(caught.value)
        assert TOKEN not in found
        assert SECRET not in found
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("status", [400, 401, 500])
    def test_nor_does_one_of_the_token_endpoint(self, sandbox: Sandbox, settings: Any, status: int) -> None:
        settings.DIGITAL_OCEAN_OAUTH_URL = sandbox.oauth_url
        settings.DIGITAL_OCEAN_CLIENT_SECRET = SECRET
        sandbox.fault("status", path="^/v1/oauth/token$", status=status, json={"error": "invalid_grant"})

        with pytest.raises(errors.DigitalOceanError) as caught:
            oauth.refresh(TOKEN)

        found = everything_in(caught.value)
        assert TOKEN not in found
        assert SECRET not in found

    def test_a_header_cannot_be_smuggled_in(self) -> None:
        with raw(http(b"{}")) as server, pytest.raises(errors.DigitalOceanError) as caught:
            do_http.send("GET", server.url, timeout=5, token=f"{TOKEN}\r\nX-Evil: 1")

        assert server.requests == []
        assert TOKEN not in everything_in(caught.value)

    def test_representations_hold_no_token(self, sandbox: Sandbox, settings: Any) -> None:
        settings.DIGITAL_OCEAN_OAUTH_URL = sandbox.oauth_url
        settings.DIGITAL_OCEAN_CLIENT_ID, settings.DIGITAL_OCEAN_CLIENT_SECRET = (
            sandbox.client_id,
            sandbox.client_secret,
        )
        granted = sandbox.connect()

        pair = oauth.refresh(granted["refresh_token"])

        for shown in (repr(pair), str(pair), f"{pair}", repr([pair])):
            assert pair.access_token not in shown
            assert pair.refresh_token not in shown
        answer = Answer(200, {}, pair.access_token.encode(), "an-id")
        assert pair.access_token not in repr(answer)
        assert "an-id" in repr(answer)
