"""Who may use the API, and what a request may look like on the wire."""

import http.client
import socket

import pytest


@pytest.mark.parametrize("token", ["", "wrong", "e2e-Token ", "E2E-TOKEN", "e2e-Toke", "e2e-Token-and-more"])
@pytest.mark.parametrize("method, path", [("GET", "/status"), ("GET", "/clones"), ("POST", "/clone"),
                                          ("DELETE", "/clone/x"), ("POST", "/full-refresh")])
def test_wrong_token_is_401(api, token, method, path):
    answer = api.call(method, path, token=token)
    assert (answer.status, answer.json["code"], answer.message) == \
        (401, "UNAUTHORIZED", "Check your verification token.")


def test_healthz_is_open(api):
    for method in ("GET", "POST"):
        assert api.call(method, "/healthz", token="").status == 200


def test_server_names_no_version_in_headers(api):
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert answer.getheader("Server") is None
    assert answer.getheader("Content-Type").startswith("application/json")
    connection.close()


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/healthz", "/clones", "/nothing"])
def test_pages_of_other_origins_get_no_leave(api, method, path):
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET",
                                              "Access-Control-Request-Headers": "verification-token"})
    answer = connection.getresponse()
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert method != "OPTIONS" or answer.status in (401, 405), answer.status
    connection.close()


@pytest.mark.parametrize("method, path, status", [("GET", "/nothing", 404), ("POST", "/nothing", 405),
                                                  ("PUT", "/clone", 405)])
def test_unknown_route_is_an_error_object(api, method, path, status):
    answer = api.call(method, path)
    assert answer.status in (404, 405) and {"code", "message"} <= answer.json.keys(), (answer, status)


def test_trailing_slash_is_the_same_route(api):
    assert api.call("GET", "/clones/").status == 200


def test_garbage_on_the_wire_does_no_harm(api, server):
    host, port = "127.0.0.1", server.port
    for garbage in (b"\0\1\2\3\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
                    b"POST /clone HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                    b"POST /clone HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{"):
        with socket.create_connection((host, port), timeout=5) as connection:
            try:
                connection.sendall(garbage)
                connection.settimeout(0.5)
                connection.recv(1000)
            except OSError:
                pass
    assert api.get("/clones") == []


def test_empty_token_needs_the_operators_word(server):
    server.stop()
    server.write_config({"server": {"verificationToken": ""}})
    try:
        server.start(wait=False)
        assert server.process.wait(20) != 0
        assert "allowNoToken" in server.log()
        server.write_config({"server": {"allowNoToken": True}})
        server.start()
        assert server.api.call("GET", "/status", token="").status == 200
        assert server.api.call("GET", "/status", token="anything").status == 200
        server.stop()
    finally:
        server.write_config({"server": {"verificationToken": "e2e-Token", "allowNoToken": None}})
        server.start()
