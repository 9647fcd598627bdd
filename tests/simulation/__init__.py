"""The flow, the push loops, the sweep and the worker's whole pipeline under one seed. See `docs/simulation.md`.

choices.py      every choice of a history, by stream and position
scheduler.py    threads that hand one baton round, in virtual time; processes that die
primitives.py   what stands in the place of shared/concurrency.py
memory.py       store, records and queue in memory
faults.py       what may go wrong at each call of a port
fakes.py        audio, engines and jobs, which keep count of what they were asked for
sites.py        the calls of the product that change something through a port
scenarios.py    what is uploaded to which deployment
world.py        a deployment: its processes, and what starts them again
releases.py     processes of an earlier and of a later release
checks.py       what must hold after every history
causes.py       why an engine was asked twice
history.py      run one history and judge it
known.py        what is found and not mended yet
minimiser.py    make a failing history short
mutants.py      bugs to plant, which must be found
"""
