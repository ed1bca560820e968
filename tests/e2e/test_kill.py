"""kill -9, or a failure, at each step of each operation. After a restart every acknowledged clone answers
with its data, what was under way is finished or undone, and the doctor finds nothing."""

import pytest

from harness import machine
from harness.api import query, value

# How many steps each operation has. test_all_steps_are_covered fails when this is not true any more.
STEPS = {"create": 5, "reset": 7, "destroy": 3, "snapshot": 3, "refresh": 10}


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


@pytest.fixture
def stage(server):
    """A clone that nobody touches, and one to work on; returns the snapshots there are."""
    query(server.api.create_clone("witness"), "CREATE TABLE mine AS SELECT 7 AS n")

    def prepare(kind):
        if kind != "create":
            query(server.api.create_clone("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
        return {snapshot["id"] for snapshot in server.snapshots()}

    yield prepare
    assert value(server.api.wait_ok("witness"), "SELECT n FROM mine") == 7


@each_step(*STEPS)
@pytest.mark.parametrize("action", ["kill", "kill-after"])
def test_killed(server, stage, kind, step, action):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:{action}")
    answer = trigger(server.api, kind)
    assert server.wait_death(), f"{answer}: the server survived"
    server.start()
    CHECKS[kind](server.api, before)


@each_step("create")
def test_failed_create_is_fatal_and_can_be_destroyed(server, stage, kind, step):
    stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 201
    clone = server.api.wait_clone("subject")
    assert clone["status"]["code"] == "FATAL" and clone["status"]["message"]
    server.check()
    server.api.destroy_clone("subject")


@each_step("reset")
def test_failed_reset_leaves_the_clone_as_it_was(server, stage, kind, step):
    stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    assert value(server.api.wait_ok("subject"), "SELECT n FROM mine") == 7


@each_step("destroy")
def test_failed_destroy_is_tried_again(server, stage, kind, step):
    stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    clone = server.api.wait_clone("subject")
    assert clone is None or clone["status"]["code"] == "FATAL"
    server.restart()
    if server.api.call("GET", "/clone/subject").status == 200:
        server.api.call("DELETE", "/clone/subject")
    assert server.api.wait_clone("subject") is None


@each_step("snapshot")
def test_failed_snapshot_leaves_nothing(server, stage, kind, step):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status >= 400
    assert {snapshot["id"] for snapshot in server.snapshots()} == before
    check_snapshot(server.api, before)


@each_step("refresh")
def test_failed_refresh_leaves_the_old_snapshot(server, stage, kind, step):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    state = server.wait_refreshed()
    assert state["status"] == "failed" and "refresh_failed" in state["alerts"]
    assert {snapshot["id"] for snapshot in server.snapshots()} == before
    check_refresh(server.api, before)


@pytest.mark.parametrize("kind", STEPS)
def test_all_steps_are_covered(server, stage, kind):
    before = stage(kind)
    server.restart(fault=f"{kind}:{STEPS[kind]}:kill")
    assert trigger(server.api, kind).status in (200, 201)
    CHECKS[kind](server.api, before)
    assert server.is_running(), f"{kind} has more steps than STEPS says"


def test_killed_again_and_again_during_recovery(server, stage):
    """The same step kills each new server too, as an out-of-memory kill may: it must not get worse."""
    before = stage("reset")
    server.restart(fault="reset:4:kill")
    trigger(server.api, "reset")
    for _ in range(3):
        assert server.wait_death()
        server.start(fault="reset:4:kill", wait=False)
    server.kill()
    server.start()
    check_reset(server.api, before)


def test_killed_with_many_operations_under_way(server, stage):
    names = [f"many{n}" for n in range(6)]
    for name in names:
        assert server.api.request_clone(name).status == 201
    server.restart()
    for name in names:
        assert value(server.api.wait_ok(name), "SELECT count(*) FROM customer") == 1000
