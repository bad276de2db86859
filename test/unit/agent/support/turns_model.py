"""Nodes that take turns, with the real Turns, in all the orders that chance gives: `turns_model.py NODES PARALLELISM ORDER RUNS [crashes]`.
With `crashes`, agents end and start again while they wait, and do not always answer.

One thread a node, and only one of them runs at a time. Whoever reads something of another node, or sets something of its own, lets another thread run
in between. So two nodes read of one another in every order. Prints as JSON what was seen: how many runs, the most that were closed at a time, the nodes
in the order in which they closed, and what went wrong.
"""

import json
import pathlib
import random
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "host" / "agents"))
import scaleout_turns
from scaleout_turns import CLOSED, DOWN, SERVING, WAITING, Turns


class Crashed(Exception):
    pass


class Scheduler:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.waiting = {}
        self.steps = 0

    def run(self, works):
        done = threading.Semaphore(0)
        self.waiting = {name: threading.Semaphore(0) for name in works}

        def body(name, work):
            self.waiting[name].acquire()
            work()
            del self.waiting[name]
            self.next() if self.waiting else done.release()

        for name, work in works.items():
            threading.Thread(target=body, args=(name, work), daemon=True).start()
        self.next()
        return done.acquire(timeout=60)

    def next(self):
        self.waiting[self.random.choice(sorted(self.waiting))].release()

    def switch(self, name):
        """Another thread may run; returns when this one does again."""
        self.steps += 1
        self.next()
        self.waiting[name].acquire()


class ModelTurns(Turns):
    """The real one, which reads the other nodes of the model; between any two of its steps others may run."""

    def __init__(self, node, world, order, parallelism):
        object.__setattr__(self, "node", node)
        self.world = world
        super().__init__(node, node, [type("Peer", (), {"name": name}) for name in world.names if name != node], parallelism, order)

    def __setattr__(self, name, value):
        if name in ("number", "choosing") and "world" in self.__dict__:
            self.world.scheduler.switch(self.node) if self.world.is_running else None
        object.__setattr__(self, name, value)

    def ask(self, names, ports):
        return {name: self.world.read(self.node, name) for name in self.world.scheduler.random.sample(names, len(names))}


class World:
    def __init__(self, names, parallelism, order, seed, crashes):
        self.names = names
        self.parallelism = parallelism
        self.order = order
        self.crashes = crashes
        self.scheduler = Scheduler(seed)
        self.is_running = False
        self.state = dict.fromkeys(names, SERVING)
        self.is_up = dict.fromkeys(names, True)
        self.turns = {name: ModelTurns(name, self, order, parallelism) for name in names}
        self.closings = []
        self.most = 0

    def read(self, reader, name):
        switch = lambda: self.scheduler.switch(reader)
        switch()
        # Its agent has ended, or is too slow for once.
        if not self.is_up[name] or (self.crashes and self.scheduler.random.random() < 0.1):
            is_closed = self.state[name] == CLOSED
            return {"address": name, "state": DOWN if is_closed else SERVING, "number": 0, "choosing": False, "seconds": 0.0, "agent": False}
        turns = self.turns[name]
        # As the agent tells it: under the lock of its state, while its Turns go on.
        state = self.state[name]
        switch()
        choosing = turns.choosing
        switch()
        return {"address": name, "state": state, "number": turns.number, "choosing": choosing, "seconds": 0.0, "agent": True}

    def maybe_crash(self, name):
        if self.crashes and self.scheduler.random.random() < 0.05:
            raise Crashed

    def live(self, name):
        """A node that is asked to stop, at some time or other."""
        pause = lambda most: [self.scheduler.switch(name) for _ in range(self.scheduler.random.randrange(most))]
        if not self.order:
            pause(60)
        self.state[name] = WAITING
        if self.order:
            # All are asked, and have gathered.
            while any(self.state[other] == SERVING and other not in self.closings for other in self.names):
                self.scheduler.switch(name)
        while True:
            try:
                self.turns[name].take_number([80])
                while self.turns[name].obstacle([80]) is not None:
                    self.maybe_crash(name)
                    self.scheduler.switch(name)
                break
            except Crashed:
                # The agent starts again some time later, and remembers that it was asked to stop.
                self.is_up[name] = False
                pause(30)
                self.turns[name] = ModelTurns(name, self, self.order, self.parallelism)
                self.is_up[name] = True
        self.scheduler.switch(name)
        self.state[name] = CLOSED
        self.closings.append(name)
        self.most = max(self.most, sum(state == CLOSED for state in self.state.values()))
        pause(40)
        self.state[name] = SERVING
        self.turns[name].give_back()

    def run(self):
        self.is_running = True
        is_done = self.scheduler.run({name: lambda name=name: self.live(name) for name in self.names})
        return is_done


def main():
    nodes, parallelism, order, runs, *crashes = sys.argv[1:]
    names = [f"node{index}" for index in range(int(nodes))]
    order = [name for name in order.split(",") if name]
    scaleout_turns.STALLED_SECONDS = 1e9
    seen = {"runs": 0, "most": 0, "unfinished": 0, "closings": []}
    for seed in range(int(runs)):
        world = World(names, int(parallelism), order, seed, bool(crashes))
        seen["unfinished"] += not world.run()
        seen["runs"] += 1
        seen["most"] = max(seen["most"], world.most)
        seen["closings"].append(world.closings)
    print(json.dumps(seen))


main()
