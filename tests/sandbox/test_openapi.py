"""The answers hold against DigitalOcean's own OpenAPI description, where that file is at hand."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.sandbox import PROJECT, Sandbox

FILE = Path(os.environ.get("OPENAPI_JSON") or PROJECT.parent / "shared" / "digitalocean" / "openapi.json")

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="no DigitalOcean OpenAPI description at hand; set OPENAPI_JSON to check answers by it"
)


@cache
def description() -> dict[str, Any]:
    """The description with OpenAPI 3.0's `nullable` said as JSON Schema says it."""
    found: dict[str, Any] = _translated(json.loads(FILE.read_text(encoding="utf-8")))
    return found


def _translated(node: Any) -> Any:
    if isinstance(node, list):
        return [_translated(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _translated(value) for key, value in node.items()}
    if found.get("nullable") is True:
        return {"anyOf": [{"type": "null"}, {key: value for key, value in found.items() if key != "nullable"}]}
    return found


def check(answer: Any, path: str, status: str) -> None:
    """Hold an answer against what the description has for `GET path` and this status. Raises ValidationError."""
    responses = description()["paths"][path]["get"]["responses"]
    name = responses.get(status, responses["default"])["$ref"].rsplit("/", 1)[1]
    schema = {
        "$ref": f"#/components/responses/{name}/content/application~1json/schema",
        "components": description()["components"],
    }
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(answer)]
    assert errors == []


def test_lists_and_droplets_are_as_described(sandbox: Sandbox) -> None:
    for user, team in (("ada", "Acme Web"), ("ada", "Northwind"), ("ada", "Side projects")):
        token = sandbox.connect(user=user, team=team)["access_token"]
        for query in ({"per_page": 200}, {"page": 2}, {"type": "gpus"}, {"tag_name": "web"}):
            page = sandbox.get("/v2/droplets", token, **query).json()
            check(page, "/v2/droplets", "200")
            for droplet in page["droplets"][:3]:
                one = sandbox.get(f"/v2/droplets/{droplet['id']}", token).json()
                check(one, "/v2/droplets/{droplet_id}", "200")


def test_every_field_that_the_description_requires_is_there(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    required = set(description()["components"]["schemas"]["droplet"]["required"])

    for droplet in sandbox.get("/v2/droplets", token, per_page=200).json()["droplets"]:
        assert required <= droplet.keys()


def test_the_account_is_as_described(sandbox: Sandbox) -> None:
    for user, scope in (("ada", "read"), ("linus", "read"), ("ada", "account:read")):
        token = sandbox.connect(user=user, scope=scope)["access_token"]
        check(sandbox.get("/v2/account", token).json(), "/v2/account", "200")


def test_refusals_are_as_described(sandbox: Sandbox) -> None:
    token = sandbox.connect(scope="account:read droplet:read")["access_token"]

    check(sandbox.get("/v2/account").json(), "/v2/account", "401")
    check(sandbox.get("/v2/droplets/1", token).json(), "/v2/droplets/{droplet_id}", "404")
    check(sandbox.get("/v2/droplets", token, tag_name="web").json(), "/v2/droplets", "403")
    check(sandbox.get("/v2/droplets", token, per_page=0).json(), "/v2/droplets", "422")
    sandbox.settings(burst_limit=1)
    check(sandbox.get("/v2/droplets", token).json(), "/v2/droplets", "429")


def test_the_check_itself_finds_faults(sandbox: Sandbox) -> None:
    token = sandbox.connect()["access_token"]
    sandbox.fault("patch", path="/v2/droplets$", set={"/droplets/0/status": "asleep", "/droplets/1/id": "seven"})

    with pytest.raises(AssertionError, match="asleep"):
        check(sandbox.get("/v2/droplets", token).json(), "/v2/droplets", "200")
