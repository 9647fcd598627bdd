from __future__ import annotations

from pathlib import Path

import pytest

from shared.adapters.hosted_engines import open_hosted
from shared.engines import hosted_specs
from shared.errors import ConfigurationError
from shared.settings import Settings, unknown


def test_unset_and_empty_variables_take_the_defaults():
    assert Settings.from_environment({}) == Settings.from_environment({"CHUNK_DURATION_MINUTES": ""})


def test_values_are_read_with_their_types():
    settings = Settings.from_environment(
        {"CHUNK_DURATION_MINUTES": "2.5", "GPU_BATCH_SIZE": "16", "DROPSCRIBE_STATE_DIR": "~/x"}
    )
    assert (settings.chunk_minutes, settings.batch_size) == (2.5, 16)
    assert settings.state_dir == Path("~/x").expanduser()


HOSTED = ", ".join(sorted(one.name for one in hosted_specs()))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHUNK_DURATION_MINUTES", "ten", "CHUNK_DURATION_MINUTES is 'ten'"),
        ("CHUNK_DURATION_MINUTES", "900", "must be from 0.1 to 60"),
        (
            "DROPSCRIBE_PLATFORM",
            "google",
            "GOOGLE_CLOUD_PROJECT is not set: it must be the id of your project",
        ),
        ("DROPSCRIBE_WORK_BUCKET", "audio", "would trigger the router"),
        ("DROPSCRIBE_ENGINES", "whisper", "it must be some of parakeet-gpu, parakeet-cpu, deepgram"),
        ("DROPSCRIBE_FORMATS", "docx,pdf", "DROPSCRIBE_FORMATS is wrong: There is no format 'pdf'"),
        (
            "DROPSCRIBE_WEBHOOK_SECRET",
            "s3cret",
            "DROPSCRIBE_WEBHOOK_SECRET is wrong: it must be whsec_ and 24",
        ),
        (
            "DROPSCRIBE_CONSOLE_TOKEN",
            "fifteen letters",
            "DROPSCRIBE_CONSOLE_TOKEN can be guessed: it must have at least 16",
        ),
        ("DROPSCRIBE_WEBHOOK_SECRET", "whsec_c2hvcnQ=", "DROPSCRIBE_WEBHOOK_SECRET is wrong"),
        ("DROPSCRIBE_WEBHOOK_URL", "https://example.com/", "DROPSCRIBE_WEBHOOK_SECRET is not set"),
        ("GPU_BATCH_SIZE", "0", "must be from 1 to 1024"),
        ("MAX_CONCURRENT_CHUNKS", "1.5", "MAX_CONCURRENT_CHUNKS is '1.5'"),
        ("TRANSCRIPTION_METHOD", "whisper", "TRANSCRIPTION_METHOD is 'whisper'"),
        ("DROPSCRIBE_ENGINES", "deepgram", "DEEPGRAM_API_KEY is not set"),
        ("DROPSCRIBE_HOSTED_ELSEWHERE", "parakeet-gpu", f"it must be some of {HOSTED}"),
        ("DEEPGRAM_API_KEY", "two words", "DEEPGRAM_API_KEY is wrong: it must be one word"),
        ("DROPSCRIBE_DEEPGRAM_URL", "api.deepgram.com", "an https:// address"),
        ("DROPSCRIBE_DEEPGRAM_URL", "http://api.deepgram.com", "an https:// address, because the API key"),
        ("DROPSCRIBE_DEEPGRAM_URL", "http://127.0.0.1.evil.example", "an https:// address"),
        ("DROPSCRIBE_DEEPGRAM_URL", "http://localhost@evil.example", "an https:// address"),
        ("DROPSCRIBE_DEEPGRAM_URL", "http://10.0.0.1", "an https:// address"),
        ("DROPSCRIBE_DEEPGRAM_URL", "http://[", "an https:// address"),
        ("DROPSCRIBE_REQUEST_BUCKETS", "calls,gs://mail", "names of buckets, separated by commas"),
        ("DROPSCRIBE_REQUEST_BUCKETS", "calls,", "names of buckets, separated by commas"),
        ("DROPSCRIBE_DEEPGRAM_CONCURRENCY", "0", "from 1 to 1000"),
        ("DROPSCRIBE_DEEPGRAM_CONCURRENCY", "two", "'two': it must be a whole number"),
        ("DROPSCRIBE_CONSOLE_PORT", "99999", "from 0 to 65535"),
        ("DROPSCRIBE_TRANSCRIPTS_BUCKET", "audio", "would trigger the router"),
        ("DROPSCRIBE_GPU_MAX_TASKS", "0", "must be from 1 to 10000"),
        ("DROPSCRIBE_STUCK_MINUTES", "0.5", "must be 1 or more"),
        ("DROPSCRIBE_PLATFORM", "goggle", "'goggle': it must be one of local, google"),
        ("GPU_BATCH_SIZE", "many", "'many': it must be a whole number"),
        ("DROPSCRIBE_LEASE_SECONDS", "long", "'long': it must be a number"),
        ("ENABLE_FALLBACK", "maybe", "'maybe': it must be true or false"),
        ("PARAKEET_MODEL_NAME", "t\udcffny", "PARAKEET_MODEL_NAME is wrong: it must be UTF-8"),
        ("DEEPGRAM_API_KEY", "\udcff", "DEEPGRAM_API_KEY is wrong: it must be UTF-8"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_variable(name, value, says):
    with pytest.raises(ConfigurationError, match=says):
        Settings.from_environment({name: value})


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "127.9.9.9", "[::1]:8080"])
def test_a_server_on_this_machine_may_be_spoken_to_without_encryption(host):
    assert Settings(addresses={"deepgram": f"http://{host}"}).addresses["deepgram"] == f"http://{host}"


def test_requests_may_name_the_audio_bucket_or_those_that_are_listed():
    assert Settings(audio_bucket="calls").request_bucket_set == {"calls"}
    assert Settings(request_buckets="mail, calls").request_bucket_set == {"mail", "calls"}


def test_a_token_is_not_shown():
    assert "secret" not in repr(Settings(function_token="secret"))


def test_variables_that_look_like_settings_and_are_none_are_found():
    environ = {"DROPSCRIBE_STUCK_MINUTE": "5", "DROPSCRIBE_PLATFORM": "local", "PATH": "/bin"}
    assert unknown(environ) == ["DROPSCRIBE_STUCK_MINUTE"]


def test_buckets_have_short_names_on_one_machine_and_those_of_the_project_in_the_cloud():
    here = Settings.from_environment({})
    assert (here.audio_bucket, here.transcripts_bucket, here.work_bucket) == ("audio", "transcripts", "work")
    environ = {"DROPSCRIBE_PLATFORM": "google", "GOOGLE_CLOUD_PROJECT": "my-project"}
    there = Settings.from_environment(environ | {"DROPSCRIBE_WORK_BUCKET": "scratch"})
    assert (there.audio_bucket, there.transcripts_bucket) == ("my-project-audio", "my-project-transcripts")
    assert there.work_bucket == "scratch"


@pytest.mark.parametrize("name", ["gs://talks", "Talks", "example.com:my-project-audio", "a"])
def test_what_is_no_name_of_a_bucket_is_refused(name):
    with pytest.raises(
        ConfigurationError, match=r"DROPSCRIBE_AUDIO_BUCKET is .*: it must be the name of a bucket"
    ):
        Settings.from_environment({"DROPSCRIBE_AUDIO_BUCKET": name})


def test_deepgram_is_an_engine_exactly_where_there_is_a_key():
    assert "deepgram" not in Settings().engine_set
    with_key = Settings.from_environment({"DEEPGRAM_API_KEY": " s3cret\n"})
    assert with_key.api_keys == {"deepgram": "s3cret"}
    assert with_key.engine_set == {"parakeet-cpu", "deepgram"}


def test_an_engine_whose_key_others_have_is_weighed_and_never_called():
    settings = Settings.from_environment({"DROPSCRIBE_HOSTED_ELSEWHERE": "deepgram"})
    assert settings.engine_set == {"parakeet-cpu", "deepgram"}
    assert open_hosted(settings) == {}


def test_a_key_shows_in_no_repr_and_in_no_message():
    assert "s3cret" not in repr(Settings(api_keys={"deepgram": "s3cret"}))
    with pytest.raises(ConfigurationError) as caught:
        Settings(api_keys={"deepgram": "s3cret and more"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("where", ["K_SERVICE", "CLOUD_RUN_JOB"])
def test_a_process_on_cloud_run_must_know_its_region_as_it_starts_workers(where):
    environ = {"DROPSCRIBE_PLATFORM": "google", "GOOGLE_CLOUD_PROJECT": "some-project", where: "one"}
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_REGION is not set"):
        Settings.from_environment(environ)
    assert Settings.from_environment(environ | {"DROPSCRIBE_REGION": "europe-west4"}).region == "europe-west4"


def test_elsewhere_the_region_has_a_default():
    environ = {"DROPSCRIBE_PLATFORM": "google", "GOOGLE_CLOUD_PROJECT": "some-project"}
    assert Settings.from_environment(environ).region == "us-central1"


def test_a_decoder_in_a_function_may_take_less_than_one_in_a_worker():
    environ = {
        "DROPSCRIBE_PLATFORM": "google",
        "GOOGLE_CLOUD_PROJECT": "some-project",
        "DROPSCRIBE_REGION": "x",
    }
    assert Settings.from_environment(environ | {"K_SERVICE": "router"}).decode_memory_mb == 384
    assert Settings.from_environment(environ | {"CLOUD_RUN_JOB": "gpu"}).decode_memory_mb == 768
    chosen = environ | {"K_SERVICE": "router", "DROPSCRIBE_DECODE_MEMORY_MB": "300"}
    assert Settings.from_environment(chosen).decode_memory_mb == 300


SECRET = "whsec_" + "c2Vj" * 8


@pytest.mark.parametrize(
    "url", ["https://a.example/x?token=1", "https://1.2.3.4:8443/", "http://127.0.0.1:9/", "http://[::1]/"]
)
def test_addresses_of_webhooks(url):
    settings = Settings(webhook_url=url, webhook_secret=f" {SECRET}  {SECRET}\n")
    assert settings.webhook_secrets == (SECRET, SECRET)
    assert "token" not in repr(settings)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/", "http://10.0.0.1/", "ftp://a.example/", "https://", "https:///x", "https://u:p@a.example/",
        "https://a.example/ b", "https://a.example:port/", "https://é.example/", "https://a.example/#x", "a.example",
        "https://a.example/\r\nx: y", "https://[::1/",
    ],
)  # fmt: skip
def test_addresses_that_webhooks_may_not_have(url):
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_WEBHOOK_URL is wrong") as raised:
        Settings(webhook_url=url, webhook_secret=SECRET)
    assert f"{url!r}" not in str(raised.value)


def test_webhooks_of_a_project_need_tls_here_too():
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_WEBHOOK_URL is wrong"):
        Settings(
            platform="google", project="a-project", webhook_url="http://127.0.0.1/", webhook_secret=SECRET
        )
