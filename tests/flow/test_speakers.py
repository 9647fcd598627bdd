"""Speakers of several pieces are not taken for each other, and voices of several pieces are known again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import merge, speakers, upload
from shared.model import ByteSpan, Options
from shared.results import ChunkResult, Word
from tests.flow.diarization.crowd import crowd, voice
from tests.world import heard


def result(index, *said):
    return ChunkResult(
        recording="r",
        index=index,
        engine="deepgram",
        attempt="a",
        model="nova-3",
        revision="v1",
        words=tuple(
            Word(text=f"w{number}", start=float(number), end=number + 0.5, confidence=1.0, speaker=speaker)
            for number, speaker in enumerate(said)
        ),
        lead=0.0,
        owned=10.0,
        decoded=10.0,
    )


def numbers(results):
    return [[word.speaker for word in one.words] for one in results]


def test_speakers_of_one_piece_keep_their_numbers():
    given = [result(0, 1, 2, 1, None), result(1)]
    assert speakers.apart(given) == given


def test_results_without_speakers_stay_as_they_are():
    given = [result(0, None, None), result(1, None)]
    assert speakers.apart(given) == given


def test_speakers_of_a_second_piece_count_on_and_the_owner_is_told():
    found = speakers.apart([result(1, 1, None, 2), result(0, 1, 2, 1), result(2, 1)])
    assert numbers(found) == [[1, 2, 1], [3, None, 4], [5]]
    assert {one.warnings for one in found} == {(speakers.WARNING.format(count=3),)}


ANN, BOB = crowd(2)
REVISION = "segmentation+embedding"


@pytest.fixture
def recording(world):
    """Three chunks of 20 s."""
    planned = upload.on_upload(world.upload(), world.ports)
    chunks = [replace(planned.chunks[0], index=at, start=20.0 * at, end=20.0 * at + 20) for at in range(3)]
    return replace(planned, chunks=tuple(chunks), options=Options(diarize=True))


def chunk_of(recording, index, *said, owned=20.0, revision=REVISION):
    """What was heard of a chunk: a word and a voice for each person, every four seconds."""
    spoken = [
        Word(text=f"w{index}.{at}", start=4.0 * at + 1, end=4.0 * at + 2, confidence=1.0)
        for at in range(len(said))
    ]
    voices = (
        [voice(who, at, 4.0 * at, 3.5, seed=10 * index + at) for at, who in enumerate(said)]
        if revision
        else []
    )
    made, _ = heard(recording, recording.chunks[index], words=tuple(spoken), owned=owned)
    return replace(made, voices=tuple(voices), voice_revision=revision)


def told(recording, results, words=None):
    """The speaker of each word, and the warnings."""
    found, warnings = speakers.told_apart(
        joined(recording, results) if words is None else words, recording, results
    )
    return [word.speaker for word in found], warnings


def joined(recording, results):
    return merge.join(merge.pieces(recording.chunks, results))


def test_people_are_known_again_in_all_chunks(recording):
    results = [
        chunk_of(recording, 0, BOB, ANN),
        chunk_of(recording, 1, ANN),
        chunk_of(recording, 2, BOB, ANN),
    ]
    assert told(recording, results) == ([1, 2, 2, 1, 2], ())
    assert told(recording, results[::-1]) == ([1, 2, 2, 1, 2], ())


def test_windows_of_two_chunks_are_not_one_window(recording):
    # As two voices of one window they would rather be two people.
    results = [chunk_of(recording, 0, ANN), chunk_of(recording, 1, ANN), chunk_of(recording, 2)]
    assert told(recording, results) == ([1, 1], ())


def test_voices_of_chunks_that_are_cut_by_bytes_follow_the_audio_that_was_measured(recording):
    span = ByteSpan(read_from=0, own_from=0, own_to=0, read_to=0)
    cut = replace(recording, chunks=tuple(replace(one, span=span) for one in recording.chunks))
    results = [
        chunk_of(cut, 0, ANN, owned=31.0),
        chunk_of(cut, 1, BOB, ANN, owned=8.0),
        chunk_of(cut, 2, BOB),
    ]
    assert told(cut, results) == ([1, 2, 1, 2], ())
    moved = merge.voices(cut.chunks, results)
    assert [one.turns for one in moved] == [
        ((0, 3500),),
        ((31000, 34500),),
        ((35000, 38500),),
        ((39000, 42500),),
    ]
    assert [one.window for one in moved] == [0, 1, 2, 3]


def test_a_chunk_in_which_nobody_speaks_changes_nothing(recording):
    results = [chunk_of(recording, 0, ANN, BOB), chunk_of(recording, 1), chunk_of(recording, 2, BOB)]
    assert told(recording, results) == ([1, 2, 2], ())


def test_words_that_nobody_listened_to_have_no_speaker_and_a_warning_says_so(recording):
    results = [
        chunk_of(recording, 0, ANN, BOB),
        chunk_of(recording, 1, ANN, revision=""),
        chunk_of(recording, 2, BOB),
    ]
    numbers, warnings = told(recording, results)
    assert numbers == [1, 2, None, 2]
    assert warnings == (speakers.NOT_DIARIZED.format(parts=1, of=3),)
    deaf = [replace(one, voices=(), voice_revision="") for one in results]
    assert told(recording, deaf) == ([None] * 4, (speakers.NOT_DIARIZED.format(parts=3, of=3),))


def test_voices_of_two_revisions_are_not_compared(recording):
    results = [
        chunk_of(recording, 0, ANN),
        chunk_of(recording, 1, BOB, revision="other"),
        chunk_of(recording, 2),
    ]
    assert told(recording, results) == ([None, None], (speakers.DIFFERENT,))


def test_numbers_of_a_hosted_engine_are_not_mixed_with_voices(recording):
    results = [chunk_of(recording, 0, ANN), chunk_of(recording, 1, BOB, revision=""), chunk_of(recording, 2)]
    words = tuple(
        replace(word, speaker=1 if word.text == "w1.0" else None) for word in joined(recording, results)
    )
    assert told(recording, results, words) == ([None, None], (speakers.DIFFERENT,))


def test_numbers_of_a_hosted_engine_stay(recording):
    results = [replace(chunk_of(recording, at, ANN, revision=""), engine="deepgram") for at in range(3)]
    words = tuple(replace(word, speaker=2) for word in joined(recording, results))
    assert told(recording, results, words) == ([2, 2, 2], ())


def test_speakers_are_told_apart_only_where_they_were_asked_for(recording):
    results = [chunk_of(recording, 0, ANN, BOB), chunk_of(recording, 1, revision=""), chunk_of(recording, 2)]
    assert told(replace(recording, options=Options()), results) == ([None, None], ())


def test_sounds_without_words_and_words_without_sounds_have_no_speakers_and_no_warning(recording):
    silent = [chunk_of(recording, at) for at in range(3)]
    assert told(recording, silent) == ([], ())
    humming = [replace(chunk_of(recording, at, ANN, BOB), words=()) for at in range(3)]
    assert told(recording, humming) == ([], ())
    words = chunk_of(recording, 0, ANN).words
    assert told(recording, [replace(silent[0], words=words), *silent[1:]]) == ([None], ())


def test_speakers_are_numbered_as_their_words_come(recording):
    # Bob is heard first, but says nothing.
    first = chunk_of(recording, 0, BOB, ANN)
    results = [replace(first, words=first.words[1:]), chunk_of(recording, 1, BOB), chunk_of(recording, 2)]
    assert told(recording, results) == ([1, 2], ())


def test_as_many_speakers_are_found_as_were_asked_for(recording):
    results = [chunk_of(recording, at, *crowd(4)) for at in range(3)]
    asked = replace(recording, options=Options(min_speakers=2, max_speakers=2))
    assert set(told(asked, results)[0]) == {1, 2}
    assert set(told(recording, results)[0]) == {1, 2, 3, 4}


def test_more_speakers_than_are_likely_are_told_unless_so_many_were_expected(recording):
    many = crowd(24)
    results = [chunk_of(recording, at, *many, owned=100.0) for at in range(3)]
    chunks = tuple(
        replace(one, start=100.0 * one.index, end=100.0 * one.index + 100) for one in recording.chunks
    )
    recording = replace(recording, chunks=chunks)
    numbers, warnings = told(recording, results)
    assert max(numbers) == 24
    assert warnings == (speakers.TOO_MANY.format(found=24),)
    for options in (Options(max_speakers=30), Options(min_speakers=24)):
        assert told(replace(recording, options=options), results)[1] == ()
    assert max(told(replace(recording, options=Options(max_speakers=20)), results)[0]) == 20


def test_an_embedding_that_is_no_number_is_dropped(recording):
    results = [chunk_of(recording, 0, ANN, BOB), chunk_of(recording, 1, ANN), chunk_of(recording, 2, BOB)]
    broken = replace(results[1].voices[0], embedding=b"\xff" * 384)
    results[1] = replace(results[1], voices=(broken,))
    assert told(recording, results) == ([1, 2, 2, 2], ())


def says(*numbers):
    return [Word(text="w", start=0.0, end=1.0, confidence=1.0, speaker=one) for one in numbers]


def test_names_are_given_in_the_order_of_first_words():
    options = Options(speaker_names=" Ann , Bob\n Smith,")
    assert speakers.named(options, says(1, 2, 1)) == ({1: "Ann", 2: "Bob Smith"}, ())
    assert speakers.named(options, says(1, 2, 3)) == ({1: "Ann", 2: "Bob Smith"}, ())
    assert speakers.named(Options(), says(1, 2)) == ({}, ())
    assert speakers.named(Options(speaker_names=",Bob"), says(1, 2)) == ({2: "Bob"}, ())


def test_names_that_nobody_has_are_told():
    options = Options(speaker_names="Ann, Bob, Eve")
    expected = speakers.UNHEARD.format(names="Bob, Eve", heard=1)
    assert speakers.named(options, says(1, 1)) == ({1: "Ann"}, (expected,))
    assert speakers.named(options, []) == ({}, ())


def test_a_name_has_a_length_that_captions_have_room_for():
    names, _ = speakers.named(Options(speaker_names="x" * 2000), says(1))
    assert names == {1: "x" * 80}


def stereo(recording, options, channels=2):
    return replace(recording, options=options, audio=replace(recording.audio, channels=channels))


def sided(results, left, right):
    """Results with levels: one side for the first half of each chunk, the other one for the rest."""
    return [replace(one, sides=bytes([left, right] * 500 + [right, left] * 500)) for one in results]


def test_channels_are_speakers_where_they_sound_like_it(recording):
    # By their voices it would be one person.
    results = [chunk_of(recording, at, ANN, ANN, ANN, ANN) for at in range(3)]
    for options in (Options(channels="auto"), Options(channels="apart", max_speakers=1)):
        numbers, warnings = told(stereo(recording, options), sided(results, 40, 120))
        assert (numbers, warnings) == ([1, 1, 1, 2] * 3, ())
    assert told(stereo(recording, Options(diarize=True)), sided(results, 40, 120)) == ([1] * 12, ())


def test_channels_that_are_no_speakers_leave_it_to_voices(recording):
    results = [chunk_of(recording, at, ANN, BOB) for at in range(3)]
    same = sided(results, 40, 40)
    assert told(stereo(recording, Options(channels="auto")), same) == ([1, 2] * 3, ())
    expected = speakers.MIXED.format(why="both channels have the same sound")
    assert told(stereo(recording, Options(channels="apart")), same) == ([1, 2] * 3, (expected,))


@pytest.mark.parametrize(
    ("channels", "said"), [(1, "the recording has 1 channel,"), (6, "the recording has 6 channels,")]
)
def test_a_recording_has_two_channels_or_voices(recording, channels, said):
    results = [chunk_of(recording, at, ANN, BOB) for at in range(3)]
    numbers, [warning] = told(stereo(recording, Options(channels="apart"), channels), results)
    assert numbers == [1, 2] * 3
    assert said.rstrip(",") in warning
    assert told(stereo(recording, Options(channels="auto"), channels), results) == ([1, 2] * 3, ())


def test_words_of_channels_that_were_recognised_one_by_one_are_those_of_their_side(recording):
    results = sided([chunk_of(recording, at, ANN, BOB, ANN, BOB) for at in range(3)], 40, 120)
    # The second one was recognised from the mix: there the louder side has said it.
    results = [replace(one, word_sides=b"" if one.index == 1 else bytes([1, 0, 0, 1])) for one in results]
    marked = speakers.sided(recording.chunks, results)
    assert [list(one.word_sides) for one in marked] == [[1, 0, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1]]
    words = joined(recording, marked)
    numbers, warnings = told(stereo(recording, Options(channels="apart")), marked, words)
    assert (numbers, warnings) == ([1, 2, 2, 1, 2, 2, 2, 1, 1, 2, 2, 1], ())


def test_results_of_mixed_channels_stay_as_they_are(recording):
    results = sided([chunk_of(recording, at, ANN, BOB) for at in range(3)], 40, 120)
    assert speakers.sided(recording.chunks, results) == results


def test_channels_count_only_if_all_chunks_have_them(recording):
    results = sided([chunk_of(recording, at, ANN, BOB) for at in range(3)], 40, 120)
    results[1] = replace(results[1], sides=b"")
    numbers, [warning] = told(stereo(recording, Options(channels="apart")), results)
    assert numbers == [1, 2] * 3
    assert "a worker of an older version" in warning


def test_a_hosted_engine_has_no_channels(recording):
    results = [replace(chunk_of(recording, at, ANN, revision=""), engine="deepgram") for at in range(3)]
    words = tuple(replace(word, speaker=2) for word in joined(recording, results))
    numbers, [warning] = told(stereo(recording, Options(channels="apart")), results, words)
    assert numbers == [2, 2, 2]
    assert "Deepgram gets a mix of both" in warning


def test_a_hosted_engine_finds_out_by_itself_how_many_speakers_there_are_and_a_warning_says_so(recording):
    results = [replace(chunk_of(recording, at, ANN, revision=""), engine="deepgram") for at in range(3)]
    words = tuple(replace(word, speaker=2) for word in joined(recording, results))
    asked = replace(recording, options=Options(max_speakers=2))
    assert told(asked, results, words) == ([2] * 3, (speakers.UNBOUND.format(engine="Deepgram"),))
    assert told(recording, results, words) == ([2] * 3, ())
