"""What happens when an engine or a message fails.

Read fallback.py first, then dead_letter.py.

    fallback.py        an engine gave up a chunk: the next engine gets it, or its recording fails
    whole.py           an engine of the other kind takes over a recording with speakers, all chunks of it
    poison.py          a chunk that kills its worker's process
    dead_letter.py     a message failed too often: its chunk goes to another engine, or its recording ends
    replay.py          a person fixed what a message failed on: it is published again
    owner_messages.py  messages about all this to the owner of the recording

The steps of `shared/flow/` know nothing about it; workers and functions call it when something raises.
"""
