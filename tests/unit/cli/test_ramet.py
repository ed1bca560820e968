"""What the commands of ramet do, against a server that plays back the examples of the API."""

import json
import os
import stat

from fake_server import Answer
from ramet_case import clone, CREATE, CREATING, error, main, NOT_FOUND, RametTest, retrieval, TOKEN


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

    def test_notices_are_told_and_nothing_is_found(self):
        notice = {"level": "notice", "kind": "machine", "name": "fs.file-max", "message": "it is low",
                  "hint": "Set it higher."}
        self.serve({"GET /doctor": [Answer({"clean": True, "findings": [], "notices": [notice]})]})
        said = self.ramet("doctor", "-o", "table").stdout
        self.assertIn('notice: machine "fs.file-max": it is low\n  hint: Set it higher.\nClean', said)


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


if __name__ == "__main__":
    main()
