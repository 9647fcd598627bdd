"""Adapters for Google Cloud and for hosted engines: one service per module, which alone imports its client.

Importing a module loads its client library. A client is built on first use, so that wrong credentials do not
fail the import. The flow imports none of these modules. google_ports.py puts them together: read it first.

    gcs.py              the store                       storage_errors.py, signed_urls.py
    firestore.py        records                         firestore_documents.py, google_errors.py
    pubsub.py           queue                           pubsub_messages.py
    cloud_run.py        workers: start them, look at them
    object_search.py    words of all transcripts, in the store
    cloud_telemetry.py  metrics and traces         credentials.py
    hosted_engines.py   the hosted engines with a key; engines/  the adapter of each
    bills/              what providers say it cost      web/  addresses that callers named
"""
