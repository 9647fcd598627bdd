"""The schema of requests, from the types that read them.

Its descriptions are in the file alone, and stay, but for the list of formats and the engines that support an option.
"""

from __future__ import annotations

import json
import re

import msgspec

from shared import engines, formats
from shared.messages import _WireRequest
from tests.test_architecture import ROOT

PATH = ROOT / "docs" / "request.schema.json"
WORDS = ("$schema", "$id", "title", "description")


def limits():
    """The schema without words."""
    schema = msgspec.json.schema(_WireRequest)
    schema["$defs"]["_WireOptions"]["properties"]["method"]["enum"] = list(engines.choices())
    return _plain(schema, schema["$defs"])


def _plain(schema, definitions):
    """Without references, and without what Python calls things."""
    if isinstance(schema, list):
        return [_plain(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    properties = {name: _plain(one, definitions) for name, one in schema.get("properties", {}).items()}
    found = {
        name: _plain(value, definitions)
        for name, value in schema.items()
        if name not in WORDS and value not in ([], {})
    }
    if properties:
        # One of them is called `title`.
        found["properties"] = properties
    if found.get("type") == "number" and found.pop("multipleOf", None) == 1:
        found["type"] = "integer"
    return found


def written():
    """The file as it should be."""
    schema = _worded(limits(), json.loads(PATH.read_text("utf-8")))
    option = schema["properties"]["options"]["properties"]["formats"]
    option["description"] = re.sub(
        r"some of [^.]+", f"some of {', '.join(formats.MORE)}", option["description"]
    )
    for name in ("keyterms", "filler_words"):
        option = schema["properties"]["options"]["properties"][name]
        option["description"] = re.sub(
            r"Works with [^.]+", f"Works with {engines.supported_by(name)}", option["description"]
        )
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _worded(schema, old):
    words = {name: old[name] for name in WORDS if name in old}
    if "properties" in schema:
        known = old.get("properties", {})
        of_each = {name: _worded(one, known.get(name, {})) for name, one in schema["properties"].items()}
        schema = schema | {"properties": of_each}
    return words | schema
