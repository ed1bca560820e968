"""Instances that end by themselves."""

import contextlib

import psycopg2

from harness import machine
from harness.api import answers, query, value

TRIES = 5


def began(clone):
    """When its postmaster was started; None while it does not answer."""
    with contextlib.suppress(psycopg2.Error):
        return value(clone, "SELECT pg_postmaster_start_time()")
    return None


def end(clone):
    """Its postmaster gets an immediate shutdown from within. It may be started again before anybody sees that it was away."""
    before = began(clone)
    with contextlib.suppress(psycopg2.Error):
        query(clone, "COPY (SELECT 1) TO PROGRAM 'kill -QUIT $(head -n 1 postmaster.pid)'")
    machine.wait_for(lambda: began(clone) != before, 10, "the end of its postgres")


def test_instance_that_ends_is_started_again(server, api):
    clone = api.create_clone("fainting")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    end(clone)
    machine.wait_for(lambda: answers(clone), 30, "an answer")
    assert value(clone, "SELECT n FROM mine") == 7
    status = api.wait_ok("fainting")["status"]
    assert "started again (1 of 5 times)" in status["message"], status
    server.restart()
    assert answers(clone)


def test_reset_of_what_has_ended_starts_it(api):
    clone = api.create_clone("fainting")
    end(clone)
    api.wait_ok("fainting")
    assert api.call("POST", "/clone/fainting/reset").status in (200, 400)
    machine.wait_for(lambda: answers(clone), 30, "an answer")


def test_instance_that_ends_again_and_again_is_fatal(server, api):
    clone = api.create_clone("dying")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    for _ in range(TRIES):
        end(clone)
        machine.wait_for(lambda: answers(clone), 90, "an answer")
    end(clone)
    machine.wait_for(lambda: api.get("/clone/dying")["status"]["code"] == "FATAL", 30, "the end")
    assert "has ended by itself 6 times" in api.get("/clone/dying")["status"]["message"]
    server.restart()
    machine.wait_for(lambda: answers(clone), 30, "an answer")
    assert value(clone, "SELECT n FROM mine") == 7 and api.wait_ok("dying")


def test_others_do_not_notice(api):
    clone, other = api.create_clone("fainting"), api.create_clone("other")
    end(clone)
    assert value(other, "SELECT 1") == 1
    api.destroy_clone("fainting")


def test_what_a_failed_reset_has_left_is_looked_after(server, api):
    """FATAL, and serving on: in one life of the server it is started again when it ends, reset once more, and destroyed."""
    clone = api.create_clone("kept")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    server.restart(fault="reset:3:fail")

    def fail_to_reset():
        assert api.call("POST", "/clone/kept/reset", {"latest": True}).status == 200
        status = api.wait_clone("kept")["status"]
        assert status["code"] == "FATAL" and status["serving"] is True, status

    fail_to_reset()
    end(clone)
    machine.wait_for(lambda: answers(clone), 30, "an answer")
    assert value(clone, "SELECT n FROM mine") == 7
    machine.wait_for(lambda: api.get("/clone/kept")["status"].get("serving"), 10, "the word that it serves")
    assert api.get("/clone/kept")["status"]["code"] == "FATAL"
    fail_to_reset()
    assert value(clone, "SELECT n FROM mine") == 7
    api.destroy_clone("kept")
    server.restart()
