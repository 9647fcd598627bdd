"""The tables of the SQLite file, and their version: an older Dropscribe refuses a newer file."""

SCHEMA_VERSION = 2

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
        error TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX messages_due ON messages (subscription, due, position)",
    "CREATE UNIQUE INDEX messages_lease ON messages (lease) WHERE lease IS NOT NULL",
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
}
"""Statements that bring a file of the version before to each version."""
