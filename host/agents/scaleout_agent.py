"""What a node's agent knows of the service's containers there, and keeps the gates accordingly. Standard library only."""

import threading
import time

from scaleout_admission import Admission, has_passed
from scaleout_gate import Gate
from scaleout_gates import AWAY_SECONDS, Gates
from scaleout_stop import ENDING, Stop
from scaleout_task import Memory, Task, docker_time, log, monotonic_of, pace, published
from scaleout_turns import AWAY, CLOSED, SERVING, WAITING, Peer, Turns, as_lines, left_over, serve


class Agent:
    """`lock` guards what is known of the containers, and is held for moments only: never while Docker, the firewall or a peer is asked."""

    def __init__(self, options, docker, directory, gate=Gate):
        self.options = options
        self.docker = docker
        self.memory = Memory(directory)
        self.turns = Turns(options.node, options.address, options.peers, options.parallelism, options.order, options.delay)
        self.lock = threading.RLock()
        self.gates = Gates(self.memory, gate)
        self.tasks = {}
        self.stops = {}
        # Since when there is no container; the last one that was.
        self.empty = self.since = time.monotonic()
        self.last = None
        self.state = None
        # IDs of services that the swarm no longer has, as a manager on this node has said.
        self.removed = set()

    # What it tells.

    def current(self):
        """The node's state, and the task that makes it so."""
        for task in self.tasks.values():
            if task.serves and not self.gates.closed.intersection(task.ports):
                return (WAITING if task.stopping else SERVING), task
        if self.tasks:
            # The one that serves next, or served last, before those that wait for its end.
            return CLOSED, min(self.tasks.values(), key=lambda task: (not task.admitted, not task.started))
        return (CLOSED if time.monotonic() - self.empty < AWAY_SECONDS else AWAY), None

    def tell(self):
        """What the peers are answered. The number comes last: who is seen not choosing has the number that is seen, or takes one above all."""
        with self.lock:
            state, task = self.current()
            if state != self.state:
                self.state, self.since = state, time.monotonic()
            choosing = self.turns.choosing
            reason = task.reason if task else "no task runs here" if state == AWAY else "its task has ended, or the node has just started: no new one yet"
            return {
                "service": self.options.service,
                "node": self.options.node,
                "state": state,
                "number": self.turns.number,
                "choosing": choosing,
                "container": str(task) if task else "",
                "reason": "; ".join([reason, *self.gates.failures.values()]),
                "connections": task.connections if task else 0,
                "seconds": round(time.monotonic() - self.since, 1),
                "down": self.turns.down(),
                "unreachable": self.turns.unreachable(),
                "removed": sorted(self.removed),
            }

    def listen(self):
        """Tells the peers from now on; the address may not be there yet."""
        said = None
        while True:
            try:
                return serve(self.options.address, self.options.peer_port, self.tell)
            except OSError as error:
                if str(error) != said:
                    log(f"{self.options.address}:{self.options.peer_port}: {error}: the other nodes cannot ask this one")
                said = str(error)
                time.sleep(2)

    # The gates.

    def wanted(self):
        """Which ports are to be closed (True) or open. A container that is made ready while the old one still serves closes nothing."""
        with self.lock:
            tasks = list(self.tasks.values())
            at = {port: [task for task in tasks if port in task.ports] for port in {port for task in tasks for port in task.ports}}
            return {port: closed for port, of in at.items() if (closed := self.is_wanted_closed(port, of)) is not None}

    def is_wanted_closed(self, port, tasks):
        """Of the tasks at a port. None: it is left as it is.

        The stop of a task that was not made by this program is not announced. Swarm waits two seconds before it, in which `up` closes the port (see
        providers/service/unannouncedStops.ts) and the next container is made ready, of which this agent knows sooner."""
        if any(task.serves and not task.terms for task in tasks):
            if any(task.terms and not task.started for task in tasks):
                return True
            return False if port in self.gates.closed else None
        return not any(task.serves for task in tasks)

    def settle(self):
        """Has each port closed or open, as its containers want it. What fails is tried again a second later."""
        self.gates.settle(self.wanted)
        with self.lock:
            state, _ = self.current()
            # A number is for the time from the wish to close to the next task that serves.
            if state in (SERVING, AWAY) and not any(task.stopping for task in self.tasks.values()):
                self.turns.give_back()

    def tick(self):
        """Looks each second whether what is closed is still closed."""
        took = 0.0
        while True:
            time.sleep(pace(1, took))
            begun = time.monotonic()
            try:
                if self.tell()["state"] == AWAY and self.memory.text("away") is None:
                    self.memory.note("away")
                if self.gates.need_care():
                    self.settle()
            except Exception as error:
                log(f"cannot look after the firewall: {error!r}")
            took = time.monotonic() - begun

    def note_peers(self):
        self.memory.note("peers", as_lines(self.turns.peers.values()))

    # The life of a container.

    def run(self, ready):
        """Returns when Docker ends the event stream. Raises OSError, http.client.HTTPException or ValueError when Docker cannot be asked."""
        self.memory.prepare()
        known = left_over(self.memory.text("peers") or "", self.options.peers, self.options.node, self.options.address)
        self.turns.add_leaving([Peer(name, address, self.options.peer_port, self.options.service) for name, address in known])
        self.note_peers()
        since = self.memory.text("since") or docker_time(time.time_ns())
        events = self.docker.events(self.options.service, ["create", "start", "kill", "die", "destroy"], since)
        self.memory.note("since", since)
        self.begin()
        log(f"watching service {self.options.service}")
        ready()
        for event in events:
            self.see_in_time(event)
            self.memory.note("since", docker_time(event["timeNano"]))

    def begin(self):
        """Takes over what there is."""
        running = self.docker.containers(self.options.service)
        self.memory.forget_all_but(running)
        self.gates.take_over()
        for container in running:
            self.take(container, found=True)
        if not self.tasks and self.memory.text("away") is not None:
            self.empty -= AWAY_SECONDS
        self.settle()
        for task in [task for task in self.tasks.values() if task.stopping]:
            self.stop(task)
        for work in (self.tick, self.listen):
            threading.Thread(target=work, daemon=True).start()

    def see_in_time(self, event):
        """A Docker that is slow to answer is asked again: what it tells meanwhile waits in the stream. To begin again would take longer."""
        while True:
            try:
                return self.see(event)
            except TimeoutError:
                log("Docker does not answer in time: it is asked again")

    def see(self, event):
        container, action = event["Actor"]["ID"], event["Action"]
        if action == "create":
            # Of a service that has been recreated.
            self.memory.forget(ENDING)
            self.forget_unstarted()
            # Closed before it listens, so that no request meets a task that is not ready.
            self.take(container)
            self.settle()
        elif action == "start":
            task = self.take(container)
            if task:
                self.start(task)
        elif action == "kill" and event["Actor"]["Attributes"].get("signal") == str(self.options.stop_signal):
            task = self.take(container)
            if task and not task.terms:
                threading.Thread(target=Stop(self, task).without_terms, daemon=True).start()
            elif task and not task.stopping:
                with self.lock:
                    task.stopping = monotonic_of(event["timeNano"])
                self.memory.note_time(f"{container}.stopping", task.stopping)
                self.stop(task)
        elif action == "die":
            self.end_of(container)
            self.settle()
        elif action == "destroy" and container in self.tasks:
            # It has never been started: there was no "die".
            self.end_of(container)
            self.settle()
        elif action == "destroy" and self.last and container == self.last.id and not self.tasks and self.is_removed(self.last):
            with self.lock:
                self.gates.leave_none_closed()
                self.empty = time.monotonic() - AWAY_SECONDS
            self.settle()

    def is_removed(self, task):
        """Whether a manager, here or among the peers, has said that the swarm no longer has the task's service. That its container is gone tells
        nothing: it may have been pruned, or be more than the history of tasks holds, while the image of the next one is pulled."""
        if self.docker.has_service(task.service) is False:
            self.removed.add(task.service)
        return task.service in self.removed or task.service in self.turns.removed

    def take(self, container, found=False):
        """Begins to look after a container, once. None when it is gone. `found`: it ran before this agent began to watch."""
        if container in self.tasks:
            return self.tasks[container]
        details = self.docker.inspect(container)
        if not details or details["State"].get("Status") in ("exited", "dead", "removing"):
            return None
        task = Task(details)
        if task.terms is None:
            task.admitted, task.reason = True, "its task was not made by this program: it is left alone"
            with self.lock:
                self.gates.leave_none_closed()
        else:
            task.stopping, task.cut, task.told = (self.memory.time(f"{container}.{what}") for what in ("stopping", "cut", "told"))
            task.cut = task.cut if task.stopping else None
            is_known = self.memory.text(f"{container}.new") is not None
            # What has run without an agent is judged by Docker's own check, which has the same definition of healthy: once it has passed, the task serves.
            was_let_in = found and not is_known and has_passed(details) and published(details)
            if was_let_in or self.memory.text(f"{container}.admitted") is not None:
                self.admit(task)
            else:
                task.reason = "its task has not started yet"
                self.memory.note(f"{container}.new")
        with self.lock:
            self.tasks[container] = task
        self.memory.forget("away")
        if found:
            self.start(task)
        return task

    def forget_unstarted(self):
        """Docker tells nothing of a container that it could not start, nor Swarm of one that it did not start: the next one takes its place."""
        for task in [task for task in self.tasks.values() if not task.started]:
            details = self.docker.inspect(task.id)
            if not details or (details["State"].get("Status") == "created" and (details["State"].get("Error") or details["State"].get("ExitCode"))):
                self.end_of(task.id)

    def start(self, task):
        if not task.started:
            task.started = True
            if not task.admitted and not task.stopping:
                task.reason = "its task has not been healthy yet"
                threading.Thread(target=Admission(self, task).run, daemon=True).start()
        self.settle()

    def stop(self, task):
        stop = self.stops[task.id] = Stop(self, task)
        threading.Thread(target=stop.run, daemon=True).start()

    def end_of(self, container):
        with self.lock:
            task = self.tasks.pop(container, None)
            if not task:
                return
            self.stops.pop(container, None)
            self.last = task
            self.empty = time.monotonic()
            self.gates.leave_closed(task.ports)
        task.ended.set()
        for what in ("new", "admitted", "stopping", "cut", "told"):
            self.memory.forget(f"{container}.{what}")

    def admit(self, task):
        """Lets requests in, unless the task was asked to stop meanwhile."""
        with self.lock:
            if task.stopping and not self.memory.text(f"{task.id}.admitted"):
                return False
            task.admitted = True
            task.reason = "it serves"
            self.gates.leave_none_closed()
        self.memory.note(f"{task.id}.admitted", "yes")
        return True

    def cut(self, task, at):
        """Refuses new connections. It is told first, and noted last: an agent that ends in between has nothing closed that it does not know of."""
        with self.lock:
            task.cut = at
            task.reason = "asked to stop: new connections are refused"
        self.settle()
        self.memory.note_time(f"{task.id}.cut", at)
        log(f"{task}: asked to stop: new connections are refused")

    # The end of the agent.

    def open_all(self):
        """What is closed is opened, for good."""
        self.gates.is_ending = True
        self.settle()
