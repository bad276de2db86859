import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import * as path from "node:path";
import * as readline from "node:readline";

/* Network namespaces with what a node has: a client on a network, nodes with Docker's rules, and a container on each. */

/** Why they cannot be made here; nothing when they can. */
export function whyNot(): string | undefined {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces and iptables need root on Linux";
	const probe = `scaleout-probe-${process.pid}`;
	const script = `
set -e
ip netns add ${probe}
trap 'ip netns del ${probe}' EXIT
ip netns exec ${probe} iptables -A FORWARD -p tcp -m conntrack --ctstate DNAT --ctorigdstport 1 -m addrtype --dst-type LOCAL -j REJECT --reject-with tcp-reset
ip netns exec ${probe} iptables -t nat -A PREROUTING -p tcp --dport 1 -j DNAT --to 10.0.0.1:1
ip netns exec ${probe} conntrack -L
ip -n ${probe} link add zero type veth peer name one
`;
	const { status, stderr } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
	return status === 0
		? undefined
		: `no network namespace with iptables and conntrack can be made here: ${stderr.trim().split("\n").at(-1)}`;
}

export const published = 8080;
export const target = 80;
export const containerAddress = "172.30.0.2";

let made = 0;

/** A network with a client, who stands in it at 10.77.0.254. */
export class Network {
	readonly name = `sd${process.pid}x${made++}`;
	readonly namespaces: string[] = [];
	readonly client: Client;
	private readonly clients: Client[] = [];

	constructor() {
		const client = this.namespace("c");
		sh(`ip -n ${client} link add lan type bridge
ip -n ${client} addr add 10.77.0.254/24 dev lan
ip -n ${client} link set lan up`);
		this.client = this.clientIn(client);
	}

	/** A node's namespace and that of its container, with the rules that Docker makes for a port published in host mode. */
	node(index: number): { node: string; container: string; address: string } {
		const [node, container, lan] = [this.namespace(`n${index}`), this.namespace(`k${index}`), this.namespaces[0]];
		const address = `10.77.0.${index + 1}`;
		sh(`ip -n ${node} link add eth0 type veth peer name lan${index} netns ${lan}
ip -n ${lan} link set lan${index} master lan
ip -n ${lan} link set lan${index} up
ip -n ${node} addr add ${address}/24 dev eth0
ip -n ${node} link set eth0 up
ip -n ${node} link add docker0 type veth peer name eth0 netns ${container}
ip -n ${node} addr add 172.30.0.1/24 dev docker0
ip -n ${node} link set docker0 up
ip -n ${container} addr add ${containerAddress}/24 dev eth0
ip -n ${container} link set eth0 up
ip -n ${container} route add default via 172.30.0.1
ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1`);
		makeDockerRules(node);
		return { node, container, address };
	}

	clientIn(namespace: string): Client {
		const client = new Client(namespace);
		this.clients.push(client);
		return client;
	}

	/** Ends what runs in it, and removes it. */
	remove(): void {
		for (const client of this.clients) client.child.kill("SIGKILL");
		for (const namespace of this.namespaces) {
			const { stdout } = spawnSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
			for (const pid of stdout.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
			spawnSync("ip", ["netns", "del", namespace]);
		}
	}

	private namespace(role: string): string {
		const name = `${this.name}${role}`;
		sh(`ip netns add ${name}\nip -n ${name} link set lo up`);
		this.namespaces.push(name);
		return name;
	}
}

/** A second port that is published, to port 81 of the container. */
export const otherPublished = 8081;

/** The firewall as Docker leaves it: whatever was there is gone. */
export function makeDockerRules(node: string): void {
	sh(`ip netns exec ${node} iptables-restore <<'END'\n${dockerRules}\nEND`);
}

const dockerRules = `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.30.0.0/24 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp --dport ${published} -j DNAT --to-destination ${containerAddress}:${target}
-A DOCKER ! -i docker0 -p tcp --dport ${otherPublished} -j DNAT --to-destination ${containerAddress}:81
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d ${containerAddress}/32 ! -i docker0 -o docker0 -p tcp --dport ${target} -j ACCEPT
-A DOCKER -d ${containerAddress}/32 ! -i docker0 -o docker0 -p tcp --dport 81 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT`;

/** Runs a script; an error with its words when it fails. */
export function sh(script: string): string {
	const { status, stdout, stderr } = spawnSync("bash", ["--norc", "-ec", script], { encoding: "utf8" });
	if (status !== 0) throw new Error(`${script}: ${stderr}`);
	return stdout;
}

/** Starts a program in a namespace. The child is the program itself: `ip` runs it in its place. */
export function spawnIn(namespace: string, command: string[], env: Record<string, string> = {}): ChildProcess {
	return spawn("ip", ["netns", "exec", namespace, ...command], { env: { ...process.env, ...env } });
}

/** Asks from within a namespace. See client.ts. */
export class Client {
	readonly child: ChildProcess;
	private readonly waiting: ((said: string) => void)[] = [];

	constructor(namespace: string) {
		this.child = spawnIn(namespace, [process.execPath, path.join(import.meta.dirname, "client.ts")]);
		readline.createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
			const { id, said } = JSON.parse(line) as { id: number; said: string };
			this.waiting[id]?.(said);
		});
	}

	/** The status of the answer, or the error's code. */
	get(url: string): Promise<string> {
		return this.wish({ url });
	}

	wish(wish: object): Promise<string> {
		return new Promise((resolve) => {
			const id = this.waiting.push(resolve) - 1;
			this.child.stdin?.write(`${JSON.stringify({ id, ...wish })}\n`);
		});
	}

	/** Ends it; resolves once its ports are free. */
	async end(): Promise<void> {
		if (this.child.exitCode !== null || this.child.signalCode) return;
		const ended = new Promise((resolve) => this.child.once("exit", resolve));
		this.child.kill("SIGKILL");
		await ended;
	}
}
