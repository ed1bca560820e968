"""kill -9, or a failure, at each step of what is done to clones. After a restart every acknowledged clone answers with its
data, what was under way is finished or undone, and the doctor finds nothing."""

import pytest

from harness import machine
from harness.api import value
from harness.faults import CHECKS, STEPS, each_step, trigger

CLONE_KINDS = [kind for kind in STEPS if kind != "refresh"]


@each_step(*CLONE_KINDS)
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
def test_failed_reset_is_fatal_and_leaves_the_data_served(server, stage, kind, step):
    """No client takes FATAL for success; a new server changes nothing in that."""
    stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    clone = server.api.wait_clone("subject")
    assert clone["status"]["code"] == "FATAL" and clone["status"]["serving"] is True, clone
    assert "Reset failed, the clone keeps its previous data" in clone["status"]["message"]
    assert value(clone, "SELECT n FROM mine") == 7
    if step == 3:
        assert server.api.get("/doctor")["clean"], server.api.get("/doctor")
        server.restart()
        assert server.api.get("/clone/subject")["status"] == clone["status"]
        assert value(server.api.reset_clone("subject"), "SELECT to_regclass('mine')") is None


def test_failed_reset_is_told_by_the_client(server, stage):
    stage("reset")
    server.restart(fault="reset:0:fail")
    done = server.cli("clone", "reset", "subject", check=False)
    assert done.returncode == 1 and "Reset failed" in done.stderr, done
    assert "successfully" not in done.stdout


@each_step("destroy")
def test_failed_destroy_is_tried_again(server, stage, kind, step):
    stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    clone = server.api.wait_clone("subject")
    assert clone is None or clone["status"]["code"] == "FATAL"
    server.restart()
    machine.wait_for(lambda: server.api.call("GET", "/clone/subject").status == 404, 20, "the end of the clone")


@each_step("snapshot")
def test_failed_snapshot_leaves_nothing(server, stage, kind, step):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status >= 400
    assert {snapshot["id"] for snapshot in server.snapshots()} == before
    CHECKS["snapshot"](server.api, before)


@pytest.mark.parametrize("kind", CLONE_KINDS)
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
    CHECKS["reset"](server.api, before)


def test_killed_with_many_operations_under_way(server, stage):
    names = [f"many{n}" for n in range(6)]
    for name in names:
        assert server.api.request_clone(name).status == 201
    server.restart()
    for name in names:
        assert value(server.api.wait_ok(name), "SELECT count(*) FROM customer") == 1000
