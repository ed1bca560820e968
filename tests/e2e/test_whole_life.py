"""One whole life, from an empty pool to none, in the order in which it happens to users. What is special about each storage
is in it: volumes that are destroyed before their snapshots, snapshots that outlive a refresh, kill -9 in between."""

import contextlib

import pytest

from harness import machine
from harness.api import connect, query, value


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server().start().fill()


def take_snapshot(api, clone_id):
    answer = api.call("POST", "/snapshot/clone", {"cloneID": clone_id, "message": "kept"}, timeout=120)
    assert answer.status == 200, answer
    return answer.json["id"]


def test_whole_life(server, api):
    first = api.create_clone("first")
    assert value(first, "SELECT count(*) FROM customer") == 1000
    query(first, "CREATE TABLE mine AS SELECT n FROM generate_series(1, 1000) AS n")
    snapshot = take_snapshot(api, "first")
    query(first, "DROP TABLE mine")

    second = api.create_clone("second", snapshot={"id": snapshot})
    assert value(second, "SELECT sum(n) FROM mine") == 500500
    api.destroy_clone("first")  # its snapshot, and the clone of that, live on
    query(second, "DELETE FROM mine; DELETE FROM sale")
    assert value(api.reset_clone("second"), "SELECT sum(n) FROM mine") == 500500

    query(second, "CREATE TABLE after_reset AS SELECT 7 AS n")
    with contextlib.closing(connect(second)) as session, session.cursor() as cursor:
        server.restart(kill=True)
        cursor.execute("SELECT n FROM after_reset")  # the same session still works
        assert cursor.fetchone() == (7,)
    second = api.wait_ok("second")
    assert value(second, "SELECT n FROM after_reset") == 7
    sizes = machine.wait_for(lambda: (now := api.get("/clone/second")["metadata"])["cloneDiffSize"] > 0 and now, 40,
                             "the size of the clone")
    assert sizes["cloneDiffSize"] < sizes["logicalSize"]

    golden = [one["id"] for one in server.snapshots() if one["id"] != snapshot]
    assert server.refresh()["status"] == "finished"
    assert value(second, "SELECT n FROM after_reset") == 7
    assert value(api.create_clone("third"), "SELECT count(*) FROM customer") == 1000
    assert not set(golden) & {one["id"] for one in server.snapshots()}, "the old one is retired: nobody used it"

    assert "dependent clones: second" in api.call("DELETE", f"/snapshot/{snapshot}").message
    api.destroy_clone("second")
    assert api.call("DELETE", f"/snapshot/{snapshot}", timeout=120).status == 200
    assert len(server.snapshots()) == 1
