"""The description fits what is answered."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from console.api import routes
from console.api.routes import ENDPOINTS


@pytest.fixture
def description(client):
    return client.get("/api/v1/openapi.json").json()


def test_every_row_is_described(description):
    found = {(method.upper(), path) for path, some in description["paths"].items() for method in some}
    assert found == {(one.method, one.path) for one in ENDPOINTS}


def test_names_of_operations_are_distinct(description):
    names = [one["operationId"] for some in description["paths"].values() for one in some.values()]
    assert len(names) == len(set(names))


def test_every_parameter_that_the_code_reads_is_described(description):
    reads = {
        name
        for path in Path(routes.__file__).parent.glob("*.py")
        for name in re.findall(r"""(?:query_params|query)(?:\.get\(|\[)"(\w+)\"""", path.read_text("utf-8"))
    }
    asked = {
        one["name"]
        for some in description["paths"].values()
        for each in some.values()
        for one in each["parameters"]
        if one["in"] == "query"
    }
    assert reads <= asked
    audio = description["paths"]["/recordings/{id}/audio"]["get"]["parameters"]
    assert "rendition" in {one["name"] for one in audio}


READ = ["/about", "/recordings", "/recordings/{id}", "/recordings/{id}/words", "/recordings/{id}/peaks",
        "/recordings/{id}/revisions", "/costs", "/trouble"]  # fmt: skip


@pytest.mark.parametrize("path", READ)
def test_real_answers_are_what_is_described(client, description, done, path):
    answer = client.get("/api/v1" + path.format(id=done.id))
    described = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), described | {"components": description["components"]})


def test_errors_are_what_is_described(client, description):
    schema = {"$ref": "#/components/schemas/ErrorBody", "components": description["components"]}
    jsonschema.validate(client.get("/api/v1/recordings/nobody").json(), schema)
    jsonschema.validate(client.get("/api/v1/nothing").json(), schema)
    jsonschema.validate(client.post("/api/v1/quotes", content=b"[" * 5000).json(), schema)
