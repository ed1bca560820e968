"""The ramet program against a server that plays back the examples of the API.

Run by meson: test_ramet.py RAMET DOCS_CLI_MD [unittest arguments]
"""

import contextlib
import json
import os
import pathlib
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from fake_server import Answer, FakeServer

RAMET, DOCS = os.path.abspath(sys.argv[1]), sys.argv[2]
TOKEN = "demo-token"


def clone(code="OK", message="Clone is ready to accept Postgres connections."):
    ready = code == "OK"
    return {
        "id": "c1",
        "snapshot": {"id": "pool@snapshot_20260701080000", "createdAt": "2026-07-01T08:40:00Z",
                     "dataStateAt": "2026-07-01T08:00:00Z", "physicalSize": 0,
                     "logicalSize": 64424509440, "pool": "pool", "numClones": 1, "clones": []},
        "branch": "main", "revision": 0, "protected": False, "deleteAt": None,
        "createdAt": "2026-07-01T09:10:00Z", "status": {"code": code, "message": message},
        "db": {"connStr": "host=localhost port=6000 user=alice dbname=postgres" if ready else "",
               "host": "localhost" if ready else "", "port": "6000" if ready else "",
               "username": "alice", "password": "", "dbName": "postgres"},
        "metadata": {"cloneDiffSize": 446464, "logicalSize": 12288, "cloningTime": 1.204,
                     "maxIdleMinutes": 120},
    }


def retrieval(status, last_refresh="2026-07-01T07:30:00Z", alerts=None, progress=None):
    return {"mode": "logical", "status": status, "lastRefresh": last_refresh, "nextRefresh": None,
            "alerts": alerts or {}, "activity": None, "progress": progress}


def error(code, message, **more):
    return {"code": code, "message": message, **more}


CREATING = clone("CREATING", "Clone is being created.")
NOT_FOUND = error("NOT_FOUND", "Requested object does not exist. Specify your request.")
CREATE = ["clone", "create", "--username", "alice", "--id", "c1"]


class RametTest(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix="ramet-test-")
        self.addCleanup(self.home.cleanup)
        self.env = {"HOME": self.home.name, "PATH": os.environ["PATH"], "TZ": "UTC",
                    "RAMET_VERIFICATION_TOKEN": TOKEN, "RAMET_CLONE_PASSWORD": "pass-of-env",
                    **{k: v for k, v in os.environ.items() if k.startswith(("ASAN", "UBSAN", "LSAN"))}}

    def serve(self, answers):
        server = FakeServer(answers)
        self.enter(server)
        self.env["RAMET_INSTANCE_URL"] = server.url
        return server

    def enter(self, context):  # enterContext() is of Python 3.11
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def ramet(self, *args, status=0, stdin=""):
        done = subprocess.run([RAMET, *args], env=self.env, input=stdin, capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def ramet_json(self, *args, **more):
        return json.loads(self.ramet(*args, **more).stdout)

    def ramet_on_terminal(self, *args, typed=None):
        """Runs it with all three ends on a terminal. Returns (status, what the terminal showed)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(RAMET, [RAMET, *args], self.env)
        shown = b""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                chunk = os.read(fd, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not chunk:
                break
            shown += chunk
            if typed and typed[0].encode() in shown:
                os.write(fd, typed[1].encode())
                typed = None
        os.close(fd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, shown.decode().replace("\r\n", "\n")


class CloneCreate(RametTest):
    def test_waits_until_ready(self):
        server = self.serve({"POST /clone": [Answer(CREATING, 201)],
                             "GET /clone/c1": [Answer(clone(), delay=0.3)]})
        ready = self.ramet_json(*CREATE)
        self.assertEqual(ready["status"]["code"], "OK")
        self.assertEqual(ready["metadata"]["cloneDiffSize"], "436 KiB")
        self.assertEqual(ready["metadata"]["cloningTime"], 1.204)
        self.assertEqual(server.asked(), ["POST /clone", "GET /clone/c1?wait=10"])
        self.assertTrue(all(r[3]["Verification-Token"] == TOKEN for r in server.requests))
        self.assertEqual(server.body("POST", "/clone"), {
            "id": "c1", "protected": False, "snapshot": None, "extra_conf": {},
            "db": {"username": "alice", "password": "pass-of-env", "restricted": False, "db_name": ""}})

    def test_polls_once_a_second_where_the_server_does_not_wait(self):
        server = self.serve({"POST /clone": [Answer(CREATING, 201)],
                             "GET /clone/c1": [Answer(CREATING), Answer(CREATING), Answer(clone())]})
        self.ramet(*CREATE)
        times = [r[4] for r in server.requests if r[0] == "GET"]
        self.assertEqual(len(times), 3)
        self.assertGreater(times[1] - times[0], 0.9)
        self.assertGreater(times[2] - times[1], 0.9)

    def test_async(self):
        server = self.serve({"POST /clone": [Answer(CREATING, 201)]})
        self.assertEqual(self.ramet_json(*CREATE, "--async")["status"]["code"], "CREATING")
        self.assertEqual(server.asked(), ["POST /clone"])

    def test_text_block_at_a_terminal(self):
        self.serve({"POST /clone": [Answer(CREATING, 201)], "GET /clone/c1": [Answer(clone())]})
        status, shown = self.ramet_on_terminal(*CREATE)
        self.assertEqual(status, 0)
        self.assertEqual(shown,
                         "ID:                 c1\n"
                         "Branch:             main\n"
                         "Snapshot:           pool@snapshot_20260701080000\n"
                         "Connection string:  host=localhost port=6000 user=alice dbname=postgres\n"
                         "\n")

    def test_failure(self):
        self.serve({"POST /clone": [Answer(CREATING, 201)],
                    "GET /clone/c1": [Answer(clone("FATAL", "no space left"))]})
        done = self.ramet(*CREATE, status=1)
        self.assertEqual(done.stderr,
                         'clone "c1" could not be created: no space left\n'
                         'hint: "ramet clone logs c1" shows what its PostgreSQL has logged. '
                         "Destroying it gives its id and port free.\n")
        self.assertEqual(done.stdout, "")

    def test_timeout(self):
        self.serve({"POST /clone": [Answer(CREATING, 201)], "GET /clone/c1": [Answer(CREATING)]})
        done = self.ramet(*CREATE, "--request-timeout", "2s", status=6)
        self.assertIn("failed to watch the clone status: not done after 2 s", done.stderr)
        self.assertIn("hint: The server goes on", done.stderr)

    def test_refused(self):
        self.serve({"POST /clone": [Answer(error("BAD_REQUEST", "password validation: too weak",
                                                 detail="It has 20 bits.", hint="Use 60."), 400)]})
        done = self.ramet(*CREATE, status=1)
        self.assertEqual(done.stderr, "password validation: too weak\n"
                                      "detail: It has 20 bits.\nhint: Use 60.\n")

    def test_setting_without_value(self):
        server = self.serve({})
        done = self.ramet(*CREATE, "--extra-config", "work_mem", status=2)
        self.assertIn('[ERROR]: option "--extra-config": "work_mem" is no NAME=VALUE', done.stderr)
        self.assertEqual(server.asked(), [])


class Password(RametTest):
    def create(self, *args, **more):
        server = self.serve({"POST /clone": [Answer(CREATING, 201)]})
        self.ramet(*CREATE, "--async", *args, **more)
        return server.body("POST", "/clone")["db"]["password"]

    def test_option_before_variable(self):
        self.assertEqual(self.create("--password", "of-option"), "of-option")

    def test_file(self):
        path = os.path.join(self.home.name, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write(" of file \nsecond line\n")
        self.assertEqual(self.create("--password-file", path), " of file ")

    def test_stdin(self):
        self.assertEqual(self.create("--password-file", "-", stdin="of-stdin\n"), "of-stdin")

    def test_file_that_will_not_do(self):
        server = self.serve({})
        for path in ("no-such-file", self.home.name, os.devnull + "/x", "/dev/zero"):
            done = self.ramet(*CREATE, "--password-file", path, status=2)
            self.assertIn("reading the password", done.stderr)
        self.assertEqual(server.asked(), [])

    def test_none(self):
        del self.env["RAMET_CLONE_PASSWORD"]
        self.serve({})
        self.assertIn('"--password" is not set', self.ramet(*CREATE, status=2).stderr)

    def test_asked_for_without_echo(self):
        del self.env["RAMET_CLONE_PASSWORD"]
        server = self.serve({"POST /clone": [Answer(CREATING, 201)]})
        status, shown = self.ramet_on_terminal(*CREATE, "--async",
                                               typed=("Password for the clone: ", "typed in\n"))
        self.assertEqual(status, 0)
        self.assertNotIn("typed in", shown)
        self.assertEqual(server.body("POST", "/clone")["db"]["password"], "typed in")


class CloneOthers(RametTest):
    def test_list(self):
        self.serve({"GET /status": [Answer({"cloning": {"clones": [clone(), CREATING]}})]})
        self.assertEqual([c["status"]["code"] for c in self.ramet_json("clone", "list")],
                         ["OK", "CREATING"])
        lines = self.ramet("clone", "list", "-o", "table").stdout.splitlines()
        self.assertEqual(lines[0].split()[:3], ["ID", "STATUS", "BRANCH"])
        self.assertEqual(lines[1].split()[:3], ["c1", "OK", "main"])
        self.assertEqual(len(lines), 3)

    def test_no_clones(self):
        self.serve({"GET /status": [Answer({"cloning": {"clones": None}})]})
        self.assertEqual(self.ramet("clone", "list").stdout, "[]\n")

    def test_status_in_the_zone_of_the_config_file(self):
        del self.env["TZ"]
        self.serve({"GET /clone/c1": [Answer(clone())]})
        self.ramet("config", "set-global", "--tz", "Europe/Berlin")
        self.assertEqual(self.ramet_json("clone", "status", "c1")["createdAt"],
                         "2026-07-01T11:10:00+02:00")

    def test_missing(self):
        self.serve({"GET /clone/c1": [Answer(NOT_FOUND, 404)]})
        done = self.ramet("clone", "status", "c1", status=3)
        self.assertEqual(done.stderr, "Requested object does not exist. "
                                      "Specify your request.\n")

    def test_update(self):
        for args, body in [
                (["--protected", "c1"], {"protected": True}),
                (["c1", "-p", "2h"], {"protected": True, "protectionDurationMinutes": 120}),
                (["c1"], {"protected": False})]:
            server = self.serve({"PATCH /clone/c1": [Answer(clone())]})
            self.ramet("clone", "update", *args)
            self.assertEqual(server.body("PATCH", "/clone/c1"), body)

    def test_reset(self):
        server = self.serve({"POST /clone/c1/reset": [Answer()],
                             "GET /clone/c1": [Answer(clone("RESETTING", "")), Answer(clone())]})
        done = self.ramet("clone", "reset", "c1")
        self.assertEqual(done.stdout, "The clone has been successfully reset: c1\n")
        self.assertEqual(server.body("POST", "/clone/c1/reset"), {"snapshotID": "", "latest": False})
        self.ramet("clone", "reset", "c1", "--latest", "--snapshot-id", "s", status=2)

    def test_destroy(self):
        server = self.serve({"DELETE /clone/c1": [Answer()],
                             "GET /clone/c1": [Answer(clone("DELETING", "")), Answer(NOT_FOUND, 404)]})
        done = self.ramet("clone", "destroy", "c1")
        self.assertEqual(done.stdout, "The clone has been successfully destroyed: c1\n")
        self.assertEqual(len(server.asked("GET")), 2)

    def test_logs(self):
        server = self.serve({"GET /clone/c1/logs": [Answer({"lines": ["one", "\ttwo\x1b[2J", ""], "next": 7, "skipped": 0})]})
        self.assertEqual(self.ramet("clone", "logs", "c1").stdout, "one\n\ttwo\\x1b[2J\n\n")
        self.ramet("clone", "logs", "--tail=5", "c1")
        self.assertEqual(self.ramet_json("-o", "json", "clone", "logs", "c1")["next"], 7)
        self.assertEqual(server.asked()[:2], ["GET /clone/c1/logs?tail=200", "GET /clone/c1/logs?tail=5"])

    def test_logs_followed_to_the_end(self):
        server = self.serve({"GET /clone/c1/logs": [
            Answer({"lines": ["one"], "next": 4, "skipped": 0}), Answer({"lines": ["two"], "next": 1008, "skipped": 1000}),
            Answer({"lines": [], "next": 1008, "skipped": 0}), Answer(NOT_FOUND, 404)]})
        done = self.ramet("clone", "logs", "-f", "c1")
        self.assertEqual(done.stdout, "one\ntwo\n")
        self.assertIn("1000 bytes of the log are gone", done.stderr)
        self.assertIn("The clone is gone: c1", done.stderr)
        self.assertEqual([path.split("after=")[1].split("&")[0] for path in server.asked()[1:]], ["4", "1008", "1008"])

    def test_logs_bad_arguments(self):
        server = self.serve({})
        for tail in ("-1", "10001", "x", ""):
            self.assertIn("--tail", self.ramet("clone", "logs", "--tail=" + tail, "c1", status=2).stderr)
        self.assertIn("cannot print JSON", self.ramet("-o", "json", "clone", "logs", "-f", "c1", status=2).stderr)
        self.assertEqual(server.asked(), [])

    def test_destroy_async(self):
        server = self.serve({"DELETE /clone/c1": [Answer()]})
        self.ramet("clone", "destroy", "--async", "c1")
        self.assertEqual(server.asked(), ["DELETE /clone/c1"])

    def test_destroy_is_not_done_because_of_some_404(self):
        self.serve({"DELETE /clone/c1": [Answer()], "GET /clone/c1": [Answer("not here", 404)]})
        done = self.ramet("clone", "destroy", "c1", status=1)
        self.assertIn("failed to parse an error message: not here, status 404", done.stderr)

    def test_destroy_fails(self):
        self.serve({"DELETE /clone/c1": [Answer()],
                    "GET /clone/c1": [Answer(clone("FATAL", "volume is busy"))]})
        self.assertIn('clone "c1" could not be destroyed: volume is busy', self.ramet("clone", "destroy", "c1", status=1).stderr)


class Snapshots(RametTest):
    ID = "pool/branch/main/c1/r0@20240101120000"

    def test_list(self):
        server = self.serve({"GET /snapshots": [Answer([clone()["snapshot"]])]})
        self.assertEqual(self.ramet_json("snapshot", "list")[0]["logicalSize"], "60 GiB")
        self.ramet("snapshot", "list", "--branch", "a b", "--dataset", "pool")
        self.assertEqual(server.asked()[1], "GET /snapshots?branch=a%20b&dataset=pool")

    def test_create(self):
        server = self.serve({"POST /snapshot": [Answer({"id": "s", "used": 1})],
                             "POST /snapshot/clone": [Answer(clone()["snapshot"])]})
        self.ramet("snapshot", "create", "--pool", "p")
        self.assertEqual(server.body("POST", "/snapshot"), {"poolName": "p"})
        made = self.ramet_json("snapshot", "create", "--clone-id", "c1", "-m", "why")
        self.assertEqual(made["logicalSize"], 64424509440)
        self.assertEqual(server.body("POST", "/snapshot/clone"), {"cloneID": "c1", "message": "why"})

    def test_update(self):
        server = self.serve({f"PATCH /snapshot/{self.ID}": [Answer(clone()["snapshot"])]})
        self.ramet("snapshot", "update", self.ID, "--protected", "false", "--delete-at",
                   "2026-07-01T09:00:00Z")
        self.assertEqual(server.body("PATCH", f"/snapshot/{self.ID}"),
                         {"protected": False, "deleteAt": "2026-07-01T09:00:00Z"})

    def test_delete(self):
        server = self.serve({f"DELETE /snapshot/{self.ID}": [
            Answer(error("BAD_REQUEST", "snapshot has dependent clones: c1"), 400),
            Answer({"status": "OK", "message": "Deleted snapshot"})]})
        done = self.ramet("snapshot", "delete", self.ID, status=1)
        self.assertEqual(done.stderr, "snapshot has dependent clones: c1\n")
        done = self.ramet("snapshot", "delete", "--force", self.ID)
        self.assertEqual(done.stdout, f"Deleted snapshot '{self.ID}'\n")
        self.assertEqual(server.asked(), [f"DELETE /snapshot/{self.ID}",
                                          f"DELETE /snapshot/{self.ID}?force=true"])


class Instance(RametTest):
    def test_status(self):
        self.serve({"GET /status": [Answer({
            "status": {"code": "OK", "message": "Instance is ready"},
            "engine": {"version": "0.1", "startedAt": "2026-07-01T09:00:00Z"},
            "pools": [{"name": "p", "mode": "btrfs", "status": "active", "cloneList": ["c1"],
                       "fileSystem": {"mode": "btrfs", "size": 107374182400, "free": 0}}],
            "provisioner": {"containerConfig": {"shm-size": "1gb"}}, "of_later": 1})]})
        view = self.ramet_json("instance", "status")
        self.assertEqual(view["pools"][0]["fileSystem"]["size"], "100 GiB")
        self.assertEqual(view["of_later"], 1)
        table = self.ramet("instance", "status", "-o", "table").stdout
        self.assertIn("Message:", table)
        self.assertIn("POOL  MODE   STATUS", table)

    def test_version_without_token(self):
        self.serve({"GET /healthz": [Answer({"version": "4.2", "edition": "community",
                                             "instanceID": "i"})]})
        self.assertEqual(self.ramet_json("instance", "version")["version"], "4.2")

    def test_full_refresh(self):
        self.serve({"POST /full-refresh": [Answer({"status": "OK", "message": "Full refresh started"})]})
        self.assertEqual(self.ramet("instance", "full-refresh").stdout, "Full refresh started\n")
        self.assertEqual(self.ramet("refresh").stdout, "Full refresh started\n")
        self.assertEqual(self.ramet_json("refresh", "-o", "json"),
                         {"status": "OK", "message": "Full refresh started"})

    def test_doctor(self):
        finding = {"level": "error", "kind": "volume", "name": "v1", "message": "unknown volume",
                   "hint": "Look at it."}
        self.serve({"GET /doctor": [Answer({"clean": False, "findings": [finding]}),
                                    Answer({"clean": False, "findings": [finding]}),
                                    Answer({"clean": True, "findings": []})]})
        self.assertEqual(self.ramet_json("doctor", status=1)["findings"], [finding])
        self.assertEqual(self.ramet("doctor", "-o", "table", status=1).stdout,
                         'error: volume "v1": unknown volume\n  hint: Look at it.\n1 finding.\n')
        self.assertIn("Clean", self.ramet("doctor", "-o", "table").stdout)


class Refresh(RametTest):
    """The end of the refresh before is still seen for a moment after the new one was accepted."""

    OLD = "2026-07-01T07:30:00Z"
    NEW = "2026-07-02T07:30:00Z"

    def play(self, *states):
        return self.serve({"POST /full-refresh": [Answer({"status": "OK", "message": "Full refresh started"})],
                           "GET /instance/retrieval": [Answer(s) for s in states]})

    def test_watch(self):
        progress = {"phase": "restoring", "database": "app", "tablesDone": 3, "tablesTotal": 10,
                    "bytesDone": 123, "bytesTotal": 456, "percent": 27.5}
        self.play(retrieval("finished", self.OLD), retrieval("finished", self.OLD),
                  retrieval("refreshing", self.NEW, progress=progress), retrieval("snapshotting", self.NEW),
                  retrieval("finished", self.NEW))
        done = self.ramet("refresh", "--watch")
        self.assertEqual(json.loads(done.stdout)["lastRefresh"], self.NEW)
        self.assertEqual(done.stderr, "restoring app: 3/10 tables, 123 B of 456 B\nsnapshotting\nfinished\n")

    def test_bar_at_a_terminal(self):
        self.play(retrieval("finished", self.OLD),
                  retrieval("refreshing", self.NEW, progress={"phase": "dumping", "percent": 50}),
                  retrieval("finished", self.NEW))
        status, shown = self.ramet_on_terminal("refresh", "--watch")
        self.assertEqual(status, 0)
        self.assertIn("[###############               ]  50.0 %  dumping", shown)
        self.assertTrue(shown.endswith("The refresh is finished.\n"), shown)

    def test_failure(self):
        self.play(retrieval("failed", self.OLD, {"refresh_failed": {"message": "the old failure"}}),
                  retrieval("failed", self.OLD, {"refresh_failed": {"message": "the old failure"}}),
                  retrieval("failed", self.NEW, {"refresh_failed": {
                      "message": "dumping \"app\": no such extension", "detail": "42704",
                      "hint": "Install it."}}))
        done = self.ramet("refresh", "--watch", status=1)
        self.assertIn('the refresh failed: dumping "app": no such extension\n'
                      "detail: 42704\nhint: Install it.\n", done.stderr)
        self.assertNotIn("old failure", done.stderr)

    def test_joins_a_running_one(self):
        server = self.play(retrieval("refreshing", self.OLD), retrieval("finished", self.OLD))
        self.ramet("refresh", "--watch")
        self.assertEqual(server.asked("POST"), [])


class Psql(RametTest):
    def setUp(self):
        super().setUp()
        bin_dir = os.path.join(self.home.name, "bin")
        os.mkdir(bin_dir)
        self.psql = os.path.join(bin_dir, "psql")
        with open(self.psql, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
        os.chmod(self.psql, stat.S_IRWXU)
        self.env["PATH"] = bin_dir + ":" + self.env["PATH"]

    def test_becomes_psql(self):
        self.serve({"GET /clone/c1": [Answer(clone())]})
        done = self.ramet("psql", "c1", "--", "-c", "select 1", status=7)
        self.assertEqual(done.stdout.splitlines(), ["--host=localhost", "--port=6000", "--username=alice",
                                                    "--dbname=dbname='postgres'", "-c", "select 1"])

    def test_odd_names_of_databases(self):
        for name, argument in [("a=b", "a=b"), ("postgresql://x/y", "postgresql://x/y"), ("it's \\ ", "it\\'s \\\\ "),
                               (' "q" ', ' "q" '), ("", "")]:
            odd = clone()
            odd["db"]["dbName"] = name
            self.serve({"GET /clone/c1": [Answer(odd)]})
            self.assertEqual(self.ramet("psql", "c1", status=7).stdout.splitlines()[3], f"--dbname=dbname='{argument}'")

    def test_not_ready(self):
        self.serve({"GET /clone/c1": [Answer(CREATING)]})
        self.assertIn('clone "c1" is not ready', self.ramet("psql", "c1", status=1).stderr)

    def test_no_psql(self):
        self.serve({"GET /clone/c1": [Answer(clone())]})
        self.env["PATH"] = self.home.name
        self.assertIn('program "psql" not found', self.ramet("psql", "c1", status=1).stderr)


class Errors(RametTest):
    def test_unauthorized(self):
        self.serve({"GET /status": [Answer(error("UNAUTHORIZED", "Check your verification token."), 401)]})
        done = self.ramet("clone", "list", status=4)
        self.assertIn("Check your verification token.", done.stderr)
        self.assertIn("hint: The token that was sent is not this server's", done.stderr)
        self.env["RAMET_VERIFICATION_TOKEN"] = ""
        self.assertIn("hint: Set RAMET_VERIFICATION_TOKEN", self.ramet("clone", "list", status=4).stderr)

    def test_unreachable(self):
        done = self.ramet("clone", "list", "--url", "127.0.0.1:1", status=5)
        self.assertIn("hint: ", done.stderr)

    def test_empty_token_is_sent(self):
        server = self.serve({"GET /healthz": [Answer({"version": "1"})]})
        self.env["RAMET_VERIFICATION_TOKEN"] = ""
        self.ramet("instance", "version")
        self.assertEqual(server.requests[0][3]["Verification-Token"], "")

    def test_no_utf8(self):
        server = self.serve({"POST /clone": [Answer(CREATING, 201)]})
        for words in ([b"clone", b"status", b"c\xff"], [os.fsencode(w) for w in CREATE] + [b"--db-name", b"\xc3"]):
            done = subprocess.run([os.fsencode(RAMET), *words], env=self.env, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("is not valid UTF-8", done.stderr)
        self.assertEqual(server.asked(), [])

    def test_no_url(self):
        self.assertIn("URL of the server is not known", self.ramet("clone", "list", status=2).stderr)

    def test_not_json(self):
        self.serve({"GET /status": [Answer("<html>proxy</html>")]})
        self.assertIn("failed to parse the response", self.ramet("clone", "list", status=1).stderr)

    def test_ids_cannot_leave_their_place(self):
        server = self.serve({})
        self.ramet("clone", "destroy", "..", status=2)
        self.ramet("snapshot", "delete", "p/../../clone/c1", status=2)
        self.assertEqual(server.asked(), [])

    def test_unknown_command(self):
        done = self.ramet("clon", status=2)
        self.assertEqual(done.stderr, '[ERROR]: command "clon" not found\nhint: Did you mean "clone"?\n')
        self.assertEqual(done.stdout, "")

    def test_debug_shows_no_secrets(self):
        self.serve({"POST /clone": [Answer(error("BAD_REQUEST", "no"), 400)]})
        done = self.ramet(*CREATE, "--debug", status=1)
        self.assertIn("> POST http://", done.stderr)
        self.assertIn("< 400", done.stderr)
        self.assertNotIn(TOKEN, done.stderr)
        self.assertNotIn("pass-of-env", done.stderr)

    def test_full_output(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([RAMET, "help"], env=self.env, stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "could not write the output\n"))


class StrangeAnswers(RametTest):
    """What is at the other end may be a proxy, a portal, or somebody who means harm."""

    EVIL = "a\x1b[2Jb\u202ec\x9bd\u2066e\ufefff\x7f"
    SHOWN = "a\\x1b[2Jb"

    def assert_harmless(self, text):
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

    def test_page_of_a_proxy(self):
        self.serve({"GET /status": [Answer(f"<html>{self.EVIL}</html>", 502)]})
        for options in ([], ["--debug"]):
            done = self.ramet("clone", "list", *options, status=1)
            self.assert_harmless(done.stderr)
            self.assertIn(self.SHOWN, done.stderr)

    def test_error_of_the_server(self):
        self.serve({"GET /status": [Answer(error("BAD_REQUEST", self.EVIL, detail=f"one\n{self.EVIL}\n\n",
                                                 hint=self.EVIL), 400)]})
        done = self.ramet("clone", "list", "--debug", status=1)
        self.assert_harmless(done.stderr)
        self.assertIn("detail: one\na\\x1b", done.stderr)
        self.assertNotIn("\n\nhint: ", done.stderr)

    def test_everything_that_is_shown(self):
        evil = clone(message=self.EVIL)
        evil.update(id=self.EVIL, branch=self.EVIL)
        evil["db"]["connStr"] = self.EVIL
        self.serve({"GET /status": [Answer({"status": {"code": self.EVIL, "message": self.EVIL},
                                            "cloning": {"clones": [evil]},
                                            "pools": [{"name": self.EVIL, "cloneList": [self.EVIL]}]})],
                    "GET /clone/c1": [Answer(evil)], "POST /clone": [Answer(evil, 201)],
                    "GET /snapshots": [Answer([{"id": self.EVIL, "message": self.EVIL}])],
                    "POST /full-refresh": [Answer({"status": "OK", "message": self.EVIL})],
                    "GET /clone/c1/logs": [Answer({"lines": [self.EVIL], "next": 1, "skipped": 0})],
                    "GET /doctor": [Answer({"clean": True, "findings": [
                        {"level": self.EVIL, "kind": self.EVIL, "name": self.EVIL, "message": self.EVIL,
                         "hint": self.EVIL}]})]})
        for command in (["clone", "list"], ["clone", "status", "c1"], CREATE, ["instance", "status"],
                        ["snapshot", "list"], ["refresh"], ["clone", "logs", "c1"], ["doctor"]):
            for form in ("table", "json"):
                done = self.ramet("-o", form, *command)
                self.assert_harmless(done.stdout + done.stderr)
                if form == "json":
                    self.assertIn(self.EVIL, self.texts(json.loads(done.stdout)))

    def texts(self, value):
        if isinstance(value, str):
            yield value
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from self.texts(item)

    def test_progress(self):
        self.serve({"POST /full-refresh": [Answer({"status": "OK", "message": ""})],
                    "GET /instance/retrieval": [
                        Answer(retrieval("finished", "a")),
                        Answer(retrieval(self.EVIL, "b", progress={"phase": self.EVIL, "database": self.EVIL})),
                        Answer(retrieval(self.EVIL, "b")), Answer(retrieval("finished", "b"))]})
        self.assert_harmless(self.ramet("refresh", "--watch").stderr)

    def test_no_answer_that_a_ramet_server_gives(self):
        for answer in (Answer("", 200), Answer("42"), Answer('"OK"'), Answer("null"), Answer({}), Answer([]),
                       Answer("[" * 100000), Answer('{"cloning":')):
            self.serve({"GET /status": [answer]})
            self.assertIn("hint: Is there a Ramet server at", self.ramet("clone", "list", status=1).stderr)

    def test_answer_without_end(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def flood():
                peer, _ = listener.accept()
                with peer, contextlib.suppress(OSError):
                    peer.recv(4096)
                    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    while True:
                        peer.sendall(b" " * 65536)
            threading.Thread(target=flood, daemon=True).start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.assertIn("longer than this client accepts",
                          self.ramet("clone", "list", "--url", url, status=1).stderr)

    def test_no_connection_in_time_is_unreachable(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            waiting = [socket.socket() for _ in range(4)]  # the queue is full: nobody else is answered
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.ramet("clone", "list", "--url", url, "--request-timeout", "500ms", status=5)
            for one in waiting:
                one.close()

    def test_redirection_is_no_success(self):
        self.serve({"DELETE /clone/c1": [Answer("", 302)]})
        self.assertIn("redirection", self.ramet("clone", "destroy", "--async", "c1", status=1).stderr)

    def test_ids_that_a_shell_would_run(self):
        self.serve({"GET /clones": [Answer([clone() | {"id": i} for i in ("$(id)", "`id`", "a b", "*", "-f", "c1", "x\n")])]})
        self.assertEqual(self.ramet("ids", "clones").stdout, "c1\n")


class Endings(RametTest):
    """What is asked for goes on at the server, whatever happens to the client."""

    def interrupt(self, command, answers):
        server = self.serve(answers)
        last = threading.Event()
        take = server.take

        def taken(method, path, body, headers):
            answer = take(method, path, body, headers)
            if answer.delay:
                last.set()
            return answer
        server.take = taken
        with subprocess.Popen([RAMET, *command], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as client:
            self.assertTrue(last.wait(30))
            client.send_signal(signal.SIGINT)
            _, errors = client.communicate(timeout=30)
        self.assertEqual(client.returncode, -signal.SIGINT)  # 130 in a shell
        return errors

    def test_interrupted(self):
        slow = Answer(CREATING, delay=2)
        errors = self.interrupt(CREATE, {"POST /clone": [Answer(CREATING, 201)], "GET /clone/c1": [slow]})
        self.assertEqual(errors, '\nThe server goes on: see "ramet clone status c1".\n')
        errors = self.interrupt(["snapshot", "create"], {"POST /snapshot": [slow]})
        self.assertIn("ramet snapshot list", errors)
        errors = self.interrupt(["refresh", "--watch"], {"POST /full-refresh": [Answer({"message": ""})],
                                "GET /instance/retrieval": [Answer(retrieval("finished", "a")), slow]})
        self.assertIn("ramet refresh --watch", errors)
        self.assertEqual(self.interrupt(["clone", "list"], {"GET /status": [slow]}), "")

    def test_nobody_reads(self):
        self.serve({"GET /status": [Answer({"cloning": {"clones": [clone()] * 1000}})]})
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "wb") as pipe:
            done = subprocess.run([RAMET, "clone", "list"], env=self.env, stdout=pipe, stderr=subprocess.PIPE,
                                  check=False, restore_signals=True)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""))

    def test_closed_streams(self):
        self.serve({"GET /status": [Answer({"cloning": {"clones": [clone()]}})]})
        for closed, status in ((">&-", 1), ("<&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 1)):
            for command in ("clone list", "config list", "init --environment-id x --url h"):
                with tempfile.TemporaryDirectory() as home:
                    done = subprocess.run(["sh", "-c", f'"$0" {command} {closed}', RAMET], env=self.env | {"HOME": home},
                                          capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, status, closed + command + done.stderr)
                    for name in pathlib.Path(home).glob(".ramet/*"):
                        self.assertNotIn("successfully", name.read_text())


class Config(RametTest):
    def path(self):
        return os.path.join(self.home.name, ".ramet", "cli.yml")

    def test_life_of_environments(self):
        self.assertEqual(self.ramet("config", "create", "x", "--url", "h", status=3).stdout, "")
        self.assertEqual(self.ramet("init", "--environment-id", "dev", "--url", "127.0.0.1:2345").stdout,
                         'Database Lab CLI is successfully initialized. Environment "dev" is created.\n')
        self.assertEqual(stat.S_IMODE(os.stat(self.path()).st_mode), 0o600)
        self.assertEqual(self.ramet("init", "--environment-id", "dev", "--url", "h", status=1).stderr
                         .splitlines()[0], 'environment "dev" is already initialized')
        self.assertEqual(self.ramet("config", "create", "two", "--url", "https://h").stdout,
                         'The "two" environment is successfully created.\n')
        self.assertEqual(self.ramet("config", "list").stdout,
                         "Available CLI environments:\n"
                         "ENV      URL             Forwarding server URL  Forwarding local port\n"
                         "[ ] dev  127.0.0.1:2345\n"
                         "[*] two  https://h\n")
        self.assertEqual(self.ramet("config", "switch", "dev").stdout,
                         'The CLI environment is successfully switched to "dev".\n')
        self.assertEqual(self.ramet_json("config", "view"), {
            "environment_id": "dev", "url": "127.0.0.1:2345", "token": "", "insecure": False,
            "forwarding": {"server_url": "", "local_port": "", "identity_file": ""},
            "branching": {"current_branch": "main"}})
        self.assertEqual(self.ramet("config", "remove", "dev").stdout,
                         'Environment "dev" is successfully removed.\nThe current environment is "two".\n')
        self.ramet("config", "view", "dev", status=3)

    def test_changed_by_many_at_once(self):
        self.ramet("init", "--environment-id", "dev", "--url", "h")
        changes = [subprocess.Popen([RAMET, "config", "create", f"e{i}", "--url", "h"], env=self.env,
                                    stdout=subprocess.DEVNULL) for i in range(12)]
        self.assertEqual([change.wait(30) for change in changes], [0] * 12)
        self.assertEqual(sorted(self.ramet_json("config", "list", "-o", "json")),
                         sorted(["dev", *(f"e{i}" for i in range(12))]))
        for name in os.listdir(os.path.dirname(self.path())):
            mode = os.stat(os.path.join(os.path.dirname(self.path()), name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600, name)

    def test_update(self):
        self.ramet("init", "--environment-id", "dev", "--url", "h")
        for args, said in [
                ([], "config unchanged. Set options to update."),
                (["--url", "h"], "config unchanged. Set different option values to update."),
                (["--url", "h2", "-k"], 'The "dev" environment is successfully updated.')]:
            self.assertEqual(self.ramet("config", "update", "dev", *args).stdout, said + "\n")
        self.assertTrue(self.ramet_json("config", "view")["insecure"])
        self.assertEqual(self.ramet("config", "update", "no", status=3).stderr.splitlines()[0],
                         'environment "no" not found')

    def test_used_by_commands(self):
        server = self.serve({"GET /healthz": [Answer({"version": "1"})]})
        del self.env["RAMET_INSTANCE_URL"], self.env["RAMET_VERIFICATION_TOKEN"]
        self.env["SECRET"] = "expanded"
        self.ramet("init", "--environment-id", "dev", "--url", server.url, "--token", "${SECRET}")
        self.ramet("instance", "version")
        self.assertEqual(server.requests[0][3]["Verification-Token"], "expanded")

    def test_broken_file(self):
        os.mkdir(os.path.dirname(self.path()))
        with open(self.path(), "w", encoding="utf-8") as file:
            file.write("environments: [\n")
        self.serve({"GET /healthz": [Answer({"version": "1"})]})
        self.assertIn("warning: config file", self.ramet("instance", "version").stderr)
        self.assertIn("line 2", self.ramet("config", "list", status=2).stderr)
        self.assertTrue(self.ramet("--version").stdout.startswith("ramet version "))


class Texts(RametTest):
    def test_page_is_fresh(self):
        with open(DOCS, encoding="utf-8") as file:
            page = file.read()
        self.assertEqual(page, self.ramet("help", "--markdown").stdout,
                         "docs/cli.md is stale: run \"build/ramet help --markdown > docs/cli.md\"")

    def test_help(self):
        self.assertEqual(self.ramet("help", "clone", "create").stdout,
                         self.ramet("clone", "create", "--help").stdout)
        self.assertEqual(self.ramet().stdout, self.ramet("help").stdout)
        self.ramet("help", "clon", status=2)

    def complete(self, line, script):
        """What bash would offer at the end of a line of words without break characters."""
        words = line.split(" ")
        ask = f"""{script}
PATH={os.path.dirname(RAMET)}:$PATH
COMP_LINE='{line}'; COMP_POINT={len(line)}; COMP_CWORD={len(words) - 1}
COMP_WORDS=({' '.join(repr(w) for w in words)})
_ramet; echo "${{COMPREPLY[*]}}" """
        done = subprocess.run(["bash", "-c", ask], env=self.env, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completion(self):
        self.serve({"GET /clones": [Answer([clone()])]})
        script = self.ramet("completion", "bash").stdout
        self.assertIn("snapshot", self.complete("ramet ", script))
        self.assertEqual(self.complete("ramet snapshot de", script), ["delete"])
        self.assertEqual(self.complete("ramet --url x clone reset --la", script), ["--latest"])
        self.assertEqual(self.complete("ramet clone destroy ", script), ["c1"])
        self.assertEqual(self.complete("ramet clone list -o ", script), ["json", "table"])
        self.assertEqual(self.complete("ramet help config sw", script), ["switch"])

    def test_zsh_completion_parses(self):
        script = self.ramet("completion", "zsh").stdout
        self.assertTrue(script.startswith("#compdef ramet\n"))
        if not any(os.access(os.path.join(d, "zsh"), os.X_OK) for d in self.env["PATH"].split(":")):
            self.skipTest("zsh is not installed")
        subprocess.run(["zsh", "-n"], input=script, text=True, check=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
