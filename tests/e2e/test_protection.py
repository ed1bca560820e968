"""Protection against deletion, and its end."""

import datetime

import pytest


@pytest.fixture(scope="module")
def module_server(make_server):
    cloning = {"protectionLeaseDurationMinutes": 60, "protectionMaxDurationMinutes": 120}
    return make_server(changes={"cloning": cloning}).start().fill()


def minutes_left(clone):
    till = datetime.datetime.fromisoformat(clone["protectedTill"].replace("Z", "+00:00"))
    return (till - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 60


def test_protected_clone_refuses_deletion(api):
    api.create_clone("kept", protected=True)
    answer = api.call("DELETE", "/clone/kept")
    assert 400 <= answer.status < 500 and answer.message == "clone is protected"
    api.reset_clone("kept")
    assert api.get("/clone/kept")["protected"] is True, "reset is allowed, and keeps it"
    assert api.call("PATCH", "/clone/kept", {"protected": False}).json["protected"] is False
    api.destroy_clone("kept")


@pytest.mark.parametrize("duration, minutes", [(None, 60), (30, 30), (500, 120), (0, 120)],
                         ids=["default", "given", "above the cap", "for ever"])
def test_duration(api, duration, minutes):
    fields = {} if duration is None else {"protectionDurationMinutes": duration}
    clone = api.create_clone("timed", protected=True, **fields)
    assert minutes - 1 < minutes_left(clone) <= minutes + 0.1
    again = api.call("PATCH", "/clone/timed", {"protected": True} | fields).json
    assert minutes - 1 < minutes_left(again) <= minutes + 0.1


def test_patch_without_protected_ends_it(api):
    api.create_clone("patched", protected=True)
    clone = api.call("PATCH", "/clone/patched", {}).json
    assert clone["protected"] is False and "protectedTill" not in clone


@pytest.mark.parametrize("body", [b"", b"[]", b'{"protected": 7}', b'{"protected": true, "protectionDurationMinutes": "x"}'])
def test_bad_patch(api, body):
    api.create_clone("bad")
    assert api.call("PATCH", "/clone/bad", body).status == 400


def test_protection_survives_kill(api, server):
    before = api.create_clone("safe", protected=True)["protectedTill"]
    server.restart()
    assert api.get("/clone/safe")["protectedTill"] == before
    assert 400 <= api.call("DELETE", "/clone/safe").status < 500
