"""Docker's Engine API over its socket: the few calls that the programs on a node need. Standard library only."""

import http.client
import json
import socket
import urllib.parse

SOCKET = "/var/run/docker.sock"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=None):
        super().__init__("docker", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    """Each call raises OSError or http.client.HTTPException when Docker does not answer within the timeout, in seconds."""

    def __init__(self, path=SOCKET, timeout=30):
        self.path = path
        self.timeout = timeout

    def request(self, method, url, body=None, headers=None, timeout=None):
        """Status and parsed body; None where the body is empty."""
        connection = UnixConnection(self.path, timeout or self.timeout)
        try:
            connection.request(method, url, body, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def inspect(self, container):
        """What `docker inspect` shows of a container; None when there is none."""
        status, body = self.request("GET", f"/containers/{container}/json")
        if status not in (200, 404):
            raise OSError(f"Docker answers {status} when asked for {container[:12]}: {(body or {}).get('message')}")
        return body if status == 200 else None

    def stop_signal(self, image):
        """The image's own stop signal, by name or number; SIGTERM where it names none or is gone."""
        status, body = self.request("GET", f"/images/{urllib.parse.quote(image, safe='')}/json")
        config = (body or {}).get("Config") or {}
        return (config.get("StopSignal") if status == 200 else None) or "SIGTERM"

    def containers(self, service):
        """IDs of the service's containers that run here."""
        status, body = self.request("GET", "/containers/json?filters=" + quoted(of_service(service)))
        if status != 200:
            raise OSError(f"Docker answers {status} to the list of containers")
        return [item["Id"] for item in body]

    def has_service(self, service):
        """Whether the swarm has the service, by its ID; None where this node is no manager, or cannot tell within three seconds."""
        if not service:
            return None
        try:
            status, _ = self.request("GET", f"/services/{service}", timeout=3)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return {200: True, 404: False}.get(status)

    def kill(self, container, name):
        """Sends a signal. False when there is no such container, or it does not run. Raises ValueError when Docker knows no such signal."""
        status, body = self.request("POST", f"/containers/{container}/kill?signal={urllib.parse.quote(name)}")
        if status == 400:
            raise ValueError((body or {}).get("message"))
        if status not in (204, 404, 409):
            raise OSError(f"Docker answers {status} to signal {name}: {(body or {}).get('message')}")
        return status == 204

    def events(self, service, kinds, since):
        """The events of the service's containers from `since` on (Unix time as text), then as they come. The stream is open on return.

        It ends when Docker does; a line that was cut off by that is its end. Raises OSError when Docker does not open it within the timeout.
        """
        filters = {"type": ["container"], "event": kinds, **of_service(service)}
        connection = UnixConnection(self.path, self.timeout)
        connection.request("GET", f"/events?since={since}&filters={quoted(filters)}")
        stream = connection.sock
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"Docker answers {response.status} to the wish for its events")
        # From now on nothing may come for long.
        stream.settimeout(None)
        return parsed(iter(response.readline, b""))


def parsed(lines):
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def of_service(service):
    return {"label": [f"com.docker.swarm.service.name={service}"]}


def quoted(filters):
    return urllib.parse.quote(json.dumps(filters))
