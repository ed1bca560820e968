"""One life of a clone with each major of PostgreSQL, and the matrix of what worked.

tests/versions/setup fetches the majors; those that it cannot have are skipped. Their data is in the database postgres,
which is there already: pg_restore need not create it, as only a client of the server's own major could."""

import contextlib
import pathlib
import subprocess

import psycopg2
import pytest

from harness import machine, matrix
from harness.api import answers, connect, query, value
from harness.server import Server
from harness.source import Source

pytestmark = pytest.mark.skipif(machine.RUNTIME in ("docker", "image"), reason="an image holds one major here: under oci and process")

MAJORS = range(10, 19)
SETUP = pathlib.Path(__file__).resolve().parents[1] / "versions" / "setup"

CONTENTS = """
CREATE ROLE team NOLOGIN;
CREATE EXTENSION pg_trgm;
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
INSERT INTO customer (name) SELECT 'customer ' || n FROM generate_series(1, 1000) AS n;
CREATE INDEX customer_name ON customer USING gin (name gin_trgm_ops);
CREATE FUNCTION double_it(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN n * 2; END';
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE STATISTICS name_of_id (dependencies) ON id, name FROM customer;
ALTER TABLE customer OWNER TO team;
"""

# What makes a server a standby, and stops or holds up one that is none.
RECOVERY_FILES = ("recovery.conf", "standby.signal", "recovery.signal")

STEPS = ("refresh", "create", "write", "snapshot", "reset", "restricted", "restart", "reboot", "destroy")


class VersionSource(Source):
    """Of any major; the same contents in each."""

    def __init__(self, directory):
        super().__init__(prepared=None, bin_dir=directory / "bin")

    def _is_filled(self):
        return False

    def _fill(self):
        self.run("postgres", CONTENTS)


class Life:
    """The steps; each is named in the matrix once it has worked."""

    def __init__(self, major, server):
        self.major = major
        self.server = server
        self.api = server.api
        self.clone = None

    def _create(self, clone_id, **fields):
        return self.api.create_clone(clone_id, db={"db_name": "postgres"} | fields.pop("db", {}), **fields)

    def refresh(self):
        self.server.fill()

    def create(self):
        self.clone = self._create("life")
        assert int(self.value("SHOW server_version_num")) // 10000 == self.major
        assert self.value("SELECT count(*) FROM customer WHERE name LIKE '%99%'") == 19
        assert self.value("SELECT double_it(21)") == 42

    def write(self):
        self.query("CREATE TABLE mine AS SELECT 7 AS n; CREATE ROLE other LOGIN PASSWORD 'another-Password-5'")
        assert self.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'other'").startswith("SCRAM-SHA-256$")
        assert self.value("SELECT current_user", user="other", password="another-Password-5") == "other"

    def snapshot(self):
        """A clone of a clone, whose superuser would have it be a standby."""
        for name in RECOVERY_FILES:
            self.query(f"COPY (SELECT 1 WHERE false) TO PROGRAM 'cat > {name}'")
        answer = self.api.call("POST", "/snapshot/clone", {"cloneID": "life"}, timeout=120)
        assert answer.status == 200, answer
        child = self._create("child", snapshot={"id": answer.json["id"]})
        assert value(child, "SELECT n FROM mine", dbname="postgres") == 7
        query(child, "DROP TABLE mine", dbname="postgres")
        self.api.destroy_clone("child")
        assert self.api.call("DELETE", f"/snapshot/{answer.json['id']}", timeout=120).status == 200

    def reset(self):
        self.clone = self.api.reset_clone("life")
        assert self.value("SELECT to_regclass('mine')") is None
        assert self.query("SELECT 1 FROM pg_roles WHERE rolname = 'other'") == []
        self.query("CREATE TABLE mine AS SELECT 7 AS n")

    def restricted(self):
        clone = self._create("restricted", db={"restricted": True})
        run = lambda sql: query(clone, sql, dbname="postgres")  # noqa: E731
        assert run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        assert run("SELECT pg_has_role(tableowner, 'USAGE') FROM pg_tables WHERE tablename = 'customer'") == [(True,)]
        run("ALTER TABLE customer ADD note text; DROP FUNCTION double_it(int); DROP AGGREGATE total(int); DROP TYPE span;"
            "DROP STATISTICS name_of_id; CREATE TABLE public.own (n int); SELECT * FROM pg_stat_activity")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run("COPY customer TO PROGRAM 'true'")
        self.api.destroy_clone("restricted")

    def restart(self):
        """kill -9 of rametd: the session of before still works."""
        with contextlib.closing(connect(self.clone, dbname="postgres")) as session, session.cursor() as cursor:
            self.server.restart(kill=True)
            cursor.execute("SELECT n FROM mine")
            assert cursor.fetchone() == (7,)
        self.clone = self.api.wait_ok("life")
        assert self.value("SELECT n FROM mine") == 7

    def reboot(self):
        """Everything of the server is killed at once; the clone recovers when it is back."""
        self.server.kill()
        machine.kill_all(self.server.directory)
        self.server.start()
        machine.wait_for(self.answers, 60, "an answer of the clone")
        assert self.value("SELECT n FROM mine") == 7
        self.query("UPDATE mine SET n = 8")

    def destroy(self):
        self.api.destroy_clone("life")
        assert self.api.call("GET", "/clone/life").status == 404

    def answers(self):
        return answers(self.clone, dbname="postgres")

    def query(self, sql):
        return query(self.clone, sql, dbname="postgres")

    def value(self, sql, **who):
        return value(self.clone, sql, dbname="postgres", **who)


def find_version(major):
    """The directory of a major, fetched if need be."""
    done = subprocess.run([SETUP, str(major)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return pathlib.Path(done.stdout.splitlines()[-1]) / str(major)


@pytest.fixture
def life_of(build):
    """Starts a server whose only additional PostgreSQL is of that major, with a source of the same."""
    with contextlib.ExitStack() as stack:
        def make(major):
            directory = find_version(major)
            source = VersionSource(directory)
            stack.callback(source.close)
            # pg_restore 17, the oldest client for 16 that there is, sets what 16 does not know.
            restore = {"ignoreErrors": True} if major == 16 else {}
            server = Server(build, source, changes={
                "postgres": {"binDirs": [str(directory)]},
                "retrieval": {"spec": {"logicalRestore": {"options": restore}}}})
            stack.callback(server.close)
            return Life(major, server.start())

        yield make


@pytest.mark.parametrize("major", MAJORS)
def test_life(major, life_of, record_property):
    recorder = matrix.Recorder(record_property, major)
    life = life_of(major)
    for step in STEPS:
        recorder.begin(step)
        getattr(life, step)()
        recorder.end(step)


def test_major_that_is_not_installed(life_of):
    """Its programs are removed: what runs runs on, the rest says what is missing, and goes on when it is back."""
    life = life_of(14)
    life.refresh()
    life.create()
    life.write()
    configured = life.server.config["postgres"]["binDirs"]
    life.server.write_config({"postgres": {"binDirs": None}})
    life.server.restart(kill=False)
    assert life.api.wait_ok("life")
    life.query("INSERT INTO mine VALUES (8)")

    answer = life.api.request_clone("never", db={"db_name": "postgres"})
    assert 400 <= answer.status < 500 and answer.message == "PostgreSQL 14 is not installed", answer
    assert "postgresql-14" in answer.json["hint"] and "postgres.binDirs" in answer.json["hint"]
    assert "15 in " in answer.json["detail"], "what there is"

    life.server.kill()
    machine.kill_all(life.server.directory)
    life.server.start()
    status = machine.wait_for(lambda: fatal_status(life.api, "life"), 60, "the end of the start")
    assert "PostgreSQL 14 is not installed" in status["message"]

    life.server.write_config({"postgres": {"binDirs": configured}})
    life.server.restart(kill=False)
    machine.wait_for(life.answers, 60, "an answer of the clone")
    assert life.value("SELECT sum(n) FROM mine") == 15


def fatal_status(api, clone_id):
    status = api.get(f"/clone/{clone_id}")["status"]
    return status if status["code"] == "FATAL" else None
