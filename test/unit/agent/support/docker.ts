import * as fs from "node:fs";
import * as http from "node:http";

/* A stand-in of Docker's Engine API on a Unix socket: the calls that a node's agent makes, with containers that the test makes, starts and stops. */

export interface StandInContainer {
	Id: string;
	Image: string;
	State: { Status: string; Pid: number; Health?: { Status: string }; Error?: string };
	Config: { Labels: Record<string, string> };
	HostConfig: { PortBindings: Record<string, { HostIp: string; HostPort: string }[]> };
	NetworkSettings: { Ports: Record<string, { HostPort: string }[] | null>; Networks: Record<string, { IPAddress: string }> };
}

interface Event {
	Type: "container";
	Action: string;
	Actor: { ID: string; Attributes: Record<string, string> };
	timeNano: number;
}

export class StandInDocker {
	readonly containers = new Map<string, StandInContainer>();
	/** Configuration of each image. */
	readonly images = new Map<string, { StopSignal?: string }>();
	/** What it was asked to send, in order. */
	readonly kills: { id: string; signal: string; at: number }[] = [];
	/** Each signal it is asked to send to a container. */
	onKill: (id: string, signal: string) => void = () => {};
	/** Answers nothing any more, as a Docker that stalls. */
	isStalled = false;
	/** Answers 500 when it is asked for a container. */
	isBroken = false;
	/** A manager knows whether a service is there; another node does not. */
	isManager = false;
	/** IDs of services that a manager no longer has. */
	readonly removed = new Set<string>();
	/** The wishes for events it was given: the query of each. */
	readonly wishes: URLSearchParams[] = [];
	private readonly past: Event[] = [];
	private readonly streams = new Set<http.ServerResponse>();
	private server: http.Server | undefined;

	readonly socket: string;

	constructor(socket: string) {
		this.socket = socket;
	}

	async listen(): Promise<void> {
		fs.rmSync(this.socket, { force: true });
		this.server = http.createServer((request, response) => {
			if (!this.isStalled) this.answer(request, response);
		});
		await new Promise<void>((resolve) => this.server?.listen(this.socket, resolve));
	}

	/** Ends, with its event streams, as a Docker that is restarted. */
	async close(): Promise<void> {
		this.server?.closeAllConnections();
		await new Promise((resolve) => this.server?.close(resolve));
	}

	/** As it was at first; streams that are open end. */
	forget(): void {
		this.containers.clear();
		this.kills.length = this.wishes.length = this.past.length = 0;
		this.isStalled = this.isManager = false;
		this.removed.clear();
		for (const stream of this.streams) stream.end();
		this.streams.clear();
	}

	/** Has the event told to all that listen, and to those who ask for it later. */
	event(id: string, action: string, attributes: Record<string, string> = {}): void {
		const event: Event = { Type: "container", Action: action, Actor: { ID: id, Attributes: attributes }, timeNano: Date.now() * 1e6 };
		this.past.push(event);
		for (const stream of this.streams) stream.write(`${JSON.stringify(event)}\n`);
	}

	/** A part of a line, and the end of the stream. */
	cutOff(): void {
		for (const stream of this.streams) stream.end('{"Type":"container","Action":"ki');
		this.streams.clear();
	}

	private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
		const url = new URL(request.url ?? "", "http://docker");
		if (url.pathname === "/events") {
			this.stream(url.searchParams, response);
			return;
		}
		const [status, body] = url.pathname === "/containers/json" ? this.running() : this.about(url);
		response.writeHead(status).end(body && JSON.stringify(body));
	}

	private running(): [status: number, body: object] {
		const ids = [...this.containers.values()].filter(({ State: { Status } }) => Status === "running").map(({ Id }) => ({ Id }));
		return [200, ids];
	}

	/** Of one image or container. */
	private about({ pathname, searchParams }: URL): [status: number, body?: object] {
		const [, kind, id = "", what] = pathname.split("/").map(decodeURIComponent);
		if (kind === "images") {
			const config = this.images.get(id);
			return config ? [200, { Config: config }] : [404, { message: "no image" }];
		}
		if (kind === "services") return this.isManager ? [this.removed.has(id) ? 404 : 200, {}] : [503, { message: "no manager" }];
		const container = this.containers.get(id);
		if (!container) return [404, { message: "no such container" }];
		if (what === "json") return this.isBroken ? [500, { message: "storage error" }] : [200, container];
		if (container.State.Status !== "running") return [409, { message: "it does not run" }];
		const signal = searchParams.get("signal") ?? "";
		this.kills.push({ id, signal, at: Date.now() });
		this.onKill(id, signal);
		return [204];
	}

	private stream(query: URLSearchParams, response: http.ServerResponse): void {
		this.wishes.push(query);
		const since = Number(query.get("since"));
		const kinds = (JSON.parse(query.get("filters") ?? "{}") as { event: string[] }).event;
		response.writeHead(200);
		response.flushHeaders();
		for (const event of this.past.filter(({ Action, timeNano }) => kinds.includes(Action) && timeNano / 1e9 >= since)) {
			response.write(`${JSON.stringify(event)}\n`);
		}
		this.streams.add(response);
		response.on("close", () => this.streams.delete(response));
	}
}
