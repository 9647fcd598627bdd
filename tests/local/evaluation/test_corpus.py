import json

import pytest

from local.evaluation.corpus import Entry, read
from shared.errors import BadRequest


@pytest.fixture
def manifest(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"")

    def write(*entries, name="manifest.json"):
        lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
        (tmp_path / name).write_text("\n".join(lines) + "\n\n", encoding="utf-8")
        return tmp_path / name

    return write


def test_a_manifest_names_recordings_relative_to_itself(manifest, tmp_path):
    path = manifest(
        {"audio_filepath": "a.wav", "text": "good morning", "duration": 1.5},
        {"audio_filepath": str(tmp_path / "b.wav"), "text": "two", "offset": 2.5, "duration": 1.5},
        {"audio_filepath": "b.wav", "text": "the rest", "offset": 4.0},
    )
    assert read(path) == [
        Entry(audio=tmp_path / "a.wav", text="good morning"),
        Entry(audio=tmp_path / "b.wav", text="two", start=2.5, duration=1.5),
        Entry(audio=tmp_path / "b.wav", text="the rest", start=4.0),
    ]
    assert [one.whole for one in read(path)] == [True, False, False]


def test_a_folder_with_a_manifest_is_found(manifest, tmp_path):
    manifest({"audio_filepath": "a.wav", "text": "good morning"}, name="test_manifest.jsonl")
    assert read(tmp_path) == [Entry(audio=tmp_path / "a.wav", text="good morning")]


def test_entries_without_a_text_are_passed_over(manifest):
    path = manifest({"audio_filepath": "a.wav", "text": " "}, {"audio_filepath": "b.wav", "text": "one"})
    assert [one.text for one in read(path)] == ["one"]


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", '{"text": "x"}', '{"audio_filepath": "a.wav"}', '{"audio_filepath": 3, "text": ""}'],
)
def test_a_line_that_is_no_entry_is_named(manifest, line):
    with pytest.raises(BadRequest, match=r"manifest\.json, line 2 is not an entry"):
        read(manifest({"audio_filepath": "a.wav", "text": "one"}, line))


def test_a_recording_that_is_not_there_is_named(manifest):
    with pytest.raises(BadRequest, match=r"line 1 names .*c\.wav, which does not exist"):
        read(manifest({"audio_filepath": "c.wav", "text": "one"}))


def test_librispeech_has_a_text_file_in_every_chapter(tmp_path):
    chapter = tmp_path / "test-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    for number in (0, 1):
        (chapter / f"84-121123-000{number}.flac").write_bytes(b"")
    (chapter / "84-121123.trans.txt").write_text(
        "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS\n"
    )
    assert read(tmp_path) == [
        Entry(audio=chapter / "84-121123-0000.flac", text="GO DO YOU HEAR"),
        Entry(audio=chapter / "84-121123-0001.flac", text="BUT IN LESS"),
    ]


def test_a_talk_of_tedlium_is_one_recording_with_its_unscored_stretches_marked(tmp_path):
    for folder in ("stm", "sph"):
        (tmp_path / "test" / folder).mkdir(parents=True)
    (tmp_path / "test" / "sph" / "Talk.sph").write_bytes(b"")
    (tmp_path / "test" / "stm" / "Talk.stm").write_text(
        ";; a comment\n"
        "Talk 1 inter_segment_gap 0 17.82 <o,,unknown> ignore_time_segment_in_scoring\n"
        "Talk 1 Speaker 17.82 28.81 <o,f0,female> there 's a lot of <unk> talk\n"
        "Talk 1 Speaker 28.81 40.17 <o,f0,female> and we did n't\n"
    )
    assert read(tmp_path) == [
        Entry(
            audio=tmp_path / "test" / "sph" / "Talk.sph",
            text="there's a lot of  talk and we did n't",
            unscored=((0.0, 17.82),),
        )
    ]


def test_a_line_that_is_none_of_an_stm_is_named(tmp_path):
    (tmp_path / "talk.stm").write_text("talk 1 speaker from to <o> words\n")
    with pytest.raises(BadRequest, match=r"talk\.stm, line 1 is not a line of an stm"):
        read(tmp_path)


def test_a_call_of_earnings_21_is_the_words_of_its_first_column(tmp_path):
    for folder in ("media", "transcripts/nlp_references"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "transcripts" / "media").symlink_to(tmp_path / "media")
    (tmp_path / "media" / "4320211.mp3").write_bytes(b"")
    (tmp_path / "transcripts" / "nlp_references" / "4320211.nlp").write_text(
        "token|speaker|ts|endTs|punctuation|case|tags|wer_tags\n"
        "Good|0||||UC|[]|[]\n"
        "<crosstalk>|0||||LC|[]|[]\n"
        "day|0|||,|LC|[]|[]\n"
    )
    assert read(tmp_path / "transcripts") == [
        Entry(audio=tmp_path / "transcripts" / "media" / "4320211.mp3", text="Good day")
    ]


def test_the_recordings_of_earnings_21_are_found_two_folders_up(tmp_path):
    for folder in ("media", "transcripts/nlp_references"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "media" / "1.mp3").write_bytes(b"")
    (tmp_path / "transcripts" / "nlp_references" / "1.nlp").write_text("token|speaker\nHello|0\n")
    assert read(tmp_path) == [Entry(audio=tmp_path / "media" / "1.mp3", text="Hello")]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("word|speaker\nx|0\n", "names of its columns"), ("speaker|token\n0\n", "has 1 columns")],
)
def test_a_damaged_call_is_named(tmp_path, content, problem):
    (tmp_path / "1.nlp").write_text(content)
    with pytest.raises(BadRequest, match=problem):
        read(tmp_path)


def test_a_text_without_its_recording_is_named(tmp_path):
    # Folders up to two levels up are looked at: they must not be those of other tests.
    folder = tmp_path / "corpus" / "texts" / "test"
    folder.mkdir(parents=True)
    (folder / "talk.stm").write_text("talk 1 speaker 0 1 <o> words\n")
    with pytest.raises(BadRequest, match=r"no talk\.wav, \.flac"):
        read(folder)


def test_a_folder_of_no_known_corpus_says_which_are_known(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(BadRequest, match=r"LibriSpeech.*TED-LIUM.*Earnings-21.*NeMo"):
        read(tmp_path)


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(BadRequest, match="no file or folder"):
        read(tmp_path / "nothing")


def test_a_manifest_without_any_text_is_refused(manifest):
    with pytest.raises(BadRequest, match="no recording with a text"):
        read(manifest({"audio_filepath": "a.wav", "text": ""}))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequest, match="cannot be read"):
        read(tmp_path / "manifest.json")
