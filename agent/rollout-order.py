#!/usr/bin/env python3
"""Has Swarm replace the tasks of a global service node by node, in a given order.

Swarm's updater takes the nodes in an order of its own. But it leaves paused nodes alone, and a node that becomes active again gets its task
replaced at once. So, with NODES in the wanted order:

  1. all nodes but the first are paused; this is when systemd calls the unit started, and whoever started it updates the service;
  2. Swarm replaces the first node's task, with its monitor time and its rollback;
  3. the other nodes become active one after another, each when the task of the one before runs;
  4. when a later task fails, also within the monitor time after the last one, the service is rolled back, and all nodes become active.

It runs on a manager under systemd, so a rollout goes on when whoever asked for it is gone, and again after a reboot: which nodes are held
stands on the nodes themselves, as the label scaleout.held. Every wait has a limit, and whatever happens no node stays paused.

Standard library and the docker program only.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time

HELD = "scaleout.held"


class Failed(Exception):
    """The rollout cannot go on."""


def log(message):
    print(message, flush=True)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=120).stdout


def inspect(kind, name):
    return json.loads(docker("inspect", "--type", kind, name))[0]


def is_held(node, service):
    return inspect("node", node)["Spec"].get("Labels", {}).get(HELD) == service


def hold(node, service):
    if inspect("node", node)["Spec"]["Availability"] == "active":
        docker("node", "update", "--availability", "pause", "--label-add", f"{HELD}={service}", node)


def release(node, service):
    """A node that was not held, or that someone drained meanwhile, stays as it is."""
    if not is_held(node, service):
        return
    paused = inspect("node", node)["Spec"]["Availability"] == "pause"
    docker("node", "update", "--label-rm", HELD, *(["--availability", "active"] if paused else []), node)


def update_status(service):
    return inspect("service", service).get("UpdateStatus") or {}


def tasks_of(service, node):
    """Its tasks on a node. Swarm forgets old ones at any moment: what is gone between list and look is left out."""
    tasks = []
    for task in docker("service", "ps", service, "--filter", f"node={node}", "--no-trunc", "-q").split():
        try:
            tasks.append(inspect("task", task))
        except subprocess.CalledProcessError as error:
            if "no such" not in error.stderr.lower():
                raise
    return tasks


def wait(what, limit, done):
    """Asks until `done` answers something. A manager that does not answer for a moment is asked again."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            answer = done()
            if answer:
                return answer
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            log(f"{what}: {error} {error.stderr or ''}".strip())
        time.sleep(1)
    raise Failed(f"{what}: not done after {limit} s")


def ask(what, limit, question):
    """The answer to a question, even if it is no. @raises Failed when there is none in time."""
    return wait(what, limit, lambda: [question()])[0]


def notify_started():
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", address.replace("@", "\0", 1) if address.startswith("@") else address)


def first_node(options):
    """Waits for Swarm's own verdict on the first node. @raises Failed when it is no success."""

    def ended():
        status = update_status(options.service)
        if status.get("StartedAt", "") == options.after or status.get("State") in ("updating", "rollback_started"):
            return None
        return status.get("State")

    state = wait("the first node", options.limit, ended)
    if state != "completed":
        raise Failed(f"the first node: {state}")


def is_replaced(node, known, options):
    """Whether a task that is none of the known ones runs. @raises Failed when one failed."""
    fresh = [task for task in tasks_of(options.service, node) if task["ID"] not in known]
    failed = [task for task in fresh if task["Status"]["State"] in ("failed", "rejected")]
    if failed:
        raise Failed(f"{node}: {failed[0]['Status'].get('Err') or failed[0]['Status']['State']}")
    return any(task["Status"]["State"] == "running" and task["DesiredState"] == "running" for task in fresh)


def run(options):
    first, *later = options.nodes
    if not any(is_held(node, options.service) for node in later):
        for node in later:
            hold(node, options.service)
    log(f"held: {' '.join(later)}")
    notify_started()
    first_node(options)
    log(f"{first}: replaced")
    known = {}
    for node in later:
        # After a reboot: what was released before is done.
        if ask(node, options.limit, lambda: is_held(node, options.service)):
            time.sleep(options.delay)
            known[node] = ask(node, options.limit, lambda: {task["ID"] for task in tasks_of(options.service, node)})
            ask(node, options.limit, lambda: release(node, options.service))
            wait(node, options.limit, lambda: is_replaced(node, known[node], options))
            log(f"{node}: replaced")
    end = time.monotonic() + options.monitor
    while time.monotonic() < end:
        for node, before in known.items():
            ask(node, options.limit, lambda: is_replaced(node, before, options))
        time.sleep(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", required=True)
    parser.add_argument("--after", default="", help="StartedAt of the update before this one")
    parser.add_argument("--limit", type=int, required=True, help="seconds a node may take")
    parser.add_argument("--delay", type=int, default=0, help="seconds between two nodes")
    parser.add_argument("--monitor", type=int, default=0, help="seconds the last tasks are watched")
    parser.add_argument("nodes", nargs="+", metavar="NODES", help="IDs, in the wanted order")
    options = parser.parse_args()
    try:
        run(options)
    # Whatever it is: nodes that were let go now would all be updated at once.
    except Exception as error:
        log(f"failed: {error}")
        status = ask("the service", options.limit, lambda: update_status(options.service))
        # Swarm has rolled back by itself when the first node failed; and without an update there is nothing to take back.
        if status.get("State") == "completed" and status.get("StartedAt", "") != options.after:
            ask("rollback", options.limit, lambda: docker("service", "rollback", "--detach", options.service))
        sys.exit(1)
    finally:
        for node in options.nodes:
            ask(f"{node}: release", options.limit, lambda node=node: release(node, options.service))


if __name__ == "__main__":
    main()
