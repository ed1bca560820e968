"""Clients of a server: HTTP with JSON, and PostgreSQL connections to clones."""

import contextlib
import dataclasses
import json
import urllib.error
import urllib.request

import psycopg2

from .machine import PATIENCE

PASSWORD = "thin-Clone-4-everyone"
USER = "dev"

TRANSITIONAL = ("CREATING", "RESETTING", "DELETING")


@dataclasses.dataclass
class Response:
    status: int
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def message(self):
        return self.json["message"]


class Api:
    def __init__(self, url, token):
        self.url = url
        self.token = token

    def call(self, method, path, body=None, token=None, timeout=60):
        """body: bytes as they are, anything else as JSON. token: "" sends none."""
        token = self.token if token is None else token
        headers = {"Verification-Token": token} if token else {}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout * PATIENCE) as answer:
                return Response(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, error.read().decode())

    def get(self, path):
        """The JSON of a GET that must succeed."""
        answer = self.call("GET", path)
        assert answer.status == 200, f"GET {path}: {answer}"
        return answer.json

    def request_clone(self, clone_id, username=USER, password=PASSWORD, db=None, **fields):
        """POSTs a clone; the answer, whatever it is."""
        database = {"username": username, "password": password, "db_name": "shop"} | (db or {})
        return self.call("POST", "/clone", {"id": clone_id, "db": database} | fields)

    def create_clone(self, clone_id, **fields):
        """A clone that is ready."""
        answer = self.request_clone(clone_id, **fields)
        assert answer.status == 201, answer
        return self.wait_ok(clone_id)

    def wait_clone(self, clone_id, timeout=60):
        """The clone once its state is no longer transitional; None when it is gone."""
        for _ in range(int(timeout * PATIENCE) // 5):
            answer = self.call("GET", f"/clone/{clone_id}?wait=5")
            if answer.status == 404:
                return None
            assert answer.status == 200, answer
            if answer.json["status"]["code"] not in TRANSITIONAL:
                return answer.json
        raise AssertionError(f"clone {clone_id} is still {answer.json['status']} after {timeout * PATIENCE:g} s")

    def wait_ok(self, clone_id):
        clone = self.wait_clone(clone_id)
        assert clone and clone["status"]["code"] == "OK", clone
        return clone

    def reset_clone(self, clone_id, **fields):
        answer = self.call("POST", f"/clone/{clone_id}/reset", fields)
        assert answer.status == 200, answer
        return self.wait_ok(clone_id)

    def destroy_clone(self, clone_id):
        answer = self.call("DELETE", f"/clone/{clone_id}")
        assert answer.status == 200, answer
        assert self.wait_clone(clone_id) is None

    def destroy_all_clones(self):
        for clone in self.get("/clones"):
            if clone["protected"]:
                self.call("PATCH", f"/clone/{clone['id']}", {"protected": False})
            self.call("DELETE", f"/clone/{clone['id']}")
        for clone in self.get("/clones"):
            assert self.wait_clone(clone["id"]) is None, f"clone {clone['id']} cannot be destroyed"


def connect(clone, user=USER, password=PASSWORD, dbname="shop"):
    """A connection to a clone (as the API shows it), in autocommit."""
    connection = psycopg2.connect(host="127.0.0.1", port=clone["db"]["port"], user=user, password=password,
                                  dbname=dbname, connect_timeout=int(10 * PATIENCE))
    connection.autocommit = True
    return connection


def query(clone, sql, **who):
    """Runs SQL in a clone; the rows of the last statement, or None."""
    with contextlib.closing(connect(clone, **who)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def value(clone, sql, **who):
    return query(clone, sql, **who)[0][0]


def answers(clone, **who):
    """True when the clone serves its user; after a reboot that takes a moment."""
    with contextlib.suppress(Exception):
        return value(clone, "SELECT 1", **who) == 1
