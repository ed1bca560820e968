"""Refreshes that fail: the alert says what and why, and the last good snapshot keeps serving."""

import contextlib

import pytest

from harness import machine
from harness.api import value
from harness.source import PASSWORD

DUMP = ("retrieval", "spec", "logicalDump", "options")


def dump_options(options):
    """A change of the configuration below logicalDump.options."""
    for key in reversed(DUMP):
        options = {key: options}
    return options


@contextlib.contextmanager
def configured(server, options, restore):
    server.write_config(dump_options(options))
    server.restart(kill=False)
    try:
        yield
    finally:
        server.write_config(dump_options(restore))
        server.restart(kill=False)


def check_failed(server, words):
    """The refresh has failed, says so everywhere, and clones are made as before."""
    state = server.retrieval()
    assert state["status"] == "failed", state
    alert = state["alerts"]["refresh_failed"]
    assert alert["level"] == "error" and alert["count"] >= 1 and alert["lastSeen"]
    text = " ".join(str(alert.get(key, "")) for key in ("message", "detail", "hint"))
    for word in words:
        assert word in text, alert
    assert PASSWORD not in text
    assert server.api.get("/status")["status"]["code"] == "WARNING"
    assert value(server.api.create_clone("still"), "SELECT count(*) FROM customer") == 1000


@pytest.fixture(autouse=True)
def snapshots_are_kept(server):
    """A failed refresh changes nothing about the snapshots that are there."""
    before = {snapshot["id"] for snapshot in server.snapshots()}
    yield
    assert before <= {snapshot["id"] for snapshot in server.snapshots()}


def test_source_is_down(server, source):
    with source.stopped():
        server.refresh()
    check_failed(server, ["127.0.0.1", str(source.port), "refused"])


def test_wrong_password(server):
    with configured(server, {"source": {"connection": {"password": "wrong-Password"}}},
                    {"source": {"connection": {"password": PASSWORD}}}):
        server.refresh()
        check_failed(server, ["password authentication failed", "Check user and password"])
        assert "wrong-Password" not in server.log()
        assert "LOCATION" not in server.retrieval()["alerts"]["refresh_failed"]["detail"]


def test_database_that_does_not_exist(server):
    with configured(server, {"databases": {"shop": {}, "nosuch": {}}}, {"databases": None}):
        server.refresh()
        check_failed(server, ["nosuch", "does not exist"])


def test_database_that_is_closed_to_everybody(server, source):
    source.run("postgres", "CREATE DATABASE frozen ALLOW_CONNECTIONS false")
    try:
        with configured(server, {"databases": {"shop": {}, "frozen": {}}}, {"databases": None}):
            server.refresh()
            check_failed(server, ["frozen", "closed to everybody", "ALLOW_CONNECTIONS true"])
    finally:
        source.run("postgres", "DROP DATABASE frozen")


def test_table_that_does_not_exist(server):
    with configured(server, {"databases": {"shop": {"tables": ["nosuchtable"]}}}, {"databases": None}):
        server.refresh()
        check_failed(server, ["shop", "no matching tables"])


def test_source_dies_in_the_middle_of_a_dump(server, source):
    blocker = source.connect("shop")
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE sale_2026 IN ACCESS EXCLUSIVE MODE")
    assert server.api.call("POST", "/full-refresh").status == 200
    machine.wait_for(lambda: source.run("postgres", "SELECT 1 FROM pg_stat_activity "
                                        "WHERE wait_event_type = 'Lock'"), 20, "a waiting pg_dump")
    with source.stopped():
        server.wait_refreshed()
    blocker.close()
    check_failed(server, ["shop"])


def test_extension_that_is_not_installed(server, source):
    """The source's catalogue names an extension that has no files here: as when it runs elsewhere."""
    source.run("empty", "UPDATE pg_extension SET extname = 'nosuchextension' WHERE extname = 'plpgsql'")
    try:
        server.refresh()
    finally:
        source.run("empty", "UPDATE pg_extension SET extname = 'plpgsql' WHERE extname = 'nosuchextension'")
    check_failed(server, ["empty", "nosuchextension"])


def test_dump_directory_cannot_be_written(server):
    blocked = server.directory / "a-file"
    blocked.write_text("not a directory")

    def restore_from(path):
        return {"retrieval": {"spec": {"logicalRestore": {"options": {"dumpLocation": str(path)}}}}}

    usual = server.directory / "dump"
    server.write_config(restore_from(blocked / "dump"))
    try:
        with configured(server, {"dumpLocation": str(blocked / "dump")}, {"dumpLocation": str(usual)}):
            server.refresh()
            check_failed(server, ["a-file"])
    finally:
        server.write_config(restore_from(usual))
        server.restart()


def test_alert_survives_a_restart_and_goes_with_the_next_success(server, source):
    with source.stopped():
        server.refresh()
    count = server.retrieval()["alerts"]["refresh_failed"]["count"]
    server.restart()
    assert server.retrieval()["alerts"]["refresh_failed"]["count"] == count


def test_success_clears_the_alerts(server, source):
    with source.stopped():
        server.refresh()
    assert "refresh_failed" in server.retrieval()["alerts"]
    server.api.create_clone("keeps")  # its snapshot stays for its sake
    state = server.refresh()
    assert state["status"] == "finished" and state["alerts"] == {}
