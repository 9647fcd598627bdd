"""`dropscribe forget` as a person runs it: afterwards no byte of a name or a word is below the state folder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.backend.files.atomic_write import unfinished
from local.backend.files.store import FileStore
from local.commands.operation import agreement
from local.runtime import export
from shared.errors import StoreUnavailable
from shared.flow import chunk, forget, record, upload
from shared.messages import ChunkDone
from shared.state import audit, documents
from tests.flow.diarization.crowd import crowd, voice
from tests.voices_left import has_voice
from tests.world import heard

NAME, WORD = "zanzibar.wav", "xylophone"


def done(deployment, name=NAME):
    ended = deployment.done(name, text=f"one {WORD} three")
    export.deliver(record.ending(ended, deployment.ports), deployment.ports)
    return deployment.stored(ended)


def holders(deployment, text):
    """What is below the state folder, copies for a person, empty folders and database included, and has some text."""
    root = deployment.settings.state_dir
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if text in str(path.relative_to(root)) or (path.is_file() and text.encode() in path.read_bytes())
    }


def files(deployment, text):
    """The same without the database."""
    return {one for one in holders(deployment, text) if "sqlite" not in one}


@pytest.mark.parametrize("place", ["key", "path", "name", "uri"])
def test_nothing_of_a_recording_is_left_on_the_disk(deployment, call, place):
    recording = done(deployment)
    path = deployment.ports.inbox / NAME
    kinds = {one.split("/")[0].partition(".")[0] for one in holders(deployment, WORD)}
    assert kinds == {"buckets", "transcripts", "search"}
    assert any("dropscribe.sqlite" in one for one in holders(deployment, "zanzibar"))
    named = {"key": recording.id, "path": path, "name": NAME, "uri": f"gs://audio/{NAME}"}[place]
    result = call("forget", named, "--audio", "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Deleted 1 recording.\n"
    assert holders(deployment, WORD) == set()
    assert holders(deployment, "zanzibar") == set()
    assert not path.exists()


def test_that_output_files_stay_is_said_where_the_name_of_the_file_cannot_be_read(deployment, call):
    recording, records = done(deployment), deployment.ports.records
    records.update(documents.RECORDINGS, recording.id, lambda fields: fields | {"source": "x"})
    assert "its output files stay" in call("forget", recording.id, "--yes").stderr


def test_one_is_listed_of_whose_document_nothing_can_be_read(deployment, call):
    recording, records = done(deployment), deployment.ports.records
    records.update(documents.RECORDINGS, recording.id, lambda fields: dict.fromkeys(fields, "x"))
    assert list(json.loads(call("status", "--json").stdout)["unreadable"]) == [recording.id]


def test_one_whose_document_cannot_be_read_is_deleted_by_its_key_as_every_command_says(deployment, call):
    recording, records = done(deployment), deployment.ports.records
    records.update(documents.RECORDINGS, recording.id, lambda fields: fields | {"options": "x"})
    told = f"or delete it with `dropscribe forget {recording.id}`"
    shown = json.loads(call("status", "--json").stdout)["unreadable"]
    assert list(shown) == [recording.id]
    assert told in shown[recording.id]
    screen = " ".join(call("status").stdout.split())
    assert "Recordings that cannot be read: 1." in screen
    assert told in screen
    assert "raise --limit" not in screen
    assert told in call("retry", recording.id).stderr
    result = call("forget", recording.id, "--yes")
    assert (result.exit_code, result.stdout) == (0, "Deleted 1 recording.\n"), result.stderr
    assert holders(deployment, WORD) == set()
    assert deployment.stored(recording).state == "DELETED"
    assert json.loads(call("status", "--json").stdout)["unreadable"] == {}


@pytest.mark.parametrize(
    "name", ["zanzibar/zanzibar.wav", "zanzibar/2026/a.wav", f"{'zanzibar' * 60}.wav", "%=zanzibar/a.wav"]
)
def test_no_folder_is_left_that_is_called_after_it_in_part(deployment, call, name):
    (deployment.ports.store.path_of("audio", name)).parent.mkdir(parents=True, exist_ok=True)
    deployment.ports.store.path_of("audio", name).write_bytes(b"sound")
    recording = deployment.finish(
        upload.on_object(deployment.ports.store.stat("audio", name), deployment.ports)
    )
    export.deliver(record.ending(recording, deployment.ports), deployment.ports)
    other = done(deployment, "other.wav")
    before = files(deployment, "other.wav")
    assert holders(deployment, "zanzibar")
    assert call("forget", recording.id, "--audio", "--yes").exit_code == 0
    assert holders(deployment, "zanzibar") == set()
    assert holders(deployment, recording.id[:8]) <= {"dropscribe.sqlite", "dropscribe.sqlite-wal"}
    assert files(deployment, "other.wav") == before
    assert deployment.stored(other).state == "DONE"


def test_folders_of_a_person_stay(deployment, call, tmp_path):
    inbox = tmp_path / "mine"
    (inbox / "zanzibar").mkdir(parents=True)
    ports = replace(
        deployment.ports, inbox=inbox, store=FileStore({**deployment.ports.store._folders, "audio": inbox})
    )
    (inbox / "zanzibar" / "a.wav").write_bytes(b"sound")
    recording = upload.on_object(ports.store.stat("audio", "zanzibar/a.wav"), ports)
    forget.forget(recording.id, ports, audio=True, alone=True)
    assert [one.name for one in inbox.rglob("*")] == ["zanzibar"]


def test_folders_that_an_older_version_left_empty_go_as_well(deployment, call):
    left = deployment.settings.state_dir / "buckets" / "transcripts" / "audio" / NAME / "1-abc"
    left.mkdir(parents=True)
    call("forget", done(deployment, "other.wav").id, "--yes")
    assert holders(deployment, "zanzibar") == set()


def killed_while_a_result_was_written(deployment, recording):
    folder = (
        deployment.settings.state_dir / "buckets" / "transcripts" / recording.outputs[0].rpartition("/")[0]
    )
    return unfinished(folder / "transcript.txt")


def killed_while_a_copy_was_written(deployment, recording):
    return unfinished(deployment.ports.out / NAME / "transcript.txt")


def killed_while_an_older_version_wrote_a_copy(deployment, recording):
    return deployment.ports.out / NAME / ".0123456789abcdef.part"


def killed_while_the_state_was_copied(deployment, recording):
    return deployment.settings.state_dir / ".dropscribe-abc" / "dropscribe.sqlite"


def killed_while_standard_input_was_transcribed(deployment, recording):
    return deployment.settings.state_dir / "incoming" / "0123" / NAME


@pytest.mark.parametrize(
    "killed",
    [
        killed_while_a_result_was_written,
        killed_while_a_copy_was_written,
        killed_while_an_older_version_wrote_a_copy,
        killed_while_the_state_was_copied,
        killed_while_standard_input_was_transcribed,
    ],
)
def test_what_a_killed_process_left_of_it_goes_as_well(deployment, call, killed):
    recording = done(deployment)
    left = killed(deployment, recording)
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text(f"one {WORD} three in {NAME}")
    assert call("forget", recording.id, "--audio", "--yes").exit_code == 0
    assert holders(deployment, WORD) | holders(deployment, "zanzibar") == set()


def test_no_voice_is_left_in_any_file_of_the_state(deployment, call):
    recording = deployment.upload(NAME)
    voices = tuple(voice(one, at, 0.0) for at, one in enumerate(crowd(2)))
    for part in recording.chunks:
        chunk.commit_result(*heard(recording, part, voices=voices, voice_revision="a+b"), deployment.ports)
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), deployment.ports)
    export.deliver(record.ending(ended, deployment.ports), deployment.ports)

    def with_voices():
        files = [path for path in deployment.settings.state_dir.rglob("*") if path.is_file()]
        return [path for path in files for one in voices if has_voice(path.read_bytes(), one.embedding)]

    assert {path.parts[-3:-1] for path in with_voices()} == {("chunks", recording.id)}
    assert call("forget", recording.id, "--yes").exit_code == 0
    assert with_voices() == []


def test_the_audio_stays_unless_it_is_named_and_the_status_says_that_it_is_deleted(deployment, call):
    recording = done(deployment)
    call("forget", recording.id, "--yes")
    assert (deployment.ports.inbox / NAME).exists()
    shown = call("status").stdout
    assert "1 deleted" in shown
    assert "It was deleted." in shown
    [row] = json.loads(call("status", "--json").stdout)["recordings"]
    assert (row["state"], row["uri"], row["outputs"]) == ("DELETED", None, [])


def test_one_with_options_of_its_own_is_counted_and_listed_once(deployment, call):
    (deployment.ports.inbox / NAME).write_bytes(b"sound")
    source = deployment.ports.store.stat("audio", NAME)
    recording = upload.on_object(replace(source, metadata={"dropscribe-language": "en"}), deployment.ports)
    assert recording.options.language == "en"
    assert call("forget", NAME, "--yes").exit_code == 0
    # The mark against the event of the upload is there all the same.
    assert deployment.ports.records.count(documents.RECORDINGS, {"state": "DELETED"}) == 2
    found = json.loads(call("status", "--json").stdout)
    assert found["states"] == {"DELETED": 1}
    assert [one["recording"] for one in found["recordings"]] == [recording.id]


def test_another_recording_keeps_all_it_has(deployment, call):
    recording, other = done(deployment), done(deployment, "other.wav")
    before = files(deployment, "other.wav")
    call("forget", recording.id, "--audio", "--yes")
    assert deployment.stored(other) == other
    assert files(deployment, "other.wav") == before
    assert len(before) > 6


def test_messages_about_it_go_as_well(deployment, call):
    recording = deployment.upload(NAME)
    assert deployment.ports.queue.pending("cpu-worker") == 2
    assert call("forget", recording.id, "--json", "--yes").exit_code == 0
    assert deployment.ports.queue.pending("cpu-worker") == 0


def test_it_is_noted_who_asked_without_the_name(deployment, call):
    recording = done(deployment)
    call("forget", NAME, "--yes")
    [(key, entry)] = audit.entries(deployment.ports.records)
    assert (entry.action, entry.about) == ("forget", (recording.id,))
    [line] = [json.loads(one) for one in call("audit", "--json").stdout.splitlines()]
    assert (line["key"], line["who"], line["about"]) == (key, entry.who, [recording.id])
    assert "forget" in call("audit").stdout
    assert call("audit", "--json", "--after", key).stdout == ""


def test_a_person_is_asked_about_one_as_well_and_told_what_goes(deployment, call, monkeypatch):
    recording = done(deployment)
    refused = call("forget", NAME)
    assert refused.exit_code == 2
    assert "Add --yes" in refused.stderr
    monkeypatch.setattr(agreement, "at_terminal", lambda: True)
    answers = [True, False]
    monkeypatch.setattr(agreement.typer, "confirm", lambda *_, **__: answers.pop())
    assert call("forget", NAME, "--audio").exit_code == 1
    assert deployment.stored(recording).state == "DONE"
    files = len(recording.outputs)
    told = call("forget", NAME)
    assert told.stderr == (
        f"This deletes the transcript with {files} output files, and all records and messages about gs://audio/{NAME}. "
        "The audio stays. It cannot be undone.\n"
    )
    assert deployment.stored(recording).state == "DELETED"


def test_who_is_asked_reads_the_title_by_which_it_is_known(deployment, call):
    recording = done(deployment)
    named = replace(recording, options=replace(recording.options, title="Board meeting.mp3"))
    documents.put(documents.RECORDINGS, recording.id, named, deployment.ports)
    told = call("forget", recording.id).stderr
    assert f"messages about Board meeting.mp3 (gs://audio/{NAME})." in told


def test_what_breaks_off_half_way_says_how_far_it_came(deployment, call, monkeypatch):
    both = [done(deployment), done(deployment, "other.wav")]
    original, tries = forget.forget, []

    def busy(*given, **more):
        tries.append(given)
        if len(tries) == 2:
            raise StoreUnavailable("The database is locked. Try again.")
        return original(*given, **more)

    monkeypatch.setattr(forget, "forget", busy)
    result = call("forget", *(one.id for one in both), "--yes")
    assert result.exit_code == 69
    said = "1 of 2 recordings were deleted before. Do the same again for the others."
    assert said in result.stderr
    assert call("forget", *(one.id for one in both), "--yes").exit_code == 0
    assert {deployment.stored(one).state for one in both} == {"DELETED"}


def test_several_are_asked_about_and_without_a_terminal_nothing_is_deleted(deployment, call):
    one, other = done(deployment), done(deployment, "other.wav")
    result = call("forget", one.id, other.id)
    assert result.exit_code == 2
    assert "Add --yes" in result.stderr
    assert deployment.stored(one).state == deployment.stored(other).state == "DONE"
    assert list(audit.entries(deployment.ports.records)) == []
    assert call("forget", one.id, other.id, "--yes").exit_code == 0
    assert deployment.stored(other).state == "DELETED"


def test_what_has_no_recording_is_said(deployment, call):
    recording = done(deployment)
    result = call("forget", recording.id, "nonsense.wav")
    assert result.exit_code == 66
    assert "There is no recording nonsense.wav." in result.stderr
    assert deployment.stored(recording).state == "DONE"
