"""Refuses new connections to a published port, and counts those that are left. Needs root, iptables and conntrack. Standard library only."""

import pathlib
import re
import subprocess

PREFIX = "SCALEOUT-DRAIN-"
# FORWARD is what comes from other hosts and from containers, OUTPUT what the host itself sends: NGINX on the same host, or a look by `up`. Both meet
# Docker's DNAT before. INPUT is what reaches Docker's own proxy: where the DNAT rules were flushed, all of it.
HOOKS = ("FORWARD", "OUTPUT", "INPUT")
# Docker puts its own rules before ours when it starts, and visits this chain, which it leaves as it is, before them: it holds the port closed until
# the agent is there again.
DOCKERS = "DOCKER-USER"
# Another program may change the rules between our reading and our writing.
ATTEMPTS = 3


def run(*command, given=None):
    """Standard output of a command. Raises OSError with its last words when it fails or takes longer than 30 s."""
    try:
        # A comment in somebody's rule may be in any encoding.
        result = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False, timeout=30)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]}: no end after {error.timeout:.0f} s") from error
    if result.returncode != 0:
        raise OSError(f"{command[0]}: {result.stderr.strip()[-300:] or result.returncode}")
    return result.stdout


class Gate:
    """One published port. Its chain exists only while it is closed. The rules survive whoever made them: only open() takes them out."""

    def __init__(self, port):
        self.port = port
        self.chain = f"{PREFIX}{port}"
        refuse = "-j REJECT --reject-with tcp-reset"
        self.rules = [
            # Only what was sent to this node's port: what containers send to the same port of others has no DNAT. "NEW,DNAT" would mean one of the two.
            # Only what begins a connection: where somebody has emptied conntrack's table, the next packet of one that is in flight is "NEW" as well.
            f"-A {self.chain} -p tcp -m conntrack --ctstate DNAT --ctorigdstport {port} -m conntrack --ctstate NEW -m tcp --syn {refuse}",
            f"-A {self.chain} -p tcp -m conntrack --ctstate NEW -m tcp --dport {port} --syn -m addrtype --dst-type LOCAL {refuse}",
        ]
        # The same rules in the words of this host's iptables, which has an order of options of its own: as it printed them right after they were written.
        self.printed = None

    def close(self):
        """Closes the port if it is not closed, in one transaction, and looks whether it is. True when something had to be done. Raises OSError."""
        rules = rules_now()
        if self.is_closed(rules):
            return False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                visits = [f"-I {hook} 1 -j {self.chain}" for hook in hooks(rules)]
                restore([f":{self.chain} - [0:0]", *[f"-D{jump[2:]}" for jump in self.jumps(rules)], *self.rules, *visits])
                rules = rules_now()
                self.printed = self.own(rules) if len(self.own(rules)) == len(self.rules) else None
                if self.is_closed(rules):
                    return True
            except OSError:
                if attempt == ATTEMPTS:
                    raise
                rules = rules_now()
        raise OSError(f"port {self.port} could not be closed: another program changes the firewall's rules")

    def open(self):
        """Opens the port if it is not open. True when something had to be done. Raises OSError."""
        rules = rules_now()
        if not self.exists(rules):
            return False
        restore([*[f"-D{jump[2:]}" for jump in self.jumps(rules)], f"-F {self.chain}", f"-X {self.chain}"])
        return True

    def exists(self, rules=None):
        """Whether somebody has closed the port, and nobody has opened it. Raises OSError."""
        rules = rules_now() if rules is None else rules
        return any(rule.startswith(f":{self.chain} ") for rule in rules)

    def is_closed(self, rules):
        """Whether nothing can come before the refusal: the chain is whole, and visited first in each hook but for the chains of other ports."""
        return self.own(rules) == self.printed and all(self.is_first(rules, hook) for hook in hooks(rules))

    def own(self, rules):
        return [rule for rule in rules if rule.startswith(f"-A {self.chain} ")]

    def jumps(self, rules):
        return [rule for rule in rules if rule.startswith("-A ") and rule.endswith(f" -j {self.chain}")]

    def is_first(self, rules, hook):
        for rule in rules:
            if rule == f"-A {hook} -j {self.chain}":
                return True
            if rule.startswith(f"-A {hook} ") and not rule.startswith(f"-A {hook} -j {PREFIX}"):
                return False
        return False


def hooks(rules):
    """The chains that visit the port's own."""
    return [*HOOKS, *[DOCKERS for rule in rules if rule.startswith(f":{DOCKERS} ")]]


def rules_now():
    """The rules of the filter table. Raises OSError when they cannot be read."""
    rules = run("iptables-save", "-t", "filter").splitlines()
    for rule in rules:
        # It prints that instead of the rules, and calls it a success, where nft was used to put a rule of its own kind into the table.
        if rule.startswith("#") and "incompatible" in rule:
            raise OSError(f"iptables-save: {rule[1:].strip()}")
    return rules


def restore(lines):
    run("iptables-restore", "-w", "10", "--noflush", given="\n".join(["*filter", *lines, "COMMIT"]) + "\n")


# States, as conntrack prints them, of what clients still have in flight. A handshake may end after the gate has closed; a connection that a firewall's
# flow table has taken over has no state.
OPEN = re.compile(r" (?:ESTABLISHED|SYN_RECV) | \[(?:HW_)?OFFLOAD\]")


def connections(port):
    """How many connections to the published port clients still have in flight. Raises OSError."""
    lines = run("conntrack", "-L", "-p", "tcp", "--orig-port-dst", str(port)).splitlines()
    here = local_addresses(pathlib.Path("/proc/net/fib_trie").read_text())
    return in_flight(lines, here)


def in_flight(lines, here):
    """How many of the connections, as conntrack prints them, are open and were sent to this node. Pure."""
    return sum(is_to_this_node(line, here) for line in lines if OPEN.search(line))


def local_addresses(trie):
    """This host's IPv4 addresses, from the kernel's own table: without a process, as it is asked several times a second. Pure."""
    return set(re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", trie))


def is_to_this_node(line, here):
    """Whether a connection, as conntrack prints it, was sent to this node: DNAT has changed its address, or Docker's proxy has taken it. Pure."""
    found = re.search(r"src=\S+ dst=(\S+) .*?src=(\S+) ", line)
    if not found:
        return False
    destination, answering = found.groups()
    return destination in here or destination != answering
