"""What happens when an engine or a message fails.

    fallback.py         an engine gave a chunk up: the next engine gets it, or its recording fails
    poison.py           a chunk that ends the whole process of its worker
    dead_letter.py      a message failed too often: its recording goes on elsewhere, or ends with a reason
    owner_messages.py   what the owner of the recording is told of all this

Above the steps of `shared/flow/`, which know nothing of it.
"""
