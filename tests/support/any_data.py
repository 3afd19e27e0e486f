"""Hypothesis strategies from DigitalOcean's OpenAPI description: the types as described, and any values of them.

Fields that are not required may be missing, and fields that are not described may come too. No bound, pattern, format
or list of values of the description holds, because DigitalOcean adds to them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.support.openapi import description

Strategy = st.SearchStrategy[Any]

RAW = re.compile(r"\b(None|nan|inf|NaN|Infinity)\b|\d[eE]\+\d")
"""How Python writes a missing value, one that is no number, and a very large one."""

TEXTS = st.text(max_size=30).filter(lambda text: not re.search(RAW.pattern, text, re.IGNORECASE))
MOMENTS = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()), st.just("2020-07-21T18:37:44Z")
)
INTEGERS = st.integers() | st.integers(-(10**30), 10**30) | st.just(2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
ANYTHING = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
IDS = st.integers(1, 2**63 - 1)


@cache
def component(name: str) -> Strategy:
    """Values of a component, such as "schemas/droplet" or "responses/all_droplets/content/application~1json/schema"."""
    node: Any = description()["components"]
    for part in name.split("/"):
        node = node[part.replace("~1", "/")]
    return _values(node)


def response(name: str) -> Strategy:
    """Bodies of a response, such as "all_droplets"."""
    return component(f"responses/{name}/content/application~1json/schema")


def _values(schema: dict[str, Any]) -> Strategy:
    if "$ref" in schema:
        return component(schema["$ref"].removeprefix("#/components/"))
    if "allOf" in schema:
        return _values(_merged(schema))
    for key in ("anyOf", "oneOf"):
        kinds = [each for each in schema.get(key, ()) if "type" in each or "$ref" in each or "allOf" in each]
        if kinds:
            return st.one_of(*map(_values, kinds))
    if "properties" in schema:
        return _objects(schema)
    match schema.get("type"):
        case "string":
            known = [st.sampled_from(schema["enum"])] if "enum" in schema else []
            return st.one_of(*known, *([MOMENTS] if schema.get("format") == "date-time" else []), TEXTS)
        case "array":
            return st.lists(_values(schema.get("items", {})), max_size=3)
        case kind:
            return _OF_TYPE.get(str(kind), ANYTHING)


_OF_TYPE = {
    "integer": INTEGERS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "null": st.none(),
    "object": st.dictionaries(TEXTS, ANYTHING, max_size=3),
}


def _objects(schema: dict[str, Any]) -> Strategy:
    fields = {name: _values(field) for name, field in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
    known = st.fixed_dictionaries(required, optional=fields)
    unknown = st.dictionaries(TEXTS.map("new_{}".format), ANYTHING, max_size=1)
    return st.builds(lambda known, unknown: unknown | known, known, unknown)


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The parts of `allOf` as one schema. Those that only describe add nothing."""
    found: dict[str, Any] = {}
    for part in schema["allOf"]:
        while "$ref" in part:
            node: Any = description()
            for key in part["$ref"].removeprefix("#/").split("/"):
                node = node[key.replace("~1", "/")]
            part = node
        part = _merged(part) if "allOf" in part else part
        found |= {key: value for key, value in part.items() if key not in ("properties", "required")}
        found.setdefault("properties", {}).update(part.get("properties", {}))
        found["required"] = [*found.get("required", ()), *part.get("required", ())]
    return found if found["properties"] else {key: value for key, value in found.items() if key != "properties"}
