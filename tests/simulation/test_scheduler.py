from __future__ import annotations

import pytest

from shared import concurrency
from tests.simulation import primitives
from tests.simulation.choices import Choices
from tests.simulation.scheduler import START, Killed, Scheduler, Stalled


@pytest.fixture
def scheduler():
    with primitives.in_place(), Scheduler(Choices()).history() as running:
        yield running


def test_time_passes_only_when_everybody_waits(scheduler):
    told = []

    def wait(seconds):
        concurrency.sleep(seconds)
        told.append((seconds, scheduler.now - START))

    threads = [concurrency.Thread(target=wait, args=(seconds,)) for seconds in (30.0, 10.0, 7200.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [(10.0, 10.0), (30.0, 30.0), (7200.0, 7200.0)]


def test_another_seed_is_another_order_and_the_same_seed_the_same():
    def order(seed):
        told = []

        def say(name):
            for _ in range(3):
                concurrency.sleep(1.0)
                told.append(name)

        with primitives.in_place(), Scheduler(Choices(seed)).history():
            threads = [concurrency.Thread(target=say, args=(name,)) for name in "abc"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return "".join(told)

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(10)}) > 3


def test_a_process_dies_where_its_threads_wait_and_nothing_of_it_happens_after(scheduler):
    told = []

    def work():
        try:
            concurrency.sleep(100.0)
            told.append("woke up")
        finally:
            told.append("unwound")
            concurrency.sleep(1.0)
            told.append("after its death")

    process = scheduler.process("one")
    task = scheduler.spawn(work, "work", process)
    scheduler.sleep(10.0)
    scheduler.kill(process)
    scheduler.join(task)
    assert told == ["unwound"]
    assert scheduler.now == START + 10.0


def test_who_kills_its_own_process_goes_no_further(scheduler):
    told = []

    def work():
        try:
            scheduler.kill(process)
        except Killed:
            told.append("killed")
            raise
        told.append("went on")

    process = scheduler.process("one")
    scheduler.join(scheduler.spawn(work, "work", process))
    assert told == ["killed"]


def test_threads_that_wait_for_each_other_for_ever_are_told_of(scheduler):
    locks = [concurrency.Lock(), concurrency.Lock()]

    def take(first, second):
        with locks[first]:
            concurrency.sleep(1.0)
            with locks[second]:
                pass

    process = scheduler.process("one")
    for pair in ((0, 1), (1, 0)):
        scheduler.spawn(lambda pair=pair: take(*pair), f"takes {pair}", process)
    with pytest.raises(Stalled, match="one/takes"):
        concurrency.Event().wait()


def test_a_lock_is_held_by_one_thread(scheduler):
    lock, inside, most = concurrency.Lock(), [0], [0]

    def work():
        for _ in range(5):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                concurrency.sleep(1.0)
                inside[0] -= 1

    threads = [concurrency.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert scheduler.now == START + 20.0


def test_a_queue_gives_what_was_put_and_says_when_there_is_nothing(scheduler):
    queue = concurrency.Queue()
    thread = concurrency.Thread(target=lambda: [queue.put(number) for number in range(3)])
    thread.start()
    assert [queue.get() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(concurrency.Empty):
        queue.get(timeout=5.0)
    assert scheduler.now == START + 5.0
    assert queue.empty()


def test_a_pool_runs_so_many_at_a_time_and_its_futures_end(scheduler):
    pool, told = concurrency.ThreadPoolExecutor(2), []

    def work(number):
        concurrency.sleep(10.0)
        if number == 3:
            raise ValueError(number)
        return number

    futures = [pool.submit(work, number) for number in range(4)]
    for future in futures:
        future.add_done_callback(lambda one: told.append(one.done()))
    concurrency.wait(futures[:2], return_when="FIRST_COMPLETED")
    assert scheduler.now == START + 10.0
    assert [one.result() for one in futures[:3]] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        futures[3].result()
    assert scheduler.now == START + 20.0
    assert told == [True] * 4
    late = [pool.submit(work, number) for number in range(4)]
    pool.shutdown(cancel_futures=True)
    assert [one.cancelled() for one in late] == [False, False, True, True] or all(one.done() for one in late)


def test_a_condition_wakes_who_waits_for_it(scheduler):
    change, free = concurrency.Condition(), [0]

    def give():
        concurrency.sleep(40.0)
        with change:
            free[0] = 1
            change.notify_all()

    concurrency.Thread(target=give).start()
    with change:
        assert not change.wait_for(lambda: free[0] > 0, 5.0)
        assert change.wait_for(lambda: free[0] > 0, 100.0)
    assert scheduler.now == START + 40.0


def test_the_end_of_a_thread_wakes_who_looks_whether_it_is_alive(scheduler):
    thread = concurrency.Thread(target=concurrency.sleep, args=(300.0,))
    never = concurrency.Event()
    thread.start()
    while thread.is_alive():
        assert not never.wait(0.05)
    assert scheduler.now == START + 300.0


def test_ids_are_never_given_twice(scheduler):
    assert len({concurrency.new_id() for _ in range(100)}) == 100
