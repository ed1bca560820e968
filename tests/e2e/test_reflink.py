"""The life of clones and snapshots once more on the reflink driver: it copies file by file, and a snapshot of a clone
needs its postgres stopped."""

import pytest

from harness import machine
from harness.api import value
from test_broken_clones import BREAKS, DEAD, data_of
from test_clone_life import *  # noqa: F403
from test_snapshots import *  # noqa: F403


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server(driver="reflink").start().fill()


def test_snapshot_of_what_its_user_has_broken(server, api):
    """Stopped for the snapshot, the clone does not start again: it is FATAL, and a reset makes it anew."""
    for how in DEAD:
        api.create_clone(how)
        BREAKS[how](data_of(server, how))
        answer = api.call("POST", "/snapshot/clone", {"cloneID": how})
        assert answer.status >= 400, answer
        machine.wait_for(lambda how=how: api.get(f"/clone/{how}")["status"]["code"] == "FATAL", 30, f"FATAL of {how}")
        assert value(api.reset_clone(how), "SELECT count(*) FROM customer") == 1000
