"""Commands for the person who runs a deployment, on one machine or in a project.

Read agreement first, then retry.

    backfill       have existing objects transcribed
    retry          continue recordings that failed or were cancelled
    cancel         end recordings in progress
    forget         delete recordings and all data stored about them
    audit          who asked for what
    webhook        a secret for webhooks, and a test of their address
    dead_letters   messages that could not be handled: list, show, replay, discard
    reindex        have the words of all transcripts found

Shared by them: `agreement` (say what will be done, and ask).
"""
