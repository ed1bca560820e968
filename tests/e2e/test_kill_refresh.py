"""kill -9, or a failure, at each step of a refresh: clones and the last good snapshot go on, and nothing is leaked."""

import pytest

from harness.faults import CHECKS, STEPS, each_step, trigger


@each_step("refresh")
@pytest.mark.parametrize("action", ["kill", "kill-after"])
def test_killed(server, stage, kind, step, action):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:{action}")
    trigger(server.api, kind)
    assert server.wait_death(), "the server survived"
    server.start()
    CHECKS[kind](server.api, before)


@each_step("refresh")
def test_failed_refresh_leaves_the_old_snapshot(server, stage, kind, step):
    before = stage(kind)
    server.restart(fault=f"{kind}:{step}:fail")
    assert trigger(server.api, kind).status == 200
    state = server.wait_refreshed()
    assert state["status"] == "failed" and "refresh_failed" in state["alerts"]
    assert {snapshot["id"] for snapshot in server.snapshots()} == before
    CHECKS["refresh"](server.api, before)


def test_all_steps_are_covered(server, stage):
    before = stage("refresh")
    server.restart(fault=f"refresh:{STEPS['refresh']}:kill")
    assert trigger(server.api, "refresh").status == 200
    assert server.wait_refreshed()["status"] == "finished"
    CHECKS["refresh"](server.api, before)
    assert server.is_running(), "refresh has more steps than STEPS says"
