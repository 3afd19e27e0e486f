"""DigitalOcean's own OpenAPI description (tests/data/README.md), to check the sandbox's answers against."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema

from tests.support.sandbox_process import PROJECT

FILE = PROJECT / "tests" / "data" / "openapi.json"


@cache
def description() -> dict[str, Any]:
    """The description, with OpenAPI 3.0's `nullable` translated to JSON Schema."""
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


def check(answer: Any, path: str, status: str, method: str = "get") -> None:
    """Check a response body against the description of a path and status. Raises AssertionError."""
    responses = description()["paths"][path][method]["responses"]
    name = responses.get(status, responses["default"])["$ref"].rsplit("/", 1)[1]
    check_component(answer, f"responses/{name}/content/application~1json/schema")


def check_component(answer: Any, component: str) -> None:
    """Check a value against a component of the description, such as "schemas/action". Raises AssertionError."""
    schema = {"$ref": f"#/components/{component}", "components": description()["components"]}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(answer)]
    assert not errors, "; ".join(errors)
