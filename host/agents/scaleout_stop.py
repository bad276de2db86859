"""How a task is stopped: in its node's turn, drained, by its image's own signal. Standard library only."""

import threading
import time

from scaleout_gate import connections
from scaleout_systemd import ending_before
from scaleout_task import TERMS, log, pace

# In an order of nodes all are asked at once, as far as a manager can.
GATHER_SECONDS = 10
# Note by who removes the service: no task comes back, so there are no turns to wait for. It holds for a while only, as the removal may fail.
ENDING = "ending"
ENDING_SECONDS = 600
# Between two questions whether the service is still there.
REMOVED_SECONDS = 15
# Between two looks at the peers, and at the connections.
TURN_SECONDS = 0.5
COUNT_SECONDS = 0.2
# What the firewall may take beyond the drain limit.
HANGING_SECONDS = 2


class Stop:
    """The stop of one task. All limits count from when Docker announced it, also for an agent that has started since."""

    def __init__(self, agent, task):
        self.agent = agent
        self.task = task
        # When systemd began to stop the agent because Docker is about to be stopped.
        self.leaving = None
        self.is_drained = threading.Event()

    def run(self):
        """Whatever fails on the way, the task is stopped at its limits."""
        self.drain_in_turn()
        self.signal()

    def drain_in_turn(self):
        try:
            if self.task.serves:
                self.wait_for_others()
                self.wait_for_turn()
        except Exception as error:
            log(f"{self.task}: it is drained without a turn: {error!r}")
        try:
            if not self.task.ended.is_set():
                self.drain()
        except Exception as error:
            log(f"{self.task}: not drained: {error!r}")
        finally:
            self.is_drained.set()

    def turn_limit(self):
        """Seconds since the announcement."""
        limit = float(self.task.terms["turnLimitSeconds"])
        return limit if self.leaving is None else min(limit, self.leaving - self.task.stopping + self.agent.options.shutdown_turn)

    def wait_for_others(self):
        """When Docker is stopped, the agents of several services on a node go one after another, on each node in the same order, and before its turn has come
        none asks for one. Otherwise two nodes that are shut down would wait for one another, each closed for the service that the other one still has."""
        while self.leaving is not None and not self.task.ended.is_set() and time.monotonic() - self.leaving < self.agent.options.shutdown_turn:
            others = ending_before(f"scaleout-drain-{self.agent.options.service}")
            if not others:
                return
            self.task.reason = f"asked to stop, serves until other services of this node are drained: {', '.join(others)}"
            self.task.ended.wait(TURN_SECONDS)

    def wait_for_turn(self):
        task, turns = self.task, self.agent.turns
        said = None
        task.reason = "asked to stop, serves until it is its turn"
        if turns.order and turns.peers:
            task.ended.wait(GATHER_SECONDS)
        if turns.peers:
            turns.take_number(task.ports)
        looked = None
        is_removed = False
        while not task.ended.is_set():
            begun = time.monotonic()
            if looked is None or begun - looked > REMOVED_SECONDS:
                looked = begun
                is_removed = self.agent.is_removed(task)
                # One of the peers may be a manager.
                turns.ask_all_next()
                self.agent.note_peers()
            if is_removed or self.agent.memory.is_fresh(ENDING, ENDING_SECONDS):
                log(f"{task}: the service has been removed: nobody waits for a turn")
                return
            if self.leaving is None and self.has_portless():
                obstacle = "Docker has started the next task without its published port, and it is replaced first"
            else:
                obstacle = turns.obstacle(task.ports)
            if obstacle is None:
                return
            if time.monotonic() - task.stopping >= self.turn_limit():
                log(f"{task}: {obstacle}: it was not this node's turn for {self.turn_limit():.0f} s: it is drained all the same")
                return
            if obstacle != said:
                log(f"{task}: asked to stop, serves until it is its turn: {obstacle}")
            said = obstacle
            task.reason = f"asked to stop, serves until it is its turn: {obstacle}"
            task.ended.wait(pace(TURN_SECONDS, time.monotonic() - begun))

    def has_portless(self):
        """Whether there is a task that nobody can reach, and that is about to be replaced by one that waits for the port."""
        with self.agent.lock:
            return any(task.terms and task.started and not task.ports and not task.stopping for task in self.agent.tasks.values())

    def drain(self):
        """Returns at the drain limit, whatever does not come to an end."""
        begun = self.task.cut or time.monotonic()
        limit = begun + float(self.task.terms["drainLimitSeconds"])
        work = threading.Thread(target=self.cut_and_count, args=(begun, limit), daemon=True)
        work.start()
        work.join(max(HANGING_SECONDS, limit + HANGING_SECONDS - time.monotonic()))
        if work.is_alive():
            log(f"{self.task}: the firewall does not answer: not drained")

    def cut_and_count(self, begun, limit):
        """Refuses new connections, and waits until those that are left have ended or the drain limit has passed."""
        try:
            self.agent.cut(self.task, begun)
            self.count(begun, limit)
        except Exception as error:
            log(f"{self.task}: not drained: {error!r}")

    def count(self, begun, limit):
        task = self.task
        # A connection that was being accepted when the gate closed shows up within a moment.
        task.ended.wait(0.2)
        quiet = 0
        counted = None
        while not task.ended.is_set():
            # Where they cannot be counted, the limit decides.
            try:
                counted = task.connections = sum(connections(port) for port in task.ports)
                quiet = quiet + 1 if counted == 0 else 0
                if quiet == 2:
                    break
            except Exception as error:
                counted = None
                task.reason = f"asked to stop, and its connections cannot be counted: {error}"
            if time.monotonic() >= limit:
                break
            task.ended.wait(min(COUNT_SECONDS, max(0.0, limit - time.monotonic())))
        words = "an unknown number of" if counted is None else str(counted)
        log(f"{task}: {words} connections left after {time.monotonic() - begun:.1f} s: stopping")

    def signal(self):
        """Sends the image's signal, and SIGKILL when its grace has passed. Docker's own grace is longer: it holds the wait for a turn."""
        task = self.task
        grace = float(task.terms["stopGraceSeconds"])
        if not task.told:
            name = self.stop_signal()
            if not self.send(name, grace):
                return
            task.told = time.monotonic()
            task.reason = "it has been told to stop"
            self.agent.memory.note_time(f"{task.id}.told", task.told)
        if not task.ended.wait(max(0.0, task.told + grace - time.monotonic())):
            log(f"{task}: still runs {grace:.0f} s after its stop signal: SIGKILL")
            self.send("SIGKILL", 30)
            if not task.ended.wait(30):
                task.reason = "it was killed, and Docker has not noticed its end: restart Docker on this node"
                log(f"{task}: {task.reason}")

    def without_terms(self):
        """Docker has only sent the signal that does nothing, and how long the task may be drained is not known: it is told at once."""
        name = self.stop_signal()
        log(f"{self.task}: asked to stop, and has no usable label {TERMS}: it gets {name} at once")
        self.send(name, 30)

    def send(self, name, seconds):
        """Whether the signal was sent. Docker may not answer for a while: it is tried again for so long."""
        task = self.task
        end = time.monotonic() + max(seconds, 5)
        while not task.ended.is_set():
            try:
                return self.agent.docker.kill(task.id, name)
            except ValueError as error:
                log(f"{task}: Docker takes no signal {name}: {error}: SIGTERM")
                name = "SIGTERM"
            except Exception as error:
                log(f"{task}: {name} was not sent: {error!r}")
                if time.monotonic() >= end:
                    # The next one, SIGKILL, may be.
                    return True
                task.ended.wait(0.5)
        return False

    def stop_signal(self):
        try:
            return self.agent.docker.stop_signal(self.task.image)
        except Exception as error:
            log(f"{self.task}: its image's stop signal is not known: {error!r}")
            return "SIGTERM"


def drain_node(agent):
    """Drains the node before Docker is stopped. Returns the tasks that Docker will not tell: process and signal of each."""
    now = time.monotonic()
    with agent.lock:
        tasks = [task for task in agent.tasks.values() if task.terms and task.started]
    asked = [agent.stops[task.id] for task in tasks if task.id in agent.stops]
    others = [Stop(agent, task) for task in tasks if task.id not in agent.stops]
    for stop in asked + others:
        stop.leaving = now
    for stop in others:
        with agent.lock:
            stop.task.stopping = stop.task.stopping or now
        threading.Thread(target=stop.drain_in_turn, daemon=True).start()
    for stop in asked + others:
        stop.is_drained.wait()
    for stop in asked:
        # Its own signal has been sent, or is about to be.
        while not stop.task.told and not stop.task.ended.wait(0.1) and time.monotonic() - now < 300:
            pass
    return [(pid_of(agent, stop.task), stop.stop_signal()) for stop in others if not stop.task.ended.is_set()]


def pid_of(agent, task):
    """Of the container's first process; None when Docker does not say."""
    try:
        return ((agent.docker.inspect(task.id) or {}).get("State") or {}).get("Pid")
    except Exception as error:
        log(f"{task}: it is not told that Docker stops: {error!r}")
        return None
