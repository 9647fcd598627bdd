from __future__ import annotations

import signal

from shared.machine.stop_signals import stop_on


def test_a_signal_in_the_middle_of_the_wait_for_it_does_not_wait_for_itself():
    with stop_on(signal.SIGUSR1) as stop:
        with stop._cond:
            signal.raise_signal(signal.SIGUSR1)
        assert stop.wait(10)


def test_handlers_are_as_they_were_afterwards():
    before = signal.getsignal(signal.SIGUSR1)
    with stop_on(signal.SIGUSR1) as stop:
        assert not stop.is_set()
        assert signal.getsignal(signal.SIGUSR1) != before
    assert signal.getsignal(signal.SIGUSR1) == before
