"""Who is answered."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from console.security.access import Access, cookie_name, cookie_value
from console.server import application
from shared.state import audit
from tests.console.conftest import TOKEN

PAGE = "http://127.0.0.1:8610"


@pytest.fixture
def stranger(world):
    app = application(world.ports, Access(token=TOKEN))
    with TestClient(app, base_url=PAGE, follow_redirects=False) as one:
        yield one


@pytest.mark.parametrize("path", ["/api/v1/about", "/api/v1/openapi.json", "/", "/page/app.js", "/v1/models"])
def test_without_the_token_nothing_is_told(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "token" in answer.text


@pytest.mark.parametrize("token", ["", "x", TOKEN + "x", TOKEN.upper()])
def test_a_wrong_token_is_as_none(stranger, token):
    assert stranger.get("/api/v1/about", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert stranger.get("/", params={"token": token}).status_code == 401


def test_the_token_of_the_address_becomes_a_cookie_and_leaves_the_address(stranger):
    answer = stranger.get("/recordings/x", params={"token": TOKEN, "t": "5"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/recordings/x?t=5")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    # Other servers of this machine get it as well, so it is not what programs send.
    assert TOKEN not in cookie
    assert stranger.cookies["dropscribe-8610"] == cookie_value(TOKEN)
    assert stranger.get("/api/v1/about").status_code == 200


def test_who_comes_from_another_place_is_led_on_by_a_page_of_this_server(stranger):
    answer = stranger.get(
        "/recordings/x", params={"token": TOKEN, "t": '"><script>'}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 200
    assert 'url=/recordings/x?t=%22%3E%3Cscript%3E">' in answer.text
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert "default-src" in answer.headers["content-security-policy"]
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/x", "/%2f%2fevil.example"])
def test_no_address_leads_elsewhere(stranger, path):
    answer = stranger.get(PAGE + path, params={"token": TOKEN})
    assert not answer.headers.get("location", "/x").startswith("//")


def test_a_token_in_the_address_of_the_api_counts_for_nothing(stranger):
    assert stranger.get("/api/v1/about", params={"token": TOKEN}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:8610"]
)
def test_another_name_of_the_server_is_refused_whatever_else_fits(client, host):
    answer = client.get("/api/v1/about", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8610", "localhost:1", "[::1]:8610", "LOCALHOST"])
def test_names_of_this_machine_are_known(client, host):
    assert client.get("/api/v1/about", headers={"Host": host}).status_code == 200


def test_more_names_can_be_given(world):
    app = application(world.ports, Access(token=TOKEN, hosts=frozenset({".internal.example"})))
    client = TestClient(
        app, base_url="http://x.internal.example", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert client.get("/api/v1/about").status_code == 200
    assert client.get("/api/v1/about", headers={"Host": "internal.example.evil"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": PAGE},
    ],
)
def test_a_change_from_another_page_is_refused(client, planned, headers):
    answer = client.post(f"/api/v1/recordings/{planned.id}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
    assert client.delete(f"/api/v1/recordings/{planned.id}", headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": PAGE}, {"Origin": PAGE, "Sec-Fetch-Site": "same-origin"}])
def test_a_change_from_the_page_or_from_a_program_is_made(client, planned, headers):
    assert client.post(f"/api/v1/recordings/{planned.id}/cancel", headers=headers).status_code == 200


def test_a_proxy_may_vouch_for_an_account_which_is_noted(world, planned):
    access = Access(signed=lambda headers: headers.get("x-who", ""), secure=True)
    client = TestClient(application(world.ports, access), base_url=PAGE)
    path = f"/api/v1/recordings/{planned.id}/cancel"
    assert client.post(path, headers={"Authorization": "Bearer "}).status_code == 401
    assert client.post(path, headers={"x-who": "ann@example.com"}).status_code == 200
    (entry,) = [one for _, one in audit.entries(world.ports.records)]
    assert entry.who == "ann@example.com"


def test_a_cookie_is_for_one_port_and_is_no_bearer_token(stranger):
    assert [cookie_name(host) for host in ("127.0.0.1:8610", "[::1]:9", "scribe.example", "[::1]")] == [
        "dropscribe-8610", "dropscribe-9", "dropscribe", "dropscribe",
    ]  # fmt: skip
    for name, status in [("dropscribe-8610", 200), ("dropscribe-9999", 401), ("dropscribe", 401)]:
        sent = {"Cookie": f"{name}={cookie_value(TOKEN)}"}
        assert stranger.get("/api/v1/about", headers=sent).status_code == status
    bearer = {"Authorization": f"Bearer {cookie_value(TOKEN)}"}
    assert stranger.get("/api/v1/about", headers=bearer).status_code == 401
    assert stranger.get("/api/v1/about", headers={"Cookie": f"dropscribe-8610={TOKEN}"}).status_code == 401


def test_a_server_without_a_token_lets_nobody_in(world):
    app = application(world.ports, Access(token=""))
    with TestClient(app, base_url=PAGE) as one:
        for sent in ({"Authorization": "Bearer "}, {"Cookie": "dropscribe-8610="}, {}):
            assert one.get("/api/v1/about", headers=sent).status_code == 401
        assert one.get("/", params={"token": ""}).status_code == 401


def test_openais_clients_understand_that_the_key_is_wrong(stranger):
    assert stranger.get("/v1/models").json()["error"]["code"] == "invalid_api_key"


def test_a_platform_may_ask_by_any_name_whether_it_lives(stranger):
    assert stranger.get("/health", headers={"Host": "10.0.0.7:8080"}).json()["status"] == "ok"
