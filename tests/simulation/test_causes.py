"""A repeat without a cause is found, and one with a cause is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation import causes, checks, history, primitives
from tests.simulation.choices import Choices
from tests.simulation.fakes import Call
from tests.simulation.faults import Fault, Sent
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.world import deployed


@pytest.fixture(scope="module")
def told():
    """What is said of an undisturbed history in which the first call was repeated, with some faults besides."""
    judged_by = history.undisturbed("one")

    def told(make_faults):
        with primitives.in_place():
            scheduler = Scheduler(Choices())
            with scheduler.history(), deployed(scheduler, SCENARIOS["one"]) as world:
                assert world.run(history.LIMIT)
                recordings = checks.recordings_of(world)
                assert list(causes.repeats(world, recordings, judged_by)) == []
                first = world.work.calls[0]
                world.work.calls.append(Call(first.began + 0.5, *first[1:]))
                world.calls.faults += make_faults(world, first)
                return list(causes.repeats(world, recordings, judged_by))

    return told


def fault(world, first, **changes):
    base = Fault(
        time=first.began - world.calls.began, what="lost", point="somewhere", process=first.process.number
    )
    return replace(base, **changes)


def test_a_repeat_that_no_fault_explains_is_found(told):
    [said] = told(lambda *_: [])
    assert "which no fault since" in said


def test_a_fault_of_the_process_that_did_the_work_explains_it(told):
    assert told(lambda world, first: [fault(world, first)]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"process": 0},
        {"time": -100.0},
        {"time": 1e6},
        {"what": "twice", "about": "m-other"},
    ],
)
def test_a_fault_of_another_process_or_time_or_message_does_not(told, changes):
    assert len(told(lambda world, first: [fault(world, first, **changes)])) == 1


def test_a_fault_about_another_chunk_does_not_unless_it_ends_or_delays_the_process(told):
    def about_another(what):
        def make_faults(world, first):
            [key] = world.records.documents["recordings"]
            return [fault(world, first, what=what, about=f"{key}.00077")]

        return make_faults

    assert len(told(about_another("refused"))) == 1
    assert told(about_another("after")) == []


@pytest.mark.parametrize(("deaths", "unexplained"), [(1, 0), (0, 1)])
def test_what_destroys_a_call_while_a_copy_is_in_hand_explains_another_repeat(told, deaths, unexplained):
    def copied(world, first):
        deliveries = [one for one in world.calls.taken if one.process is first.process]
        world.work.calls.pop()
        for number, later in ((1001, 0.1), (1002, 0.3)):
            process, began = Process(f"worker-{number}"), first.began + later
            process.number = number
            world.calls.taken += [
                one._replace(time=began, process=process, lease=f"{one.lease}-{number}") for one in deliveries
            ]
            world.work.calls.append(first._replace(began=began, process=process))
        return [
            *[fault(world, first, what="twice", about=one.message) for one in deliveries],
            *[fault(world, first, what="after", time=first.began + 0.2 - world.calls.began)] * deaths,
        ]

    assert len(told(copied)) == unexplained


@pytest.mark.parametrize(
    ("seconds", "another", "found"), [(90.0, True, 0), (30.0, True, 1), (90.0, False, 1)]
)
def test_an_outage_in_which_a_lease_ends_explains_that_another_worker_has_the_work(
    told, seconds, another, found
):
    def away(world, first):
        world.work.calls.pop()
        process, began = Process("worker-1001") if another else first.process, first.began + 0.1
        deliveries = [one for one in world.calls.taken if one.process is first.process]
        world.calls.taken += [
            one._replace(time=began, process=process, lease=f"{one.lease}-again") for one in deliveries
        ]
        world.work.calls.append(first._replace(began=began, process=process))
        world.calls.away_until = first.began + seconds
        return [fault(world, first, what="outage", process=Process("platform").number)]

    assert len(told(away)) == found


@pytest.mark.parametrize(("acknowledged", "found"), [(0.2, 0), (0.9, 1)])
def test_a_delivery_that_was_acknowledged_at_once_is_not_that_of_a_later_call(told, acknowledged, found):
    """A copy that comes after the result, while the first delivery is still being decoded."""

    def copied(world, first):
        for key in world.records.documents["chunks"]:
            world.calls.results[key] = [(first.began + 0.1, True)]
        for one in [one for one in world.calls.taken if one.process is first.process]:
            copy = one._replace(time=first.began + 0.2, lease=f"{one.lease}-copy", message="m-copy")
            world.calls.taken.append(copy)
            world.calls.over |= {one.lease: first.began + 9.0, copy.lease: first.began + acknowledged}
        return [fault(world, first)]

    assert len(told(copied)) == found


def test_a_call_without_a_message_is_found(told):
    def before_everything(world, first):
        world.calls.taken.clear()
        return [fault(world, first)]

    assert any("without a message" in one for one in told(before_everything))


@pytest.mark.parametrize(("had", "after", "found"), [(False, 0.1, 0), (True, 0.1, 1), (False, 1.0, 1)])
def test_a_retry_explains_that_what_an_engine_has_is_begun_again_but_nothing_else(told, had, after, found):
    def retried(world, first):
        world.retried["a.wav"] = first.began + after
        for key in world.records.documents["chunks"]:
            world.calls.results[key] = [(first.began, True)] if had else []
        return []

    assert len(told(retried)) == found


@pytest.mark.parametrize(("asked", "found"), [(0.05, 0), (-100.0, 1)])
def test_a_retry_explains_that_a_slow_worker_begins_after_the_one_that_has_the_retry(told, asked, found):
    def retried(world, first):
        world.retried["a.wav"] = first.began + asked
        world.work.calls.pop()
        swift = Process("worker-1001")
        world.calls.taken += [
            one._replace(time=first.began + 0.1, process=swift, lease=f"{one.lease}-retry", message="m-retry")
            for one in world.calls.taken
            if one.process is first.process
        ]
        for key in world.records.documents["chunks"]:
            world.calls.results[key] = [(first.began + 0.3, True)]
        world.work.calls[0] = first._replace(began=first.began + 0.2, process=swift)
        world.work.calls.append(first._replace(began=first.began + 0.5))
        return []

    assert len(told(retried)) == found


def test_a_call_for_a_chunk_whose_result_is_there_is_found(told):
    def result_before(world, first):
        for key in world.records.documents["chunks"]:
            world.calls.results[key].insert(0, (0.0, True))
        return [fault(world, first)]

    assert any("whose result was there" in one for one in told(result_before))


@pytest.mark.parametrize(
    ("taken", "given_back", "other", "found"),
    [(0.0, 9.0, "", 0), (1.2, 9.0, "", 1), (0.0, 1.1, "", 1), (0.0, 9.0, "m-other", 1)],
)
def test_a_message_that_comes_again_while_it_is_in_hand_is_worked_on_for_its_first_delivery(
    told, taken, given_back, other, found
):
    """The result is that of a copy, and the message comes once more when that is there."""

    def came_again(world, first):
        for key in world.records.documents["chunks"]:
            world.calls.results[key] = [(first.began + 1.0, True)]
        deliveries = [one for one in world.calls.taken if one.process is first.process]
        process = Process("worker-1001")
        process.number = 1001
        world.work.calls[-1] = first._replace(began=first.began + 1.5, process=process)
        for time, message, lease in ((taken, "", "-1001"), (1.2, other, "-1002")):
            world.calls.taken += [
                one._replace(
                    time=first.began + time,
                    process=process,
                    message=message or one.message,
                    lease=f"{one.lease}{lease}",
                )
                for one in deliveries
            ]
        world.calls.over |= {f"{one.lease}-1001": first.began + given_back for one in deliveries}
        return [fault(world, first, what="twice", about=one.message) for one in deliveries]

    assert len(told(came_again)) == found


def handed_over(world, first, held, since, until):
    """Two processes had the messages `held` from `since` on, and each handed them over; then both engines began."""
    other = Process("worker-1001")
    other.number = 1001
    deliveries = [one for one in world.calls.taken if one.process is first.process]
    world.work.calls[-1] = first._replace(began=first.began + 0.5, process=other)
    for one in deliveries:
        world.calls.taken.append(
            one._replace(
                time=first.began + 0.4, process=other, message=f"{one.message}-2", lease=f"{one.lease}-2"
            )
        )
        for number, process in enumerate((first.process, other)):
            message = one.message if number == 0 else f"{one.message}-2"
            world.calls.sent[message] = Sent(first.began + 0.3, process)
            lease = f"{one.lease}-before-{number}"
            world.calls.taken.insert(
                0,
                one._replace(time=first.began + since, process=process, message=held[number], lease=lease),
            )
            world.calls.over[lease] = first.began + until if number else first.began + 0.4


@pytest.mark.parametrize(
    ("held", "since", "until", "found"),
    [
        (("m-old", "m-old"), 0.0, 9.0, 0),
        (("m-old", "m-one"), 0.0, 9.0, 1),
        (("m-old", "m-old"), 0.4, 9.0, 1),
        (("m-old", "m-old"), 0.0, 0.1, 1),
        (("m-one", "m-one"), 0.0, 9.0, 1),
    ],
)
def test_a_copy_that_two_processes_hand_over_at_a_time_explains_that_the_next_engine_is_asked_twice(
    told, held, since, until, found
):
    def copied(world, first):
        handed_over(world, first, held, since, until)
        return [fault(world, first, what="twice", about="m-old")]

    assert len(told(copied)) == found


@pytest.mark.parametrize(("slow", "found"), [(2002, 0), (2003, 1)])
def test_a_slow_sender_of_one_of_two_messages_explains_that_the_engine_after_it_is_asked_twice(
    told, slow, found
):
    def sent_twice(world, first):
        handed_over(world, first, ("m-a", "m-b"), 0.2, 0.4)
        for number, message in ((2001, "m-a"), (2002, "m-b")):
            router = Process(f"router-{number}")
            router.number = number
            world.calls.sent[message] = Sent(first.began + 0.1, router)
        return [fault(world, first, what="slow", process=slow, time=first.began - 90.0 - world.calls.began)]

    assert len(told(sent_twice)) == found


@pytest.mark.parametrize(
    ("faults", "explained"),
    [([[0, 1], [0]], {0, 1}), ([[0], [0]], {0}), ([[], [2]], {1}), ([[0, 1], [0], [1]], {0, 1})],
)
def test_a_fault_explains_one_repeat_and_is_left_to_the_one_that_has_no_other(faults, explained):
    assert causes.matched(faults) == explained
