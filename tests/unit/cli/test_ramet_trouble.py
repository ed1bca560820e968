"""ramet in trouble: refusals, strange answers, interruptions; its file of environments; its texts."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import tempfile
import threading

from fake_server import Answer
from ramet_case import clone, CREATE, CREATING, DOCS, error, main, RAMET, RametTest, retrieval, TOKEN


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
    main()
