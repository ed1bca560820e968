"""The logs of instances: read, followed, and kept within their limits."""

import json
import os
import subprocess
import threading
import time

import pytest

from harness import machine
from harness.api import answers, query, value

LIMIT = 256 * 1024
FLOOD = "DO $$ BEGIN FOR i IN 1..%d LOOP RAISE LOG 'flood %% %%', i, repeat('x', 8000); END LOOP; END $$"


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server(changes={"runtime": {"logSize": "256KB"}}).start().fill()


def say(clone, text):
    query(clone, f"DO $$ BEGIN RAISE LOG '{text}'; END $$")


def logs(api, clone_id, parameters=""):
    return api.get(f"/clone/{clone_id}/logs{parameters}")


def has(page, text):
    return any(text in line for line in page["lines"])


def page_with(api, clone_id, text):
    """The last lines, once that is among them: a clone's output is on its way for a moment."""
    machine.wait_for(lambda: has(logs(api, clone_id), text), 10, text)
    return logs(api, clone_id)


def used(path):
    return path.stat().st_blocks * 512


def log_files(server):
    return sorted((server.directory / "state" / "logs").glob("*.log"))


def log_of(server, text):
    """The file of the clone that has said so."""
    def find():
        return [path for path in log_files(server) if path.is_file() and text.encode() in path.read_bytes()[-100_000:]]

    machine.wait_for(find, 10, text)
    return find()[0]


def follow(server, *arguments):
    return subprocess.Popen([server.build / "ramet", "--url", server.api.url, "--token", server.api.token, "clone",
                             "logs", "-f", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True, env=os.environ | {"HOME": str(server.directory)})


def test_lines(api, server):
    clone = api.create_clone("talker")
    say(clone, "first words")
    say(clone, "last words")
    page = page_with(api, "talker", "last words")
    assert has(page, "database system is ready to accept connections") and has(page, "first words"), page
    assert not has(page, "could not"), page  # of nothing that is as it should be
    assert page["skipped"] == 0
    assert len(logs(api, "talker", "?tail=1")["lines"]) == 1
    assert logs(api, "talker", "?tail=0")["lines"] == []
    assert logs(api, "talker", f"?after={page['next']}")["lines"] == []
    assert logs(api, "talker", "?after=0&tail=3")["lines"] == logs(api, "talker")["lines"][:3]
    assert has(logs(api, "talker", "?after=999999999"), "first words")  # of another log: from the beginning
    done = server.cli("clone", "logs", "talker")
    assert "first words" in done.stdout and not done.stderr
    assert len(server.cli("clone", "logs", "--tail", "2", "talker").stdout.splitlines()) == 2
    assert has(json.loads(server.cli("-o", "json", "clone", "logs", "talker").stdout), "last words")


def test_waits_for_the_next_line(api):
    clone = api.create_clone("talker")
    found = []
    after = page_with(api, "talker", "ready to accept connections")["next"]
    reader = threading.Thread(target=lambda: found.append(logs(api, "talker", f"?after={after}&wait=30")))
    reader.start()
    say(clone, "news")
    reader.join()
    assert has(found[0], "news") and found[0]["next"] > after


def test_follow(api, server):
    clone = api.create_clone("talker")
    say(clone, "before")
    client = follow(server, "talker")
    try:
        assert any("before" in line for line in iter(client.stdout.readline, ""))
        say(clone, "after")
        assert any("after" in line for line in iter(client.stdout.readline, ""))
        server.restart()
        machine.wait_for(lambda: answers(clone), 30, "an answer")
        say(clone, "after the restart of the server")
        assert any("restart of the server" in line for line in iter(client.stdout.readline, ""))
        api.reset_clone("talker")
        assert any("ready to accept connections" in line for line in iter(client.stdout.readline, ""))
        api.destroy_clone("talker")
        assert client.wait(60 * machine.PATIENCE) == 0, client.stderr.read()
        assert "The clone is gone: talker" in client.stderr.read()
    finally:
        client.kill()
        client.communicate()


def test_fatal_clone_keeps_its_log(api):
    answer = api.request_clone("stillborn", extra_conf={"shared_buffers": "500GB"})
    assert answer.status == 201, answer
    assert api.wait_clone("stillborn")["status"]["code"] == "FATAL"
    page_with(api, "stillborn", "FATAL:  ")


def test_log_goes_with_its_clone(api, server):
    say(api.create_clone("talker"), "these are my words")
    path = log_of(server, "these are my words")
    api.destroy_clone("talker")
    assert not path.exists()
    assert api.call("GET", "/clone/talker/logs").status == 404


@pytest.mark.parametrize("parameters", [
    "tail=-1", "tail=10001", "tail=many", "tail=1e3", "tail=0&after=0", "tail=99999999999999999999", "after=-1",
    "after=x", "after=9223372036854775808", "wait=61&after=0", "wait=-1&after=0", "wait=soon", "wait=5"])
def test_bad_parameters(api, parameters):
    answer = api.call("GET", f"/clone/any/logs?{parameters}")
    assert answer.status == 400 and answer.json["hint"], answer


def test_who_may_not(api, server):
    answer = api.call("GET", "/clone/unknown/logs")
    assert answer.status == 404 and answer.json["hint"], answer
    assert api.call("GET", "/clone/unknown/logs", token="wrong").status == 401
    assert api.call("POST", "/clone/unknown/logs").status == 405
    done = server.cli("clone", "logs", "unknown", check=False)
    assert done.returncode == 3 and "not found" in done.stderr
    assert server.cli("clone", "logs", "--tail", "x", "unknown", check=False).returncode != 0


def test_lines_of_a_stranger(api, server):
    clone = api.create_clone("talker")
    query(clone, r"""DO $$ BEGIN RAISE LOG '%', E'\x1b[2Jcleared\r\n\tnext <b>Ä'; END $$""")
    page = page_with(api, "talker", "\tnext <b>Ä")
    assert has(page, "\x1b[2Jcleared\r")
    query(clone, r"""COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; printf "bro\377\000ken\n" >&2'""")
    page_with(api, "talker", "ken")
    shown = server.cli("clone", "logs", "talker").stdout
    assert "\\x1b[2Jcleared\\x0d\n" in shown and "\x1b" not in shown


def test_flood_stays_within_the_limit(api, server):
    clone, other = api.create_clone("flooder"), api.create_clone("other")
    say(clone, "this one floods")
    path = log_of(server, "this one floods")
    query(clone, FLOOD % 5000)  # 40 MB
    machine.wait_for(lambda: path.stat().st_size > 20 * LIMIT, 10, "the flood")
    machine.wait_for(lambda: used(path) <= LIMIT, 30, "a log within its limit")
    page = page_with(api, "flooder", "flood 5000 x")
    assert has(page, "flood 5000 x") and not has(page, "flood 1 x")
    assert logs(api, "flooder", "?after=0&tail=1")["skipped"] > 10 * LIMIT
    assert value(clone, "SELECT 1") == value(other, "SELECT 1") == 1


def test_flood_without_a_server(api, server):
    clone = api.create_clone("flooder")
    say(clone, "this one floods later")
    path = log_of(server, "this one floods later")
    server.kill()
    query(clone, FLOOD % 1000)
    query(clone, "SELECT 1")
    if machine.RUNTIME in ("oci", "image"):  # its writer keeps a bound of its own
        machine.wait_for(lambda: used(path) <= 3 * LIMIT, 30, "a log within its bound")
    else:
        assert used(path) > LIMIT
    server.start()
    machine.wait_for(lambda: used(path) <= LIMIT, 30, "a log within its limit")
    assert value(clone, "SELECT 1") == 1


def test_days(api, server):
    clone = api.create_clone("talker")
    say(clone, "words of last week")
    path = log_of(server, "words of last week")
    ages = server.directory / "state" / "log-ages.json"
    machine.wait_for(lambda: ages.exists() and path.name in ages.read_text(), 10, "the age of the log")
    server.kill()
    week_ago = int(time.time()) // 86400 - 7
    ages.write_text(json.dumps({path.name: [[week_ago - 1, 0], [week_ago, path.stat().st_size]]}))
    say(clone, "words of today")
    assert log_of(server, "words of today") == path
    server.start()
    machine.wait_for(lambda: not has(logs(api, "talker"), "words of last week"), 30, "the end of old lines")
    assert has(logs(api, "talker"), "words of today")
    ages.write_text("broken")
    server.restart()
    assert has(logs(api, "talker"), "words of today")


@pytest.mark.parametrize("trick", ["fallocate -n -l 64M /proc/self/fd/9", "truncate -s 4M /proc/self/fd/9",
                                   "dd if=/dev/zero bs=1M count=16 >&9"])
def test_tricks_with_the_descriptor(api, server, trick):
    clone = api.create_clone("flooder")
    say(clone, "this one plays")
    path = log_of(server, "this one plays")
    query(clone, f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; exec 9>&2; {trick} 2>/dev/null; true'")
    machine.wait_for(lambda: used(path) <= LIMIT, 30, "a log within its limit")
    say(clone, "and lives")
    machine.wait_for(lambda: has(logs(api, "flooder"), "and lives"), 10, "its words")


@pytest.mark.skipif(machine.RUNTIME not in ("oci", "image"), reason="the log itself is the clone's to write: docs/security.md")
def test_log_is_out_of_reach(api):
    """A clone has the end of a pipe: no space can be reserved with it, and nothing said is unsaid."""
    clone = api.create_clone("talker")
    say(clone, "already said")
    trick = "readlink /proc/1/fd/1 /proc/1/fd/2 >&2; fallocate -l 64M /proc/self/fd/9; truncate -s 0 /proc/self/fd/9"
    query(clone, f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; exec 9>&2; {trick}; true'")
    machine.wait_for(lambda: has(logs(api, "talker"), "truncate"), 10, "its words")
    page = logs(api, "talker")
    assert sum("pipe:[" in line for line in page["lines"]) == 2 and has(page, "already said"), page


def test_log_of_the_gateway(server):
    path = server.directory / "state" / "logs" / "gateway.log"
    if not path.exists():
        pytest.skip("instances listen themselves")
    with path.open("ab") as log:
        log.write(b"a line of the gateway\n" * 100_000)
    machine.wait_for(lambda: used(path) <= LIMIT, 30, "a log within its limit")


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/shadow"), os.mkfifo, os.mkdir])
def test_no_plain_file_in_its_place(api, server, make):
    clone = api.create_clone("talker")
    say(clone, "soon unheard")
    path = log_of(server, "soon unheard")
    path.unlink()
    make(path)
    answer = api.call("GET", "/clone/talker/logs")
    assert answer.status == 500 and "is not a plain file" in answer.message, answer
    assert value(clone, "SELECT 1") == 1
    api.reset_clone("talker")
    assert path.is_file() and not path.is_symlink()
    page_with(api, "talker", "ready to accept connections")
