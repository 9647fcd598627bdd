"""The library that every process imports. Its floors, from the top: each imports only what is below it.

    sweep/      every minute: repair what was lost or is stuck
    hosted/     step 5 for hosted engines
    recovery/   an engine or a message failed: what happens next, and what the owner reads
    flow/       the steps of a recording, one per file: start here
    routing/    which method and engine transcribe a recording, and why
    costs/      prices, budgets, and the report
    planning/   how a recording is cut, and which workers take its chunks
    state/      the documents of a recording, one file per collection
    model.py results.py messages.py errors.py ports.py settings.py engines.py topology.py   shared by all of them

Beside them, importing none of them, except that webhooks/ reads state/ and adapters/ use audio/ and search/:

    webhooks/   calls that notify your server            search/     words of all transcripts
    outputs/    the files of a transcript                audio/      decoding, in a process of its own
    adapters/   Google Cloud and hosted engines          telemetry/  logs, metrics and traces

and small things that any of them may need: clock.py and concurrency.py (time and threads, which the simulation
replaces), formats.py (names of output formats), languages.py, in_words.py (numbers for people), bundled.py (what comes
with the project), versions.py, deployment_sizes.py, and machine/ (signals, files, calls that hang). `connect.py` opens
a process's adapters; `client.py` is for other services.

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
