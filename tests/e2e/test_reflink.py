"""The life of clones and snapshots once more on the reflink driver: it copies file by file, and a snapshot of a clone
needs its postgres stopped."""

import pytest

from test_clone_life import *  # noqa: F403
from test_snapshots import *  # noqa: F403


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server(driver="reflink").start().fill()
