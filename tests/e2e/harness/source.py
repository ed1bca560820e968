"""A PostgreSQL to copy: a few databases with the kinds of things that real ones have.

Where making it is slow (tests/guest/life), it is made elsewhere: `python3 -m harness.source DIRECTORY` makes the data
directory, and RAMET_TEST_SOURCE=DIRECTORY has it used."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

import psycopg2

from . import machine

PASSWORD = "source-Password-77"
APP_PASSWORD = "old-App-Password-1"  # of the role old_app
ODD_NAME = 'we"ird Näme-1'

ROLES = f"""
CREATE ROLE old_app LOGIN PASSWORD '{APP_PASSWORD}';
CREATE ROLE team NOLOGIN;
GRANT team TO old_app;
"""

SHOP = """
CREATE EXTENSION pg_trgm;
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood);
CREATE TABLE "Odd Schema"."Odd ""Table" ("a column" int, "drop table x; --" text);
CREATE TABLE sale (id int, customer_id int REFERENCES customer, at date) PARTITION BY RANGE (at);
CREATE TABLE sale_2026 PARTITION OF sale FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW happy_customer AS SELECT * FROM customer WHERE mood = 'happy';
CREATE MATERIALIZED VIEW customer_count AS SELECT count(*) FROM customer;
CREATE INDEX customer_name ON customer USING gin (name gin_trgm_ops);
CREATE FUNCTION double_it(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN n * 2; END';
ALTER TABLE customer OWNER TO team;
GRANT SELECT ON sale TO old_app;
INSERT INTO customer (name, mood) SELECT 'customer ' || n, 'happy' FROM generate_series(1, 1000) AS n;
INSERT INTO sale SELECT n, n, '2026-03-01' FROM generate_series(1, 1000) AS n;
INSERT INTO "Odd Schema"."Odd ""Table" VALUES (1, 'one');
REFRESH MATERIALIZED VIEW customer_count;
"""


class Source:
    """One cluster, reachable by TCP with a password only."""

    def __init__(self, prepared=os.environ.get("RAMET_TEST_SOURCE"), bin_dir=None):
        self.directory = machine.make_scratch()
        self.data = pathlib.Path(prepared) if prepared else self.directory / "data"
        self.port = machine.free_ports(1)
        self.bin = bin_dir or max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        shutil.chown(self.directory, "postgres", "postgres")
        if not (self.data / "PG_VERSION").exists():
            self._make()
        self.start()
        if not self._is_filled():
            self._fill()

    def _as_postgres(self, program, *arguments, **options):
        command = ["runuser", "-u", "postgres", "--", str(self.bin / program), *map(str, arguments)]
        return subprocess.run(command, cwd="/", check=True, stdin=subprocess.DEVNULL, **options)

    def _make(self):
        self.data.mkdir(mode=0o700)
        shutil.chown(self.data, "postgres", "postgres")
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        self._as_postgres("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--data-checksums",
                          "--auth=scram-sha-256", f"--pwfile={password_file}", stdout=subprocess.DEVNULL)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write("listen_addresses = '127.0.0.1'\nfsync = off\nshared_buffers = 32MB\n")

    def _is_filled(self):
        return self.run("postgres", "SELECT 1 FROM pg_database WHERE datname = 'shop'")

    def _fill(self):
        self.run("postgres", ROLES)
        self.run("postgres", "CREATE DATABASE empty")
        self.run("postgres", f'''CREATE DATABASE "{ODD_NAME.replace('"', '""')}"''')
        self.run(ODD_NAME, "CREATE TABLE note AS SELECT 'odd'::text AS text")
        self.run("postgres", "CREATE DATABASE shop")
        self.run("shop", SHOP)

    def start(self):
        self._as_postgres("pg_ctl", "start", "-s", "-w", "-t", int(60 * machine.PATIENCE), "-D", self.data,
                          "-l", self.directory / "log", "-o", f"-p {self.port} -k {self.directory}",
                          stdout=subprocess.DEVNULL)

    def stop(self, mode="immediate"):
        self._as_postgres("pg_ctl", "stop", "-s", "-m", mode, "-D", self.data)

    @contextlib.contextmanager
    def stopped(self):
        self.stop("fast")
        try:
            yield
        finally:
            self.start()

    def connect(self, database):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", password=PASSWORD,
                                      dbname=database)
        connection.autocommit = True
        return connection

    def run(self, database, sql):
        """Runs SQL; the rows of the last statement, or None."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def close(self):
        machine.clear_away(self.directory)


def prepare(directory):
    source = Source(prepared=directory)
    source.stop("fast")
    source.close()


if __name__ == "__main__":
    prepare(sys.argv[1])
