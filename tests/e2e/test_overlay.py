"""The life of clones and snapshots once more on the overlay driver: a clone is a mount, and lies on its snapshot."""

import subprocess

import pytest

from harness import machine
from harness.api import answers, query, value
from test_clone_life import *  # noqa: F403
from test_snapshots import *  # noqa: F403


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server(driver="overlay").start().fill()


def test_clones_are_mounted_again_after_a_reboot(server, api):
    clone = api.create_clone("stays")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n; CHECKPOINT")
    server.kill()
    server.cut_power()
    machine.wait_for(lambda: _unmounts(server.directory), 10, "the end of postgres' own processes")
    server.start()
    machine.wait_for(lambda: answers(clone), 30, "an answer of the clone")
    assert value(clone, "SELECT n FROM mine") == 7


def _unmounts(directory):
    try:
        machine.unmount(directory)
    except subprocess.CalledProcessError:  # something is still busy
        return False
    return True


def test_a_refresh_leaves_clones_of_gone_snapshots_alone(server, api):
    clone = api.create_clone("old")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    assert server.refresh()["status"] == "finished"
    assert value(clone, "SELECT n FROM mine") == 7
    assert value(api.reset_clone("old"), "SELECT count(*) FROM customer") == 1000
