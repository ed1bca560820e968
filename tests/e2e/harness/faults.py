"""Faults in the middle of operations: RAMET_FAULT="<kind>:<step>:<kill|kill-after|fail>" of the server, how to ask for
an operation of each kind, and what must be true after it was finished or undone."""

import pytest

from . import machine
from .api import query, value

# How many steps each operation has. The tests named test_all_steps_are_covered fail when this is not true any more.
STEPS = {"create": 6, "reset": 8, "destroy": 4, "snapshot": 3, "refresh": 10}


def each_step(*kinds):
    return pytest.mark.parametrize("kind, step", [(kind, step) for kind in kinds for step in range(STEPS[kind])])


def trigger(api, kind):
    """Asks for the operation; the answer, or None when the server died before it could give one."""
    request = {
        "create": lambda: api.request_clone("subject"),
        "reset": lambda: api.call("POST", "/clone/subject/reset"),
        "destroy": lambda: api.call("DELETE", "/clone/subject"),
        "snapshot": lambda: api.call("POST", "/snapshot/clone", {"cloneID": "subject"}),
        "refresh": lambda: api.call("POST", "/full-refresh"),
    }[kind]
    try:
        return request()
    except OSError:
        return None


def check_create(api, _):
    assert value(api.wait_ok("subject"), "SELECT count(*) FROM customer") == 1000


def check_reset(api, _):
    clone = api.wait_ok("subject")
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    assert query(clone, "SELECT to_regclass('mine')") in ([("mine",)], [(None,)])
    assert value(api.reset_clone("subject"), "SELECT to_regclass('mine')") is None


def check_destroy(api, _):
    assert api.wait_clone("subject") is None


def check_snapshot(api, before):
    assert value(api.wait_ok("subject"), "SELECT n FROM mine") == 7
    for snapshot in {snapshot["id"] for snapshot in api.get("/snapshots")} - before:
        assert value(api.create_clone("of-it", snapshot={"id": snapshot}), "SELECT n FROM mine") == 7
        api.destroy_clone("of-it")
        assert api.call("DELETE", f"/snapshot/{snapshot}").status == 200


def check_refresh(api, before):
    machine.wait_for(lambda: api.get("/instance/retrieval")["status"] in ("finished", "failed", "inactive"), 120,
                     "the end of the refresh")
    assert api.get("/snapshots"), "the good snapshot is gone"
    assert value(api.create_clone("after"), "SELECT count(*) FROM customer") == 1000


CHECKS = {"create": check_create, "reset": check_reset, "destroy": check_destroy, "snapshot": check_snapshot,
          "refresh": check_refresh}
