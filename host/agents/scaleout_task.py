"""A container of the service on this node, and what an agent must not forget of it. Standard library only."""

import json
import re
import threading
import time

TERMS = "scaleout.task"
SECONDS = ("settleSeconds", "turnLimitSeconds", "drainLimitSeconds", "stopGraceSeconds")


def log(message):
    print(message, flush=True)


class Memory:
    """Notes in a directory below /run: an agent that was killed goes on where it was; a host that was started again knows nothing of before.

    A note that cannot be written is a loss only if the agent ends just then: it does not stop the agent.
    """

    def __init__(self, directory):
        self.directory = directory

    def prepare(self):
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def text(self, name):
        """The note; None when there is none."""
        try:
            return (self.directory / name).read_text()
        except OSError:
            return None

    def is_fresh(self, name, seconds):
        """Whether it was noted within that time."""
        try:
            return time.time() - (self.directory / name).stat().st_mtime < seconds
        except OSError:
            return False

    def note(self, name, text=""):
        try:
            part = self.directory / f".{name}"
            part.write_text(text)
            part.rename(self.directory / name)
        except OSError as error:
            log(f"cannot be noted: {error}")

    def forget(self, name):
        (self.directory / name).unlink(missing_ok=True)

    def time(self, name):
        """When it was noted by note_time, on this host's monotonic clock; None when it was not."""
        try:
            return float(self.text(name))
        except (TypeError, ValueError):
            return None

    def note_time(self, name, at):
        self.note(name, f"{at:.3f}")

    def forget_all_but(self, containers):
        """Forgets the containers that are no more."""
        for path in self.directory.iterdir():
            container = path.name.partition(".")[0]
            if re.fullmatch(r"[0-9a-f]{64}", container) and container not in containers:
                path.unlink(missing_ok=True)

    def ports(self):
        return [int(port) for port in (self.text("ports") or "").split()]


class Task:
    """A container of the service. `terms` is None for one that was made by other means: it is left as it is."""

    def __init__(self, details):
        self.id = details["Id"]
        self.image = details["Image"]
        labels = details["Config"].get("Labels") or {}
        # ID of its service in the swarm.
        self.service = labels.get("com.docker.swarm.service.id", "")
        self.terms = terms_of(self.id, labels.get(TERMS))
        self.ports = bound_ports(details)
        # It gets requests, or has got them until it was cut off.
        self.admitted = False
        # Docker has announced its stop: the time on the monotonic clock, or None.
        self.stopping = None
        # Its turn has come, and new connections are refused: the time.
        self.cut = None
        # The image's own stop signal has been sent: the time.
        self.told = None
        self.started = False
        self.ended = threading.Event()
        # Why it is as it is, in words.
        self.reason = ""
        self.connections = 0

    def __str__(self):
        return self.id[:12]

    @property
    def serves(self):
        return self.admitted and not self.cut


def terms_of(container, text):
    """A task's terms; None where it has none, or none that can be used."""
    if text is None:
        return None
    try:
        terms = json.loads(text)
        int(terms["target"])
        health = terms["health"]
        if not all(isinstance(health[name], str) for name in ("path", "host")):
            raise TypeError(f"health {health}")
        set(map(int, health["status"]))
        float(health["timeoutSeconds"])
        for name in SECONDS:
            float(terms[name])
        return terms
    except (ValueError, KeyError, TypeError) as error:
        log(f"{container[:12]}: its label {TERMS} cannot be read, it is left alone: {error!r}")
        return None


def bound_ports(details):
    """The ports that Docker was asked to publish for a container."""
    bindings = (details["HostConfig"].get("PortBindings") or {}).values()
    ports = {int(binding.get("HostPort") or 0) for of in bindings for binding in of or []}
    return sorted(ports - {0})


def published(details):
    """Whether Docker has published a port of a container: it can fail to, silently."""
    return any(((details.get("NetworkSettings") or {}).get("Ports") or {}).values())


def addresses(details):
    """The container's own addresses: asked there, it is asked past the published port and so past the gate."""
    networks = (details.get("NetworkSettings") or {}).get("Networks") or {}
    return [network["IPAddress"] for network in networks.values() if (network or {}).get("IPAddress")]


def pace(seconds, took, limit=5.0):
    """Seconds until it is looked again: where a look takes long, as the host is slow or busy, looks take a tenth of the time at most."""
    return max(seconds, min(10 * took, limit))


def monotonic_of(nanoseconds):
    """Moment of a Docker event on the monotonic clock; now at the latest."""
    return time.monotonic() - max(0.0, time.time() - nanoseconds / 1e9)


def docker_time(nanoseconds):
    """A moment as Docker takes it in `since`."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
