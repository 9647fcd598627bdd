"""Dropscribe on one machine: the same flow on folders and one SQLite file, and the command line.

In reading order:

    cli           `dropscribe`: the table of commands
    help          its texts, fitted to a terminal of 80 columns
    once          refuses an option that is given twice
    wrong_values  says in words what is wrong with the value of an option
    exit_codes    what its exit codes say
    commands/     one file a command, and what they share
    runtime/      runs the flow: in one process for `transcribe`, as several processes for `up`
    inbox/        the folder that `up` watches
    backend/      the ports on folders and SQLite
    evaluation/   speed and word error rate of weights

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
