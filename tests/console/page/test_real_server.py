"""The page against the real server, over a deployment in a temporary folder."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from console.api import audio
from shared.flow import chunk, record, upload
from shared.messages import ChunkDone
from tests.console.page.test_recording import NOW, until
from tests.world import heard

SAID = "the gauge below the bridge had risen"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def planned(world, sound):
    """A recording in several chunks; nothing is transcribed yet."""
    world.media.info = replace(world.media.info, duration=60.0)
    event = world.upload("talks/talk.wav", sound.read_bytes(), **{"dropscribe-label": "sales"})
    return upload.on_upload(event, world.ports)


def finish(world, recording, chunks=None, text=SAID):
    """Chunks that come in."""
    for one in recording.chunks if chunks is None else chunks:
        chunk.commit_result(*heard(recording, one, text), world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


@pytest.fixture
def page(open_real, world):
    """The page of the real server."""
    return open_real(world.ports)


def test_words_come_while_chunks_are_done(page, world, planned):
    page.reload()
    page.get_by_role("link", name="talks/talk.wav").click()
    expect(page.locator(".facts")).to_contain_text("Transcribing")
    finish(world, planned)
    expect(page.locator(".paragraph > p").first).to_contain_text(SAID)
    expect(page.locator(".facts")).to_contain_text("Done")
    expect(page.locator(".downloads a[href*='/outputs/transcript.srt']")).to_be_visible()


def test_a_recording_is_heard_corrected_and_downloaded(page, world, planned):
    finish(world, planned)
    page.goto(f"/recordings/{planned.id}#t=1.2")
    expect(page.locator(".paragraph > p").first).to_contain_text(SAID)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.locator(".paragraph").first.hover()
    page.get_by_role("button", name="Edit the paragraph").first.click()
    page.get_by_label("Text of the paragraph").fill("the gauge above the bridge had fallen")
    page.keyboard.press("Enter")
    expect(page.locator(".paragraph > p").first).to_have_text("the gauge above the bridge had fallen")
    expect(page.get_by_label("Revision", exact=True)).to_have_value("1")
    with page.expect_download() as told:
        page.locator(".downloads a[href*='/outputs/transcript.txt']").click()
    assert "fallen" in told.value.path().read_text()


def test_a_moment_is_found_in_sound_that_comes_in_chunks(page, world, planned, monkeypatch):
    """As Cloud Run lets out answers of more than 32 MiB."""
    monkeypatch.setattr(audio, "LARGEST", 1000)
    answers = []
    page.on("response", lambda one: answers.append(one.headers) if "/audio" in one.url else None)
    finish(world, planned)
    page.goto(f"/recordings/{planned.id}#t=50")
    expect(page.locator(".paragraph").first).to_be_visible()
    until(page, lambda page: page.evaluate(NOW), 50)
    page.get_by_role("button", name="Play").click()
    until(page, lambda page: page.evaluate(NOW) > 50, True)
    assert any(one.get("transfer-encoding") == "chunked" for one in answers)


def correct(page, text):
    """Opens the editor of the first paragraph and writes another text; the caller saves it."""
    page.locator(".paragraph").first.hover()
    page.get_by_role("button", name="Edit the paragraph").first.click()
    page.get_by_label("Text of the paragraph").fill(text)


def test_the_second_of_two_editors_sees_both_texts(page, world, planned):
    finish(world, planned)
    other = page.context.new_page()
    for one in (page, other):
        one.goto(f"/recordings/{planned.id}")
        expect(one.locator(".paragraph > p").first).to_contain_text(SAID)
        correct(one, "mine" if one is page else "theirs")
    other.keyboard.press("Enter")
    expect(other.locator(".paragraph > p").first).to_have_text("theirs")
    page.bring_to_front()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Someone else saved first")
    expect(dialog.locator(".text")).to_have_text(["theirs", "mine"])
    dialog.get_by_role("button", name="Save mine instead").click()
    expect(page.locator(".paragraph > p").first).to_have_text("mine")
    expect(page.get_by_label("Revision", exact=True)).to_have_value("2")
    page.get_by_label("Revision", exact=True).select_option("0")
    expect(page.locator(".paragraph > p").first).to_contain_text(SAID)
    other.close()


def test_speakers_are_renamed_and_hostile_names_and_words_are_text(page, world, planned):
    spoken = replace(heard(planned, planned.chunks[0], f"{SAID} {HOSTILE}")[0])
    spoken = replace(spoken, words=tuple(replace(one, speaker=1) for one in spoken.words))
    for one in planned.chunks:
        _, row = heard(planned, one)
        chunk.commit_result(replace(spoken, index=one.index, owned=row.owned_seconds), row, world.ports)
    record.on_chunk_done(ChunkDone(recording=planned.id, index=0), world.ports)
    page.goto(f"/recordings/{planned.id}")
    expect(page.locator(".paragraph > p").first).to_contain_text(HOSTILE)
    page.locator(".paragraph .speaker").first.click()
    page.get_by_label("Name, in the whole recording").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator(".paragraph .speaker").first).to_have_text(HOSTILE)
    assert page.locator("main img").count() == 0


def test_an_upload_is_asked_how_far_it_came_and_goes_on(page, world):
    page.route("**/api/v1/uploads/*", lambda route: route.fulfill(status=503), times=1)
    page.locator("#chooser").set_input_files(
        [{"name": f"{HOSTILE}.wav", "mimeType": "audio/wav", "buffer": b"sound" * 100}]
    )
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert [one.name for one in world.ports.store.list("audio")] == [f"{HOSTILE}.wav"]


def test_every_view_opens(page, world, planned):
    finish(world, planned)
    for path, heading in {"/costs": "Costs", "/trouble": "Trouble"}.items():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.get_by_role("alert")).to_have_count(0)
        if path == "/costs":
            expect(page.locator(".tiles")).to_contain_text(f"${0.001 * len(planned.chunks):g}")


def test_a_file_is_quoted_and_uploaded(page, world, sound):
    page.locator("#chooser").set_input_files(sound)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Options considered")).to_be_visible()
    dialog.get_by_label("Label").fill("sales")
    dialog.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
    assert [one.name for one in world.ports.store.list("audio")] == ["minute.wav"]


def test_a_recording_is_cancelled_and_deleted(page, world, planned):
    page.goto(f"/recordings/{planned.id}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the recording").click()
    expect(page.locator(".facts")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="Recordings")).to_be_visible()
    expect(page.get_by_role("link", name="talks/talk.wav")).to_have_count(0)


def test_what_was_deleted_stays_away_however_late_its_list_arrives(page, world, planned):
    record.cancel(planned.id, world.ports)
    page.goto(f"/recordings/{planned.id}")
    expect(page.locator(".facts")).to_contain_text("Cancelled")
    held = []
    page.route("**/api/v1/recordings?*", lambda route: held.append((route, route.fetch())))
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete for good").click()
    until(page, lambda _: len(held), 1)
    # The feed looks twice a second, and tells of the deletion meanwhile.
    page.wait_for_timeout(1500)
    for route, answer in held:
        route.fulfill(response=answer)
    page.unroute("**/api/v1/recordings?*")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
