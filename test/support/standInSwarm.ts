import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import Docker from "dockerode";
import type { Connection } from "../../lib/connection.ts";
import { SshError } from "../../lib/ssh.ts";
import { type Node, orUndefined } from "../../lib/swarm.ts";

/*
 * A swarm of hosts that exist only as their Engine APIs, each an HTTP server: as much of it as the swarm providers ask for. Role changes take
 * effect after a moment, as the managers agree on them; a manager that is away counts as unreachable.
 */

interface StandInHost {
	name: string;
	server: http.Server;
	port: number;
	isUp: boolean;
	/** Its node; undefined while it is in no swarm. */
	nodeId?: string;
	/** Why Docker cannot take part in the swarm that it is in. */
	broken?: string;
	/** As Docker is after a restart where the swarm is locked. */
	isLocked?: boolean;
	volumes: { Name: string; Labels: Record<string, string> }[];
	containers: { Id: string; volume: string; isRunning: boolean; labels: string[] }[];
}

/** Fails as SSH to the host would. */
class StandInAgent extends http.Agent {
	readonly #host: StandInHost;

	constructor(host: StandInHost) {
		super();
		this.#host = host;
	}

	override createConnection(options: http.ClientRequestArgs, callback?: (error: Error | null, stream: Duplex) => void) {
		if (this.#host.isUp) return super.createConnection(options, callback);
		callback?.(new SshError("unreachable", `${this.#host.name} does not answer`), undefined as never);
		return undefined;
	}
}

type Answer = { status: number; body?: unknown };

/** Milliseconds until a role change has taken effect. */
const agreementMs = 400;

export class StandInSwarm {
	/** Another one for each: which manager answered last is remembered by swarm. */
	clusterId = `swarm-${Math.random()}`;
	owner = "swarm-scaleout/lab";
	/** Nanoseconds, as Docker's default. */
	heartbeatPeriod = 5e9;
	/** A swarm is made so late that the client has asked again. */
	answersLate = false;
	/** What is settled at init, as the Engine API names it. */
	settings = { DataPathPort: 4789, DefaultAddrPool: ["10.0.0.0/8"], SubnetSize: 24 };
	readonly hosts = new Map<string, StandInHost>();
	readonly nodes = new Map<string, Node>();
	/** What was asked, in order: `m1 POST /nodes/node-m2/update`. */
	readonly asked: string[] = [];
	/** Secrets that a service uses, by ID: Swarm refuses to remove them. */
	readonly secretsInUse = new Set<string>();
	/** Specs by ID. */
	readonly secrets = new Map<string, { Name: string; Labels: Record<string, string>; Data: string }>();
	#secretsMade = 0;
	/** Addresses that hosts joined at. */
	readonly joinedAt: string[][] = [];
	/** Tasks by node ID. */
	readonly tasks = new Map<string, number>();
	/** Global services by name, each with the node label that binds it, as `name=value`: a node with the label has a task, after a moment. */
	readonly services = new Map<string, string>();
	/** Milliseconds until a task has stopped whose node has lost its label. */
	stopMs = 300;
	/** Tasks of a drained node are still said to run; of one without its label they are rejected at once, and their containers run on. */
	keepsTasks = false;
	/** Hosts that reach none of the others. */
	readonly walledOff = new Set<string>();
	/** No manager leads until then. */
	leaderlessUntil = 0;

	async addHost(name: string, role?: "manager" | "worker"): Promise<Connection> {
		const host: StandInHost = { name, server: http.createServer(), port: 0, isUp: true, volumes: [], containers: [] };
		host.server.on("request", (request, response) => void this.#serve(host, request, response));
		await new Promise<void>((resolve) => host.server.listen(0, "127.0.0.1", resolve));
		host.port = (host.server.address() as AddressInfo).port;
		this.hosts.set(name, host);
		if (role) this.#join(host, role);
		return this.connection(name);
	}

	connection(name: string): Connection {
		return { host: name, port: 22, user: "root", privateKey: "key", hostKey: `ssh-ed25519 ${name}` };
	}

	close(): void {
		for (const { server } of this.hosts.values()) {
			server.close();
			server.closeAllConnections();
		}
	}

	/** In place of lib/docker.ts. */
	dockerOn = (connection: Connection): Docker => {
		const host = this.#host(connection.host);
		// `agent` is documented by docker-modem but absent from the types.
		return new Docker({ protocol: "http", host: "127.0.0.1", port: host.port, agent: new StandInAgent(host) } as Docker.DockerOptions);
	};

	/** In place of lib/ssh.ts. */
	connect = async (connection: Connection): Promise<void> => {
		if (!this.#host(connection.host).isUp) throw new SshError("unreachable", `${connection.host} does not answer`);
	};

	/** In place of lib/ssh.ts, where the only script is the one that tries the others' ports: it prints those of which it gets no answer. */
	execAsRoot = async (connection: Connection, script: string): Promise<string> => {
		await this.connect(connection);
		const tried = [...script.matchAll(/'(\S+ \d+)'/g)].map(([, target]) => target);
		return this.walledOff.has(connection.host) ? tried.join("\n") : "";
	};

	/** The host is lost. */
	kill(name: string): void {
		const host = this.#host(name);
		host.isUp = false;
		const node = this.nodes.get(host.nodeId ?? "");
		if (node?.Status) node.Status.State = "down";
		if (node?.ManagerStatus) Object.assign(node.ManagerStatus, { Reachability: "unreachable", Leader: false });
		this.#elect();
	}

	/** Hosts that were sent a request that changes something, or matches. */
	askedFor(pattern: RegExp): string[] {
		return this.asked.filter((line) => pattern.test(line));
	}

	managers(): string[] {
		return [...this.nodes.values()].filter(({ ManagerStatus: status }) => status).map(({ ID: id }) => id.replace("node-", ""));
	}

	leader(): string | undefined {
		return [...this.nodes.values()].find(({ ManagerStatus: status }) => status?.Leader)?.ID.replace("node-", "");
	}

	#host(name: string): StandInHost {
		const host = this.hosts.get(name);
		if (!host) throw new Error(`no host ${name}`);
		return host;
	}

	#join(host: StandInHost, role: string): void {
		host.nodeId = `node-${host.name}`;
		this.nodes.set(host.nodeId, {
			ID: host.nodeId,
			Version: { Index: 1 },
			Spec: { Role: role, Availability: "active", Labels: {} },
			Description: { Hostname: host.name },
			Status: { State: "ready" },
			...(role === "manager" && { ManagerStatus: { Reachability: "reachable", Addr: `${host.name}:2377` } }),
		});
		this.#elect();
	}

	#elect(): void {
		const members = [...this.nodes.values()].filter(({ ManagerStatus: status }) => status);
		const able = members.filter(({ ManagerStatus: status }) => status?.Reachability === "reachable");
		for (const { ManagerStatus: status } of members) if (status) delete status.Leader;
		const [first] = able;
		if (first?.ManagerStatus && able.length > members.length / 2) first.ManagerStatus.Leader = true;
	}

	/** A role change that has been agreed on. */
	#agree(node: Node): void {
		const isManager = node.Spec?.Role === "manager";
		if (isManager && !node.ManagerStatus) node.ManagerStatus = { Reachability: "reachable", Addr: `${node.Description?.Hostname}:2377` };
		if (!isManager && node.ManagerStatus) delete node.ManagerStatus;
		this.#elect();
	}

	async #serve(host: StandInHost, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString() || "{}") : {};
		const url = new URL(request.url ?? "/", "http://host");
		if (!host.isUp) return void response.destroy();
		this.asked.push(`${host.name} ${request.method} ${url.pathname}`);
		const { status, body: answer } = this.#answer(host, `${request.method} ${url.pathname}`, url.searchParams, body);
		response.writeHead(status, { "Content-Type": "application/json" });
		response.end(answer === undefined ? "" : JSON.stringify(answer));
	}

	#answer(host: StandInHost, what: string, query: URLSearchParams, body: Record<string, unknown>): Answer {
		const own = this.nodes.get(host.nodeId ?? "");
		const isLed = this.leader() !== undefined && Date.now() >= this.leaderlessUntil;
		if (what === "GET /_ping") return { status: 200, body: "OK" };
		if (what === "GET /info") {
			if (host.isLocked) return { status: 200, body: { Swarm: { LocalNodeState: "locked", NodeID: "", ControlAvailable: false } } };
			if (host.broken) return { status: 200, body: { Swarm: { LocalNodeState: "error", NodeID: "", Error: host.broken } } };
			// It does so also when it is on no list any more.
			const state = host.nodeId ? "active" : "inactive";
			const cluster = { ID: isLed ? this.clusterId : "" };
			const swarm = { LocalNodeState: state, NodeID: host.nodeId ?? "", ControlAvailable: own?.ManagerStatus !== undefined };
			return {
				status: 200,
				body: { Swarm: { ...swarm, ...(swarm.ControlAvailable && { Cluster: cluster, Error: isLed ? "" : "no leader" }) } },
			};
		}
		if (what === "POST /swarm/init") {
			if (host.nodeId) return { status: 503, body: { message: "This node is already part of a swarm." } };
			this.#join(host, "manager");
			this.heartbeatPeriod = (body.Spec as { Dispatcher: { HeartbeatPeriod: number } }).Dispatcher.HeartbeatPeriod;
			return this.answersLate
				? { status: 503, body: { message: "This node is already part of a swarm." } }
				: { status: 200, body: own?.ID };
		}
		if (what === "POST /swarm/join") {
			this.joinedAt.push(body.RemoteAddrs as string[]);
			this.#join(host, body.JoinToken as string);
			return { status: 200 };
		}
		if (what === "POST /swarm/leave") {
			host.nodeId = undefined;
			host.broken = undefined;
			if (own?.Status) own.Status.State = "down";
			return { status: 200 };
		}
		if (/ \/(volumes|containers)/.test(what)) return this.#storage(host, what, query);
		if (!own?.ManagerStatus) return { status: 503, body: { message: "This node is not a swarm manager." } };
		if (!isLed) return { status: 500, body: { message: "rpc error: The swarm does not have a leader." } };
		return this.#swarm(what, query, body);
	}

	#swarm(what: string, query: URLSearchParams, body: Record<string, unknown>): Answer {
		const [, id = ""] = /\/nodes\/([^/]+)/.exec(what) ?? [];
		const node = this.nodes.get(id);
		if (what === "GET /swarm")
			return {
				status: 200,
				body: {
					ID: this.clusterId,
					Version: { Index: 1 },
					...this.settings,
					JoinTokens: { Manager: "manager", Worker: "worker" },
					Spec: { Labels: { "scaleout.owner": this.owner }, Dispatcher: { HeartbeatPeriod: this.heartbeatPeriod } },
				},
			};
		if (what === "POST /swarm/update") {
			this.owner = (body.Labels as Record<string, string>)["scaleout.owner"] as string;
			this.heartbeatPeriod = (body.Dispatcher as { HeartbeatPeriod: number }).HeartbeatPeriod;
			return { status: 200 };
		}
		if (what === "GET /nodes") return { status: 200, body: [...this.nodes.values()] };
		if (what.startsWith("GET /services/")) {
			const name = what.split("/")[2] as string;
			if (!this.services.has(name)) return { status: 404, body: { message: `service ${name} not found` } };
			return { status: 200, body: { ID: name, Spec: { Name: name, Mode: { Global: {} } } } };
		}
		if (what === "GET /tasks") return this.#tasks(JSON.parse(query.get("filters") ?? "{}"));
		if (/ \/secrets/.test(what)) return this.#secret(what, body);
		if (id && !node) return { status: 404, body: { message: `node ${id} not found` } };
		if (/^GET \/nodes\//.test(what)) return { status: 200, body: node };
		if (node && /^POST \/nodes\/.*\/update$/.test(what)) {
			if (node.Spec?.Role === "manager" && body.Role === "worker" && !node.ManagerStatus)
				return { status: 404, body: { message: "can't find manager in raft memberlist" } };
			if (Number(query.get("version")) !== node.Version.Index)
				return { status: 500, body: { message: "rpc error: code = Unknown desc = update out of sequence" } };
			node.Spec = body;
			node.Version.Index++;
			if (node.Spec.Availability === "drain" && !this.keepsTasks) this.tasks.delete(id);
			for (const [service, label] of this.services) this.#place(node, service, label);
			setTimeout(() => this.#agree(node), agreementMs);
			return { status: 200 };
		}
		if (node && /^DELETE \/nodes\//.test(what)) {
			if (node.ManagerStatus)
				return { status: 400, body: { message: `node ${id} is a cluster manager: it must be demoted before removal` } };
			this.nodes.delete(id);
			return { status: 200 };
		}
		return { status: 404, body: { message: `the stand-in does not know ${what}` } };
	}

	/** Docker looks for the services and nodes of a filter, and refuses one that is not there. */
	#tasks({ node: nodes, service: services }: { node?: string[]; service?: string[] }): Answer {
		const missing = [...(nodes ?? []).filter((id) => !this.nodes.has(id)), ...(services ?? []).filter((name) => !this.services.has(name))];
		if (missing.length > 0) return { status: 404, body: { message: `${missing} not found` } };
		const tasks = [...this.tasks]
			.filter(([id]) => !nodes || nodes.includes(id))
			.flatMap(([id, count]) =>
				Array.from({ length: count }, () => ({ NodeID: id, DesiredState: "running", Status: { State: "running" } })),
			);
		return { status: 200, body: tasks };
	}

	/** Swarm calls a task rejected as soon as its node lacks the label; its container takes the time that it needs [tried, 20.10]. */
	#place(node: Node, service: string, label: string): void {
		const [name = "", value] = label.split("=");
		const isBound = () => node.Spec?.Labels?.[name] === value;
		if (!isBound()) this.tasks.delete(node.ID);
		const settle = () => {
			if (isBound()) this.run(node.ID, service);
			else if (!this.keepsTasks) this.stop(node.ID);
		};
		setTimeout(settle, isBound() ? agreementMs : this.stopMs);
	}

	/** Has the node run a task of the service. */
	run(nodeId: string, service: string): void {
		this.tasks.set(nodeId, 1);
		const labels = ["com.docker.swarm.task.id", `com.docker.swarm.service.name=${service}`];
		const host = this.#host(nodeId.replace("node-", ""));
		if (host.containers.length === 0) host.containers.push({ Id: `task-of-${service}`, volume: "", isRunning: true, labels });
	}

	/** Has the node's containers end. */
	stop(nodeId: string): void {
		this.tasks.delete(nodeId);
		for (const container of this.#host(nodeId.replace("node-", "")).containers) container.isRunning = false;
	}

	#secret(what: string, body: Record<string, unknown>): Answer {
		const id = what.split("/")[2] as string;
		if (what === "GET /secrets") return { status: 200, body: [...this.secrets].map(([ID, Spec]) => ({ ID, Spec })) };
		if (what === "POST /secrets/create") {
			const ID = `secret-${++this.#secretsMade}-of-${this.clusterId}`;
			this.secrets.set(ID, body as never);
			return { status: 201, body: { ID } };
		}
		const found = this.secrets.get(id);
		if (!found) return { status: 404, body: { message: `secret ${id} not found` } };
		if (what.endsWith("/update")) found.Labels = (body as { Labels: Record<string, string> }).Labels;
		if (what.startsWith("DELETE ")) {
			// As moby 28.5 says it.
			const message = `rpc error: code = InvalidArgument desc = secret '${found.Name}' is in use by the following service: was`;
			if (this.secretsInUse.has(id)) return { status: 400, body: { message } };
			this.secrets.delete(id);
		}
		return { status: 200, body: { ID: id, Version: { Index: 1 }, Spec: found } };
	}

	#storage(host: StandInHost, what: string, query: URLSearchParams): Answer {
		const filters = JSON.parse(query.get("filters") ?? "{}") as Record<string, string[]>;
		const name = what.split("/").at(-1) as string;
		if (what === "GET /volumes") {
			const wanted = (filters.label ?? []).map((label) => label.split("=") as [string, string]);
			const volumes = host.volumes.filter(({ Labels: labels }) => wanted.every(([label, value]) => labels[label] === value));
			return { status: 200, body: { Volumes: volumes } };
		}
		if (what.startsWith("DELETE /volumes/")) {
			if (host.containers.some(({ volume }) => volume === name)) return { status: 409, body: { message: "volume is in use" } };
			host.volumes = host.volumes.filter(({ Name: found }) => found !== name);
			return { status: 204 };
		}
		if (what === "GET /containers/json") {
			const matching = host.containers.filter(
				({ volume, isRunning, labels }) =>
					(!filters.volume || filters.volume.includes(volume)) &&
					(query.has("all") || isRunning) &&
					(!filters.status || !isRunning) &&
					(filters.label ?? []).every((label) => labels.includes(label)),
			);
			return { status: 200, body: matching.map(({ Id: id }) => ({ Id: id })) };
		}
		if (what.startsWith("DELETE /containers/")) {
			host.containers = host.containers.filter(({ Id: id }) => id !== name);
			return { status: 204 };
		}
		if (what === "POST /containers/prune") {
			host.containers = host.containers.filter(({ isRunning }) => isRunning);
			return { status: 200, body: { ContainersDeleted: [] } };
		}
		return { status: 404, body: { message: `the stand-in does not know ${what}` } };
	}
}

/** Whether a node of the stand-in is still listed. */
export const isListed = async (swarm: StandInSwarm, through: string, name: string) =>
	(await orUndefined(swarm.dockerOn(swarm.connection(through)).getNode(`node-${name}`).inspect())) !== undefined;
