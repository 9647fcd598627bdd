"""What happens when an engine or a message fails.

    fallback.py        an engine gave a chunk up: the next engine gets it, or its recording fails
    poison.py          a chunk that ends the whole process of its worker
    dead_letter.py     a message failed too often: its chunk goes on elsewhere, or its recording ends
    owner_messages.py  what the owner of the recording is told of all this

The steps of `shared/flow/` know nothing of it; workers and functions call it when something raises.
"""
