"""The life of clones and snapshots once more on the overlay driver: a clone is a mount, and lies on its snapshot."""

import concurrent.futures
import itertools
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


DEEP = "COPY (SELECT 1) TO PROGRAM 'cd {} && i=0; while [ $i -lt {} ]; do mkdir d && cd d || exit 1; i=$((i+1)); done'"


def _dig(clone):
    """Directories in each other, in the data, as deep as no data directory is, and beside the socket, where there is little room."""
    for directory, depth in ((".", 300), (value(clone, "SHOW unix_socket_directories"), 8)):
        query(clone, DEEP.format(directory, depth))


def test_a_clone_with_deep_directories_can_be_reset_and_destroyed(server, api):
    _dig(api.create_clone("deep"))
    clone = api.reset_clone("deep")
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    _dig(clone)
    server.restart()
    machine.wait_for(lambda: answers(clone), 30, "an answer of the clone")
    api.destroy_clone("deep")
    server.restart()
    assert api.get("/clones") == []


def test_looking_beside_creates(server, api):
    """The doctor and the commands that show pools, while clones come and go: nobody is disturbed."""
    api.create_clone("stays")
    pool = server.snapshots()[0]["pool"]
    commands = itertools.cycle([["--doctor"], ["pool", "list"], ["pool", "check", pool]])
    mounts = machine.mounts_of(server.directory)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        work = threads.submit(lambda: [(api.create_clone(name), api.destroy_clone(name)) for name in ("a", "b", "c")])
        while not work.done():
            server.rametd(*next(commands), check=False)
        work.result()
    assert machine.mounts_of(server.directory) == mounts
    for command in (["--doctor"], ["pool", "check", pool]):
        server.rametd(*command)


def test_what_is_set_aside_is_named_and_tried_again(server, api):
    pool = server.snapshots()[0]["pool"]
    leftover = server.directory / "pools" / pool / ".ramet" / "aside" / "v.1"
    leftover.mkdir(parents=True)
    findings = [(finding["kind"], finding["name"]) for finding in api.get("/doctor")["findings"]]
    assert findings == [("leftover", f"{pool}/v.1")]
    server.restart()
    assert not leftover.exists()
