"""Full refresh: new data for new clones, while old clones keep theirs."""

import pytest

from harness import machine
from harness.api import query, value


@pytest.fixture
def changed_source(source):
    """A table that says which state of the source one sees."""
    source.run("shop", "DROP TABLE IF EXISTS state; CREATE TABLE state AS SELECT 1 AS n")
    yield source
    source.run("shop", "DROP TABLE state")


@pytest.fixture
def narrowed_source(source):
    """A database that gives its sessions a role which may read nothing."""
    source.run("empty", "CREATE ROLE narrow; CREATE TABLE wide AS SELECT 1 AS n; ALTER DATABASE empty SET role = narrow")
    yield source
    source.run("empty", "RESET ROLE; SET ROLE NONE; ALTER DATABASE empty RESET role; DROP TABLE wide; DROP ROLE narrow")


@pytest.fixture
def source_of_bytes(source):
    """Names that are no UTF-8: of a table, in a database that has no encoding, and of a database. Another one is closed."""
    source.run("postgres", "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    connection = source.connect("bytes")
    connection.set_client_encoding("SQL_ASCII")
    with connection.cursor() as cursor:
        cursor.execute(b'CREATE TABLE "t\xe9" AS SELECT 5 AS n')
        cursor.execute(b'CREATE DATABASE "d\xe9"')
    source.run("postgres", "CREATE DATABASE closed ALLOW_CONNECTIONS false")
    yield source
    with connection.cursor() as cursor:
        cursor.execute(b'DROP DATABASE "d\xe9"')
    connection.close()
    source.run("postgres", "DROP DATABASE bytes")
    source.run("postgres", "DROP DATABASE closed")


@pytest.fixture
def locked_source(source):
    """A table that pg_dump has to wait for, so that a refresh is under way as long as we like."""
    connection = source.connect("shop")
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE customer IN ACCESS EXCLUSIVE MODE")
    yield connection
    connection.close()


def test_new_data_for_new_clones_while_old_ones_keep_theirs(api, server, changed_source, narrowed_source):
    assert server.refresh()["status"] == "finished"
    assert not server.dumps(), "the source's data was left in dumpLocation"
    old = api.create_clone("old")
    query(old, "CREATE TABLE mine AS SELECT 7 AS n")
    first = old["snapshot"]["id"]
    changed_source.run("shop", "UPDATE state SET n = 2")

    state = server.refresh()

    assert state["status"] == "finished" and state["alerts"] == {} and state["lastRefresh"]
    assert value(old, "SELECT n FROM state") == 1 and value(old, "SELECT n FROM mine") == 7
    new = api.create_clone("new")
    assert value(new, "SELECT n FROM state") == 2
    assert new["snapshot"]["id"] != first
    assert [snapshot["id"] for snapshot in api.get("/snapshots")][:2] == [new["snapshot"]["id"], first]
    assert value(api.reset_clone("old"), "SELECT n FROM state") == 1
    assert value(api.reset_clone("old", latest=True), "SELECT n FROM state") == 2


def test_odd_names_do_not_stop_a_refresh_and_what_is_left_out_is_told(api, server, source_of_bytes):
    assert server.refresh()["status"] == "finished"
    told = [line for line in server.log().splitlines() if "the copy differs from its source" in line][-1]
    assert "d\ufffd" in told and "(its name is no UTF-8)" in told
    assert "closed" in told and "(closed to everybody)" in told and "template" not in told
    clone = api.create_clone("bytes", db={"db_name": "bytes"})
    assert query(clone, "SELECT sum(n)::int FROM pg_class c, LATERAL (SELECT 5 AS n) x "
                        "WHERE relnamespace = 'public'::regnamespace AND ascii(substr(relname, 2)) = 233",
                 dbname="bytes")[0][0] == 5
    assert value(clone, "SHOW data_checksums") == "on"


def test_old_snapshots_that_nobody_uses_are_retired(server, api):
    server.refresh()
    server.refresh()
    machine.wait_for(lambda: len(api.get("/snapshots")) <= 2, 20, "retired snapshots")


def test_progress_is_told_in_numbers(server, api, locked_source):
    assert api.call("POST", "/full-refresh").status == 200
    machine.wait_for(lambda: server.retrieval()["status"] == "refreshing", 10, "status refreshing")
    state = machine.wait_for(lambda: (now := server.retrieval()).get("progress") and now, 10, "progress")
    assert 0 <= state["progress"]["percent"] < 100
    assert api.get("/status")["status"]["code"] == "OK"
    locked_source.rollback()
    assert server.wait_refreshed()["status"] == "finished"


def test_second_refresh_at_a_time_is_refused(server, api, locked_source):
    assert api.call("POST", "/full-refresh").status == 200
    answer = api.call("POST", "/full-refresh")
    assert (answer.status, answer.message) == \
        (400, "The data refresh/snapshot is currently in progress. Skip a new data refresh iteration")
    clone = api.create_clone("meanwhile")
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    locked_source.rollback()
    assert server.wait_refreshed()["status"] == "finished"


def test_stop_in_the_middle_of_a_refresh(server, api, locked_source):
    assert api.call("POST", "/full-refresh").status == 200
    machine.wait_for(lambda: server.retrieval()["status"] == "refreshing", 10, "status refreshing")
    assert server.stop() == 0
    assert not [words for words in machine.processes_of(server.directory).values() if "pg_dump" in words]
    server.check_without_server()
    locked_source.rollback()
    server.start()
    assert value(api.create_clone("after"), "SELECT count(*) FROM customer") == 1000
    assert server.refresh()["status"] == "finished"
