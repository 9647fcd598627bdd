"""Dropscribe on one machine: the same flow on folders and one SQLite file, and the command line.

In reading order, which is that of imports: each knows only what comes after it.

    cli           `dropscribe`: the table of commands
    commands/     one file a command, and what they share
    evaluation/   speed and word error rate of weights
    inbox/        the folder that `up` watches
    runtime/      runs the flow: in one process for `transcribe`, as several processes for `up`
    backend/      the ports on folders and SQLite

What `cli` needs of its own stands below all:

    help           its texts, fitted to a terminal of 80 columns
    wrong_options  refuses an option that is given twice, and says in words what is wrong with a value
    exit_codes     what its exit codes say

It is part of Dropscribe's inside and changes without notice: programs import `dropscribe`.
"""
