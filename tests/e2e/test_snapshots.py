"""Snapshots: list, get, take one of a clone, protect, delete."""

import contextlib

import psycopg2
import pytest

from harness import machine
from harness.api import connect, query, value


@pytest.fixture
def golden(api):
    """The automatic snapshot of the first refresh."""
    return api.get("/snapshots")[-1]


@pytest.fixture
def taken(api):
    """A snapshot of a clone that wrote something, and the clone."""
    clone = api.create_clone("origin")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    answer = api.call("POST", "/snapshot/clone", {"cloneID": "origin", "message": "before the test"})
    assert answer.status == 200, answer
    yield answer.json
    api.destroy_all_clones()
    answer = api.call("DELETE", f"/snapshot/{answer.json['id']}")
    assert answer.status in (200, 404), answer


def test_list_has_the_fields_of_the_contract(golden):
    assert golden["id"].startswith("e2e@snapshot_") and golden["pool"] == "e2e"
    assert golden["branch"] == "main" and golden["message"] == "" and golden["protected"] is False
    assert golden["clones"] == [] and golden["numClones"] == 0
    assert golden["logicalSize"] > 10_000_000
    assert golden["createdAt"] and golden["dataStateAt"]


def test_get_by_id_plain_and_percent_encoded(api, golden):
    assert api.get(f"/snapshot/{golden['id']}")["id"] == golden["id"]
    assert api.get(f"/snapshot/{golden['id'].replace('@', '%40')}")["id"] == golden["id"]


def test_missing_snapshot_is_404(api):
    answer = api.call("GET", "/snapshot/e2e@snapshot_19990101000000")
    assert (answer.status, answer.message) == (404, "no snapshot found")


@pytest.mark.parametrize("query_string, found", [("?branch=main", True), ("?dataset=e2e", True), ("?dataset=no", False),
                                                 ("?branch=main&dataset=e2e", True)])
def test_list_filters(api, golden, query_string, found):
    assert (golden["id"] in [snapshot["id"] for snapshot in api.get(f"/snapshots{query_string}")]) is found


def test_snapshot_of_a_clone_holds_its_data(api, taken, golden):
    assert taken["id"] != golden["id"] and taken["pool"] == "e2e"
    query(api.get("/clone/origin"), "DROP TABLE mine")
    second = api.create_clone("second", snapshot={"id": taken["id"]})
    assert value(second, "SELECT n FROM mine") == 7
    assert second["snapshot"]["id"] == taken["id"]
    query(second, "UPDATE mine SET n = 8")
    assert value(api.reset_clone("second"), "SELECT n FROM mine") == 7
    assert value(api.create_clone("plain", snapshot={"id": golden["id"]}), "SELECT to_regclass('mine')") is None


def test_snapshot_outlives_the_clone_it_was_taken_of(api, taken):
    api.destroy_clone("origin")
    assert value(api.create_clone("heir", snapshot={"id": taken["id"]}), "SELECT n FROM mine") == 7


def test_snapshot_in_use_is_not_deleted(api, taken):
    api.create_clone("user", snapshot={"id": taken["id"]})
    answer = api.call("DELETE", f"/snapshot/{taken['id']}")
    assert answer.status == 400
    assert answer.message == f"cannot delete snapshot {taken['id']} because it has dependent clones: user"
    assert api.get(f"/snapshot/{taken['id']}")["clones"] == ["user"]
    api.destroy_clone("user")
    assert api.call("DELETE", f"/snapshot/{taken['id']}").json == {"status": "OK", "message": "Deleted snapshot"}
    assert api.call("GET", f"/snapshot/{taken['id']}").status == 404


def test_protected_snapshot_is_not_deleted(api, taken):
    path = f"/snapshot/{taken['id']}"
    assert api.call("PATCH", path, {"protected": True}).json["protected"] is True
    answer = api.call("DELETE", path)
    assert (answer.status, answer.message) == (400, f"snapshot {taken['id']} is protected")
    assert api.call("PATCH", path, {"protected": False}).json["protected"] is False
    assert api.call("DELETE", path).status == 200


@pytest.mark.parametrize("body, message", [
    ({}, "nothing to update: specify protected or deleteAt"),
    ({"protected": True, "deleteAt": "2030-01-01T00:00:00Z"},
     "cannot enable protection and schedule deletion at the same time"),
    ({"protected": 7}, None), ({"deleteAt": "soon"}, None),
])
def test_bad_update(api, taken, body, message):
    answer = api.call("PATCH", f"/snapshot/{taken['id']}", body)
    assert answer.status == 400 and message in (None, answer.message)


def test_automatic_snapshot_is_not_deleted(api, golden):
    answer = api.call("DELETE", f"/snapshot/{golden['id']}")
    assert (answer.status, answer.message) == (400, "cannot destroy automatic snapshot in the pool")


@pytest.mark.parametrize("path, status", [("/snapshot/no%20at", 400), ("/snapshot/e2e@missing", 404),
                                          ("/snapshot/other@snapshot_20260101000000", 400)])
def test_delete_of_what_is_not_there(api, path, status):
    assert api.call("DELETE", path).status == status


@pytest.mark.parametrize("body, status", [(None, 400), ({}, 400), ({"cloneID": ""}, 400), ({"cloneID": 7}, 400),
                                          ({"cloneID": "nobody"}, 404)])
def test_snapshot_of_no_clone(api, body, status):
    assert api.call("POST", "/snapshot/clone", body).status == status


def test_snapshots_survive_kill(api, server, taken):
    before = api.get("/snapshots")
    server.restart()
    assert api.get("/snapshots") == before


def test_snapshots_within_a_second_get_ids_of_their_own(api):
    api.create_clone("quick")
    taken = [api.call("POST", "/snapshot/clone", {"cloneID": "quick"}) for _ in range(3)]
    assert [answer.status for answer in taken] == [200] * 3
    ids = {answer.json["id"] for answer in taken}
    assert len(ids) == 3
    for snapshot_id in ids:
        assert api.call("DELETE", f"/snapshot/{snapshot_id}").status == 200


def test_forced_deletion_takes_the_clones_along_but_no_protected_one(api):
    origin = api.create_clone("origin")
    taken = api.call("POST", "/snapshot/clone", {"cloneID": origin["id"]}).json["id"]
    api.create_clone("child", snapshot={"id": taken})
    api.create_clone("safe", snapshot={"id": taken}, protected=True)

    assert api.call("DELETE", f"/snapshot/{taken}?force=maybe").message == "invalid value for `force`, must be boolean"
    answer = api.call("DELETE", f"/snapshot/{taken}?force=true")
    assert (answer.status, answer.message) == (
        400, f"cannot delete snapshot {taken} because it has dependent protected clones: safe")
    assert api.wait_ok("child")

    assert api.call("PATCH", "/clone/safe", {"protected": False}).status == 200
    answer = api.call("DELETE", f"/snapshot/{taken}?force=false")
    assert answer.status == 400 and "dependent clones: child,safe" in answer.message
    assert api.call("DELETE", f"/snapshot/{taken}?force=true").status == 200
    assert {clone["id"] for clone in api.get("/clones")} == {"origin"}


def test_snapshot_whose_time_has_come_goes_but_not_from_under_a_clone(server, api, taken):
    path = f"/snapshot/{taken['id']}"
    api.create_clone("user", snapshot={"id": taken["id"]})
    assert api.call("PATCH", path, {"deleteAt": "2020-01-01T00:00:00Z"}).json["deleteAt"] == "2020-01-01T00:00:00Z"
    machine.wait_for(lambda: "is not deleted yet" in server.log(), 30, "a line in the log")
    assert api.get(path)["clones"] == ["user"]
    api.destroy_clone("user")
    machine.wait_for(lambda: api.call("GET", path).status == 404, 30, "the end of the snapshot")


def test_deletion_of_an_automatic_snapshot_is_not_scheduled(api, golden):
    answer = api.call("PATCH", f"/snapshot/{golden['id']}", {"deleteAt": "2030-01-01T00:00:00Z"})
    assert (answer.status, answer.message) == (400, "cannot destroy automatic snapshot in the pool")


def test_settings_of_a_clone_go_with_its_snapshot(api):
    clone = api.create_clone("origin", extra_conf={"wal_level": "logical", "work_mem": "7MB"})
    query(clone, "SELECT pg_create_logical_replication_slot('s1', 'test_decoding')")
    snapshot = api.call("POST", "/snapshot/clone", {"cloneID": "origin"}).json
    heir = api.create_clone("heir", snapshot={"id": snapshot["id"]}, extra_conf={"work_mem": "9MB"})
    assert value(heir, "SHOW wal_level") == "logical" and value(heir, "SHOW work_mem") == "9MB"
    api.destroy_all_clones()
    assert api.call("DELETE", f"/snapshot/{snapshot['id']}").status == 200


def test_snapshot_of_a_clone_whose_connections_are_all_taken(api):
    clone = api.create_clone("busy")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                stack.enter_context(contextlib.closing(connect(clone)))
        answer = api.call("POST", "/snapshot/clone", {"cloneID": "busy"})
        assert answer.status == 200, answer
    assert api.call("DELETE", f"/snapshot/{answer.json['id']}").status == 200
