"""The tables of the SQLite file, and their version: an older Dropscribe refuses a newer file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.search import words_index

SCHEMA_VERSION = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """What is in a file."""

    version: int
    """Version of its tables."""
    create: tuple[str, ...]
    """Statements that make them."""
    changes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Statements that bring a file of the version before to each version."""


FILTERS = ("is_held", "trouble", "label", "state")
"""Fields of recordings by which their pages are filtered, those that leave the fewest first."""

# The expressions must be those that `records.py` writes; the key makes the order complete.
_CREATED = "json_extract(fields, '$.created'), key) WHERE collection = 'recordings'"
PAGES = (
    f"CREATE INDEX documents_by_created ON documents ({_CREATED}",
    *(
        f"CREATE INDEX documents_by_{name} ON documents (json_extract(fields, '$.{name}'), {_CREATED}"
        for name in FILTERS
    ),
)
"""Indexes of the pages of recordings, newest first."""

# Of all recordings: reading the names alone is quick, where reading and parsing all documents is not.
_IS_NAMED = "json_type({0}.fields, '$.created') IN ('integer', 'real') AND json_extract({0}.fields, '$.source.name') != ''"
_NAMED = (
    "INSERT INTO names SELECT json_extract({0}.fields, '$.created'), {0}.key, json_extract({0}.fields, '$.source.name') "
    # No search has what is between the name of the object and the title.
    "|| char(10) || coalesce(json_extract({0}.fields, '$.options.title'), '')"
)
_ADD, _TAKE = (
    f"{_NAMED} WHERE {_IS_NAMED};".format("new"),
    "DELETE FROM names WHERE created = json_extract(old.fields, '$.created') AND key = old.key;",
)
NAMES = (
    """
    CREATE TABLE names (
        created REAL NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (created, key)
    ) WITHOUT ROWID
    """,
    f"CREATE TRIGGER named AFTER INSERT ON documents WHEN new.collection = 'recordings' BEGIN {_ADD} END",
    f"CREATE TRIGGER unnamed AFTER DELETE ON documents WHEN old.collection = 'recordings' BEGIN {_TAKE} END",
    f"""
    CREATE TRIGGER renamed AFTER UPDATE ON documents WHEN new.collection = 'recordings' AND (
        json_extract(old.fields, '$.source.name') IS NOT json_extract(new.fields, '$.source.name')
        OR json_extract(old.fields, '$.created') IS NOT json_extract(new.fields, '$.created')
    ) BEGIN {_TAKE} {_ADD} END
    """,
)
"""Names and titles of recordings with when they were first seen, kept with their documents."""

# Of the last `up`: other processes may know fewer of them, and publish to all.
SUBSCRIPTIONS = "CREATE TABLE subscriptions (topic TEXT NOT NULL, name TEXT NOT NULL)"
"""Subscriptions that a message is kept for, whichever process publishes it."""

OWNED = (
    "CREATE TABLE owned (recording TEXT PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX messages_due ON messages (subscription, run, due, position)",
)
"""Recordings that one process has to itself, and what it pulls, see runs.py."""

SCHEMA = (
    """
    CREATE TABLE documents (
        collection TEXT NOT NULL,
        key TEXT NOT NULL,
        fields TEXT NOT NULL,
        PRIMARY KEY (collection, key)
    ) WITHOUT ROWID
    """,
    # `count` and `query` often ask for the documents of one recording. Such an index ends in the
    # primary key anyway; with the collection named in it, SQLite 3.40 does not use it at all.
    "CREATE INDEX documents_by_recording ON documents (json_extract(fields, '$.recording'))",
    # The cost report reads the ledger day by day.
    "CREATE INDEX documents_by_day ON documents (json_extract(fields, '$.day'))",
    *PAGES,
    *NAMES,
    """
    CREATE TABLE messages (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        subscription TEXT NOT NULL,
        topic TEXT NOT NULL,
        message_id TEXT NOT NULL,
        data BLOB NOT NULL,
        attributes TEXT NOT NULL,
        published REAL NOT NULL,
        due REAL NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        lease TEXT,
        owner TEXT,
        error TEXT NOT NULL DEFAULT '',
        run TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE UNIQUE INDEX messages_lease ON messages (lease) WHERE lease IS NOT NULL",
    *OWNED,
    SUBSCRIPTIONS,
    # One row: the start of the machine from which `due` counts, see queue.py.
    "CREATE TABLE machine (boot TEXT NOT NULL)",
    "INSERT INTO machine VALUES ('')",
)

CHANGES = {
    # `due` was a wall time.
    2: (
        *SCHEMA[-2:],
        "UPDATE messages SET lease = NULL, owner = NULL, due = 0",
        "CREATE INDEX IF NOT EXISTS documents_by_day ON documents (json_extract(fields, '$.day'))",
    ),
    # Recordings are filtered by fields that they did not have.
    3: (
        *PAGES,
        """
        UPDATE documents SET fields = json_set(
            fields,
            '$.label', coalesce(json_extract(fields, '$.options.label'), ''),
            '$.trouble', json(iif(json_extract(fields, '$.state') = 'FAILED', 'true', 'false')),
            '$.is_held', json(iif(coalesce(json_extract(fields, '$.held'), '') != '', 'true', 'false'))
        ) WHERE collection = 'recordings' AND json_valid(fields)
        """,
    ),
    # Recordings are found by a part of their name.
    4: (
        *NAMES,
        f"{_NAMED} FROM documents WHERE collection = 'recordings' AND {_IS_NAMED}".format("documents"),
    ),
    # A message is kept for subscriptions that its publisher does not know.
    5: (SUBSCRIPTIONS,),
    # A process may have recordings to itself.
    6: (
        "DROP INDEX IF EXISTS messages_of_recording",
        "DROP INDEX messages_due",
        "ALTER TABLE messages ADD COLUMN run TEXT NOT NULL DEFAULT ''",
        *OWNED,
    ),
}
"""Statements that bring a file of the version before to each version."""

STATE = Tables(version=SCHEMA_VERSION, create=SCHEMA, changes=CHANGES)
"""Records and queue."""
SEARCH = Tables(version=words_index.VERSION, create=words_index.TABLES)
"""Words of all transcripts: a file of their own, so that nothing waits for the writing of an index."""
