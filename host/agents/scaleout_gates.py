"""The gates of a node's published ports: which are closed, which stay so for the next container, what the firewall said. Standard library only."""

import threading
import time

from scaleout_task import log

# A node without a container for this long gets none soon: it no longer counts as closed, and its port is opened. Swarm has an image pulled only once
# the old task has ended, and Docker tells nothing of that.
AWAY_SECONDS = 300


class Gates:
    """`firewall` is held while the rules are changed, so that one thread at a time does, and none with an old view of what is wanted."""

    def __init__(self, memory, gate):
        self.memory = memory
        self.new_gate = gate
        self.firewall = threading.Lock()
        self.gates = {}
        # Ports that are closed now, as far as the firewall has said.
        self.closed = set()
        # Ports that stay closed after their container, for the next one; and since when.
        self.left = {}
        # What the firewall said of a port that could not be closed or opened.
        self.failures = {}
        # Nothing is refused any more: the agent is stopped for good.
        self.is_ending = False

    def take_over(self):
        """What an agent before this one has left closed stays closed, until its containers are known or none comes."""
        for port in self.memory.ports():
            self.gates[port] = self.new_gate(port)
            try:
                if self.gates[port].exists():
                    self.closed.add(port)
                    self.left[port] = time.monotonic()
            except Exception as error:
                log(f"port {port}: the firewall cannot be read: {error}")

    def leave_closed(self, ports):
        for port in ports:
            self.left[port] = time.monotonic()

    def leave_none_closed(self):
        """The next container has come, by whichever port, or none will."""
        self.left.clear()

    def need_care(self):
        """Whether something is to be looked after each second."""
        return bool(self.closed or self.failures or self.left)

    def settle(self, wanted):
        """Has each port closed or open. `wanted` tells, when it is called, which ports with a container are to be closed."""
        with self.firewall:
            now = time.monotonic()
            for port in [port for port, since in list(self.left.items()) if now - since >= AWAY_SECONDS]:
                self.left.pop(port, None)
            by_tasks = wanted()
            for port in {*by_tasks, *self.left}:
                self.gates.setdefault(port, self.new_gate(port))
            # Before a rule is made: an agent that starts after this one knows where to look.
            self.note()
            for port in sorted(self.gates):
                self.set(port, not self.is_ending and by_tasks.get(port, port in self.left))
            used = {*by_tasks, *self.closed, *self.left, *self.failures}
            self.gates = {port: gate for port, gate in self.gates.items() if port in used}
            self.note()

    def set(self, port, is_closed):
        gate = self.gates[port]
        try:
            changed = gate.close() if is_closed else gate.open()
        except Exception as error:
            words = f"port {port} cannot be {'closed' if is_closed else 'opened'}: {error}"
            if self.failures.get(port) != words:
                log(words)
            self.failures = {**self.failures, port: words}
            return
        if changed and is_closed and port in self.closed:
            log(f"port {port}: the refusal of new connections had been taken out of the firewall: it is back")
        # Others read them meanwhile: they are replaced, not changed.
        self.closed = self.closed | {port} if is_closed else self.closed - {port}
        self.failures = {of: words for of, words in self.failures.items() if of != port}

    def note(self):
        noted = " ".join(str(port) for port in sorted(self.gates))
        if noted != self.memory.text("ports"):
            self.memory.note("ports", noted)
