"""A pool without space: creates and refreshes are refused or fail cleanly, what is there serves on and can be destroyed."""

import contextlib
import os

from harness import machine
from harness.api import value


@contextlib.contextmanager
def full_pool(server):
    """Takes all space of the pool by a file that is no clone's."""
    mount = server.directory / "pools" / "e2e"
    filler = mount / "filler"
    with filler.open("wb") as file:
        size = 0
        for step in (64 << 20, 4 << 20, 1 << 20):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
    try:
        yield
    finally:
        filler.unlink()
        os.sync()


def test_full_pool(server, api):
    old = api.create_clone("old")
    api.create_clone("gone")
    with full_pool(server):
        answer = api.request_clone("new")
        assert answer.status == 507, answer
        assert "full" in answer.message and answer.json["hint"]
        assert value(old, "SELECT count(*) FROM customer") == 1000
        assert api.call("DELETE", "/clone/gone").status == 200
        assert api.wait_clone("gone") is None

        state = server.refresh()
        assert state["status"] == "failed"
        assert state["alerts"]["refresh_failed"]["hint"]
        assert len(server.snapshots()) == 1

        assert api.call("POST", "/clone/old/reset").status == 200
        clone = api.wait_clone("old")
        assert clone["status"]["code"] == "FATAL" and clone["status"]["serving"] is True, clone
        assert value(clone, "SELECT count(*) FROM customer") == 1000
    machine.wait_for(lambda: api.request_clone("new").status == 201, 40, "space to come back")
    assert value(api.wait_ok("new"), "SELECT count(*) FROM customer") == 1000
    assert server.refresh()["status"] == "finished"
