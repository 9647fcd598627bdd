"""The parts of the guides that say what `firestore_indexes.json` says: `python -m` this writes them anew."""

from __future__ import annotations

import re

from tests.index_rules import DATA
from tests.test_architecture import ROOT

INDEX = "gcloud firestore indexes composite create --collection-group={collection} \\\n    {fields}"
FIELD = "--field-config=field-path={fieldPath},order={order}"


def composite():
    """The commands that create the composite indexes."""
    for index in DATA["indexes"]:
        fields = [
            FIELD.format(fieldPath=one["fieldPath"], order=one["order"].lower()) for one in index["fields"]
        ]
        yield INDEX.format(collection=index["collectionGroup"], fields=" ".join(fields))


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


def ttls():
    """The command that has documents forgotten."""
    yield f"for collection in {' '.join(DATA['ttlDays'])}; do"
    yield "  gcloud firestore fields ttls update _expires --collection-group=$collection --enable-ttl --async"
    yield "done"


PARTS = {
    "data-model.md": [
        (r"(?<=```\n)gcloud firestore indexes composite .*?(?=\n```)", composite),
        (r"\| collection \| fields to exempt \|.*?(?=\n\n)", exemptions),
    ],
    "google-cloud.md": [(r"for collection in chunks .*?\ndone", ttls)],
}
"""Of each guide the places, as patterns, and what stands there."""


def written(guide):
    """A guide as it should be."""
    text = (ROOT / "docs" / guide).read_text("utf-8")
    for pattern, lines in PARTS[guide]:
        text, count = re.subn(pattern, lambda _, lines=lines: "\n".join(lines()), text, flags=re.DOTALL)
        assert count == 1, f"docs/{guide} has no place for {lines.__name__}"
    return text


if __name__ == "__main__":
    for guide in PARTS:
        (ROOT / "docs" / guide).write_text(written(guide), "utf-8")
