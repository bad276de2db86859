#!/usr/bin/env python3
"""Takes a node out of service before Swarm stops its task, and puts it back once the new task answers.

Swarm has no hook before a task stops. So the service asks Docker to stop its containers with a signal that does nothing
(SIGURG, see --stop-signal); this agent sees Docker send it, and only then begins the real stop:

  1. the task goes on serving until it is this node's turn: never more nodes are closed at a time than may be (scaleout_turns.py);
  2. new connections to the published port are refused, so that the load balancer moves on before it has sent anything (scaleout_gate.py);
  3. requests in flight end: established connections to the port fall to zero, or the drain limit passes;
  4. the container gets the stop signal of its image, after its grace time SIGKILL (scaleout_stop.py); Swarm goes on with the new task once it has ended;
  5. the new task's container gets no connections until it has been healthy for a while (scaleout_admission.py).

It does this for every stop, whoever asked for it: an update, a rollback, a drain, a scale-in. When Docker itself is about to be stopped (a reboot, a
restart of Docker), systemd stops this agent first: steps 1 to 3 are done before it lets go, and a helper passes the image's signal on, as Docker
would only send the one that does nothing. What the agent has to know of a task stands on its container, in the label scaleout.task, so that the old
tasks and the new ones of a rollout are each treated by what they were started with. A task that serves goes on serving, whatever the agent finds at its start.

Standard library only; runs as root under systemd, which restarts it. What it must not forget lies in /run, so an agent that was killed goes on
where it was.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import threading

from scaleout_agent import Agent
from scaleout_docker import SOCKET, Docker
from scaleout_gate import Gate
from scaleout_stop import drain_node
from scaleout_systemd import docker_is_ending, is_restarted, notify_ready, pass_on
from scaleout_task import Memory, log
from scaleout_turns import Peer


def peer(text):
    name, _, address = text.partition("=")
    return name, address


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", help="name of the service")
    parser.add_argument("--node", default="", help="this node's name among the peers")
    parser.add_argument("--address", default="", help="this node's private address, for the peers")
    parser.add_argument("--peer-port", type=int, default=7947, help="port at which the agents ask one another")
    parser.add_argument("--peer", type=peer, action="append", default=[], metavar="NAME=ADDRESS", help="another node of the service")
    parser.add_argument("--parallelism", type=int, default=1, help="nodes that may be closed at a time")
    parser.add_argument("--order", default="", help="names of nodes that go first, by comma")
    parser.add_argument("--delay", type=float, default=0, help="seconds for which the last node serves before the next one closes")
    # For the replacement of one node. It may not be longer: a machine of EC2 that is rebooted is reset after four minutes, drain included.
    parser.add_argument("--shutdown-turn", type=float, default=150, help="seconds for which a node that is shut down waits for its turn")
    parser.add_argument("--stop-signal", type=int, default=23, help="number of the signal Docker sends first (SIGURG)")
    parser.add_argument("--docker", default=SOCKET, help="Docker's socket")
    parser.add_argument("--docker-timeout", type=float, default=30, help="seconds Docker may take for an answer")
    parser.add_argument("--run", type=pathlib.Path, default=pathlib.Path("/run"), help="directory of what it must not forget")
    parser.add_argument("--clear", action="store_true", help="open what an agent left closed, and end")
    parser.add_argument("--pass-on", nargs=2, metavar=("PID", "SIGNAL"), help="send the signal when Docker is being stopped, and end")
    options = parser.parse_args(arguments)
    options.peers = [Peer(name, address, options.peer_port, options.service) for name, address in options.peer]
    options.order = [name for name in options.order.split(",") if name]
    return options


def clear(directory):
    """Opens what an agent that is gone has left closed."""
    for port in Memory(directory).ports():
        Gate(port).open()


def leave(agent):
    """Drains the node, and leaves helpers behind that tell its tasks when Docker stops. They watch when it returns."""
    helpers = []
    for pid, name in drain_node(agent):
        if pid:
            command = [sys.executable, os.path.abspath(__file__), "--pass-on", str(pid), name]
            helpers.append(subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE))
    for helper in helpers:
        # It ends once the helper watches, or has died.
        for line in helper.stderr:
            log(line.decode(errors="replace").rstrip())


def watches():
    """What says so to whoever reads standard error, which goes to the journal from now on, as standard output does."""
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())


def main():
    options = parse(sys.argv[1:])
    if options.pass_on:
        return pass_on(int(options.pass_on[0]), options.pass_on[1], watches)
    unit = f"scaleout-drain-{options.service}"
    directory = options.run / unit
    if options.clear:
        return clear(directory)
    agent = Agent(options, Docker(options.docker, options.docker_timeout), directory)
    end = threading.Event()
    failures = []

    def watch():
        try:
            agent.run(notify_ready)
            failures.append("Docker ended the event stream")
        except Exception as error:
            failures.append(repr(error))
        end.set()

    # systemd stops the agent with SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    threading.Thread(target=watch, daemon=True).start()
    # A signal that the kernel hands to another thread does not wake this one: it looks by itself.
    while not end.wait(1):
        pass
    if failures:
        # Everything stays as it is for the next agent, which systemd starts.
        log(f"ends: {failures[0]}")
        sys.exit(1)
    if docker_is_ending():
        log("Docker is about to stop")
        leave(agent)
    elif not is_restarted(unit):
        agent.open_all()


if __name__ == "__main__":
    main()
