"""The command line client against a real server."""

import json
import os
import pty
import re
import subprocess

import pytest

from harness.api import PASSWORD, USER, query, value


@pytest.fixture
def cli(server):
    return server.cli


def create(cli, name, *options):
    return json.loads(cli("clone", "create", "--id", name, "--username", USER, "--password", PASSWORD, "--db-name", "shop",
                          *options).stdout)


def at_a_terminal(server, *arguments, env=None):
    """stdout of ramet when it is a terminal."""
    leader, follower = pty.openpty()
    command = [server.build / "ramet", "--url", server.api.url, "--token", "e2e-Token", *arguments]
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower,
                          env=os.environ | {"HOME": str(server.directory)} | (env or {})) as process:
        os.close(follower)
        output = b""
        try:
            while chunk := os.read(leader, 4096):
                output += chunk
        except OSError:
            pass  # the end of a terminal
        os.close(leader)
        assert process.wait(60) == 0, output.decode()
    return output.decode().replace("\r\n", "\n")


def test_life_of_a_clone(api, cli):
    clone = create(cli, "cli1")
    assert clone["status"]["code"] == "OK"
    query(api.get("/clone/cli1"), "CREATE TABLE mine (n int)")
    assert json.loads(cli("clone", "status", "cli1").stdout)["id"] == "cli1"
    assert [clone["id"] for clone in json.loads(cli("clone", "list").stdout)] == ["cli1"]
    assert "cli1" in cli("clone", "reset", "cli1").stdout
    assert value(api.get("/clone/cli1"), "SELECT to_regclass('mine')") is None
    assert "cli1" in cli("clone", "destroy", "cli1").stdout
    assert api.call("GET", "/clone/cli1").status == 404


def test_options_reach_the_server(api, cli):
    create(cli, "options", "--restricted", "--protected=30", "--extra-config", "work_mem=5MB",
           "--extra-config", "jit=off")
    clone = api.get("/clone/options")
    assert clone["protected"] is True
    assert query(clone, "SELECT current_setting('work_mem'), current_setting('jit'), rolsuper FROM pg_roles "
                        "WHERE rolname = current_user") == [("5MB", "off", False)]
    assert cli("clone", "destroy", "options", check=False).returncode != 0
    assert json.loads(cli("clone", "update", "--protected=false", "options").stdout)["protected"] is False


def test_async(api, cli):
    create(cli, "later", "--async")
    api.wait_ok("later")
    cli("clone", "destroy", "--async", "later")
    assert api.wait_clone("later") is None


def test_tables_at_a_terminal(server):
    api = server.api
    api.create_clone("shown")
    listing = at_a_terminal(server, "clone", "list")
    assert re.search(r"\bshown\b", listing) and "{" not in listing
    created = at_a_terminal(server, "clone", "create", "--id", "typed", "--username", USER, "--password", PASSWORD)
    assert re.search(r"^ID: +typed$", created, re.M) and re.search(r"^Connection string: +host=localhost", created, re.M)
    assert json.loads(at_a_terminal(server, "-o", "json", "clone", "list"))


def test_snapshots(api, cli):
    golden = json.loads(cli("snapshot", "list").stdout)[-1]
    assert golden["pool"] == "e2e" and re.fullmatch(r"[\d.]+ [KMG]?i?B", golden["logicalSize"])
    create(cli, "origin")
    taken = json.loads(cli("snapshot", "create", "--clone-id", "origin", "--message", "from the CLI").stdout)
    assert taken["id"] in [snapshot["id"] for snapshot in api.get("/snapshots")]
    assert taken["id"] in cli("snapshot", "delete", taken["id"]).stdout
    assert taken["id"] not in [snapshot["id"] for snapshot in api.get("/snapshots")]


def test_instance(cli, api):
    assert json.loads(cli("instance", "status").stdout)["status"]["code"] == "OK"
    assert json.loads(cli("instance", "version").stdout)["instanceID"] == api.get("/healthz")["instanceID"]


def test_psql(cli):
    create(cli, "shell")
    done = cli("psql", "shell", "--", "-XAtc", "SELECT current_user, current_database()", env={"PGPASSWORD": PASSWORD})
    assert done.stdout == f"{USER}|shop\n"


def test_psql_with_a_name_that_looks_like_a_connection_string(api, cli):
    name = "a=b 'c' \\d"
    query(api.create_clone("odd"), f'CREATE DATABASE "{name}"')
    taken = json.loads(cli("snapshot", "create", "--clone-id", "odd").stdout)["id"]
    cli("clone", "create", "--id", "odd2", "--username", USER, "--password", PASSWORD, "--db-name", name,
        "--snapshot-id", taken)
    done = cli("psql", "odd2", "--", "-XAtc", "SELECT current_database()", env={"PGPASSWORD": PASSWORD})
    assert done.stdout == f"{name}\n"
    listed = {snapshot["id"]: snapshot["default"] for snapshot in json.loads(cli("snapshot", "list").stdout)}
    assert not listed.pop(taken) and sum(listed.values()) == 1  # the newest is not what a create takes
    assert listed[json.loads(cli("clone", "status", "odd").stdout)["snapshot"]["id"]]
    for clone in ("odd", "odd2"):
        cli("clone", "destroy", clone)
    cli("snapshot", "delete", taken)


def test_doctor(cli):
    done = cli("doctor")
    assert json.loads(done.stdout)["clean"] is True


def test_refresh_with_progress(server):
    before = {snapshot["id"] for snapshot in server.snapshots()}
    output = at_a_terminal(server, "refresh", "--watch")
    assert re.search(r"\d+\.\d %", output) and "restoring" in output
    assert {snapshot["id"] for snapshot in server.snapshots()} - before
    assert server.retrieval()["status"] == "finished"


def test_configured_environment(server, cli):
    def ramet(*arguments, check=True):
        done = subprocess.run([server.build / "ramet", *arguments], capture_output=True, text=True, check=False,
                              env=os.environ | {"HOME": str(server.directory / "home"), "MY_TOKEN": "e2e-Token"})
        assert not check or done.returncode == 0, done.stderr
        return done

    (server.directory / "home").mkdir(exist_ok=True)
    ramet("init", "--environment-id", "test", "--url", server.api.url, "--token", "${MY_TOKEN}")
    assert json.loads(ramet("instance", "status").stdout)["status"]["code"] == "OK"
    assert json.loads(ramet("config", "view").stdout)["environment_id"] == "test"
    ramet("config", "create", "--url", "http://127.0.0.1:1", "nowhere")
    assert ramet("clone", "list", check=False).returncode == 5
    ramet("config", "switch", "test")
    assert ramet("clone", "list").stdout.strip() == "[]"


@pytest.mark.parametrize("arguments, status", [
    (["clone", "status", "nobody"], 3), (["clone", "destroy", "nobody"], 3), (["clone", "status"], 2),
    (["--token", "wrong", "clone", "list"], 4), (["--url", "http://127.0.0.1:1", "clone", "list"], 5),
    (["no", "such", "command"], 2), (["clone", "create", "--no-such-option"], 2), (["clone", "create"], 2),
    (["snapshot", "delete", "e2e@snapshot_19990101000000"], 3),
    (["clone", "create", "--username", "x", "--password", "weak"], 1),
])
def test_exit_status_and_one_clear_error(cli, arguments, status):
    done = cli(*arguments, check=False)
    assert (done.returncode, done.stdout) == (status, ""), done
    assert done.stderr.strip()


def test_completion_scripts(cli):
    for shell in ("bash", "zsh"):
        script = cli("completion", shell).stdout
        assert "clone" in script
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_failed_refresh_says_why(server, source):
    with source.stopped():
        done = server.cli("refresh", "--watch", check=False)
    assert done.returncode != 0 and "refused" in done.stderr
