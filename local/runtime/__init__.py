"""The deployed system on one machine: queue → push → functions, a worker, and the scheduler.

In reading order:

    subscriptions      what each push subscription calls
    push               delivers the messages of a subscription, over HTTP or as a call
    events             messages as Pub/Sub pushes them
    one_shot           everything in one process, for `transcribe`
    submission         which recordings its files stand for, and what is announced
    contents           which recording a renamed file has
    inbox_recordings   which recording a file of the inbox has that `up` took
    processes          the functions and the worker as processes, for `up`
    fork_server        starts the functions as forks of one process, which loads them once
    serve              one function behind HTTP
    page_address       where the page is, with its token
    exit_with_parent   ends such a process when `up` is killed
    scheduler          calls the sweeper every minute
    prometheus         what all processes measure, for `up --metrics-port`
    export             copies outputs to where a person asked for them
    beside             the same, next to the recording
"""
