"""A hostile superuser: what a shell in a clone can reach. docs/security.md says what each case stands for."""

import base64
import os
import pathlib
import pwd
import time

import psycopg2
import pytest

from harness import machine
from harness.api import connect, query, value
from harness.server import TOKEN

pytestmark = pytest.mark.skipif(machine.RUNTIME == "process",
                                reason="the process runtime does not isolate")

DOCKER = machine.RUNTIME == "docker"
no_noexec_in_docker = pytest.mark.skipif(DOCKER, reason="an engine has no noexec for data: docs/security.md")

MEMORY_MIB = 300
PROCESSES = 100
DISK_MIB = 128

DATA = "/var/lib/postgresql/data"
WATCHES = pathlib.Path("/proc/sys/fs/epoll/max_user_watches")

# Numbers of system calls on x86-64 (unistd_64.h).
MOUNT, PTRACE, UNSHARE, SETNS, INIT_MODULE, BPF, KEYCTL, REBOOT, MKNOD = 165, 101, 272, 308, 175, 321, 250, 169, 133
IO_URING_SETUP, OPEN_BY_HANDLE_AT, PIVOT_ROOT, MEMFD_CREATE = 425, 304, 155, 319
IO_SETUP, MQ_OPEN, INOTIFY_INIT, INOTIFY_INIT1 = 206, 240, 253, 294


@pytest.fixture(scope="module")
def module_server(make_server):
    limits = {"memory": f"{MEMORY_MIB}m", "pids-limit": PROCESSES, "shm-size": "64m", "disk": f"{DISK_MIB}m"}
    return make_server(changes={"provision": {"containerConfig": limits}}).start().fill()


@pytest.fixture
def evil(api):
    return api.create_clone("evil")


@pytest.fixture
def victim(api):
    clone = api.create_clone("victim")
    query(clone, "CREATE TABLE secret AS SELECT 'hidden-treasure' AS what")
    return clone


def shell(clone, command, **who):
    """What a program of the clone's superuser prints."""
    script = command.replace("'", "'\\''")
    with connect(clone, **who) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE output (line text)")
        cursor.execute("COPY output FROM PROGRAM %s (DELIMITER E'\\x01')", (f"sh -c '{script}' 2>&1; true",))
        cursor.execute("SELECT line FROM output")
        return "\n".join(line for line, in cursor)


def call(clone, number, *arguments):
    """A system call, by perl: its error, or "done"."""
    words = ", ".join(map(str, arguments))
    return shell(clone, f"perl -e 'my @a = ({words}); print syscall({number}, @a) < 0 ? \"$!\" : \"done\"'")


def rows_of(clone, sql):
    try:
        return query(clone, sql)
    except psycopg2.Error as error:
        return str(error)


def assert_not_the_hosts(clone, place):
    """A directory or file of that name may be in an image, and is another one."""
    said = shell(clone, f"stat -c %d:%i {place}")
    if "No such file or directory" in said or "Permission denied" in said:
        return
    assert machine.RUNTIME in ("docker", "image"), f"{place}: {said}"
    if os.path.exists(place):
        host = os.stat(place)
        assert said != f"{host.st_dev}:{host.st_ino}", f"{place} is the host's"


# --- files ------------------------------------------------------------------------------------


def test_files_of_the_host_are_not_there(evil, server):
    assert shell(evil, "id -un") == "postgres"
    places = ["/root", "/home", "/srv", "/opt", "/boot", "/sys/class", "/etc/shadow", "/etc/ssh", "/var/log", "/var/lib/ramet",
              server.directory, server.directory / "state", server.config_path]
    for place in places:
        assert_not_the_hosts(evil, place)
    assert shell(evil, "grep -c . /etc/passwd") == "2"


def test_other_clones_are_not_there(evil, victim):
    assert shell(evil, "find / -xdev -name PG_VERSION -path '*/base/*' -prune -o -name PG_VERSION -print 2>/dev/null") == ""
    found = shell(evil, "find / -name postgresql.conf -not -path '/usr/*' -not -path '/proc/*' 2>/dev/null")
    assert found == "/var/lib/postgresql/data/postgresql.conf"
    sockets = shell(evil, "find / -type s 2>/dev/null").split()
    assert len(sockets) == 1 and sockets[0].startswith("/run/postgresql/.s.PGSQL."), sockets
    assert "hidden-treasure" not in shell(evil, "grep -rl hidden-treasure /run /var /tmp /dev/shm 2>/dev/null")


@pytest.mark.parametrize("place", ["/", "/usr/bin", "/usr/lib/postgresql", "/etc", "/var", "/run", "/proc/sys/kernel"])
def test_nothing_but_its_own_can_be_written(evil, place):
    said = shell(evil, f"touch {place}/planted && echo planted")
    assert "planted" not in said.splitlines() and any(why in said for why in ("Read-only", "denied", "No such file")), said


@pytest.mark.parametrize("place", [pytest.param("/var/lib/postgresql/data", marks=no_noexec_in_docker),
                                   pytest.param("/run/postgresql", marks=no_noexec_in_docker), "/tmp", "/dev/shm"])
def test_what_it_writes_cannot_be_executed(evil, place):
    said = shell(evil, f"cp /usr/bin/id {place}/planted && {place}/planted; rm -f {place}/planted")
    assert "Permission denied" in said and "uid=" not in said


def test_links_out_of_its_directory_lead_nowhere(evil, server):
    shell(evil, f"ln -s {server.config_path} /var/lib/postgresql/data/out")
    assert "No such file" in shell(evil, "cat /var/lib/postgresql/data/out")


def test_its_socket_directory_is_small(evil, api):
    """It is not on the state directory's disk."""
    said = shell(evil, "head -c 10M /dev/zero >/run/postgresql/hog; stat -c %s /run/postgresql/hog; rm /run/postgresql/hog")
    assert "No space left" in said and int(said.splitlines()[-1]) <= 65536, said
    said = shell(evil, "for i in $(seq 100); do touch /run/postgresql/$i || break; done; ls /run/postgresql | wc -l")
    assert "No space left" in said and int(said.splitlines()[-1]) < 20, said
    assert value(evil, "SELECT 1") == 1
    assert api.reset_clone("evil")["status"]["code"] == "OK"


def test_what_postgresql_expects_of_a_machine_is_there(evil):
    assert value(evil, "SELECT count(*) > 100 FROM pg_timezone_names")
    assert rows_of(evil, "SET timezone = 'localtime'; SHOW timezone") == [("localtime",)]
    port = evil["db"]["port"]
    assert "S.PGSQL" in shell(evil, f"test -S /var/run/postgresql/.s.PGSQL.{port} && echo S.PGSQL")


# --- processes and the kernel -----------------------------------------------------------------


def test_processes_of_others_are_not_there(evil, victim, server):
    names = shell(evil, "cat /proc/[0-9]*/comm | sort -u").split()
    assert set(names) <= {"postgres", "sh", "cat", "sort"}, names
    assert "No such process" in shell(evil, f"kill -9 {server.process.pid}")
    assert shell(evil, "cat /proc/1/comm") == "postgres"
    assert server.is_running() and value(victim, "SELECT 1") == 1


def test_secrets_are_not_in_its_environment(evil):
    environment = shell(evil, "cat /proc/[0-9]*/environ | tr '\\000' '\\n'")
    assert TOKEN not in environment and "RAMET" not in environment, environment


def names_in_environment(pid):
    entries = pathlib.Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    return {entry.partition("=")[0] for entry in entries if entry and "SAN_OPTIONS" not in entry}


def test_secrets_are_not_in_the_environment_of_what_is_started(evil, server):
    """The gateway and its like live for weeks: whoever may look at them must find nothing."""
    state = str(server.directory / "state")
    known = {"PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "HOME", "RAMET_STATE", "PG_OOM_ADJUST_FILE",
             "PG_OOM_ADJUST_VALUE"}
    children = [pid for pid in machine.processes_of(server.directory) if pid != server.process.pid]
    assert any("ramet-gateway" in line for line in machine.processes_of(server.directory).values()), state
    for pid in children:
        names = {name for name in names_in_environment(pid) if not name.startswith("LC_")}
        assert names <= known or DOCKER, (machine.processes_of(server.directory)[pid], names - known)


def test_the_gateway_runs_as_a_user_of_its_own(evil, server):
    [pid] = [pid for pid, line in machine.processes_of(server.directory).items() if "ramet-gateway" in line.split()[0]]
    ids = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    own = pwd.getpwnam("ramet-gateway")
    assert ids["Uid"].split() == [str(own.pw_uid)] * 4 and ids["Gid"].split() == [str(own.pw_gid)] * 4, ids
    assert set(ids["Groups"].split()) <= {str(own.pw_gid)} and int(ids["CapEff"], 16) == 0, ids


def test_it_has_no_privileges(evil):
    status = dict(line.split(":\t") for line in shell(evil, "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status | "
                                                      "sed 's/\\t/:/; s/::/:\\t/'").splitlines())
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert "uid=0" not in shell(evil, "su -c id root; sudo id; id")


@pytest.mark.parametrize("name, arguments", [
    ("mount", (MOUNT, '"none"', '"/tmp"', '"tmpfs"', 0, 0)),
    ("ptrace", (PTRACE, 16, 1, 0, 0)),
    ("unshare a user namespace", (UNSHARE, 0x10000000)),
    ("enter a namespace", (SETNS, 0, 0)),
    ("load a module", (INIT_MODULE, 0, 0, '""')),
    ("bpf", (BPF, 0, 0, 0)),
    ("read keys", (KEYCTL, 0, -3, 0)),
    ("reboot", (REBOOT, 0, 0, 0)),
    ("io_uring", (IO_URING_SETUP, 1, 0)),
    ("open by handle", (OPEN_BY_HANDLE_AT, 0, 0, 0)),
    ("make a file in memory, and execute it", (MEMFD_CREATE, '"x"', 0)),
    ("change the root", (PIVOT_ROOT, '"/tmp"', '"/tmp"')),
    ("take an inotify that counts for all", (INOTIFY_INIT1, 0)),
    ("the same, the old way", (INOTIFY_INIT,)),
    ("make a message queue", (MQ_OPEN, '"x"', 0o102, 0o600, 0)),
    ("take asynchronous input and output", (IO_SETUP, 65536, '"x" x 8')),
    ("make a device", (MKNOD, '"/tmp/disk"', 0o060600, 0x800)),
])
def test_system_calls_are_refused(evil, name, arguments):
    assert call(evil, *arguments) in ("Function not implemented", "Operation not permitted"), name


def test_signals_that_wait_are_few(evil):
    """They are counted for the user, in all clones together."""
    assert shell(evil, "grep pending /proc/1/limits").split()[3:5] == ["1024", "1024"]


def test_there_are_no_devices(evil):
    devices = set(shell(evil, "find /dev -type b -o -type c").split())
    assert devices <= {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts/ptmx")}


def test_it_has_no_file_of_the_servers(evil):
    """A descriptor of the host's would live on where the clone has sent it."""
    files = shell(evil, "readlink /proc/1/fd/*").split()
    own = ("/dev/null", "pipe:", "socket:", DATA + "/", "/run/ramet.log")  # the last under docker: a file of its own
    assert files and not [file for file in files if not file.startswith(own)], files


# --- the network ------------------------------------------------------------------------------


def tcp(clone, host, port):
    return shell(clone, f"perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => \"{host}\", PeerPort => {port}, "
                        "Timeout => 3) ? \"connected\" : \"$@\"'")


def test_there_is_no_network(evil, victim, server, source):
    assert shell(evil, "sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev") == "lo"
    for port, what in ((server.port, "the API"), (source.port, "the source"), (int(victim["db"]["port"]), "another clone"),
                       (int(evil["db"]["port"]), "its own way out")):
        assert "connected" not in tcp(evil, "127.0.0.1", port), what
    for host in ("1.1.1.1", "192.168.0.1", "169.254.169.254"):
        assert "unreachable" in tcp(evil, host, 80), host


@pytest.mark.parametrize("family, kind", [(17, 3), (2, 3), (16, 3), (38, 5), (40, 1)],
                         ids=["packet", "raw", "netlink", "kernel crypto", "vsock"])
def test_unusual_sockets_are_refused(evil, family, kind):
    said = call(evil, 41, family, kind, 0)
    if family == 16:  # its own namespace's netlink answers questions, and there is nothing to ask about
        assert said == "done"
    else:
        assert said in ("Function not implemented", "Operation not permitted", "Protocol not supported"), said


def test_dblink_and_foreign_servers_reach_nobody(evil, victim, source):
    query(evil, "CREATE EXTENSION dblink")
    for port in (source.port, int(victim["db"]["port"])):
        target = f"host=127.0.0.1 port={port} user=postgres password=x dbname=postgres connect_timeout=3"
        said = rows_of(evil, f"SELECT * FROM dblink('{target}', 'SELECT 1') AS t (n int)")
        assert "Connection refused" in said or "unreachable" in said, said


def test_names_cannot_be_looked_up(evil):
    assert "dblab" not in shell(evil, "getent hosts example.com")


# --- hogs -------------------------------------------------------------------------------------


def test_a_fork_bomb_stays_inside(evil, victim):
    said = shell(evil, "i=0; while [ $i -lt 500 ]; do sleep 20 & i=$((i+1)); done 2>&1 | head -n 3")
    assert "fork" in said or "Resource temporarily unavailable" in said, said
    assert value(victim, "SELECT 1") == 1
    shell_free = "perl -e 'kill 9, grep { $_ > 1 } map { m{/proc/(\\d+)} } grep { open(F, \"$_/comm\") && <F> eq \"sleep\\n\" } glob(\"/proc/[0-9]*\")'"
    machine.wait_for(lambda: _frees(evil, shell_free), 40, "room for a process")


def _frees(clone, command):
    try:
        shell(clone, command)
        return value(clone, "SELECT 1") == 1
    except psycopg2.Error:
        return False


def test_a_memory_hog_takes_a_backend_not_the_clone(evil, victim, api):
    with pytest.raises((psycopg2.OperationalError, psycopg2.errors.ExternalRoutineException)):
        shell_failing(evil, f"perl -e 'my $x = \"x\" x ({MEMORY_MIB} << 21); print length $x'")
    machine.wait_for(lambda: _frees(evil, "true"), 30, "the clone after the hog")
    assert value(victim, "SELECT 1") == 1
    machine.wait_for(lambda: "limit of memory" in api.get("/clone/evil")["status"]["message"], 30, "word of it")
    assert api.get("/clone/evil")["status"]["code"] == "OK"


def shell_failing(clone, command):
    with connect(clone) as connection, connection.cursor() as cursor:
        cursor.execute("COPY (SELECT 1) TO PROGRAM %s", (command,))


# Each epoll watches the same pipes.
WATCH_HOG = """
my $event = pack "LQ", 1, 0; my @pipes;
for (1 .. 100) { pipe my $r, my $w; push @pipes, $r, $w }
while ((my $epoll = syscall 291, 0) >= 0) {
    for (@pipes) { exit 28 if syscall(233, $epoll, 1, fileno $_, $event) < 0 && $!{ENOSPC} }
}
"""


@pytest.mark.skipif(int(WATCHES.read_text()) < MEMORY_MIB << 13, reason="the machine's setting binds first: docs/security.md")
def test_a_watch_hog_ends_at_its_memory(evil, victim):
    """What epoll watches is counted for all clones together."""
    with pytest.raises(psycopg2.Error) as end:
        code = base64.b64encode(WATCH_HOG.encode()).decode()
        shell_failing(evil, f"echo {code} | base64 -d | perl")
    assert "exit code 28" not in str(end.value)
    assert value(victim, "SELECT 1") == 1
    machine.wait_for(lambda: _frees(evil, "true"), 30, "the clone after the hog")


def test_memory_for_scratch_is_bounded(evil):
    for place in ("/tmp", "/dev/shm"):
        said = shell(evil, f"head -c 500M /dev/zero > {place}/hog; rm -f {place}/hog")
        assert "No space left" in said or "Killed" in said or said == "", said
    machine.wait_for(lambda: _frees(evil, "rm -f /tmp/hog /dev/shm/hog"), 30, "the clone after the hog")


def test_a_disk_hog_ends_at_its_own_limit(evil, victim):
    said = shell(evil, f"head -c {3 * DISK_MIB}M /dev/urandom >{DATA}/hog; stat -c %s {DATA}/hog; rm {DATA}/hog")
    assert "Disk quota exceeded" in said and int(said.splitlines()[-1]) < DISK_MIB << 20, said
    query(victim, "CREATE TABLE room AS SELECT repeat(md5(n::text), 100) AS text FROM generate_series(1, 10000) n")
    assert value(victim, "SELECT count(*) FROM room") == 10000
    machine.wait_for(lambda: _frees(evil, "true"), 60, "the clone after the hog")


def test_no_subvolume_of_its_own(evil):
    """It would be in no snapshot, and what is written there would count for nobody."""
    create = 0x5000940E  # BTRFS_IOC_SUBVOL_CREATE
    script = f"sysopen(my $d, \"{DATA}\", 65536); my $a = pack(\"q a4088\", 0, \"mine\"); print ioctl($d, {create}, $a) ? \"done\" : \"$!\""
    assert shell(evil, f"perl -e '{script}'") in ("Function not implemented", "Operation not permitted")
    assert shell(evil, f"test -e {DATA}/mine && echo there") == ""
    assert shell(evil, f"echo x >{DATA}/a && cp --reflink=always {DATA}/a {DATA}/b && cat {DATA}/b") == "x"


# --- traps in its data directory --------------------------------------------------------------

def copy_of(api, clone_id):
    """A clone "copy" of a snapshot of the clone, OK or FATAL; None when there could be no snapshot."""
    answer = api.call("POST", "/snapshot/clone", {"cloneID": clone_id})
    if answer.status != 200:
        return None
    api.request_clone("copy", snapshot={"id": answer.json["id"]})
    return api.wait_clone("copy")


def host_data(server, clone_id):
    """The clone's data directory as the host has it."""
    manifests = (server.directory / "pools").glob("*/volumes/*/.ramet/manifest.json")
    return next(path.parents[1] / "data" for path in manifests if f'"{clone_id}"' in path.read_text())


@pytest.mark.parametrize("name", ["ramet.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf", "postmaster.pid", "postmaster.opts"])
def test_links_planted_for_rametd_change_nothing_outside(evil, server, api, name):
    target = server.directory / "precious"
    target.write_text("untouched")
    os.chmod(target, 0o666)
    shell(evil, f"rm -f {DATA}/{name} && ln -s {target} {DATA}/{name}")
    assert (host_data(server, "evil") / name).is_symlink()
    copy_of(api, "evil")
    assert target.read_text() == "untouched"
    assert api.reset_clone("evil")["status"]["code"] == "OK"
    assert target.read_text() == "untouched"


@pytest.mark.parametrize("name", ["ramet.conf", "pg_hba.conf", "postmaster.pid", "postgresql.auto.conf", "PG_VERSION",
                                  "global/pg_control"])
def test_pipes_planted_for_rametd_do_not_hold_it(evil, api, name):
    """PostgreSQL itself may wait for ever at a pipe in a copy: that is the copy's loss, and nobody else's."""
    shell(evil, f"rm -f {DATA}/{name} && perl -e 'use POSIX; POSIX::mkfifo(\"{DATA}/{name}\", 0666)'")
    answer = api.call("POST", "/snapshot/clone", {"cloneID": "evil"})
    if answer.status == 200:
        api.request_clone("copy", snapshot={"id": answer.json["id"]})
    assert value(api.create_clone("bystander"), "SELECT 1") == 1
    assert value(api.reset_clone("evil"), "SELECT 1") == 1
    if answer.status == 200:
        api.destroy_clone("copy")


def test_programs_in_its_configuration_run_inside(evil, server, api):
    marker = server.directory / "escaped"
    query(evil, f"ALTER SYSTEM SET archive_command = 'touch {marker}; touch {DATA}/inside'")
    query(evil, "ALTER SYSTEM SET archive_mode = on")
    query(evil, "ALTER SYSTEM SET restore_command = 'false'")
    assert copy_of(api, "evil")["status"]["code"] == "OK"
    query(api.get("/clone/copy"), "SELECT pg_switch_wal()")
    time.sleep(1)
    assert not marker.exists()


def test_a_planted_preload_library_does_not_run(evil, api):
    shell(evil, f"cp /usr/lib/postgresql/*/lib/pgcrypto.so {DATA}/planted.so")
    said = rows_of(evil, f"LOAD '{DATA}/planted.so'")
    assert DOCKER or "Permission denied" in said or "failed to map segment" in said, said
    query(evil, f"ALTER SYSTEM SET shared_preload_libraries = '{DATA}/planted.so'")
    status = copy_of(api, "evil")["status"]
    assert status["code"] == "OK" or "planted.so" in status["message"], status
