"""What the benchmark runs on: a PostgreSQL with the data, and servers with a pool each.

Everything lives in one scratch directory, by which it is found and cleared away again.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
os.environ.setdefault("TMPDIR", "/var/tmp")  # /tmp is memory on many machines
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness import machine  # noqa: E402  the scratch directories of the end-to-end tests

TOKEN = "bench-Token"
PASSWORD = "source-Password-77"
RUNTIMES = {"process": {"driver": "process", "trusted": True}, "oci": {"driver": "oci"}}
CLONE_CONFIGS = {"shared_buffers": "16MB", "max_connections": "20"}

# What pgbench -i makes, without its 20 bytes a row over the wire.
PGBENCH = """
CREATE TABLE pgbench_branches AS SELECT n AS bid, 0 AS bbalance, repeat(' ', 88)::char(88) AS filler
    FROM generate_series(1, {scale}) AS n;
CREATE TABLE pgbench_tellers AS SELECT n AS tid, (n - 1) / 10 + 1 AS bid, 0 AS tbalance, repeat(' ', 84)::char(84)
    AS filler FROM generate_series(1, {scale} * 10) AS n;
CREATE TABLE pgbench_accounts AS SELECT n AS aid, (n - 1) / 100000 + 1 AS bid, 0 AS abalance,
    repeat(' ', 84)::char(84) AS filler FROM generate_series(1, {scale} * 100000) AS n;
ALTER TABLE pgbench_branches ADD PRIMARY KEY (bid);
ALTER TABLE pgbench_tellers ADD PRIMARY KEY (tid);
ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid);
"""


class BenchError(Exception):
    """What a person is told without a traceback."""


def run(command, **options):
    command = list(map(str, command))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", check=False,
                          **options)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def postgres_bin():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not found:
        raise BenchError("there is no PostgreSQL under /usr/lib/postgresql: make bench installs one")
    return found[-1]


def time_programs_ms(at_once, each=5):
    """How long the machine takes to start postgres as a program that says its version and ends; `at_once` threads."""
    def start_and_wait():
        for _ in range(each):
            pid = os.posix_spawn(program, [program, "--version"], {}, file_actions=quiet)
            os.waitpid(pid, 0)

    program = str(postgres_bin() / "postgres")
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    threads = [threading.Thread(target=start_and_wait) for _ in range(at_once)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.monotonic() - began) * 1000 / each


class Psql:
    """Runs SQL over a Unix socket as the superuser: peer lets in the owner of a source, and in a clone rametd's own user."""

    def __init__(self, socket_dir, port, run_as=()):
        self.base = [*run_as, postgres_bin() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1",
                     "-h", socket_dir, "-p", port, "-U", "postgres"]

    def run(self, sql, dbname="postgres"):
        return run([*self.base, "-d", dbname, "-c", sql])

    def time_ms(self, sql, dbname="postgres"):
        """How long the server took, as psql's \\timing says."""
        output = run([*self.base, "-d", dbname, "-c", "\\timing on", "-c", sql])
        return float(output.rsplit("Time: ", 1)[1].split()[0])


class Source:
    """A cluster with a pgbench database for each of `scales` (name → scale)."""

    def __init__(self, directory, scales):
        self.directory = directory / "source"
        self.port = machine.free_ports(1)
        self.psql = Psql(self.directory, self.port, ["runuser", "-u", "postgres", "--"])
        self._make()
        for name, scale in scales.items():
            self.psql.run(f"CREATE DATABASE {name}")
            self.psql.run(PGBENCH.format(scale=scale), name)

    def _make(self):
        self.directory.mkdir()
        shutil.chown(self.directory, "postgres", "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
        data = self.directory / "data"
        run([*as_postgres, postgres_bin() / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
             "--no-sync", "--auth-local=peer", "--auth-host=scram-sha-256"])
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = "
                       f"'{self.directory}'\nfsync = off\nwal_level = minimal\nmax_wal_senders = 0\n"
                       "max_wal_size = 16GB\nautovacuum = off\nmaintenance_work_mem = 1GB\n")
        run([*as_postgres, postgres_bin() / "pg_ctl", "start", "-s", "-w", "-D", data, "-l", self.directory / "log"])
        self.psql.run(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")


class Server:
    """A rametd with a pool that holds one database of the source, and its first clone, "resident"."""

    def __init__(self, directory, source, dbname, driver, size, n_ports, runtime="process"):
        self.directory = directory / f"{driver}-{dbname}-{runtime}"
        self.runtime = RUNTIMES[runtime]
        self.dbname = dbname
        self.driver = driver
        self.url = f"http://127.0.0.1:{machine.free_ports(1)}"
        self.floor_port = machine.free_ports(32)
        self.first_port = machine.free_ports(n_ports)
        self.n_ports = n_ports
        self.process = None
        self._configure(source)
        self._rametd("pool", "create", "bench", "--driver", driver, "--image", self.directory / "pool.img", "--size",
                     size)
        self._start()
        self._fill()
        self.client("create", "resident")

    # --- life -------------------------------------------------------------------------------

    def _configure(self, source):
        dump = {"dumpLocation": str(self.directory / "dump"), "parallelJobs": 2, "databases": {self.dbname: {}}}
        connection = {"host": "127.0.0.1", "port": source.port, "username": "postgres", "password": PASSWORD}
        config = {
            "server": {"host": "127.0.0.1", "port": int(self.url.rsplit(":", 1)[1]), "verificationToken": TOKEN,
                       "stateDir": str(self.directory / "state")},
            "poolManager": {"mountDir": str(self.directory / "pools")},
            "runtime": self.runtime,
            "databaseConfigs": {"configs": CLONE_CONFIGS},
            "provision": {"portPool": {"from": self.first_port, "to": self.first_port + self.n_ports - 1},
                          "cloneAccessAddresses": "127.0.0.1"},
            "retrieval": {
                "refresh": {"skipStartRefresh": True},
                "jobs": ["logicalDump", "logicalRestore", "logicalSnapshot"],
                "spec": {"logicalDump": {"options": dump | {"source": {"connection": connection}}},
                         "logicalRestore": {"options": dump},
                         "logicalSnapshot": {"options": {}}}}}
        self.directory.mkdir()
        (self.directory / "server.yml").write_text(json.dumps(config, indent=2))

    def _rametd(self, *arguments):
        return run([BUILD / "rametd", "--config", self.directory / "server.yml", *arguments])

    def _start(self):
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen([BUILD / "rametd", "--config", self.directory / "server.yml"], cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        machine.wait_for(self._answers, 30, "an answer of rametd")

    def _answers(self):
        if self.process.poll() is not None:
            raise BenchError(f"rametd ended:\n{(self.directory / 'log').read_text()[-3000:]}")
        with contextlib.suppress(OSError):
            return self.get("/healthz")
        return None

    def _fill(self):
        self._http("POST", "/full-refresh")
        while not self.get("/snapshots"):
            if self.get("/instance/retrieval")["status"] == "failed":
                raise BenchError(f"the refresh failed:\n{(self.directory / 'log').read_text()[-3000:]}")
            time.sleep(0.2)

    def stop(self):
        """Destroys what clones there are, stops, and removes the pool."""
        for clone in self.get("/clones"):
            self.client("destroy", clone["id"])
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._rametd("pool", "destroy", "bench", "--force")

    # --- talking to it ----------------------------------------------------------------------

    def _http(self, method, path):
        request = urllib.request.Request(self.url + path, method=method, headers={"Verification-Token": TOKEN})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def get(self, path):
        return json.loads(self._http("GET", path))

    def client(self, verb, name="", count=1, options=()):
        """One run of bench-client: {"wall_ms", "runs": [{"total_ms", …}]}."""
        command = [BUILD / "bench" / "bench-client", "--url", self.url, "--count", count, "--dbname", self.dbname,
                   *options, verb]
        return json.loads(run([*command, *([name] if name else [])], env=os.environ | {"RAMET_TOKEN": TOKEN}))

    def floor(self, count=1):
        """One run of bench-floor on the snapshot, with the configuration of the resident clone."""
        pool = self.directory / "pools" / "bench"
        snapshot = next((pool / "snapshots").iterdir())
        conf = next((pool / "volumes").glob("*/data/ramet.conf"))
        return json.loads(run([BUILD / "bench" / "bench-floor", "--snapshot", snapshot, "--scratch", pool, "--conf",
                               conf, "--bin", postgres_bin(), "--port", self.floor_port, "--count", count,
                               "--dbname", self.dbname]))

    def psql(self, clone_id):
        """A superuser's SQL in a clone."""
        port = int(self.get(f"/clone/{clone_id}")["db"]["port"])
        sockets = (self.directory / "state" / "run").glob(f"*/.s.PGSQL.{port}")
        return Psql(next(sockets).parent, port)

    def memory_kb(self):
        """{"VmRSS", "RssAnon"} of the server."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")}


@contextlib.contextmanager
def scratch():
    """A directory of our own; at the end whatever lives in it is ended, unmounted and removed."""
    machine.clear_killed_runs()
    directory = machine.make_scratch()
    try:
        yield directory
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # clearing away is not interrupted
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        machine.clear_away(directory)
