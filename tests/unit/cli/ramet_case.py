"""What the tests of the ramet program share: how it is run, and examples of the API's answers.

The programs of tests are called with: RAMET DOCS_CLI_MD [unittest arguments]
"""

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

from fake_server import FakeServer

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


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
