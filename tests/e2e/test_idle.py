"""Clones that nobody uses are destroyed after cloning.maxIdleMinutes (a minute here); others stay."""

import contextlib
import threading

import psycopg2
import pytest

from harness import machine
from harness.api import connect, query


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server(changes={"cloning": {"maxIdleMinutes": 1}}).start().fill()


@contextlib.contextmanager
def used_now_and_then(clone):
    """Short sessions, each over before anybody looks."""
    is_over = threading.Event()

    def use():
        while not is_over.wait(5):
            query(clone, "SELECT count(*) FROM customer")

    thread = threading.Thread(target=use)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def sleep_until_cancelled(connection):
    with contextlib.suppress(psycopg2.errors.QueryCanceled):
        connection.cursor().execute("SELECT pg_sleep(100)")


def test_only_idle_clones_are_destroyed(api):
    clones = {name: api.create_clone(name) for name in ("idle", "session", "busy", "transaction", "used", "origin")}
    api.create_clone("protected", protected=True)
    taken = api.call("POST", "/snapshot/clone", {"cloneID": "origin"}).json
    with contextlib.closing(connect(clones["session"])), \
            contextlib.closing(connect(clones["transaction"])) as transaction, \
            contextlib.closing(connect(clones["busy"])) as busy, used_now_and_then(clones["used"]):
        transaction.autocommit = False
        transaction.cursor().execute("SELECT 1")
        sleeper = threading.Thread(target=sleep_until_cancelled, args=(busy,))
        sleeper.start()

        machine.wait_for(lambda: not {"idle"} & {clone["id"] for clone in api.get("/clones")}, 100,
                         "the end of the idle clone")

        left = {clone["id"] for clone in api.get("/clones")}
        assert left == {"session", "busy", "transaction", "used", "origin", "protected"}
        assert api.get("/clone/used")["metadata"]["maxIdleMinutes"] == 1
        busy.cancel()
        sleeper.join()
    api.destroy_all_clones()
    assert api.call("DELETE", f"/snapshot/{taken['id']}").status == 200
