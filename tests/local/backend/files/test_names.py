"""Names of objects to paths of files and back."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.backend.files.names import to_name, to_path

_letters = st.sampled_from("ab%=+!./\0\n é2Fß😀") | st.characters(exclude_categories=["Cs"])
_names = st.text(_letters, max_size=40) | st.builds(
    lambda text, times: text * times,
    st.text(st.sampled_from("a/%.😀"), min_size=1, max_size=3),
    st.integers(1, 300),
)
_files = st.binary(min_size=1, max_size=20).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."}
)


@pytest.mark.parametrize(
    "name", ["talk.mp3", "a b/ç 😀.wav", "100%.mp3", ".hidden/x", "trailing. ", "a%20b", "x" * 255]
)
def test_legal_file_names_stay_as_they_are(name):
    assert to_path(name) == name
    assert to_name(name) == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", "%="),
        (".", "%=%2E"),
        ("a/../b", "a/%=%2E%2E/b"),
        ("a//b/", "a/%=/b/%="),
        ("/etc/passwd", "%=/etc/passwd"),
        ("nul\0", "%=nul%00"),
        ("%=x", "%=%25=x"),
        (".dropscribe-1", "%=.dropscribe-1"),
        ("n" * 300, "%+" + "n" * 253 + "/%=" + "n" * 47),
    ],
)
def test_other_names_are_escaped(name, path):
    assert to_path(name) == path
    assert to_name(path) == name


@given(_names)
def test_every_name_has_a_safe_path_that_leads_back(name):
    path = to_path(name)
    assert to_name(path) == name
    for component in path.split("/"):
        assert component not in {"", ".", ".."}
        assert "\0" not in component
        assert len(component.encode()) <= 255


@given(st.lists(_files, min_size=1, max_size=3))
def test_every_file_has_a_name_that_leads_back_or_none(components):
    path = os.fsdecode(b"/".join(components))
    name = to_name(path)
    if name is None:
        assert any(one.startswith((b"%=", b"%+", b"%!", b".dropscribe-")) for one in components)
    else:
        assert to_path(name) == path
        name.encode()


def test_file_name_that_is_not_utf8_has_a_name_that_is():
    assert to_name(os.fsdecode(b"caf\xe9 1.mp3")) == "%!caf%E9 1.mp3"


@pytest.mark.parametrize("path", ["%=plain", "%+open", "%+open/x", "%!caf%E9", ".dropscribe-1"])
def test_file_that_no_object_maps_to_has_no_name(path):
    assert to_name(path) is None
