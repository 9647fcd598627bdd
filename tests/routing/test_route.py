from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costs.prices import TABLE
from shared.engines import hosted_specs, methods
from shared.errors import BadRequest
from shared.in_words import listed
from shared.model import AudioInfo, Options
from shared.routing.case import Case, Known
from shared.routing.conditions import Conditions
from shared.routing.parakeet_share import Asked, ParakeetShare, Step
from shared.routing.route import choose
from shared.settings import Settings

NOW = 1_800_000_000.0
ALL = frozenset({"parakeet-cpu", "parakeet-gpu", "deepgram"})
HOSTED = frozenset({"parakeet-cpu", "deepgram"})


def audio(minutes=10.0, codec="mp3", splittable_by="time"):
    return AudioInfo(
        format="wav",
        codec=codec,
        sample_rate=16_000,
        channels=1,
        duration=None if minutes is None else minutes * 60,
        exact=True,
        splittable_by=splittable_by,
    )


def case(minutes=10.0, size=1_000_000, key="abc", codec="mp3", **options):
    return Case(key=key, size=size, audio=audio(minutes, codec), options=Options(**options))


def known(*engines, conditions=None, **settings):
    settings.setdefault("api_keys", {"deepgram": "x"} if "deepgram" in engines else {})
    return Known(
        settings=Settings(**settings),
        engines=frozenset(engines),
        conditions=conditions or Conditions(),
        prices=TABLE,
        now=NOW,
    )


def decide(a_case, a_known):
    return choose(a_case, a_known).decision


def test_auto_takes_parakeet_on_the_cpu_and_says_why():
    decision = decide(case(), known("parakeet-cpu"))
    assert (decision.method, decision.engine) == ("parakeet", "parakeet-cpu")
    assert decision.reason == "Parakeet on this CPU: no other engine is set up"


def test_a_gpu_is_preferred_where_there_is_one():
    assert decide(case(), known("parakeet-cpu", "parakeet-gpu")).engine == "parakeet-gpu"


def test_the_callers_weights_come_before_the_deployments():
    assert decide(case(model="tiny"), known("parakeet-cpu")).model == "tiny"
    assert decide(case(), known("parakeet-cpu", model="mine")).model == "mine"


def test_weights_that_only_parakeet_has_keep_a_recording_there():
    decision = decide(case(minutes=600, model="tiny"), known(*HOSTED))
    assert decision.method == "parakeet"
    assert decision.reason == "the weights tiny were asked for and run on this CPU"
    with pytest.raises(BadRequest, match="tiny were asked for, but Parakeet is not set up"):
        decide(case(model="tiny"), known("deepgram"))


def test_the_deployments_own_weights_by_name_leave_the_choice_open():
    assert decide(case(minutes=600, model="mine"), known(*HOSTED, model="mine")).method == "deepgram"


@pytest.mark.parametrize("method", ["deepgram", "hybrid"])
def test_a_method_that_cannot_run_here_is_refused_with_what_to_do(method):
    absent = listed((one.in_sentences for one in hosted_specs() if method in {"hybrid", one.method}), "or")
    with pytest.raises(BadRequest, match=rf"no {absent} engine\. Ask for parakeet.*set DEEPGRAM_API_KEY"):
        decide(case(method=method), known("parakeet-cpu"))
    with pytest.raises(BadRequest, match=f"no {absent} engine"):
        decide(case(), known("parakeet-cpu", method=method))


@pytest.mark.parametrize("method", ["parakeet", "hybrid"])
def test_without_parakeet_the_caller_is_told_what_to_ask_for(method):
    with pytest.raises(BadRequest, match=r"no Parakeet engine\. Ask for deepgram"):
        decide(case(method=method), known("deepgram"))


def test_without_any_engine_the_doctor_is_named():
    with pytest.raises(BadRequest, match="dropscribe doctor"):
        decide(case(), known())


def test_with_gpus_switched_off_and_nothing_else_the_switch_is_named():
    with pytest.raises(BadRequest, match="switched off by ENABLE_GPU_TRANSCRIPTION"):
        decide(case(), known("parakeet-gpu", enable_gpu=False))


def test_what_is_asked_for_comes_before_the_setting_and_the_matrix():
    assert decide(case(minutes=600, method="parakeet"), known(*ALL)).method == "parakeet"
    assert decide(case(minutes=1), known(*ALL, method="deepgram")).method == "deepgram"
    assert decide(case(minutes=1, method="parakeet"), known(*ALL, method="deepgram")).method == "parakeet"
    assert decide(case(minutes=1, method="deepgram"), known(*ALL)).reason == "deepgram was asked for"


@pytest.mark.parametrize(
    ("minutes", "engines", "method", "engine"),
    [
        (10, ALL, "parakeet", "parakeet-gpu"),
        (10, HOSTED, "parakeet", "parakeet-cpu"),
        (60, ALL, "parakeet", "parakeet-gpu"),
        (60, HOSTED, "deepgram", "deepgram"),
        (180, ALL, "hybrid", "parakeet-gpu"),
        (180, HOSTED, "deepgram", "deepgram"),
        (300, ALL, "deepgram", "deepgram"),
        (300, HOSTED, "deepgram", "deepgram"),
        (300, {"parakeet-gpu"}, "parakeet", "parakeet-gpu"),
        (180, {"parakeet-gpu", "parakeet-cpu"}, "parakeet", "parakeet-gpu"),
        (1, {"deepgram"}, "deepgram", "deepgram"),
    ],
)
def test_the_matrix_decides_with_what_there_is(minutes, engines, method, engine):
    # Bytes of the audio are lossless, so that only the length counts; queue and start-up are those of one machine.
    decision = decide(case(minutes, codec="flac"), known(*engines, cost_threshold=1.0))
    assert (decision.method, decision.engine) == (method, engine)


def test_the_reason_names_the_row_and_the_gpu():
    assert decide(case(161, codec="flac"), known(*HOSTED)).reason == (
        "2 h 41 min is between 2 h and 4 h, and no GPU is set up: Deepgram"
    )
    said = decide(case(161, codec="flac"), known(*ALL, cost_threshold=1.0)).reason
    assert said.startswith("2 h 41 min is between 2 h and 4 h, and a GPU is available: Parakeet and Deepgram")
    assert "chunks" in said


def test_a_gpu_that_cannot_be_had_is_routed_around():
    quota = Conditions(time=NOW, status="quota", avoid_until=NOW + 300)
    decision = decide(case(60), known(*ALL, conditions=quota))
    assert (decision.method, decision.reason) == (
        "deepgram",
        "1 h is between 30 min and 2 h, and no GPU is available now (quota): Deepgram",
    )
    assert decide(case(10), known(*ALL, conditions=quota)).engine == "parakeet-cpu"
    assert decide(case(10), known("parakeet-gpu", "deepgram", conditions=quota)).method == "deepgram"
    waits = decide(case(10), known("parakeet-gpu", conditions=quota))
    assert waits.engine == "parakeet-gpu"
    assert waits.reason.endswith("no other engine is set up, though no GPU is available now (quota)")


def test_gpus_that_are_switched_off_are_none():
    assert decide(case(60), known(*ALL, enable_gpu=False)).method == "deepgram"
    assert decide(case(10), known(*ALL, enable_gpu=False)).engine == "parakeet-cpu"
    assert "ENABLE_GPU_TRANSCRIPTION is off" in decide(case(60), known(*ALL, enable_gpu=False)).reason


def test_a_gpu_that_is_switched_off_is_not_told_as_missing():
    off = known("parakeet-gpu", "deepgram", enable_gpu=False)
    decision = decide(case(10), off)
    assert decision.method == "deepgram"
    assert decision.reason == "ENABLE_GPU_TRANSCRIPTION is off, and no CPU is set up: Deepgram"
    whys = {one.method: one.why_not for one in decision.considered}
    assert whys["parakeet"] == whys["hybrid"] == "Parakeet on a GPU is switched off"
    with pytest.raises(BadRequest, match="ENABLE_GPU_TRANSCRIPTION is off, and no CPU is set up"):
        decide(case(method="parakeet"), off)
    with pytest.raises(BadRequest, match="tiny were asked for, but Parakeet on a GPU is switched off"):
        decide(case(model="tiny"), off)


def test_outside_the_share_of_the_rollout_deepgram_is_taken():
    decision = decide(case(), known(*ALL, rollout_percent=0.0))
    assert decision.method == "deepgram"
    assert decision.reason == "outside the 0 % of the recordings that Parakeet gets"


def test_without_deepgram_there_is_no_rollout():
    assert decide(case(), known("parakeet-cpu", rollout_percent=0.0)).method == "parakeet"


def test_a_share_that_was_set_back_holds_however_old_the_note():
    asked = Asked(percent=100.0, since=0.0)
    step = Step(time=1.0, percent=0.0, reason="set back from 100 % to 0 %: 9 % of Parakeet's attempts failed")
    back = ParakeetShare(asked=asked, percent=0.0, since=1.0, history=(step,))
    decision = decide(case(), known(*ALL, conditions=Conditions(time=1.0, rollout=back)))
    assert decision.method == "deepgram"
    assert "set back from 100 %" in decision.reason
    # A person sets it forward again, to another share or to the same one as a flag.
    again = replace(known(*ALL, conditions=Conditions(rollout=back)), asked_since=2.0)
    assert decide(case(), again).method == "parakeet"


def test_the_score_takes_the_lowest_cost_with_waiting_and_shows_the_others():
    there = known(*ALL, cost_optimization=True, cost_threshold=1.0, platform="google", project="my-project")
    decision = decide(case(60, codec="flac"), there)
    assert decision.method == "parakeet"
    assert decision.reason.startswith("lowest cost with waiting at $0.01 a minute: parakeet $0.03")
    first, second = decision.considered[:2]
    assert (first.why_not, second.method) == ("", "deepgram")
    assert second.usd == pytest.approx(0.4702, rel=0.01)
    assert second.why_not.startswith("scores $0.47")
    assert all(one.score == pytest.approx(one.usd + one.wait / 60 * 0.01) for one in (first, second))
    # Ten-minute chunks at five calls at a time are done before a GPU has started.
    [third] = (one for one in decision.considered if one.method == "hybrid")
    assert (third.usd, third.why_not) == (None, "all chunks would go to deepgram")


def test_waiting_has_its_price():
    busy = Conditions(time=NOW, waiting={"parakeet": 3600.0 * 2000}, running=1)
    dear = {"cost_optimization": True, "cost_threshold": 1.0, "wait_usd_per_minute": 1.0}
    assert decide(case(60), known(*ALL, conditions=busy, **dear)).method == "deepgram"
    free = dear | {"wait_usd_per_minute": 0.0}
    assert decide(case(60), known(*ALL, conditions=busy, **free)).method == "parakeet"


def test_methods_above_the_cap_drop_out_and_say_so():
    busy = Conditions(time=NOW, waiting={"parakeet": 3600.0 * 2000}, running=1)
    capped = known(*ALL, conditions=busy, cost_optimization=True, wait_usd_per_minute=1.0)
    decision = decide(case(60), capped)
    assert decision.method != "deepgram"
    deepgram = next(one for one in decision.considered if one.method == "deepgram")
    assert deepgram.why_not.endswith("for an hour of audio is more than $0.10")


def test_where_all_are_above_the_cap_the_cheapest_is_taken_and_says_so():
    capped = known(*ALL, cost_optimization=True, cost_threshold=1e-6, platform="google", project="my-project")
    decision = decide(case(60), capped)
    assert decision.method == "parakeet"
    assert "every method costs more than $0.0000010 an hour" in decision.reason


def test_a_hybrid_that_one_engine_does_alone_is_that_engines():
    choice = choose(case(5, method="hybrid"), known(*ALL))
    assert choice.decision.method in {"parakeet", "deepgram"}
    assert choice.decision.reason.startswith("hybrid was asked for; all chunks (1) to")
    assert {chunk.engine for chunk in choice.chunks} == {choice.decision.engine}


def test_deepgrams_weights_are_named_where_it_transcribes():
    assert decide(case(method="deepgram"), known(*ALL)).model == "nova-3"
    assert decide(case(180, method="hybrid"), known(*ALL, cost_threshold=1.0)).model.startswith("nvidia/")


cases = st.builds(
    case,
    minutes=st.none() | st.floats(0, 3000),
    size=st.integers(0, 10**11),
    key=st.text("abcdef", min_size=1, max_size=8),
    codec=st.sampled_from(["mp3", "aac", "flac", "pcm_s16le"]),
)
worlds = st.builds(
    Conditions,
    time=st.sampled_from([0.0, NOW - 10, NOW - 1000]),
    avoid_until=st.sampled_from([0.0, NOW + 100]),
    running=st.integers(0, 5),
    waiting=st.dictionaries(st.sampled_from(["parakeet", "deepgram"]), st.floats(0, 1e7)),
    oldest=st.floats(0, 1e5),
)


@given(
    cases,
    worlds,
    st.sets(st.sampled_from(sorted(ALL)), min_size=1),
    st.booleans(),
    st.floats(0, 100),
    st.floats(0.001, 10),
)
def test_every_recording_gets_one_decision_with_a_reason_that_can_run(
    one, world, engines, optimise, percent, cap
):
    setting = {"cost_optimization": optimise, "rollout_percent": percent, "cost_threshold": cap}
    choice = choose(one, known(*engines, conditions=world, **setting))
    decision = choice.decision
    assert decision.reason
    assert {chunk.engine for chunk in choice.chunks} <= engines
    assert decision.engine == choice.chunks[0].engine
    assert (decision.method == "hybrid") == (len({chunk.engine for chunk in choice.chunks}) == 2)
    assert sorted(each.method for each in decision.considered) == sorted(methods())
    assert [each.method for each in decision.considered if not each.why_not] == [decision.method]
    assert choose(one, known(*engines, conditions=world, **setting)) == choice


def test_callers_of_a_deployment_may_not_name_folders_of_its_workers():
    cloud = known("parakeet-cpu", platform="google", project="my-project")
    assert decide(case(model="nvidia/parakeet-tdt-0.6b-v2"), cloud).model.endswith("v2")
    for path in ("/etc", "../weights", "a/b/c", ".cache/x"):
        with pytest.raises(BadRequest, match="not a published one"):
            decide(case(model=path), cloud)
    assert decide(case(model="/my/export"), known("parakeet-cpu")).model == "/my/export"


@pytest.mark.parametrize(
    ("minutes", "engines", "method"),
    [
        (5, ALL, "parakeet"),
        (90, ALL, "parakeet"),
        (150, ALL, "parakeet"),
        (230, ("parakeet-cpu", "deepgram"), "deepgram"),
        (300, ALL, "parakeet"),
        (300, ("deepgram",), "deepgram"),
        (300, ("parakeet-cpu",), "parakeet"),
    ],
)
def test_with_speakers_the_choice_is_the_ordinary_one_but_for_a_hybrid_and_what_is_too_long_for_one_call(
    minutes, engines, method
):
    choice = choose(case(minutes=minutes, diarize=True), known(*engines))
    assert choice.decision.method == method
    assert len({one.engine for one in choice.chunks}) == 1
    assert (len(choice.chunks) == 1) == (method == "deepgram" or minutes == 5)
    told = {one.method: one.why_not for one in choice.decision.considered}
    if engines == ALL and minutes > 5:
        assert told["hybrid"] == "one engine tells the speakers of a recording apart"
    if (minutes, engines) == (300, ALL):
        assert told["deepgram"] == "tells the speakers of up to 4 h apart"


def test_where_the_matrix_takes_a_hybrid_speakers_are_parakeets():
    decision = decide(case(minutes=150, diarize=True), known(*ALL))
    assert decision.reason.endswith(
        "a GPU is available, and one engine tells the speakers apart: Parakeet on a GPU"
    )
    assert decide(case(minutes=150), known(*ALL)).method == "hybrid"


def test_the_score_chooses_among_those_that_tell_speakers_apart():
    for minutes in (20, 150, 230):
        choice = choose(case(minutes=minutes, diarize=True), known(*ALL, cost_optimization=True))
        assert choice.decision.method in {"parakeet", "deepgram"}
        assert len({one.engine for one in choice.chunks}) == 1


def test_a_recording_with_speakers_goes_to_deepgram_in_one_piece():
    for settings in ({"method": "deepgram"}, {"rollout_percent": 0}):
        choice = choose(case(minutes=90, diarize=True), known(*ALL, **settings))
        assert (choice.decision.method, choice.decision.model) == ("deepgram", "nova-3")
        [chunk] = choice.chunks
        assert (chunk.start, chunk.end, chunk.lead) == (0.0, 5400.0, 0.0)
    assert len(choose(case(minutes=600, diarize=True, method="deepgram"), known(*ALL)).chunks) == 1


@pytest.mark.parametrize("splittable_by", ["time", "bytes"])
def test_of_unknown_length_it_is_one_piece_as_well(splittable_by):
    one = Case(
        key="abc",
        size=3_000_000_000,
        audio=audio(None, splittable_by=splittable_by),
        options=Options(diarize=True, method="deepgram"),
    )
    assert len(choose(one, known(*ALL)).chunks) == 1


def test_a_setting_for_a_hybrid_leaves_the_choice_to_speakers():
    assert decide(case(minutes=5, diarize=True), known(*ALL, method="hybrid")).method == "parakeet"


def test_a_hybrid_with_speakers_is_refused():
    with pytest.raises(
        BadRequest, match=r"method hybrid .* one engine tells .* Ask for parakeet(,| or) deepgram"
    ):
        decide(case(diarize=True, method="hybrid"), known(*ALL))


def test_speakers_go_with_any_method_of_one_engine_and_with_any_weights():
    assert decide(case(diarize=True, method="parakeet"), known(*ALL)).method == "parakeet"
    assert decide(case(diarize=True, method="deepgram"), known(*ALL)).method == "deepgram"
    assert decide(case(diarize=True, model="tiny"), known(*ALL)).model == "tiny"
