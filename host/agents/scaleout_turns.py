"""How the nodes of a service take turns, so that never more of them are closed than may be. Standard library only.

Swarm's managers do not keep that count: at a change of leader, a restart of a manager's Docker, or when a node registers again, tasks of a global
service are replaced past the updater, all at once. So each node's agent tells the others what its node does, and a task that is to stop goes on
serving until it is its node's turn.

It is Lamport's bakery: who wants to close takes a number above all numbers there are, and goes when fewer nodes than may be closed are closed or have a lower
number. It needs no clocks and no messages but the reading of what the others say of themselves.

A number lives in the agent's memory only, on purpose. An agent that ends while it waits takes a new one when it starts again: others may have gone past
it meanwhile, who could not see its number, and with the old, lower one it would not see that it has to wait for them.
"""

import concurrent.futures
import http.client
import http.server
import json
import socket
import threading
import time

# What a node does. "waiting" serves as well: it has been asked to stop, and it is not its turn yet.
SERVING, WAITING, CLOSED, AWAY = "serving", "waiting", "closed", "away"
# What is said of a node that does not tell, and does not serve.
DOWN = "down"
# For an answer.
SECONDS = 2
# An agent that does not answer may just be slow, or about to start again, and what it wants is not known. After this long the node's port alone decides.
# Nodes whose agents cannot reach one another at all still go one after another: each has so much more patience as names come before its own.
SILENT_SECONDS = 30
# A node that neither tells nor serves may be starting again. After this long nobody waits for it any more.
DOWN_SECONDS = 120
# What was found of a silent peer is forgotten when nobody has looked for so long: it may have come back, and gone again.
REMEMBERED_SECONDS = 15
# Who has not looked for so long may have been taken for silent, and needs a new number.
STALLED_SECONDS = 25
# Peers asked at the same time.
AT_ONCE = 32


class Peer:
    """Another node of the service. What another service's agent says at its address is no answer."""

    def __init__(self, name, address, port, service):
        self.name = name
        self.service = service
        self.address = address
        self.port = port

    def ask(self, ports):
        """What it says of itself; where no agent answers, what a client would find at the published `ports`."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=SECONDS)
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            said = json.loads(connection.getresponse().read(65536))
            if said["service"] != self.service:
                raise ValueError(said["service"])
            return {
                "address": self.address,
                "state": str(said["state"]),
                "number": int(said["number"]),
                "choosing": bool(said["choosing"]),
                "seconds": float(said["seconds"]),
                "down": {str(name): float(seconds) for name, seconds in dict(said.get("down") or {}).items()},
                "removed": list(map(str, said.get("removed") or [])),
                "agent": True,
            }
        except Exception:
            # Anything may answer there, with anything.
            return {"address": self.address, "state": self.found(ports), "number": 0, "choosing": False, "agent": False}
        finally:
            connection.close()

    def found(self, ports):
        return SERVING if any(connects(self.address, port) for port in ports) else DOWN


def connects(address, port):
    try:
        socket.create_connection((address, port), SECONDS).close()
        return True
    except OSError:
        return False


class Turns:
    """This node's turn among the others'. `order`: names of nodes that go first, if they are to go at all. `delay`: seconds between two nodes."""

    def __init__(self, name, address, peers, parallelism, order=(), delay=0):
        self.name = name
        self.address = address
        self.peers = {peer.name: peer for peer in peers}
        # Those of them who are about to leave the service.
        self.leaving = set()
        self.parallelism = parallelism
        self.order = list(order)
        self.delay = delay
        self.number = 0
        self.choosing = False
        # What was found of peers whose agents do not answer, since when, and when it was last found so.
        self.silent = {}
        # Peers of whom it is enough to know that they still stand in the way: with 200 nodes that wait, not each asks all others all the time.
        self.watched = []
        self.asked = time.monotonic()
        # IDs of services that are gone, as peers that are managers have said.
        self.removed = set()

    @property
    def place(self):
        return self.number, self.address

    def add_leaving(self, peers):
        """Nodes that this one's agent knew before, and is no longer told of: they count for as long as their agents answer."""
        self.peers.update((peer.name, peer) for peer in peers)
        self.leaving.update(peer.name for peer in peers)

    def ask_all_next(self):
        """From all who are left: of those who were leaving, the ones that have been silent for long have left. Not while they are asked: who is asked
        by name has to be there, and how many answer has to be how many there are."""
        self.watched = []
        now = time.monotonic()
        for name in [name for name in self.leaving if name in self.silent and now - self.silent[name][1] > SILENT_SECONDS]:
            del self.peers[name], self.silent[name]
            self.leaving.remove(name)

    def ask(self, names, ports):
        if not names:
            return {}
        if len(names) == 1:
            answers = {names[0]: self.peers[names[0]].ask(ports)}
        else:
            with concurrent.futures.ThreadPoolExecutor(min(len(names), AT_ONCE)) as pool:
                answers = dict(zip(names, pool.map(lambda name: self.peers[name].ask(ports), names), strict=True))
        now = time.monotonic()
        for name, said in answers.items():
            if said["agent"]:
                self.silent.pop(name, None)
                self.removed.update(said.get("removed", ()))
                continue
            if name in self.leaving:
                said["state"] = AWAY
            state, since, at = self.silent.get(name, (None, now, now))
            if state != said["state"] or now - at > REMEMBERED_SECONDS:
                since = now
            if said["state"] == DOWN:
                # Another one may know it for longer.
                since = min([since, *[now - other["down"][name] for other in answers.values() if name in other.get("down", {})]])
            self.silent[name] = (said["state"], since, now)
            said["seconds"] = now - since
        return answers

    def down(self):
        """The nodes that neither tell nor serve, as far as this one has looked lately, with the seconds since it has found them so."""
        now = time.monotonic()
        return {name: round(now - since, 1) for name, (state, since, at) in list(self.silent.items()) if state == DOWN and now - at < REMEMBERED_SECONDS}

    def unreachable(self):
        return sorted(self.silent.keys() - self.leaving)

    def take_number(self, ports):
        self.choosing = True
        try:
            highest = max((said["number"] for said in self.ask(list(self.peers), ports).values()), default=0)
            self.number = max(self.number, highest) + 1
            self.watched = []
        finally:
            self.choosing = False
            self.asked = time.monotonic()

    def give_back(self):
        self.number = 0

    def obstacle(self, ports):
        """Why it is not this node's turn, in words; None when it is."""
        if time.monotonic() - self.asked > STALLED_SECONDS:
            self.take_number(ports)
        for names in ([self.watched] if self.watched else []) + [list(self.peers)]:
            begun = time.monotonic()
            others = self.ask(names, ports)
            self.asked = time.monotonic()
            if must_step_back(self.name, self.place, self.order, others):
                self.take_number(ports)
            why, self.watched = obstacle(self.name, self.place, self.parallelism, self.order, self.delay, others, is_all=len(others) == len(self.peers))
            if why:
                return why
        return "the answers are too old" if self.asked - begun > STALLED_SECONDS else None


def obstacle(name, place, parallelism, order, delay, others, is_all=True):
    """Why it is not this node's turn, in words, and the peers that stand in the way; None and none when it is. Pure.

    `others`: what each peer says, by name; where it `is_all` of them, they tell also whether the last node would close. `place`: the node's number,
    and its address, which decides between equal numbers: a host that has just been given another name may be known by it to itself only.
    """
    choosing = [peer for peer, said in others.items() if said["choosing"]]
    if choosing:
        return f"{listed(choosing)} chooses a number", choosing
    mute = [peer for peer, said in others.items() if not said["agent"] and said["state"] == SERVING]
    patience = SILENT_SECONDS * (1 + sorted([name, *mute]).index(name))
    mute = [peer for peer in mute if others[peer]["seconds"] < patience]
    if mute:
        return f"the agent of {listed(mute)} does not answer", mute
    first = [peer for peer in before(name, order) if peer in others and others[peer]["state"] == WAITING]
    if first:
        return f"{first[0]} goes first", first[:1]
    closed = [peer for peer, said in others.items() if said["state"] == CLOSED]
    gone = [peer for peer, said in others.items() if said["state"] == DOWN and said["seconds"] < DOWN_SECONDS]
    ahead = sorted((place_of(said), peer) for peer, said in others.items() if said["state"] == WAITING and said["number"] > 0)
    ahead = [peer for at, peer in ahead if at < place]
    if len(closed) + len(gone) + len(ahead) >= parallelism:
        words = [*[f"{peer} does not serve" for peer in closed], *[f"{peer} does not answer" for peer in gone], *[f"{peer} is next" for peer in ahead[:1]]]
        return ", ".join(words), [*gone, *closed, *ahead][-parallelism:]
    new = [peer for peer, said in others.items() if said["agent"] and said["state"] == SERVING and said["seconds"] < delay]
    if new:
        return f"{listed(new)} serves for less than {delay} s", new
    if is_all and closed and not any(said["state"] in (SERVING, WAITING) for said in others.values()):
        return "no other node serves", closed
    return None, []


def left_over(noted, peers, name, address):
    """Peers of before, as `as_lines` notes them, who are none any more. One at a known address has another name now. Pure."""
    names, addresses = {name, *(peer.name for peer in peers)}, {address, *(peer.address for peer in peers)}
    found = (line.partition("=") for line in noted.split())
    return [(of, at) for of, _, at in found if of not in names and at not in addresses]


def as_lines(peers):
    """A line each. Pure."""
    return "\n".join(f"{peer.name}={peer.address}" for peer in peers)


def must_step_back(name, place, order, others):
    """Whether one that goes first by the order has come later: this node needs a number above its. Pure."""
    first = [others[peer] for peer in before(name, order) if peer in others and others[peer]["state"] == WAITING]
    return any(place_of(said) > place for said in first)


def place_of(said):
    """A peer's place in the queue. Pure."""
    return said["number"], said["address"]


def before(name, order):
    """The nodes that go before this one; all of them where it is not named."""
    return order[: order.index(name)] if name in order else order


def listed(names):
    return ", ".join(sorted(names))


def serve(address, port, tell):
    """Answers every GET with what `tell` returns, as JSON. Raises OSError when the port cannot be had."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            body = json.dumps(tell()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        # A peer that asks while many do is not refused.
        request_queue_size = 256

        def server_bind(self):
            # Without HTTPServer's look for the host's name, which asks DNS.
            http.server.socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = self.server_address[:2]

        def handle_error(self, *_):
            # One that went away before its answer.
            pass

    server = Server((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
