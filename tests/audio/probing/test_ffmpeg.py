"""Every switch that FFmpeg is opened with takes effect."""

import io

import av
import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.ffmpeg import DECODERS, DEMUXERS, choose_stream, open_container
from shared.errors import BadMedia
from tests.audio.media import Memory, make


def reader(data):
    return Reader(lambda start, length: data[start : start + length], len(data))


@pytest.fixture
def secret(tmp_path):
    """A recording on this computer that no other recording may reach."""
    path = tmp_path / "secret.wav"
    path.write_bytes(make("wav", "pcm_s16le", seconds=1.0))
    return path


def playlist(kind, path):
    if kind == "hls":
        return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n".encode()
    return f"ffconcat version 1.0\nfile '{path}'\n".encode()


@pytest.mark.parametrize("kind", ["hls", "concat"])
def test_a_playlist_that_points_at_a_local_file_is_never_opened(sandbox, secret, kind):
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Memory(playlist(kind, secret)), name="talk.mp3")
    assert raised.value.code == "not-media"


def test_the_concat_demuxer_would_open_the_file_and_the_whitelist_stops_it(secret):
    data = playlist("concat", secret)
    listing = secret.with_suffix(".txt")
    listing.write_bytes(data)
    with av.open(str(listing), "r", format="concat", options={"safe": "0"}) as unguarded:
        assert unguarded.streams.audio
    with pytest.raises(BadMedia) as raised:
        open_container(reader(data), "concat", probing=True)
    assert raised.value.code == "undecodable"


def test_demuxers_outside_the_list_are_refused_by_ffmpeg_itself():
    data = make("ircam", "pcm_s16le", seconds=1.0)
    with av.open(io.BytesIO(data), format="ircam") as allowed:
        assert allowed.streams.audio
    with pytest.raises(BadMedia):
        open_container(reader(data), "ircam", probing=True)


def test_no_video_decoder_is_opened_to_learn_about_the_picture():
    data = make("matroska", "aac", video=True, seconds=1.0)
    with av.open(io.BytesIO(data)) as unguarded:
        assert unguarded.streams.video[0].codec_context.pix_fmt is not None
    with open_container(reader(data), "matroska", probing=True) as container:
        assert container.streams.video[0].codec_context.pix_fmt is None
        assert choose_stream(container, 0).codec_context.sample_rate == 44_100


def test_a_codec_outside_the_list_is_refused_with_its_name():
    data = make("flv", "adpcm_swf", rate=22_050, layout="mono", seconds=1.0)
    with (
        open_container(reader(data), "flv", probing=True) as container,
        pytest.raises(BadMedia, match="adpcm_swf, which cannot be decoded here"),
    ):
        choose_stream(container, 0)


def test_every_name_in_the_lists_exists_in_this_ffmpeg():
    for name in DEMUXERS.split(","):
        av.ContainerFormat(name, "r")
    for name in DECODERS.split(","):
        av.Codec(name, "r")


def test_ffmpeg_reads_a_bounded_header_however_long_the_file_is():
    data = make("mpegts", "aac", video=True, seconds=8.0) * 20
    seen = reader(data)
    with open_container(seen, "mpegts", probing=True):
        assert seen.bytes_read < 800_000
