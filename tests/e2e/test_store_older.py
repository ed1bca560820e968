"""A store that is older than it was: its -wal lost or damaged under a killed server, or a backup in its place.

Nothing that was acknowledged is destroyed: the server notices, serves what runs, and refuses to change anything.
"""

import contextlib

import pytest

from harness import machine
from harness.api import answers, query, value

FILES = ("ramet.db", "ramet.db-wal", "ramet.epoch")

DAMAGES = {
    "cut": lambda wal: wal[:len(wal) // 2],
    "overwritten": lambda wal: b"x" * len(wal),
    "flipped-first": lambda wal: wal[:100] + bytes([wal[100] ^ 1]) + wal[101:],
    "flipped-last": lambda wal: wal[:-100] + bytes([wal[-100] ^ 1]) + wal[-99:],
    "empty": lambda wal: b"",
}


class State:
    """The files of the store, as they are on the disk."""

    def __init__(self, server):
        self.directory = server.directory / "state"
        self.files = {name: (self.directory / name).read_bytes() for name in FILES if (self.directory / name).exists()}

    def put_back(self, *names):
        for name in ("ramet.db-shm", "ramet.db-wal"):
            (self.directory / name).unlink(missing_ok=True)
        for name in names or self.files:
            (self.directory / name).write_bytes(self.files[name])


def accept(server):
    return server.rametd("store", "accept")


def store_findings(server):
    return [finding for finding in server.api.get("/doctor")["findings"] if finding["kind"] == "store"]


def assert_held(server):
    """It says so everywhere, and changes nothing."""
    api = server.api
    for findings in (store_findings(server), [{"message": server.rametd("--doctor", check=False).stdout}]):
        assert "is older than it was" in findings[0]["message"], findings
    assert "store" in api.get("/status")["status"]["message"]
    assert "changes are refused; clones that run are served" in server.log()
    for method, path, body in (("POST", "/clone/subject/reset", {}), ("DELETE", "/clone/subject", None),
                               ("PATCH", "/clone/subject", {"protected": True}), ("POST", "/full-refresh", None),
                               ("POST", "/snapshot/clone", {"cloneID": "subject"})):
        answer = api.call(method, path, body)
        assert answer.status in (400, 404, 500), answer  # by what the older state says of it
        assert answer.status != 500 or "store accept" in answer.json["hint"], answer
    answer = api.request_clone("new")
    if api.get("/snapshots"):
        assert answer.status == 500 and "is older than it was" in answer.message, answer
    else:  # so old that there is nothing to make a clone of
        assert answer.status in (400, 404), answer


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_wal(server, api, damage):
    """The clone was told to be OK; the store that is left does not know it, or knows its creation alone."""
    clone = api.create_clone("subject")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    api.destroy_clone("subject")
    clone = api.create_clone("subject")
    query(clone, "CREATE TABLE mine AS SELECT 8 AS n")
    server.kill()
    state = State(server)
    wal = server.directory / "state" / "ramet.db-wal"
    wal.write_bytes(DAMAGES[damage](state.files["ramet.db-wal"]))

    server.start()
    assert_held(server)
    assert value(clone, "SELECT n FROM mine") == 8
    server.kill()
    state.put_back()
    server.start()
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 8
    assert not store_findings(server)


def test_backup_of_the_whole_state(server, api):
    """Its own witness is of the same day: the pool says that there was a later one."""
    api.create_clone("kept")
    server.stop()
    backup = State(server)
    server.start()
    clone = api.create_clone("subject")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    server.stop()  # the pool is told at the latest now
    newest = State(server)
    backup.put_back()

    server.start()
    assert_held(server)
    assert "pool \"e2e\" has seen" in store_findings(server)[0]["message"]
    assert value(clone, "SELECT n FROM mine") == 7
    server.stop()
    newest.put_back()
    server.start()
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 7


def crash(server, fault, request):
    """The state of a server that died there."""
    server.restart(fault=fault)
    with contextlib.suppress(OSError):
        request()
    assert server.wait_death()
    return State(server)


def go_on_from(server, older):
    """The older state is accepted by a person, and recovery acts on it."""
    server.kill()
    newest = State(server)
    older.put_back("ramet.db", "ramet.db-wal")
    server.start()
    assert_held(server)
    server.kill()
    accept(server)
    server.start()
    return newest


def test_create_that_was_told(server, api):
    """All that is left is that it was to be made: its volume was finished since, and is not destroyed."""
    older = crash(server, "create:0:kill", lambda: api.request_clone("subject"))
    server.start()
    query(api.wait_ok("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
    go_on_from(server, older)
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 7


def test_reset_that_was_told(server, api):
    api.create_clone("subject")
    older = crash(server, "reset:0:kill", lambda: api.call("POST", "/clone/subject/reset"))
    server.start()
    query(api.wait_ok("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
    go_on_from(server, older)
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 7


def test_snapshot_that_was_told(server, api):
    before = {snapshot["id"] for snapshot in server.snapshots()}
    query(api.create_clone("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
    older = crash(server, "snapshot:1:kill", lambda: api.call("POST", "/snapshot/clone", {"cloneID": "subject"}))
    server.start()
    machine.wait_for(lambda: State(server).files["ramet.epoch"] != older.files["ramet.epoch"], 30, "the snapshot's last commit")
    go_on_from(server, older)
    machine.wait_for(lambda: len(server.snapshots()) > len(before), 30, "the snapshot")
    taken, = {snapshot["id"] for snapshot in server.snapshots()} - before
    assert value(api.create_clone("of-it", snapshot={"id": taken}), "SELECT n FROM mine") == 7
    api.destroy_clone("of-it")
    assert api.call("DELETE", f"/snapshot/{taken}").status == 200


def test_undo_of_what_was_told(server, api):
    """Going on fails: the undo keeps what was finished, and the clone can be had back with the right store."""
    older = crash(server, "create:0:kill", lambda: api.request_clone("subject"))
    server.start()
    clone = api.wait_ok("subject")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    server.kill()
    newest = State(server)
    older.put_back("ramet.db", "ramet.db-wal")
    accept(server)
    server.start(fault="create:5:fail")
    assert api.wait_clone("subject")["status"]["code"] == "FATAL"
    assert "the journal is older than what it would undo" in server.log()
    server.kill()
    newest.put_back("ramet.db", "ramet.db-wal")
    accept(server)  # the pool has seen the other one
    server.start()
    machine.wait_for(lambda: answers(clone), 30, "an answer of the clone")
    assert value(clone, "SELECT n FROM mine") == 7


def test_refresh_that_was_told(server, api):
    """A refresh cannot go on, so it is undone; what it had finished stays, and the doctor names it."""
    assert api.call("POST", "/full-refresh").status == 200
    machine.wait_for(lambda: server.retrieval()["status"] == "refreshing", 30, "a refresh under way")
    older = State(server)
    server.wait_refreshed()
    clone = api.create_clone("subject")
    newest = go_on_from(server, older)
    machine.wait_for(lambda: server.retrieval()["status"] == "failed", 30, "the end of the undo")
    unknown = [finding["kind"] for finding in api.get("/doctor")["findings"]]
    assert {"volume", "snapshot"} <= set(unknown), unknown
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    server.kill()
    newest.put_back("ramet.db", "ramet.db-wal")
    accept(server)
    server.start()
    assert value(api.wait_ok("subject"), "SELECT count(*) FROM customer") == 1000


def test_deleted_while_in_use(server, api):
    """It is written anew before anybody is told of a change, and is there at the next start."""
    for path in (server.directory / "state").glob("ramet.db*"):
        path.unlink()
    query(api.create_clone("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
    machine.wait_for(lambda: "the files of the store were deleted while in use" in server.log(), 10, "a word about it in the log")
    server.restart()
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 7


def test_another_in_its_place(server, api):
    """Neither is lost: changes are refused, and what the server knows is saved."""
    clone = api.create_clone("subject")
    state = server.directory / "state"
    kept = state / "kept"
    (state / "ramet.db").rename(kept)
    (state / "ramet.db").write_bytes(kept.read_bytes())
    answer = api.request_clone("new")
    assert answer.status == 500 and "another ramet.db in its place" in answer.message, answer
    assert "ramet.db.saved" in store_findings(server)[0]["hint"]
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    server.kill()
    (state / "ramet.db.saved").rename(state / "ramet.db")
    kept.unlink()
    server.start()
    assert value(api.wait_ok("subject"), "SELECT count(*) FROM customer") == 1000
