"""The commands of `dropscribe`, one file each: `command` declares the options, and begins the work.

Read `../cli.py` first, then context and audio/.

    audio/       transcribe, up, submit, route: what takes recordings
    views/       show, status, cost, doctor: what is there, and what it cost
    operation/   backfill, retry, cancel, forget, audit, reindex, dead-letters, webhook: what an operator does
    deployment/  preflight, deploy, rollout, destroy: a project on Google Cloud
    console      the page without a worker
    open         the page in a browser
    flags        settings while it runs
    models       weights                       weight_files  list, download, verify, export

deployment/ may take from operation/, and that from audio/ and views/; never the other way.

Shared by several: `context` (ports, options, errors), `options` (declarations), `downloads` (weights, with a bar),
`terminal` (standard output, and the one style of tables), `lookup` (the recordings that a command line names).
"""
