"""What is stored, and who may change it: one file for each collection of documents.

    documents.py      recordings, and the keys of all other documents
    pagination.py     pages of recordings, the newest first
    uploads.py        the options that an upload was first seen with
    claims.py         which engine owns a chunk after a hand-over, and the paid calls that are open for it
    ledger.py         one row for each attempt of an engine, changed at most once
    failure_log.py    one note for each attempt that failed
    answers.py        the requests of other services, and the one answer to each
    dead_letters.py   messages that were given up, kept for a person
    audit.py          who asked for what, and when
    unfit_workers.py  why the workers of a pool cannot work as they are deployed
    sweep_notes.py    what one sweep leaves to the next
    patience.py       tries again what is refused for a while

Everything here reads and writes through `shared/ports.py`; nothing here decides what happens next.
"""
