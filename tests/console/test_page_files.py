from __future__ import annotations

import pytest

from console import page_files


@pytest.fixture
def page(tmp_path, monkeypatch):
    folder = tmp_path / "page"
    (folder / "vendor").mkdir(parents=True)
    (folder / "index.html").write_text('<style nonce="{nonce}"></style>')
    (folder / "app.js").write_text("1;")
    (folder / "vendor" / "lib.js").write_text("2;")
    (folder / "notes.py").write_text("3")
    (tmp_path / "secret.js").write_text("4")
    monkeypatch.setattr(page_files, "FOLDER", folder)


@pytest.mark.parametrize("path", ["/", "/recordings/abc", "/costs", "/trouble", "/search"])
def test_every_view_is_the_page_with_a_nonce_of_its_own(client, page, path):
    first, second = client.get(path), client.get(path)
    nonce = first.text.split('"')[1]
    assert f"'nonce-{nonce}'" in first.headers["content-security-policy"]
    assert first.text != second.text
    assert first.headers["cache-control"] == "no-store"


def test_files_are_served_with_a_tag_and_their_type(client, page):
    answer = client.get("/page/app.js")
    assert (answer.text, answer.headers["content-type"]) == ("1;", "text/javascript; charset=utf-8")
    assert client.get("/page/app.js", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert "immutable" in client.get("/page/vendor/lib.js").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["/page/../secret.js", "/page/%2e%2e/secret.js", "/page/notes.py", "/page/nothing.js", "/page/vendor"],
)
def test_nothing_else_is(client, page, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/recording/abc", "/costs/2026", "/favicon.png", "/../etc/passwd"])
def test_a_wrong_address_says_where_the_recordings_are(client, page, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "The recordings are at /," in answer.text
