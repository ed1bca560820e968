"""The life of a clone over HTTP: create, get, list, write, reset, destroy."""

import concurrent.futures
import contextlib
import re

import psycopg2
import pytest

from harness import source
from harness.api import USER, connect, query, value


def test_accepted_clone_has_the_fields_of_the_contract(api):
    answer = api.request_clone("fields")
    assert answer.status == 201
    clone = answer.json
    assert clone["id"] == "fields"
    assert clone["status"] == {"code": "CREATING", "message": "Clone is being created."}
    assert clone["branch"] == "main" and clone["revision"] == 0
    assert clone["protected"] is False and clone["deleteAt"] is None
    assert clone["snapshot"]["pool"] == "e2e"
    db = clone["db"]
    assert (db["connStr"], db["host"], db["port"], db["password"]) == ("", "", "", "")
    assert (db["username"], db["dbName"]) == (USER, "shop")
    assert clone["metadata"]["cloningTime"] == 0
    api.wait_ok("fields")


def test_ready_clone_has_the_fields_of_the_contract(api, server):
    clone = api.create_clone("ready")
    assert clone["status"] == {"code": "OK", "message": "Clone is ready to accept Postgres connections."}
    port = clone["db"]["port"]
    assert isinstance(port, str) and int(port) in range(server.first_port, server.first_port + 12)
    assert clone["db"]["connStr"] == f"host=localhost port={port} user={USER} dbname=shop"
    assert clone["db"]["host"] == "localhost" and clone["db"]["password"] == ""
    assert 0 < clone["metadata"]["cloningTime"] < 30
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", clone["createdAt"])
    snapshot = clone["snapshot"]
    assert snapshot["id"].startswith("e2e@snapshot_") and snapshot["branch"] == "main"


def test_clone_without_an_id_gets_one(api):
    clone = api.request_clone("").json
    assert re.fullmatch(r"[0-9a-v]{20}", clone["id"])
    assert api.wait_ok(clone["id"])["id"] == clone["id"]


def test_clone_without_a_database_uses_the_default_one(api):
    assert api.create_clone("default", db={"db_name": ""})["db"]["dbName"] == "postgres"


def test_clone_holds_everything_of_the_source(api):
    clone = api.create_clone("all")
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    assert value(clone, "SELECT double_it(21)") == 42
    assert value(clone, "SELECT similarity('clone', 'clones') > 0.5") is True
    assert value(clone, "SELECT count(*) FROM sale_2026") == 1000
    assert value(clone, "SELECT count FROM customer_count") == 1000
    assert query(clone, 'SELECT * FROM "Odd Schema"."Odd ""Table"') == [(1, "one")]
    assert value(clone, "SELECT text FROM note", dbname=source.ODD_NAME) == "odd"
    assert value(clone, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
                 dbname="empty") == 0


def test_writes_stay_in_their_clone(api, source):
    one, other = api.create_clone("one"), api.create_clone("other")
    query(one, "CREATE TABLE mine (n int); INSERT INTO mine VALUES (1); DELETE FROM sale")
    assert value(one, "SELECT count(*) FROM mine") == 1
    assert value(other, "SELECT to_regclass('mine')") is None
    assert value(other, "SELECT count(*) FROM sale") == 1000
    assert source.run("shop", "SELECT count(*), to_regclass('mine') FROM sale") == [(1000, None)]
    assert value(api.create_clone("later"), "SELECT to_regclass('mine')") is None


def test_reset_loses_writes_and_keeps_the_rest(api):
    clone = api.create_clone("reset", extra_conf={"work_mem": "7MB"})
    query(clone, "CREATE TABLE mine (n int); CREATE ROLE other LOGIN")
    after = api.reset_clone("reset")
    assert value(after, "SELECT to_regclass('mine')") is None
    assert value(after, "SHOW work_mem") == "7MB"
    assert query(after, "SELECT 1 FROM pg_roles WHERE rolname = 'other'") == []
    assert after["db"] == clone["db"]
    assert after["createdAt"] == clone["createdAt"]


def test_reset_to_a_snapshot_and_to_the_latest(api):
    clone = api.create_clone("target")
    snapshot = clone["snapshot"]["id"]
    for fields in ({"snapshotID": snapshot}, {"latest": True}, {"snapshotID": "", "latest": False}):
        query(clone, "CREATE TABLE mine (n int)")
        after = api.reset_clone("target", **fields)
        assert after["snapshot"]["id"] == snapshot
        assert value(after, "SELECT to_regclass('mine')") is None


@pytest.mark.parametrize("fields, status, message", [
    ({"latest": True, "snapshotID": "e2e@snapshot_20200101000000"}, 400,
     "parameters `latest` and `snapshot ID` must not be specified together"),
    ({"snapshotID": "e2e@snapshot_20200101000000"}, 404, "no snapshot found"),
])
def test_refused_reset_leaves_the_clone_alone(api, fields, status, message):
    clone = api.create_clone("stays")
    query(clone, "CREATE TABLE mine (n int)")
    answer = api.call("POST", "/clone/stays/reset", fields)
    assert (answer.status, answer.message) == (status, message)
    assert value(api.wait_ok("stays"), "SELECT count(*) FROM mine") == 0


def test_destroyed_clone_is_gone(api):
    clone = api.create_clone("gone")
    open_session = connect(clone)
    api.destroy_clone("gone")
    answer = api.call("GET", "/clone/gone")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    with pytest.raises(psycopg2.OperationalError):
        open_session.cursor().execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError):
        connect(clone)
    open_session.close()
    assert api.create_clone("gone")["status"]["code"] == "OK", "the name is free again"


@pytest.mark.parametrize("method, path, body", [
    ("PATCH", "/clone/nobody", {"protected": True}),
    ("DELETE", "/clone/nobody", None),
    ("POST", "/clone/nobody/reset", None),
    ("GET", "/clone/nobody", None),
])
def test_missing_clone_is_404(api, method, path, body):
    answer = api.call(method, path, body)
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")


def test_lists_are_newest_first(api):
    for name in ("first", "second", "third"):
        api.create_clone(name)
    assert [clone["id"] for clone in api.get("/clones")][:3] == ["third", "second", "first"]
    status = api.get("/status")
    assert [clone["id"] for clone in status["cloning"]["clones"]][:3] == ["third", "second", "first"]
    assert status["cloning"]["numClones"] == 3 and status["cloning"]["expectedCloningTime"] > 0
    assert sorted(status["pools"][0]["cloneList"]) == ["first", "second", "third"]
    assert api.get("/snapshots")[0]["numClones"] == 3


def test_status_describes_the_instance(server, api):
    status = api.get("/status")
    assert status["status"] == {"code": "OK", "message": "Instance is ready"}
    pool = status["pools"][0]
    assert (pool["name"], pool["mode"], pool["status"]) == ("e2e", server.driver, "active")
    assert pool["fileSystem"]["size"] > pool["fileSystem"]["free"] > 0
    assert status["retrieving"]["mode"] == "logical" and status["retrieving"]["status"] == "finished"
    health = api.call("GET", "/healthz", token="").json
    assert health["instanceID"] == status["engine"]["instanceID"] and health["edition"] == "community"


def test_extra_configuration_beats_the_rest(api):
    clone = api.create_clone("conf", extra_conf={"shared_buffers": "20MB", "search_path": "\"O'Dd\", public"})
    assert value(clone, "SHOW shared_buffers") == "20MB"
    assert value(clone, "SHOW search_path") == "\"O'Dd\", public"


def test_many_at_once(api):
    names = [f"many{n}" for n in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clones = list(pool.map(api.create_clone, names))
    assert len({clone["db"]["port"] for clone in clones}) == 8
    for clone in clones:
        query(clone, f"CREATE TABLE {clone['id']} (n int)")
    for clone in clones:
        assert value(clone, "SELECT string_agg(relname, '') FROM pg_class WHERE relname LIKE 'many%'") == clone["id"]


@pytest.mark.parametrize("kill", [True, False], ids=["kill -9", "SIGTERM"])
def test_clones_outlive_the_server(api, server, kill):
    clone = api.create_clone("outlives")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    with contextlib.closing(connect(clone)) as session, session.cursor() as cursor:
        server.restart(kill=kill)
        cursor.execute("SELECT n FROM mine")  # the same session still works
        assert cursor.fetchone() == (7,)
    after = api.wait_ok("outlives")
    assert after["db"] == clone["db"] and value(after, "SELECT n FROM mine") == 7
    assert value(api.reset_clone("outlives"), "SELECT to_regclass('mine')") is None
