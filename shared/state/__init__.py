"""What is stored, and who may change it: one file for each collection of documents.

    documents.py     recordings, and the keys of all other documents
    claims.py        whose a chunk is after a hand-over, and the calls that it is paid for now
    ledger.py        one row for each attempt of an engine, written once
    failure_log.py   one note for each attempt that failed
    answers.py       what other services asked for, and the one answer that each of them gets
    dead_letters.py  messages that nobody will handle, kept for a person
    sweep_notes.py   what one sweep leaves to the next

Everything here reads and writes through `shared/ports.py`; nothing here decides what happens next.
"""
