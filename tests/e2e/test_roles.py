"""Roles of the source as they are in clones: read by a user who may enter one database, with names and comments that mean harm."""

import pytest

from harness.api import query, value

ROLES = r"""
CREATE ROLE dumper LOGIN PASSWORD 'dumper-Password-3';
CREATE ROLE "a""b $1" CONNECTION LIMIT 3;
CREATE ROLE "жук" NOINHERIT;
GRANT "a""b $1" TO "жук" WITH ADMIN OPTION;
GRANT pg_monitor TO "жук";
ALTER ROLE ALL SET work_mem = '77MB';
ALTER ROLE "жук" SET search_path = "$user", 'My "Schema', public;
ALTER ROLE "жук" SET default_transaction_read_only = on;
COMMENT ON ROLE "a""b $1" IS E'x\nCREATE ROLE postgres;';
COMMENT ON ROLE dumper IS '; CREATE ROLE injected SUPERUSER;
';
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
INSERT INTO pg_shseclabel SELECT oid, 'pg_authid'::regclass, 'nobody', 'x' FROM pg_roles WHERE rolname = 'dumper'
"""

CLEAN = r"""
DELETE FROM pg_shseclabel;
ALTER ROLE ALL RESET work_mem;
GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC;
DROP ROLE dumper, "a""b $1", "жук"
"""

DIGEST = """
SELECT rolname, rolsuper, rolinherit, rolconnlimit, rolconfig, shobj_description(oid, 'pg_authid'),
       (SELECT array_agg(roleid::regrole::text || admin_option ORDER BY 1) FROM pg_auth_members WHERE member = r.oid)
  FROM pg_roles r WHERE rolname !~ '^pg_' AND rolname NOT IN ('postgres', 'dev') AND rolname !~ '^ramet_' ORDER BY 1
"""


@pytest.fixture(scope="module")
def module_server(make_server, source):
    source.run("postgres", ROLES)
    source.run("postgres", "CREATE DATABASE app OWNER dumper")
    source.run("app", "CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t OWNER TO dumper")
    login = {"username": "dumper", "password": "dumper-Password-3", "dbname": "app"}
    dump = {"source": {"connection": login}, "databases": {"app": {}}}
    yield make_server(changes={"retrieval": {"spec": {"logicalDump": {"options": dump}}}}).start().fill()
    source.run("postgres", "DROP DATABASE app")
    source.run("postgres", CLEAN)


def test_roles_are_as_at_the_source(api, source):
    clone = api.create_clone("roles", db={"db_name": "app"})
    ask = lambda sql: query(clone, sql, dbname="app")  # noqa: E731
    at_source = source.run("postgres", DIGEST)
    assert [role for role in at_source if role[0] == "жук"][0][6] == ['"a""b $1"true', "pg_monitorfalse"]
    assert ask(DIGEST) == at_source
    assert ask("SELECT 1 FROM pg_roles WHERE rolname = 'injected'") == []
    assert value(clone, "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0",
                 dbname="app") == ["work_mem=77MB"]


def test_what_is_missing_is_told(api):
    alert = api.get("/status")["retrieving"]["alerts"]["roles_incomplete"]
    assert alert["level"] == "warning"
    assert 'security label on role "dumper": security label provider "nobody" is not loaded' in alert["detail"]


def test_settings_of_its_user_that_are_reset_are_told(api):
    clone = api.create_clone("reset", username="жук", db={"db_name": "app"})
    query(clone, "CREATE TABLE written AS SELECT 1 AS n", dbname="app", user="жук")
    for status in (clone["status"], api.reset_clone("reset")["status"]):
        assert status["code"] == "OK" and "reset: default_transaction_read_only." in status["message"]
