"""Clones that their users have broken, and requests that come in the middle of something."""

import contextlib
import json
import os
import shutil
import socket
import threading

import psycopg2
import pytest

from harness import machine
from harness.api import answers, query, value


def data_of(server, clone_id):
    """Its data directory: of the volume whose manifest has its id."""
    volumes = [path for path in (server.directory / "pools").glob("*/volumes/*")
               if json.loads((path / ".ramet" / "manifest.json").read_text())["id"] == clone_id]
    assert len(volumes) == 1, volumes
    return volumes[0] / "data"


def end(clone):
    """An immediate shutdown from within."""
    with contextlib.suppress(psycopg2.Error):
        query(clone, "COPY (SELECT 1) TO PROGRAM 'kill -QUIT $(head -n 1 postmaster.pid)'")
    machine.wait_for(lambda: not answers(clone), 10, "the end of its postgres")


def make_directory(path):
    path.unlink()
    path.mkdir()


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


BREAKS = {
    "nocontrol": lambda data: (data / "global/pg_control").unlink(),
    "nocatalogs": lambda data: shutil.rmtree(data / "base"),
    "nodata": lambda data: [shutil.rmtree(path) if path.is_dir() else path.unlink() for path in data.iterdir()],
    "mode000": lambda data: data.chmod(0),
    "directory": lambda data: make_directory(data / "global/pg_filenode.map"),
    "pipe": lambda data: make_pipe(data / "PG_VERSION"),
}
DEAD = ("nocontrol", "nodata", "mode000", "directory", "pipe")  # known at once; of the others PostgreSQL makes something


def test_what_its_user_has_broken_can_be_reset(server, api):
    """Broken while they serve, and again before they start: a reset needs nothing of what was there."""
    for how in BREAKS:
        assert api.request_clone(how).status == 201
    for how, damage in BREAKS.items():
        api.wait_ok(how)
        damage(data_of(server, how))
        assert value(api.reset_clone(how), "SELECT count(*) FROM customer") == 1000
    server.cut_power()
    server.process.wait()
    for how, damage in BREAKS.items():
        damage(data_of(server, how))
    server.start()
    for how in DEAD:
        machine.wait_for(lambda how=how: api.get(f"/clone/{how}")["status"]["code"] == "FATAL", 30, f"FATAL of {how}")
    answer = api.call("POST", "/snapshot/clone", {"cloneID": "nocontrol"})
    assert answer.status == 400 and "is FATAL" in answer.message, answer
    for how in BREAKS:
        assert value(api.reset_clone(how), "SELECT count(*) FROM customer") == 1000


def test_clone_that_never_was_can_be_reset(server, api):
    server.restart(fault="create:3:fail")
    assert api.request_clone("stillborn").status == 201
    assert api.wait_clone("stillborn")["status"]["code"] == "FATAL"
    server.restart()
    assert value(api.reset_clone("stillborn"), "SELECT count(*) FROM customer") == 1000


def test_database_that_is_gone(server, api):
    """Whose user has dropped it serves, and says so; whose catalogs are gone as well does not."""
    dropped, ruined = api.create_clone("dropped"), api.create_clone("ruined")
    query(dropped, "DROP DATABASE shop", dbname="postgres")
    query(ruined, "CHECKPOINT")
    server.cut_power()
    server.process.wait()
    for directory in (data_of(server, "ruined") / "base").iterdir():
        shutil.rmtree(directory)
    server.start()
    machine.wait_for(lambda: "database is gone" in api.get("/clone/dropped")["status"]["message"], 30, "a word of it")
    assert api.wait_ok("dropped") and value(dropped, "SELECT 1", dbname="postgres") == 1
    machine.wait_for(lambda: api.get("/clone/ruined")["status"]["code"] == "FATAL", 60, "FATAL")
    assert "shop" in api.get("/clone/ruined")["status"]["message"]
    assert value(api.reset_clone("ruined"), "SELECT count(*) FROM customer") == 1000


def test_settings_that_keep_it_from_starting_are_set_aside(server, api):
    clone = api.create_clone("misled")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    query(clone, "ALTER SYSTEM SET shared_preload_libraries = 'missing'")
    end(clone)
    machine.wait_for(lambda: answers(clone), 60, "an answer")
    status = api.wait_ok("misled")["status"]
    assert "postgresql.auto.conf.set-aside" in status["message"], status
    assert value(clone, "SELECT n FROM mine") == 7
    assert value(clone, "SHOW shared_preload_libraries") == ""
    assert "missing" in (data_of(server, "misled") / "postgresql.auto.conf.set-aside").read_text()


def test_settings_that_are_not_to_blame_stay(server, api):
    clone = api.create_clone("misled")
    query(clone, "ALTER SYSTEM SET work_mem = '5MB'")
    data = data_of(server, "misled")
    (data / "global/pg_control").rename(data / "global/pg_control.away")
    failures = server.log().count("operation failed")
    end(clone)
    machine.wait_for(lambda: server.log().count("operation failed") >= failures + 3, 60, "three failed starts")
    machine.wait_for((data / "postgresql.auto.conf").exists, 10, "the file, put back")
    assert "work_mem" in (data / "postgresql.auto.conf").read_text()
    (data / "global/pg_control.away").rename(data / "global/pg_control")
    machine.wait_for(lambda: answers(clone), 90, "an answer, as nothing is in its way any more")
    assert value(clone, "SHOW work_mem") == "5MB" and api.wait_ok("misled")


def test_reset_during_a_start_is_not_done_before_it_is_done(server, api):
    """What is written after OK stays: the start under way does not say OK for the reset that is still to come."""
    for clone_id in ("one", "two"):
        query(api.create_clone(clone_id), "CREATE TABLE mine AS SELECT 7 AS n")
    server.cut_power()
    server.process.wait()
    server.start()
    for clone_id in ("one", "two"):
        machine.wait_for(lambda: api.call("POST", f"/clone/{clone_id}/reset").status == 200, 10, "a reset")
        clone = api.wait_ok(clone_id)
        assert value(clone, "SELECT to_regclass('mine')") is None, "OK was said before the reset"


def test_snapshot_and_destruction_at_once_leave_nothing(server, api):
    for _ in range(4):
        api.create_clone("both")
        taker = threading.Thread(target=api.call, args=("POST", "/snapshot/clone", {"cloneID": "both"}))
        taker.start()
        assert api.call("DELETE", "/clone/both").status == 200
        taker.join()
        assert api.wait_clone("both") is None
    server.check()
    for snapshot in server.snapshots():
        if "/branch/" in snapshot["id"]:
            assert api.call("DELETE", f"/snapshot/{snapshot['id']}").status == 200


@pytest.mark.skipif(machine.RUNTIME == "process", reason="the process runtime sets no limits")
def test_limits_where_processes_have_none(api):
    """While a clone is made it has read its limits already."""
    assert api.request_clone("young").status == 201
    answer = api.call("PATCH", "/clone/young", {"limits": {"memory": "400m"}})
    assert answer.status == 200 or "cannot be changed meanwhile" in answer.message, answer
    api.wait_ok("young")
    answer = api.call("PATCH", "/clone/young", {"limits": {"memory": "400m"}})
    assert answer.status == 200, answer


@pytest.mark.skipif(machine.RUNTIME != "oci", reason="the gateway of this server alone")
def test_port_that_a_stranger_has(server, api):
    clone = api.create_clone("robbed")
    port = int(clone["db"]["port"])
    server.cut_power()
    server.process.wait()
    with contextlib.closing(socket.socket()) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        server.start()
        machine.wait_for(lambda: "waits for its port" in api.get("/clone/robbed")["status"]["message"], 30, "a word of it")
        assert api.get("/clone/robbed")["status"]["code"] == "FATAL"
        findings = [finding for finding in api.get("/doctor")["findings"] if finding["name"] == "robbed"]
        assert len(findings) == 1 and "in use" in findings[0]["message"], findings
    machine.wait_for(lambda: answers(clone), 30, "an answer, as the port is free again")
    assert api.wait_ok("robbed")
