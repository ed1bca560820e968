"""A clone that means harm, and rametd's own conversations with it: its socket is led elsewhere, or a program of its own
answers there. Nothing of the source's leaks, nobody else's server is changed, and nobody waits for it."""

import base64
import concurrent.futures
import contextlib

import pytest

from harness import machine
from harness.api import connect, query, value
from harness.source import PASSWORD
from test_isolation import shell

pytestmark = pytest.mark.skipif(machine.RUNTIME == "process", reason="the process runtime does not isolate")

# A program, by perl, that asks whoever comes for a password in clear, and keeps what it hears.
LIAR = r"""
use IO::Socket::UNIX; use IO::Handle; $SIG{PIPE} = "IGNORE"; $SIG{CHLD} = "IGNORE";
open $log, ">", "/tmp/heard"; $log->autoflush(1);
unlink "%(path)s"; $s = IO::Socket::UNIX->new(Local => "%(path)s", Listen => 16); chmod 0777, "%(path)s";
print {$log} "listening\n";
while ($c = $s->accept) {
    next if fork;
    sysread $c, $heard, 4096; print {$log} "heard $heard\n";
    syswrite $c, pack("a1 N N", "R", 8, 3); sysread $c, $heard, 4096; print {$log} "heard $heard\n";
    exit;
}
"""


def socket_of(clone):
    return f"/run/postgresql/.s.PGSQL.{clone['db']['port']}"


def take_socket(clone):
    """A program of the clone's listens where its postgres did; a connection from before, to see what it hears."""
    path = socket_of(clone)
    connection = connect(clone)
    code = base64.b64encode((LIAR % {"path": path}).encode()).decode()
    shell(clone, f"echo {code} | base64 -d > /tmp/liar; setsid perl /tmp/liar < /dev/null > /dev/null 2>&1 & "
                 "until grep -q listening /tmp/heard 2>/dev/null; do :; done")
    return connection


def refused(answer):
    assert answer.status in (400, 403, 409, 500), answer
    assert "not its postgres" in answer.message, answer


def test_a_program_in_the_place_of_the_socket_hears_nothing(api, server):
    clone = api.create_clone("liar")
    with contextlib.closing(take_socket(clone)) as inside, inside.cursor() as cursor:
        refused(api.call("POST", "/snapshot/clone", {"cloneID": "liar", "message": "x"}))
        cursor.execute("SELECT pg_read_file('/tmp/heard')")
        heard = cursor.fetchone()[0]
    assert PASSWORD not in heard and "postgres" not in heard, heard
    assert value(api.reset_clone("liar"), "SELECT 1") == 1


def test_a_link_to_another_server(api, server, source):
    clone = api.create_clone("mallory", username="mallory")
    before = source.run("postgres", "SELECT rolname, rolsuper, rolpassword FROM pg_authid ORDER BY 1")
    path = socket_of(clone)
    shell(clone, f"rm {path}; ln -s {source.directory}/.s.PGSQL.{source.port} {path}", user="mallory")
    refused(api.call("POST", "/snapshot/clone", {"cloneID": "mallory", "message": "x"}))
    server.restart()
    server.restart(kill=False)
    assert value(api.reset_clone("mallory"), "SELECT 1", user="mallory") == 1
    assert source.run("postgres", "SELECT rolname, rolsuper, rolpassword FROM pg_authid ORDER BY 1") == before


def test_a_link_to_a_neighbour(api, server):
    victim = api.create_clone("victim", username="owner")
    clone = api.create_clone("mallory", username="mallory")
    path = socket_of(clone)
    [victims] = [place for place in (server.directory / "state" / "run").iterdir()
                 if (place / f".s.PGSQL.{victim['db']['port']}").exists()]
    shell(clone, f"rm {path}; ln -s {victims}/.s.PGSQL.{victim['db']['port']} {path}", user="mallory")
    refused(api.call("POST", "/snapshot/clone", {"cloneID": "mallory", "message": "x"}))
    assert query(victim, "SELECT rolname FROM pg_roles WHERE rolname = 'mallory'", user="owner") == []


# --- clones that do not answer ------------------------------------------------------------------


@contextlib.contextmanager
def silent(clone):
    """Nobody can log in meanwhile: the roles are locked."""
    with contextlib.closing(connect(clone)) as inside, inside.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")
        yield


def is_kept_waiting(server):
    """Somebody has come to a clone and is not let in."""
    pids = {pid for group in server.cgroups() for pid in (group / "cgroup.procs").read_text().split()}
    words = [machine.command_line(pid) for pid in pids]
    return any(line.startswith("postgres:") and ("startup" in line or "authentication" in line) for line in words)


def test_a_silent_clone_holds_nobody(api, server):
    with silent(api.create_clone("silent")):
        assert value(api.reset_clone("silent"), "SELECT 1") == 1
    with silent(api.get("/clone/silent")), concurrent.futures.ThreadPoolExecutor() as asking:
        asking.submit(api.call, "POST", "/snapshot/clone", {"cloneID": "silent"})
        machine.wait_for(lambda: is_kept_waiting(server), 20, "a question of rametd's")
        assert server.stop() == 0
        server.start()
        api.destroy_clone("silent")


def is_asked_for_a_checkpoint(clone):
    return value(clone, "SELECT count(*) FROM pg_stat_activity WHERE query = 'CHECKPOINT'") > 0


def test_clones_that_stop_their_checkpointer_hold_nobody(api, server):
    """One for each thread of operations that there is."""
    names = [f"stopped{n}" for n in range(16)]
    for name in names:
        assert api.request_clone(name).status == 201
    clones = [api.wait_ok(name) for name in names]
    for clone in clones:
        pid = value(clone, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        shell(clone, f"kill -STOP {pid}")
    with concurrent.futures.ThreadPoolExecutor(len(names)) as asking:
        for name in names:
            asking.submit(api.call, "POST", "/snapshot/clone", {"cloneID": name})
        for clone in clones:
            machine.wait_for(lambda: is_asked_for_a_checkpoint(clone), 20, "a checkpoint that is waited for")
        assert value(api.create_clone("bystander"), "SELECT 1") == 1
        assert server.stop() == 0
    server.start()
    api.destroy_all_clones()
