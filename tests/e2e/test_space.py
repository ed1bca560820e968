"""Space before it is gone: the reserve, who holds the rest, and the levels in the status."""

import contextlib
import os
import signal
import time

from harness import machine
from harness.api import query, value
from harness.hanging import hanging

MIB = 1 << 20


@contextlib.contextmanager
def space_taken(server, free_percent):
    """A file that is no clone's leaves so much of the pool free."""
    filler = server.directory / "pools" / "e2e" / "filler"
    with filler.open("wb") as file:
        while (excess := free_above(file_system(server), free_percent)) > 0:
            file.write(b"\x55" * (excess + MIB))
            file.flush()
            os.fsync(file.fileno())
    try:
        yield
    finally:
        filler.unlink()
        os.sync()
        server.restart()


def free_above(numbers, percent):
    return int(numbers["free"] - numbers["size"] * percent / 100)


def file_system(server):
    """Measured after it is asked for, and not a moment before."""
    asked_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def measured():
        numbers = server.api.get("/status")["pools"][0]["fileSystem"]
        return numbers.get("measuredAt", "") > asked_at and numbers

    return machine.wait_for(measured, 30, "numbers that are new")


def test_answers_while_the_storage_hangs(server, api):
    """The pool's mount is hung with the server's look at it under way: it ends after the answers, when it is released."""
    api.create_clone("one")
    paths = ("/healthz", "/status", "/clones", "/clone/one", "/snapshots")
    before = {path: api.get(path) for path in paths}
    with hanging(server.directory / "pools" / "e2e") as mount:
        machine.wait_for(lambda: api.get("/status") and mount.is_asked(), 30, "a look at the pool")
        for _ in range(6):  # more than there are threads for answers
            for path in paths:
                assert len(api.get(path)) == len(before[path])
        assert [snapshot["default"] for snapshot in api.get("/snapshots")].count(True) == 1
    os.kill(server.process.pid, signal.SIGHUP)
    machine.wait_for(lambda: "error" not in api.get("/status")["pools"][0], 30, "the pool")


def test_numbers_of_a_pool(server, api):
    before = file_system(server)
    assert before["level"] == "OK" and before["reserve"] == before["size"] // 100 * 5
    clone = api.create_clone("writer")
    query(clone, "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 40000); CHECKPOINT")
    held = machine.wait_for(lambda: (now := api.get("/clone/writer")["metadata"])["cloneDiffSize"] > 40 * MIB and now, 40,
                            "the size of what the clone has written")
    assert held["cloneDiffSizeIsExact"] is True
    now = file_system(server)
    assert now["usedByClones"] >= held["cloneDiffSize"]
    assert now["used"] + now["free"] <= now["size"]


def test_what_is_written_counts_at_once(server):
    """Not when btrfs commits it, up to half a minute later."""
    filler = server.directory / "pools" / "e2e" / "filler"
    before = file_system(server)["free"]
    with filler.open("wb") as file:
        file.write(b"\x55" * 64 * MIB)
        file.flush()
        os.fsync(file.fileno())
        now = file_system(server)
    filler.unlink()
    os.sync()
    assert before - now["free"] >= 60 * MIB, (before, now)


def test_snapshots_hold_what_gone_clones_wrote(server, api):
    query(api.create_clone("author"), "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 40000)")
    before = file_system(server)["usedBySnapshots"]
    snapshot = api.call("POST", "/snapshot/clone", {"cloneID": "author"}).json["id"]
    api.destroy_clone("author")
    machine.wait_for(lambda: file_system(server)["usedBySnapshots"] > before + 40 * MIB, 60, "space held by the snapshot")
    assert api.call("DELETE", f"/snapshot/{snapshot}").status == 200
    machine.wait_for(lambda: file_system(server)["usedBySnapshots"] < before + 20 * MIB, 60, "the snapshot's space")


def test_the_reserve_is_not_given_away(server, api):
    clone = api.create_clone("holder")
    query(clone, "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 40000); CHECKPOINT")
    machine.wait_for(lambda: api.get("/clone/holder")["metadata"]["cloneDiffSize"] > 40 * MIB, 40, "the size of the clone")
    with space_taken(server, 4):
        answer = api.request_clone("new")
        assert answer.status == 507, answer
        assert "reserve" in answer.message and '"holder"' in answer.json["hint"], answer

        state = server.refresh()
        assert state["status"] == "failed"
        assert "reserve" in state["alerts"]["refresh_failed"]["message"]

        assert file_system(server)["level"] == "ALARM"
        status = api.get("/status")
        assert status["status"]["code"] == "WARNING" and "pools" in status["status"]["message"]
        assert value(api.reset_clone("holder"), "SELECT count(*) FROM customer") == 1000  # it makes room
        api.destroy_clone("holder")
    assert file_system(server)["level"] == "OK"
    assert value(api.create_clone("new"), "SELECT count(*) FROM customer") == 1000
    assert server.refresh()["status"] == "finished"


def test_levels_are_told_once(server):
    with space_taken(server, 18):
        assert file_system(server)["level"] == "WARNING"
        begun = len(server.log())
        server.restart()
        file_system(server)
        lines = [line for line in server.log()[begun:].splitlines() if "pool runs full" in line]
        assert len(lines) == 1 and " warn " in lines[0] and "level=WARNING" in lines[0], lines
    assert file_system(server)["level"] == "OK"
