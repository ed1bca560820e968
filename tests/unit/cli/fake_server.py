"""A server that plays back answers, one list of them for each "METHOD /path", and remembers what it was asked."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer:
    """One answer: a JSON value or a text, after a delay in seconds."""

    def __init__(self, body=None, status=200, delay=0.0):
        self.text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        self.status = status
        self.delay = delay


class FakeServer:
    """Use as a context. The last answer of a list is repeated; what has none gets a plain 404."""

    def __init__(self, answers):
        self.answers = {key: list(value) for key, value in answers.items()}
        self.requests = []  # (method, path with query, body, headers, time)
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.make_handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def make_handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                answer = server.take(self.command, self.path, body, self.headers)
                time.sleep(answer.delay)
                payload = answer.text.encode()
                with contextlib.suppress(ConnectionError):  # a client that was interrupted
                    self.send_response(answer.status)
                    self.send_header("Content-Length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_args):
                pass

        return Handler

    def take(self, method, path, body, headers):
        with self.lock:
            self.requests.append((method, path, body, headers, time.monotonic()))
            answers = self.answers.get(f"{method} {path.split('?')[0]}")
            if not answers:
                return Answer("404 page not found\n", status=404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def asked(self, method=None):
        return [f"{r[0]} {r[1]}" for r in self.requests if method in (None, r[0])]

    def body(self, method, path):
        return next(json.loads(r[2]) for r in self.requests if (r[0], r[1]) == (method, path))

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_exc):
        self.http.shutdown()
        self.http.server_close()
