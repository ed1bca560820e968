"""Requests that are wrong: each gets a clear answer, and nothing is lost or leaked."""

import collections
import concurrent.futures
import contextlib
import urllib.error
import urllib.request

import pytest

from harness import machine
from harness.api import PASSWORD, USER, query, value
from harness.server import N_PORTS

GOOD_DB = {"username": USER, "password": PASSWORD, "db_name": "shop"}
ID_RULE = ("clone ID must start with a letter or number and can only contain letters, numbers, underscores, periods, "
           "and hyphens")


@pytest.fixture(autouse=True)
def nothing_is_made(request, api):
    """Unless a test says otherwise, a bad request leaves no clone behind."""
    yield
    if "makes_clones" not in request.keywords:
        assert api.get("/clones") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"text"', b"\xff\xfe", b"null", b'{"id": "a"',
                                  b'{"db": {"username": "a", "password"'])
def test_body_that_is_no_request(api, body):
    answer = api.call("POST", "/clone", body)
    assert (answer.status, answer.json["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("fields", [
    {"id": 7}, {"id": ["a"]}, {"id": {}}, {"db": 7}, {"db": []}, {"db": GOOD_DB | {"username": 7}},
    {"db": GOOD_DB | {"password": {}}}, {"db": GOOD_DB | {"restricted": "yes"}}, {"db": GOOD_DB | {"db_name": 7}},
    {"protected": "yes"}, {"protected": True, "protectionDurationMinutes": -1},
    {"protected": True, "protectionDurationMinutes": "1"}, {"protected": True, "protectionDurationMinutes": 1e300},
    {"snapshot": "text"}, {"snapshot": {"id": 7}}, {"extra_conf": []}, {"extra_conf": {"work_mem": {}}}, {"branch": 7},
])
def test_wrong_types(api, fields):
    answer = api.call("POST", "/clone", {"id": "typed", "db": GOOD_DB} | fields)
    assert (answer.status, answer.json["code"]) == (400, "BAD_REQUEST"), answer


@pytest.mark.parametrize("db, message", [
    (None, "missing both DB username and password"),
    ({"username": "", "password": PASSWORD}, "missing DB username"),
    ({"username": USER, "password": ""}, "missing DB password"),
])
def test_missing_user_or_password(api, db, message):
    answer = api.call("POST", "/clone", {"db": db})
    assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize("password", ["secret", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1234567890"])
def test_weak_password(api, password):
    answer = api.request_clone("weak", password=password)
    assert answer.status == 400 and answer.message.startswith("password validation: insecure password, try ")


@pytest.mark.parametrize("clone_id", ["../../etc", "a/b", "-a", ".a", "a b", "a'b", 'a"b', "a\nb", "a\0b", "ä", "a;b",
                                      "a" * 1_000_000, "a" * 5000, "a\\b", "%2e%2e", "a$(reboot)"],
                         ids=lambda text: repr(text[:12]))
def test_bad_ids(api, clone_id):
    answer = api.request_clone(clone_id)
    assert answer.status == 400, answer
    if len(clone_id) < 100 and "\0" not in clone_id:
        assert answer.message == ID_RULE


def test_id_that_is_the_name_of_a_branch(api):
    answer = api.request_clone("feature/login form")
    assert (answer.status, answer.message) == (400, ID_RULE)
    assert answer.json["hint"] == 'Use "-": "feature-login-form".'


def test_body_beyond_the_limit(api):
    answer = api.request_clone("big", extra_conf={"search_path": "x" * 1_200_000})
    assert answer.status in (400, 413) and answer.json["code"]


@pytest.mark.parametrize("path", ["/clone/..%2f..%2fetc", "/clone/%2e%2e", "/clone/a%00b", "/clone/a%0ab", "/clone/'",
                                  "/clone/" + "x" * 7000, "/snapshot/../../etc/passwd", "/snapshot/'%0a",
                                  "/clone//", "/snapshot/"])
def test_bad_paths(api, path):
    assert 400 <= api.call("GET", path).status < 500


@pytest.mark.makes_clones
@pytest.mark.parametrize("field", ["username", "db_name"])
@pytest.mark.parametrize("text", ["a\0b", "x" * 100_000, "x" * 64])
def test_names_that_postgres_cannot_have(api, field, text):
    answer = api.request_clone("named", db={field: text})
    if answer.status == 201:
        clone = api.wait_clone("named")
        assert clone["status"]["code"] == "FATAL" and clone["status"]["message"]
        api.destroy_clone("named")
    else:
        assert (answer.status, answer.json["code"]) == (400, "BAD_REQUEST"), answer


@pytest.mark.makes_clones
@pytest.mark.parametrize("name", ["no such db", "a'b", 'a"b', "a\nb", "host=evil", "postgresql://evil"])
def test_database_that_does_not_exist(api, name):
    """A connection string in a database's name must not be followed."""
    answer = api.request_clone("nodb", db={"db_name": name})
    if answer.status == 201:
        clone = api.wait_clone("nodb")
        assert clone["status"]["code"] == "FATAL"
        message = clone["status"]["message"]
        assert "does not exist" in message and "Databases there:" in message and '"shop"' in message, message
        api.destroy_clone("nodb")
    else:
        assert answer.status in (400, 404) and name.split("\n")[0] in answer.message


@pytest.mark.makes_clones
@pytest.mark.parametrize("conf, word", [
    ({"no_such_setting": "1"}, "no_such_setting"),
    ({"work_mem": "a lot"}, "work_mem"),
    ({"work_mem": "-5MB"}, "work_mem"),
    ({"shared_preload_libraries": "no_such_library"}, "no_such_library"),
    ({"work_mem": "4MB'\nshared_buffers = '1GB"}, "work_mem"),
    ({"work_mem = '1MB'\nport": "1"}, ""),
    ({"": "1"}, ""),
    ({"port": "5432"}, "port"),
    ({"data_directory": "/etc"}, "data_directory"),
    ({"hba_file": "/tmp/hba"}, "hba_file"),
    ({"unix_socket_directories": "/tmp"}, "unix_socket_directories"),
])
def test_settings_that_cannot_be(api, conf, word):
    answer = api.request_clone("conf", extra_conf=conf)
    if answer.status == 201:
        clone = api.wait_clone("conf")
        assert clone["status"]["code"] == "FATAL", clone["status"]
        assert word in clone["status"]["message"]
        api.destroy_clone("conf")
    else:
        assert answer.status == 400 and word in answer.message, answer


@pytest.mark.makes_clones
def test_preload_library_that_is_missing(server, api):
    """Each clone is refused by PostgreSQL itself, which says which library it is."""
    server.write_config({"databaseConfigs": {"configs": {"shared_preload_libraries": "pg_stat_statements, no_such_library"}}})
    try:
        server.restart(kill=False)
        assert api.request_clone("preload").status == 201
        status = api.wait_clone("preload")["status"]
        assert status["code"] == "FATAL"
        assert 'could not access file "no_such_library"' in status["message"]
        api.destroy_clone("preload")
    finally:
        server.write_config({"databaseConfigs": {"configs": {"shared_preload_libraries": None}}})
        server.restart(kill=False)


@contextlib.contextmanager
def programs_that_end_first(server):
    """A crun that comes back when what it has started has ended."""
    crun = server.crun.readlink()
    server.crun.unlink()
    server.crun.write_text(f'#!/bin/sh\n{crun} "$@" || exit\ncase "$*" in *--detach*) ;; *) exit ;; esac\n'
                           f'for name; do :; done\nwhile {crun} --root "$2" state "$name" | grep -q running; do :; done\n')
    server.crun.chmod(0o755)
    try:
        yield
    finally:
        server.crun.unlink()
        server.crun.symlink_to(crun)


@pytest.mark.makes_clones
@pytest.mark.skipif(machine.RUNTIME != "oci", reason="the time of its end is that of crun")
def test_postgres_that_ends_before_it_is_seen_says_why(server, api):
    with programs_that_end_first(server):
        assert api.request_clone("early", extra_conf={"ssl": "on"}).status == 201
        status = api.wait_clone("early")["status"]
    assert status["code"] == "FATAL"
    assert 'postgres ended before it was ready: could not load server certificate file "server.crt"' in status["message"]
    api.destroy_clone("early")


@pytest.mark.makes_clones
def test_setting_with_quotes_and_newlines_stays_one_setting(api):
    text = "it's \\ \"odd\"\nport = 1"
    answer = api.request_clone("quoted", extra_conf={"cluster_name": text.replace("\n", " ")})
    assert answer.status == 201
    assert value(api.wait_ok("quoted"), "SHOW cluster_name") == text.replace("\n", " ")


@pytest.mark.parametrize("snapshot, statuses", [
    ("e2e@snapshot_19990101000000", (404,)), ("nopool@snapshot_20260101000000", (400,)),
    ("no at sign", (400,)), ("../../x@y", (400,)), ("e2e@" + "x" * 100_000, (400, 404)), ("e2e@'; DROP TABLE x", (400,)),
])
def test_unknown_snapshot(api, snapshot, statuses):
    answer = api.request_clone("snapped", snapshot={"id": snapshot})
    assert answer.status in statuses and answer.message, answer


def test_unknown_branch(api):
    answer = api.request_clone("branched", branch="nobranch")
    assert answer.status in (400, 404) and "nobranch" in answer.message


@pytest.mark.makes_clones
def test_fifty_duplicates_at_once(api):
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: api.request_clone("same"), range(50)))
    assert collections.Counter(answer.status for answer in answers) == {201: 1, 400: 49}
    losers = {answer.message for answer in answers if answer.status == 400}
    assert losers == {'clone with ID "same" already exists'}
    assert value(api.wait_ok("same"), "SELECT 1") == 1
    assert len(api.get("/clones")) == 1


@pytest.mark.makes_clones
def test_no_port_left(api):
    for n in range(N_PORTS):
        assert api.request_clone(f"port{n}").status == 201
    answer = api.request_clone("onemore")
    assert answer.status >= 400 and "port" in answer.message, answer
    assert api.call("GET", "/clone/onemore").status == 404
    assert len({api.wait_ok(f"port{n}")["db"]["port"] for n in range(N_PORTS)}) == N_PORTS
    api.destroy_clone("port3")
    assert value(api.create_clone("onemore"), "SELECT 1") == 1


@pytest.mark.makes_clones
def test_unknown_fields_are_ignored_and_keys_match_any_case(api):
    body = {"ID": "cased", "DB": {"Username": USER, "PASSWORD": PASSWORD, "db_name": "shop"}, "nonsense": [1]}
    assert api.call("POST", "/clone", body).status == 201
    assert query(api.wait_ok("cased"), "SELECT 1") == [(1,)]


@pytest.mark.makes_clones
@pytest.mark.skipif(machine.RUNTIME == "process", reason="plain processes have no limits")
def test_limits_say_nothing_of_protection(api):
    limits = {"cpus": "1", "memory": "512m", "pids-limit": 300}
    api.create_clone("kept", protected=True, limits=limits)
    for body, status in (({"Limits": limits}, 200), ({"limits": limits, "protected": None}, 200),
                         ({"limits": limits, "LIMITS": {}}, 400), ({"protected": True, "Protected": False}, 400)):
        assert api.call("PATCH", "/clone/kept", body).status == status, body
        assert api.get("/clone/kept")["protected"] is True, body
    assert api.call("PATCH", "/clone/kept", {"limits": None}).status == 200
    assert api.get("/clone/kept")["protected"] is False, "as {}, by which clients unprotect"


WRONG_CLONES = {
    "no db": {"db": None},
    "no user": {"db": GOOD_DB | {"username": ""}},
    "no password": {"db": GOOD_DB | {"password": ""}},
    "bad id": {"id": "../x"},
    "number as id": {"id": 7},
    "list as db": {"db": []},
    "text as flag": {"protected": "yes"},
    "negative duration": {"protectionDurationMinutes": -1},
    "weak password": {"db": GOOD_DB | {"password": "secret"}},
    "long password": {"db": GOOD_DB | {"password": "aB3$" * 300}},
    "long user": {"db": GOOD_DB | {"username": "x" * 64}},
    "long database": {"db": GOOD_DB | {"db_name": "x" * 64}},
    "reserved user": {"db": GOOD_DB | {"username": "pg_x"}},
    "user public": {"db": GOOD_DB | {"username": "public"}},
    "unknown setting": {"extra_conf": {"no_such_setting": "1"}},
    "bad value": {"extra_conf": {"work_mem": "a lot"}},
    "object as value": {"extra_conf": {"work_mem": {}}},
    "long value": {"extra_conf": {"search_path": "x" * 100_000}},
    "line break": {"extra_conf": {"work_mem": "1\n2"}},
    "forbidden setting": {"extra_conf": {"port": "1"}},
    "nameless setting": {"extra_conf": {"": "1"}},
    "too many settings": {"extra_conf": {f"a.b{n}": "1" for n in range(5000)}},
    "unknown branch": {"branch": "nobranch"},
    "bad snapshot": {"snapshot": {"id": "no at sign"}},
    "unknown pool": {"snapshot": {"id": "nopool@snapshot_20260101000000"}},
    "unknown snapshot": {"snapshot": {"id": "e2e@snapshot_19990101000000"}},
}
WRONG_REQUESTS = [
    ("POST", "/clone", b""), ("POST", "/clone", b"null"), ("POST", "/clone", b"{"), ("POST", "/clone", b"[]"),
    ("POST", "/clone", b'{"id": "\xff"}'), ("POST", "/clone", b" " * 1_200_000),
    ("GET", "/clone/missing", None), ("GET", "/clone/missing?wait=long", None), ("GET", "/clone/missing?wait=61", None),
    ("PATCH", "/clone/missing", {}), ("PATCH", "/clone/missing", {"protected": 1}), ("DELETE", "/clone/missing", None),
    ("POST", "/clone/missing/reset", {}), ("POST", "/clone/missing/reset", b"null"),
    ("POST", "/clone/missing/reset", {"latest": True, "snapshotID": "e2e@snapshot_20260101000000"}),
    ("GET", "/snapshots?branch=nobranch", None), ("GET", "/snapshot/e2e@missing", None),
    ("PATCH", "/snapshot/no%20at", {"protected": True}), ("DELETE", "/snapshot/no%20at", None),
    ("PATCH", "/snapshot/nopool@missing", {"protected": True}), ("DELETE", "/snapshot/nopool@missing", None),
    ("PATCH", "/snapshot/e2e@missing", {"protected": True}), ("DELETE", "/snapshot/e2e@missing", None),
    ("PATCH", "/snapshot/e2e@missing", {}), ("PATCH", "/snapshot/e2e@missing", {"deleteAt": "tomorrow"}),
    ("PATCH", "/snapshot/e2e@missing", {"protected": True, "deleteAt": "2030-01-01T00:00:00Z"}),
    ("DELETE", "/snapshot/e2e@missing?force=perhaps", None),
    ("POST", "/snapshot/clone", b""), ("POST", "/snapshot/clone", {}),
    ("POST", "/snapshot/clone", {"cloneID": "missing"}),
    ("POST", "/snapshot/clone", {"cloneID": "missing", "message": "x" * 5000}),
    ("POST", "/snapshot", {"poolName": "nopool"}), ("POST", "/snapshot", {"poolName": 7}),
    ("PUT", "/clone", {}), ("GET", "/nonsense", None),
]


def check_refusal(answer):
    assert 400 <= answer.status < 500, answer
    assert answer.json["code"] and answer.message and answer.json.get("hint"), answer
    assert set(answer.json) <= {"code", "message", "detail", "hint"}


@pytest.mark.parametrize("fields", WRONG_CLONES.values(), ids=WRONG_CLONES)
def test_refused_clones_carry_hints(api, fields):
    check_refusal(api.call("POST", "/clone", {"id": "hinted", "db": GOOD_DB} | fields))


@pytest.mark.parametrize("method, path, body", WRONG_REQUESTS, ids=lambda value: repr(value)[:40])
def test_errors_carry_hints(api, method, path, body):
    check_refusal(api.call(method, path, body))


@pytest.mark.makes_clones
def test_duplicate_carries_a_hint(api):
    api.create_clone("twice")
    answer = api.request_clone("twice")
    check_refusal(answer)
    assert answer.json["hint"] == "Choose another id, or destroy that clone first."


def test_null_is_a_missing_request(api):
    answer = api.call("POST", "/clone", b"null")
    assert (answer.status, answer.message) == (400, "missing clone request")


def test_unknown_pool_of_a_snapshot(api):
    snapshot = "nopool@snapshot_20260101000000"
    answer = api.request_clone("pooled", snapshot={"id": snapshot})
    assert answer.status == 400 and answer.message.startswith("pool manager not available nopool: ")
    answer = api.request_clone("pooled", snapshot={"id": "bad"})
    assert (answer.status, answer.message) == (
        400, 'failed to detect pool name for the snapshot bad: invalid snapshot ID given: "bad"')
    for method, body in [("DELETE", None), ("PATCH", {"protected": True})]:
        answer = api.call(method, f"/snapshot/{snapshot}", body)
        assert (answer.status, answer.message) == (400, f"pool for requested snapshot ({snapshot}) not found")


def test_wrong_method_names_the_right_ones(api):
    request = urllib.request.Request(api.url + "/clone/x", method="PUT", headers={"Verification-Token": api.token})
    with pytest.raises(urllib.error.HTTPError) as refusal, urllib.request.urlopen(request, timeout=10):
        pass
    assert (refusal.value.code, refusal.value.headers["Allow"]) == (405, "GET, PATCH, DELETE")
