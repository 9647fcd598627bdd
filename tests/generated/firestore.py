"""What says the same as `shared/adapters/firestore_indexes.json`, in the guide and in Terraform."""

from __future__ import annotations

import json
import re

from tests.index_rules import DATA
from tests.test_architecture import ROOT


def exemptions():
    """The rows of the table of exemptions."""
    yield "| collection | fields to exempt |"
    yield "|---|---|"
    groups = {}
    for one in DATA["fieldOverrides"]:
        groups.setdefault(one["collectionGroup"], {})[one["fieldPath"]] = one["indexes"]
    for collection, fields in groups.items():
        kept = " and ".join(f"`{name}`" for name, indexes in fields.items() if indexes)
        names = ", ".join(f"`{name}`" for name, indexes in fields.items() if not indexes)
        every = f"every field but {kept}" if kept else "every field"
        yield f"| `{collection}` | {every if '*' in fields else names} |"


def guide():
    """docs/data-model.md, with its table of exemptions."""
    text = (ROOT / "docs" / "data-model.md").read_text("utf-8")
    rows = "\n".join(exemptions())
    text, count = re.subn(
        r"\| collection \| fields to exempt \|.*?(?=\n\n)", lambda _: rows, text, flags=re.DOTALL
    )
    assert count == 1, "docs/data-model.md has no place for the exemptions"
    return text


def terraform():
    """The same as resources of Terraform, text.

    Firestore refuses changes of one database at one time, so each resource waits for the one before it; none waits
    until its index is built.
    """
    database = "${google_firestore_database.this.name}"
    common = {"project": "${var.project}", "database": database, "skip_wait": True}
    resources, before = {}, None
    for kind, name, body in _resources():
        depends = {} if before is None else {"depends_on": [before]}
        resources.setdefault(kind, {})[name] = common | body | depends
        before = f"{kind}.{name}"
    head = {"//": "Made from shared/adapters/firestore_indexes.json by make generated."}
    return json.dumps(head | {"resource": resources}, indent=2) + "\n"


def _resources():
    for one in DATA["fieldOverrides"]:
        collection, field = one["collectionGroup"], one["fieldPath"]
        indexes = [{"order": index["order"], "query_scope": index["queryScope"]} for index in one["indexes"]]
        body = {
            "collection": collection,
            "field": field,
            "index_config": {"indexes": indexes} if indexes else {},
        }
        name = f"{collection}_{'all' if field == '*' else field.lstrip('_')}"
        yield "google_firestore_field", name, body | ({"ttl_config": {}} if one.get("ttl") else {})
    for one in DATA["indexes"]:
        fields = [{"field_path": field["fieldPath"], "order": field["order"]} for field in one["fields"]]
        body = {"collection": one["collectionGroup"], "query_scope": one["queryScope"], "fields": fields}
        yield (
            "google_firestore_index",
            "_".join([one["collectionGroup"], *(f["field_path"] for f in fields)]),
            body,
        )
