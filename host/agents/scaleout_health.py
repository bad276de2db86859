"""Whether a task is healthy: the look that lib/health.ts defines, as the programs on the nodes take it.

One GET over HTTP/1.1, straight to the address: no proxy, no redirect followed. The status line decides, and it has to come within `timeoutSeconds` of
the beginning, the connection included and however slowly its bytes arrive. The body is not judged. A 1xx is no answer yet.

`health` is the `Health` of lib/health.ts: {"path": "/health", "status": [200], "host": "localhost", "timeoutSeconds": 10}.

Standard library only.
"""

import re
import socket
import time

# A status line, or another line of the head, is read up to this length.
LINE_LIMIT = 4096
# Of what follows the status line this much is read, within a second: who closes before it has come makes some applications log an error.
REST_LIMIT = 65536

STATUS_LINE = re.compile(rb"HTTP/1\.[01] +([1-9][0-9]{2})(?:[ \r\n]|$)")


class NoAnswer(Exception):
    """Why there is no status, in words."""


class Reader:
    """What comes over a connection until a deadline, whatever the pauses in between."""

    def __init__(self, connection, deadline):
        self.connection = connection
        self.deadline = deadline
        self.pending = b""

    def receive(self):
        """The next bytes; none at the end. Raises TimeoutError at the deadline."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv(LINE_LIMIT)

    def line(self):
        while b"\n" not in self.pending and len(self.pending) < LINE_LIMIT:
            received = self.receive()
            if not received:
                raise NoAnswer("closed without an answer")
            self.pending += received
        end = self.pending.find(b"\n") + 1 or LINE_LIMIT
        line, self.pending = self.pending[:end], self.pending[end:]
        return line


def healthy(address, port, health):
    """Whether the task at the address answers with a status that means healthy."""
    return look(address, port, health)[0] in health["status"]


def answer(address, port, health):
    """The answer in words, such as "answers 302", "no answer within 6 s" or "connection refused"."""
    return look(address, port, health)[1]


def look(address, port, health):
    """The HTTP status, None without an answer, and the answer in words. Takes `timeoutSeconds`, and a second more at most."""
    try:
        status = ask(address, port, health)
        return status, f"answers {status}"
    except NoAnswer as reason:
        return None, str(reason)
    except TimeoutError:
        return None, f"no answer within {health['timeoutSeconds']} s"
    except (ConnectionResetError, BrokenPipeError):
        return None, "closed without an answer"
    except OSError as error:
        return None, (error.strerror or str(error)).lower()


def ask(address, port, health):
    """The HTTP status. Raises NoAnswer, TimeoutError, or the OSError of the connection."""
    deadline = time.monotonic() + health["timeoutSeconds"]
    lines = [f"GET {health['path']} HTTP/1.1", f"Host: {health['host']}", "User-Agent: scaleout", "Accept: */*", "Connection: close", "", ""]
    with socket.create_connection((address, port), timeout=health["timeoutSeconds"]) as connection:
        connection.sendall("\r\n".join(lines).encode())
        reader = Reader(connection, deadline)
        status = 0
        while status < 200:
            match = STATUS_LINE.match(reader.line())
            if not match:
                raise NoAnswer("no HTTP in the answer")
            status = int(match[1])
            while status < 200 and reader.line() not in (b"\r\n", b"\n"):
                pass
        read_on(reader)
        return status


def read_on(reader):
    """Takes what an application is still writing, within limits. Its end and its faults change nothing."""
    reader.deadline = time.monotonic() + 1
    size = len(reader.pending)
    try:
        while size < REST_LIMIT:
            received = reader.receive()
            if not received:
                return
            size += len(received)
    except OSError:
        pass
