"""A second hosted engine is one spec and one adapter: the whole flow works with nothing else changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from shared.adapters.hosted_engines import open_hosted
from shared.connect import settings_here
from shared.costs import prices_file
from shared.costs.prices import TABLE
from shared.engines import ENGINES, choices
from shared.errors import BadRequest, ConfigurationError
from shared.messages import from_fields, options_of, options_schema
from shared.model import AudioInfo, Options
from shared.results import LedgerRow
from shared.routing import eligible
from shared.routing.case import Case, Known
from shared.routing.conditions import Conditions
from shared.routing.pace import pace_of
from shared.routing.route import choose
from shared.settings import Settings, unknown
from shared.state import documents
from shared.topology import topology
from tests import acme
from tests.generated import for_terraform, request_schema, tables

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "voice-note.opus"


@pytest.fixture
def registered(three_engines, monkeypatch, tmp_path):
    """A table of three engines and one more, and its key."""
    monkeypatch.setitem(ENGINES, "acme", acme.ACME)
    monkeypatch.setattr(acme, "opened", [])
    monkeypatch.setenv("ACME_API_KEY", " k3y\n")
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def run(*command):
    result = CliRunner().invoke(cli.app, [str(one) for one in command])
    return result.exit_code, result.stdout, result.stderr


def transcribed(folder, *more):
    code, out, err = run("transcribe", SAMPLE, "--out", folder / "out", "--json", *more)
    [line] = json.loads(out)
    return code, line, err


def rows():
    ports = open_ports(settings_here())
    try:
        return [from_fields(fields, LedgerRow) for _, fields in ports.records.query(documents.LEDGER)]
    finally:
        ports.close()


def test_its_key_makes_it_an_engine_of_the_deployment_and_nothing_shows_the_key(registered):
    settings = settings_here()
    assert settings.engine_set == {"parakeet-cpu", "acme"}
    assert set(open_hosted(settings)) == {"acme"}
    assert "k3y" not in repr(settings)


def test_it_has_an_address_and_a_number_of_open_calls_of_its_own(done):
    [adapter] = acme.opened
    assert (adapter.address, adapter.calls) == ("https://api.acme.example", 3)
    environ = {"DROPSCRIBE_ACME_URL": "https://eu.acme.example", "DROPSCRIBE_ACME_CONCURRENCY": "7"}
    settings = Settings.from_environment(environ)
    assert unknown(environ) == []
    assert settings.addresses == {"deepgram": "https://api.deepgram.com", "acme": "https://eu.acme.example"}
    assert settings.open_calls == {"deepgram": 5, "acme": 7}
    waits = Conditions(waiting={"acme": 3500.0})
    assert pace_of("acme", waits, settings, TABLE).ready == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DROPSCRIBE_ACME_URL", "http://acme.example", "an https:// address, because the API key"),
        ("DROPSCRIBE_ACME_CONCURRENCY", "0", "it must be from 1 to 1000"),
        ("DROPSCRIBE_ACME_CONCURRENCY", "many", "'many': it must be a whole number"),
    ],
)
def test_a_wrong_setting_of_its_own_is_refused_with_its_name(registered, name, value, says):
    with pytest.raises(ConfigurationError, match=f"{name} is .*{says}"):
        Settings.from_environment({name: value})


def test_it_can_be_asked_for_by_its_method_wherever_options_come_from(registered, monkeypatch):
    assert options_of({"method": "acme"}).method == "acme"
    monkeypatch.delitem(ENGINES, "acme")
    with pytest.raises(BadRequest, match=f"method must be one of {', '.join(choices())}"):
        options_of({"method": "acme"})


@pytest.fixture
def done(registered, monkeypatch):
    """A recording that was transcribed by it: the line that tells of it, and its transcript."""
    monkeypatch.setenv("TRANSCRIPTION_METHOD", "acme")
    code, line, _ = transcribed(registered)
    assert (code, line["state"], line["method"]) == (0, "DONE", "acme")
    folder = registered / "out" / "voice-note.opus"
    return line, json.loads((folder / "transcript.json").read_text()), folder


def test_its_words_are_the_transcript_with_its_name_weights_and_revision(done):
    _, document, folder = done
    assert (folder / "transcript.txt").read_text().split() == ["acme", "heard", "this", "well"]
    [part] = document["parts"]
    assert (part["engine"], part["model"], part["revision"]) == ("acme", "rocket-1", "2026-11-01")
    [adapter] = acme.opened
    [job] = adapter.jobs
    assert (adapter.key, job.model) == ("k3y", "rocket-1")


def test_its_row_stands_in_the_ledger_at_its_own_price(done):
    line, _, _ = done
    [row] = rows()
    assert (row.engine, row.request_id) == ("acme", "acme-1")
    assert row.usd == pytest.approx(row.billed_seconds / 60 * 0.002)
    assert line["usd"] == pytest.approx(row.usd, abs=1e-6)


def test_the_report_and_the_status_name_it(done):
    _, out, _ = run("cost", "--json", "--by", "method")
    [group] = json.loads(out)["groups"]
    assert (group["name"], group["recordings"]) == ("acme", 1)
    code, out, _ = run("status")
    assert code == 0
    assert "acme" in out


def test_what_was_not_chosen_is_told_with_every_method(done):
    _, out, _ = run("status", "--json")
    [one] = json.loads(out)["recordings"]
    methods = [method["method"] for method in one["considered"]]
    assert (methods[0], set(methods)) == ("acme", {"acme", "parakeet", "hybrid", "deepgram"})
    assert one["why"] == "acme was asked for"


def test_a_chunk_that_parakeet_gives_up_goes_to_it(registered, tmp_path, monkeypatch):
    damaged = tmp_path / "weights"
    damaged.mkdir()
    (damaged / "config.json").write_text('{"model_type": "nemo-conformer-tdt"}')
    for name in ("vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx"):
        (damaged / name).write_bytes(b"broken")
    monkeypatch.setenv("PARAKEET_MODEL_NAME", str(damaged))
    code, line, err = transcribed(registered)
    assert "Acme Speech transcribes instead" in err
    assert (code, line["state"], line["method"]) == (0, "DONE", "acme")
    _, out, _ = run("status", "--json")
    [one] = json.loads(out)["recordings"]
    assert "Acme Speech did all of it in place of Parakeet on a CPU" in one["why"]


def test_when_it_refuses_the_owner_is_told_what_each_engine_said(registered, monkeypatch):
    monkeypatch.setattr(acme, "refusing", True)
    monkeypatch.setenv("TRANSCRIPTION_METHOD", "acme")
    code, line, _ = transcribed(registered)
    assert (code, line["state"]) == (1, "FAILED")
    assert "Acme Speech wants money" in line["reason"]


def test_a_price_file_may_set_its_price(registered, tmp_path):
    (tmp_path / "ours.toml").write_text("acme_minute = 0.001\n")
    table = prices_file.load(str(tmp_path / "ours.toml"))
    assert table.hosted("acme", 120.0) == pytest.approx(0.002)
    assert table.hosted("deepgram", 60.0) == pytest.approx(0.0077)


def test_route_tells_its_price_beforehand(registered, monkeypatch):
    monkeypatch.setenv("TRANSCRIPTION_METHOD", "acme")
    code, out, _ = run("route", SAMPLE)
    assert code == 0
    assert "acme was asked for" in out
    assert "$0.0009" in out


def test_each_deployment_has_its_topic_and_a_subscription_that_pushes(registered):
    found = topology().subscription("acme")
    assert found.topic == "chunks-acme"
    assert found.dead_letter_topic == "dead-letters"
    assert topology().hurried().subscription("acme") == found


def test_terraform_and_the_guides_get_it_from_its_spec(registered):
    made = json.loads(for_terraform.deployment())
    assert made["hosted_keys"] == {"deepgram": "DEEPGRAM_API_KEY", "acme": "ACME_API_KEY"}
    assert made["subscriptions"]["acme"] == {
        "topic": "chunks-acme", "backoff": [5.0, 300.0], "attempts": 8, "pull": False, "webhook": False
    }  # fmt: skip
    assert "chunks-acme" in made["topics"]
    assert made["functions"]["acme"] == {"memory_mib": 2048, "requests": 2}
    for text in (for_terraform.alerts(), for_terraform.dashboard()):
        assert text.count('\\"deepgram\\",\\"acme\\"') == 2
    of_deepgram = "| `DEEPGRAM_API_KEY` |  | API key of Deepgram; unset: no Deepgram. |\n"
    of_acme = (
        "| `ACME_API_KEY` |  | API key of Acme Speech; unset: no Acme Speech. |\n"
        "| `DROPSCRIBE_ACME_URL` | `https://api.acme.example` | Address of Acme Speech. |\n"
        "| `DROPSCRIBE_ACME_CONCURRENCY` | `3` | Calls of Acme Speech that one process may have open. |\n"
    )
    found = tables.settings()
    assert of_acme in found
    assert found.index(of_deepgram) < found.index(of_acme)
    assert {"DROPSCRIBE_ACME_URL", "DROPSCRIBE_ACME_CONCURRENCY"} < set(made["settings"])
    properties = json.loads(request_schema.written())["properties"]["options"]["properties"]
    assert "acme" in properties["method"]["enum"]
    assert "Works with Parakeet on a GPU, Deepgram and Acme Speech." in properties["keyterms"]["description"]
    assert "Parakeet on a CPU, Deepgram, Acme Speech." in tables.circle()


def test_the_page_is_told_what_to_call_it_and_what_it_can_do(registered):
    properties = options_schema()["properties"]
    assert {"const": "acme", "title": "Acme Speech"} in properties["method"]["oneOf"]
    assert properties["keyterms"]["x-engines"] == "Parakeet on a GPU, Deepgram and Acme Speech"
    assert properties["filler_words"]["x-engines"] == "Deepgram"


def test_who_may_take_over_is_in_the_order_of_the_table(registered):
    engines = frozenset(ENGINES)
    assert eligible.allowed(Options(), Settings(), engines).engines == (
        "parakeet-gpu", "parakeet-cpu", "deepgram", "acme"
    )  # fmt: skip
    speakers = eligible.allowed(Options(diarize=True), Settings(), engines)
    assert speakers.engines == ("parakeet-gpu", "parakeet-cpu")
    assert speakers.whole == ("deepgram",), "Acme tells no speakers apart"


def test_doctor_tells_of_it(registered, monkeypatch):
    _, out, _ = run("doctor")
    assert "Acme Speech" in out
    assert "for https://api.acme.example" in out
    monkeypatch.delenv("ACME_API_KEY")
    _, out, _ = run("doctor")
    assert "https://acme.example" in out


AN_HOUR = AudioInfo(
    format="mp3", codec="mp3", sample_rate=44_100, channels=2, duration=3600.0, exact=True, splittable_by="time"
)  # fmt: skip


def decided(engines, *, hours=1.0, **settings):
    audio = replace(AN_HOUR, duration=hours * 3600.0)
    case = Case(key="k", size=30_000_000, audio=audio, options=Options())
    settings = Settings(api_keys={"acme": "x", "deepgram": "x"}, engines=",".join(engines), **settings)
    known = Known(
        settings=settings, engines=frozenset(engines), conditions=Conditions(), prices=TABLE, now=0.0
    )
    return choose(case, known)


@pytest.mark.parametrize(
    ("engines", "hours", "method"),
    [
        (["parakeet-cpu", "acme"], 1.0, "acme"),
        (["parakeet-gpu", "acme"], 1.0, "parakeet"),
        (["parakeet-gpu", "acme"], 5.0, "acme"),
        (["acme"], 0.1, "acme"),
        (["acme", "deepgram"], 0.1, "deepgram"),
        (["parakeet-cpu", "acme", "deepgram"], 1.0, "deepgram"),
    ],
)
def test_the_matrix_gives_it_what_is_for_a_hosted_engine_and_the_first_of_two_comes_first(
    registered, engines, hours, method
):
    assert decided(engines, hours=hours).decision.method == method


def test_with_cost_optimisation_the_cheaper_of_two_hosted_engines_wins(registered):
    choice = decided(["acme", "deepgram"], cost_optimization=True, cost_threshold=1.0)
    assert choice.decision.method == "acme"
    assert {chunk.engine for chunk in choice.chunks} == {"acme"}


def test_a_hybrid_shares_with_it_where_it_is_the_hosted_engine(registered):
    choice = decided(["parakeet-gpu", "acme"], hours=3.0, cost_threshold=10.0)
    assert choice.decision.method == "hybrid"
    assert {chunk.engine for chunk in choice.chunks} == {"parakeet-gpu", "acme"}
