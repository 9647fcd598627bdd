"""Commands that take recordings: from files now, from a folder as they come, or for a deployment.

In reading order:

    transcribe    files now, and `demo`
    run_files     one run of it
    inputs        the files of a command line
    sources       standard input and web addresses
    screen        progress while it runs
    progress      speed, and the time that is left
    destinations  folders, beside the files, standard output
    report        the table at its end
    up            watch an inbox
    submit        ask a deployment
    route         which engine, and why
"""
