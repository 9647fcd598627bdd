"""The next release takes over step by step, judged by what it does, or goes back automatically.

Read state first, then judge, phases and drive.

    judge     forward, stay or back: pure              figures   what it judges, from records and Cloud Run's metrics
    state     the stored record of a rollout           services  revisions and traffic of the functions
    guard     what is done under watch, by the project itself while no command runs
    phases    what is done at every other phase, so that it can be done again after a death anywhere
    drive     the loop of `make rollout` and `make rollback`

Two things move: the functions' traffic, and the share of recordings whose chunks for a GPU go to the next release's
job. The record is written before anything moves, so the next run of the command goes on where it stopped.
"""
