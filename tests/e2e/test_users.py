"""Who may log in to a clone, and as what."""

import psycopg2
import pytest

from harness.api import PASSWORD, USER, connect, query, value
from harness.source import APP_PASSWORD


def test_user_is_superuser_by_default(api):
    clone = api.create_clone("super")
    assert query(clone, "SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = current_user") == [(True, True)]
    query(clone, "CREATE EXTENSION pgcrypto")


def test_restricted_user_owns_everything_but_is_no_superuser(api):
    clone = api.create_clone("restricted", db={"restricted": True})
    assert value(clone, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    query(clone, """ALTER TABLE customer ADD note text; DROP VIEW happy_customer; REFRESH MATERIALIZED VIEW customer_count;
                    ALTER TYPE mood ADD VALUE 'calm'; DROP FUNCTION double_it; CREATE TABLE public.mine (n int);
                    ALTER TABLE "Odd Schema"."Odd ""Table" ADD n int; SELECT * FROM pg_stat_activity""")
    assert query(clone, """SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'
                           AND NOT pg_has_role(current_user, tableowner, 'USAGE')""") == []
    assert value(clone, "SELECT tableowner FROM pg_tables WHERE tablename = 'sale'") == USER  # was the superuser's
    query(clone, "ALTER TABLE customer OWNER TO CURRENT_USER; GRANT SELECT ON customer TO old_app")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(clone, "COPY customer TO PROGRAM 'true'")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(clone, "CREATE ROLE boss SUPERUSER")


def test_wrong_password_is_refused(api):
    clone = api.create_clone("password")
    for wrong in (PASSWORD + "x", ""):
        with pytest.raises(psycopg2.OperationalError):
            connect(clone, password=wrong)


def test_passwords_are_kept_as_scram_only(api):
    clone = api.create_clone("scram")
    assert value(clone, "SELECT rolpassword FROM pg_authid WHERE rolname = current_user").startswith("SCRAM-SHA-256$")


def test_existing_roles_lose_their_passwords(api):
    clone = api.create_clone("old")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connect(clone, user="old_app", password=APP_PASSWORD)
    roles = "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname IN ('old_app', 'team') ORDER BY 1"
    assert query(clone, roles) == [("old_app", True), ("team", False)]


def test_existing_role_as_the_clone_user_gets_the_new_password(api):
    clone = api.create_clone("same", db={"username": "old_app"}, username="old_app")
    assert value(clone, "SELECT current_user", user="old_app") == "old_app"
    after = api.reset_clone("same")
    assert value(after, "SELECT current_user", user="old_app") == "old_app"


def test_management_user_cannot_log_in_from_outside(api):
    clone = api.create_clone("management")
    with pytest.raises(psycopg2.OperationalError):
        connect(clone, user="postgres", password="")


@pytest.mark.parametrize("username, password", [
    ('we"ird us\'er', "it's \\ a \"long\" $password$ ü"),
    ("; DROP TABLE customer; --", "Robert'); DROP TABLE customer;--"),
])
def test_odd_names_and_passwords(api, username, password):
    clone = api.create_clone("odd", username=username, password=password)
    who = {"user": username, "password": password}
    assert value(clone, "SELECT current_user", **who) == username
    assert value(clone, "SELECT count(*) FROM customer", **who) == 1000
    after = api.reset_clone("odd")
    assert value(after, "SELECT current_user", **who) == username


def test_owners_and_grants_come_along(api):
    clone = api.create_clone("owners")
    assert value(clone, "SELECT tableowner FROM pg_tables WHERE tablename = 'customer'") == "team"
    assert value(clone, "SELECT has_table_privilege('old_app', 'sale', 'SELECT')") is True


def test_keep_user_passwords(make_server):
    server = make_server(changes={"provision": {"keepUserPasswords": True}}).start().fill()
    clone = server.api.create_clone("keeps")
    assert value(clone, "SELECT current_user", user="old_app", password=APP_PASSWORD) == "old_app"
    assert value(clone, "SELECT current_user") == USER


def test_no_password_is_written_anywhere(api, server):
    secret = "n0where-To-be-Found"
    clone = api.create_clone("secret", password=secret)
    connect(clone, password=secret).close()
    api.reset_clone("secret")
    assert secret not in server.log()
    state = server.directory / "state"
    holders = [path for path in state.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holders == []
