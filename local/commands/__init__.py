"""The commands of `dropscribe`, one file each. `command` declares the options of a command, `run` does its work.

    transcribe   files now, and `demo`         inputs        the files of a command line
                                               screen        progress while it runs
                                               report        the table at its end
    up           watch an inbox                console       the page without a worker
    submit       ask a deployment
    status       where recordings stand        letters       the newest dead letters
    cost         what was spent                cost_screen   its tables and bars
    route        which engine, and why
    flags        settings while it runs
    doctor       what works here
    models       weights                       weights       list, download, verify, export
    operation/   backfill, retry, cancel, dead-letters: what an operator does

Shared by several: `context` (ports, options, errors), `options` (declarations), `downloads` (weights, with a bar),
`terminal` (standard output).
"""
