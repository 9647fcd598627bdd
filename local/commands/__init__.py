"""The commands of `dropscribe`, one file each. `command` declares the options of a command, `run` does its work.

    transcribe   files now, and `demo`         inputs        the files of a command line
                                               screen        progress while it runs
                                               report        the table at its end
    up           watch an inbox                console       the page without a worker
    submit       ask a deployment
    route        which engine, and why
    flags        settings while it runs
    models       weights                       weights       list, download, verify, export
    views/       status, cost, doctor: what is there, and what it cost
    operation/   backfill, retry, cancel, dead-letters: what an operator does

Shared by several: `context` (ports, options, errors), `options` (declarations), `downloads` (weights, with a bar),
`terminal` (standard output).
"""
