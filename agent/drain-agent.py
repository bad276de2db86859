#!/usr/bin/env python3
"""Takes a node out of service before Swarm stops its task, and puts it back once the new task answers.

Swarm has no hook before a task stops. So the service asks Docker to stop its containers with a signal that does nothing
(see --stop-signal); this agent sees Docker send it, and only then begins the real stop:

  1. new connections to the published port are refused, so that the load balancer moves on before it has sent anything;
  2. requests in flight end: established connections to the port fall to zero, or the drain limit passes;
  3. the container gets SIGTERM, and Swarm goes on with the new task as soon as it has ended;
  4. the new task's container gets no new connections until it answers its health path.

It does this for every stop, whoever asked for it: an update, a rollback, a drain, a scale-in. Docker's stop grace period bounds it: when it
ends, Docker kills the container. When Docker itself is about to be stopped (a reboot, a shutdown, a restart of Docker), systemd stops this
agent first, and steps 1 and 2 are done before it lets go. The refusing rule lives in a chain of its own, which is emptied whenever the agent starts or ends, and
systemd starts an agent that was killed within seconds: a rule does not outlive the agent.

Standard library only; runs as root under systemd, which restarts it.
"""

import argparse
import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

def log(message):
    print(message, flush=True)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=None):
        super().__init__("docker", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    """The few calls of the Engine API that are needed."""

    def __init__(self, path="/var/run/docker.sock"):
        self.path = path

    def request(self, method, url):
        connection = UnixConnection(self.path, timeout=30)
        try:
            connection.request(method, url)
            response = connection.getresponse()
            body = response.read()
            return response.status, body
        finally:
            connection.close()

    def inspect(self, container):
        status, body = self.request("GET", f"/containers/{container}/json")
        return json.loads(body) if status == 200 else None

    def containers(self, service):
        filters = json.dumps({"label": [f"com.docker.swarm.service.name={service}"]})
        _, body = self.request("GET", "/containers/json?filters=" + urllib.parse.quote(filters))
        return [item["Id"] for item in json.loads(body)]

    def kill(self, container, name):
        self.request("POST", f"/containers/{container}/kill?signal={name}")

    def events(self, service):
        """start, kill and die events of the service's containers. The stream is open on return; it ends when Docker does."""
        filters = json.dumps({"type": ["container"], "event": ["start", "kill", "die"], "label": [f"com.docker.swarm.service.name={service}"]})
        connection = UnixConnection(self.path)
        connection.request("GET", "/events?filters=" + urllib.parse.quote(filters))
        response = connection.getresponse()
        return (json.loads(line) for line in iter(response.readline, b""))


def iptables(*arguments, check=True):
    return subprocess.run(["iptables", "-w", "10", *arguments], check=check, stderr=subprocess.DEVNULL).returncode == 0


class Gate:
    """Refuses new connections to the published port while it is closed."""

    def __init__(self, port):
        # A port belongs to one service of the node, and so does the chain.
        self.chain = f"SCALEOUT-DRAIN-{port}"
        self.rule = [self.chain, "-p", "tcp", "-m", "conntrack", "--ctstate", "NEW", "--ctorigdstport", str(port), "-j", "REJECT", "--reject-with", "tcp-reset"]
        self.lock = threading.Lock()
        self.closed = False

    def prepare(self):
        """Makes the chain anew, and has Docker's own chain for such rules visit it first."""
        self.remove()
        iptables("-N", self.chain)
        iptables("-I", "DOCKER-USER", "-j", self.chain)

    def remove(self):
        while iptables("-D", "DOCKER-USER", "-j", self.chain, check=False):
            pass
        iptables("-F", self.chain, check=False)
        iptables("-X", self.chain, check=False)

    def close(self):
        with self.lock:
            if not self.closed:
                iptables("-A", *self.rule)
                self.closed = True

    def open(self):
        with self.lock:
            if self.closed:
                iptables("-F", self.chain)
                self.closed = False


def established(port):
    """Connections to the published port that are established: what the load balancer still has in flight."""
    arguments = ["conntrack", "-L", "-p", "tcp", "--orig-port-dst", str(port), "--state", "ESTABLISHED", "-o", "id"]
    lines = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout.splitlines()
    return len(lines)


def addresses(details):
    """The container's own addresses: asked there, it is asked past the published port and so past the gate."""
    networks = (details or {}).get("NetworkSettings", {}).get("Networks", {})
    return [network["IPAddress"] for network in networks.values() if network.get("IPAddress")]


def answers(address, port, path):
    """Whether it answers 200."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def docker_is_ending():
    """Whether systemd is about to stop Docker."""
    jobs = subprocess.run(["systemctl", "list-jobs", "--no-legend"], capture_output=True, text=True, check=False).stdout
    return re.search(r"\bdocker\.service +(stop|restart)\b", jobs) is not None


class Agent:
    def __init__(self, options):
        self.options = options
        self.docker = Docker()
        self.gate = Gate(options.published)
        # Which containers are being stopped: on disk, so that an agent that was killed goes on where it was.
        self.marks = pathlib.Path(f"/run/scaleout-drain-{options.published}")
        # Containers that have died since the agent began to watch.
        self.ended = set()

    def run(self):
        self.marks.mkdir(mode=0o700, exist_ok=True)
        self.gate.prepare()
        events = self.docker.events(self.options.service)
        running = self.docker.containers(self.options.service)
        for mark in self.marks.iterdir():
            if mark.name not in running:
                mark.unlink()
        for container in running:
            self.begin(self.drain if self.is_stopping(container) else self.admit, container)
        log(f"watching service {self.options.service}, port {self.options.published}")
        for event in events:
            container = event["Actor"]["ID"]
            if event["Action"] == "start":
                self.ended.discard(container)
                # Closed before the application listens, so that no request meets a task that is not ready.
                self.gate.close()
                self.begin(self.admit, container)
            elif event["Action"] == "kill" and event["Actor"]["Attributes"].get("signal") == str(self.options.stop_signal):
                if not self.is_stopping(container):
                    (self.marks / container).touch()
                    self.begin(self.drain, container)
            elif event["Action"] == "die":
                # The gate stays as it is: after a drain it opens for the next task, once that one is healthy.
                self.ended.add(container)
                (self.marks / container).unlink(missing_ok=True)

    def is_stopping(self, container):
        return (self.marks / container).exists()

    def begin(self, step, container):
        def work():
            try:
                step(container)
            except Exception as error:  # whatever failed, the node must not stay closed
                log(f"{container[:12]}: {step.__name__} failed: {error}")
                self.gate.open()

        threading.Thread(target=work, daemon=True).start()

    def end(self):
        """The last thing an agent does."""
        if docker_is_ending():
            log("Docker is about to stop: new connections are refused")
            # The rule stays: it goes with the reboot, or when the agent starts again.
            self.turn_away()
        else:
            self.gate.remove()

    def drain(self, container):
        log(f"{container[:12]}: asked to stop: new connections are refused")
        self.turn_away()
        self.docker.kill(container, "SIGTERM")

    def turn_away(self):
        """Refuses new connections, and waits until those that are left have ended or the drain limit has passed."""
        started = time.monotonic()
        self.gate.close()
        # A connection that was being accepted when the gate closed shows up within a moment.
        time.sleep(0.2)
        quiet = 0
        left = None
        while quiet < 2 and time.monotonic() - started < self.options.drain_limit:
            left = established(self.options.published)
            quiet = quiet + 1 if left == 0 else 0
            time.sleep(0.1)
        log(f"{left} connections left after {time.monotonic() - started:.1f} s: stopping")

    def admit(self, container):
        started = time.monotonic()
        details = None
        while not self.is_stopping(container) and container not in self.ended:
            # Docker is asked once, not at each look: the application starts meanwhile, and needs the processor.
            details = details if addresses(details) else self.docker.inspect(container)
            if not details or not details["State"]["Running"]:
                return
            if any(answers(address, self.options.target, self.options.health_path) for address in addresses(details)):
                if not self.is_stopping(container):
                    self.gate.open()
                log(f"{container[:12]}: healthy after {time.monotonic() - started:.1f} s: new connections are accepted")
                return
            # Also when the agent was started while the task was: it must not get requests yet.
            self.gate.close()
            time.sleep(0.25)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", required=True)
    parser.add_argument("--published", type=int, required=True, help="port on the node")
    parser.add_argument("--target", type=int, required=True, help="port in the container")
    parser.add_argument("--health-path", required=True)
    parser.add_argument("--drain-limit", type=float, required=True, help="seconds requests in flight may take to end")
    parser.add_argument("--stop-signal", type=int, default=23, help="number of the signal Docker sends first (SIGURG)")
    options = parser.parse_args()
    agent = Agent(options)
    # systemd stops the agent with SIGTERM, which would end Python without the clean-up below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        agent.run()
    finally:
        agent.end()
    log("Docker ended the event stream")
    sys.exit(1)  # systemd starts the agent again


if __name__ == "__main__":
    main()
