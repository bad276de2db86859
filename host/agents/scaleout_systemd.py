"""What systemd is told, and is asked, by a node's agent. Standard library only."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from scaleout_task import log


def notify_ready():
    """Tells systemd that the agent watches."""
    where = os.environ.get("NOTIFY_SOCKET")
    if where:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", where.replace("@", "\0", 1) if where.startswith("@") else where)


def systemctl(*arguments):
    """Its standard output; empty when it fails."""
    try:
        return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        log(f"systemd cannot be asked: {error}")
        return ""


def docker_is_ending():
    """Whether systemd is about to stop Docker."""
    return has_job("docker", "stop|restart")


def ending_before(unit):
    """Units of the agents on this node that go before this one when Docker is stopped: those of lesser names that have not ended."""
    lines = systemctl("list-units", "--all", "--plain", "--no-legend", "scaleout-drain-*.service").splitlines()
    units = [[*line.split(), "", "", ""][:3] for line in lines]
    return sorted(name for name, _, state in units if state in ("active", "deactivating") and name < f"{unit}.service")


def is_restarted(unit):
    """Whether systemd is about to start the unit again."""
    return has_job(unit, "start|restart")


def has_job(unit, kinds):
    return re.search(rf"\s{re.escape(unit)}\.service\s+({kinds})\s", systemctl("list-jobs", "--no-legend", "--plain")) is not None


def start_of(pid):
    """When a process began: another one may get its number. None when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def pass_on(pid, name, watches, limit=900):
    """Waits until Docker is being stopped, which another unit may hold up, and sends the process the signal that Docker does not. `watches` is called
    once it would notice: Docker, once it stops, gives a task ten seconds."""
    begun = start_of(pid)
    end = time.monotonic() + limit
    is_stopping = docker_is_stopping()
    watches()
    while not is_stopping and start_of(pid) == begun and time.monotonic() < end:
        time.sleep(0.2)
        is_stopping = docker_is_stopping()
    if is_stopping:
        # Docker leaves the swarm first: what ends before would count as a failed task.
        time.sleep(2)
    if begun is None or start_of(pid) != begun:
        log(f"process {pid}: has ended by itself")
    elif is_stopping:
        os.kill(pid, number_of(name))
        log(f"process {pid}: gets {name}, as Docker stops")
    else:
        log(f"process {pid}: gets no {name}, as Docker has not stopped for {limit} s")


def docker_is_stopping():
    """Whether it is past the wait for other units; also where it has stopped."""
    return systemctl("show", "-p", "ActiveState", "--value", "docker.service").strip() not in ("active", "")


def number_of(name):
    """Number of a signal by its name or number, as Docker takes it (`SIGQUIT`, `quit`, `RTMIN+3`); SIGTERM's where there is none of that name."""
    if name.isdigit():
        return int(name)
    name, _, beyond = name.upper().removeprefix("SIG").replace("-", "+-").partition("+")
    try:
        return signal.Signals[f"SIG{name}"].value + int(beyond or 0)
    except (KeyError, ValueError):
        return int(signal.SIGTERM)
