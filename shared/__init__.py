"""The library that every process imports. Floors, from the top: each imports only what stands below it.

    sweep/      every minute: what was lost or is stuck goes on, or ends
    hosted/     step 5 for engines that somebody else runs
    recovery/   an engine or a message failed: who goes on, and what the owner is told
    flow/       the steps of a recording, one a file: start here
    routing/    who transcribes a recording, and why
    costs/      prices, budgets, and the report
    planning/   how a recording is cut, and which workers take its chunks
    state/      the documents of a recording, one file a collection
    model.py results.py messages.py errors.py ports.py settings.py engines.py topology.py   what all of them share

Beside them stand audio/ (decoding), outputs/ (the files of a transcript) and adapters/ (Google Cloud and hosted
engines), which know none of them. `connect.py` puts a process together; `client.py` is for other services.
"""
