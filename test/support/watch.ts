import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "ssh2";
import type { Connection } from "../../lib/connection.ts";
import { connect } from "../../lib/ssh.ts";

/*
 * Which nodes refuse connections, and how many of them at the same time: asked as the load balancer asks, by a connection from its host to each
 * node's published port. So it does not depend on what the agents say of themselves.
 */

/** `closed`: it refused the connection. `silent`: nothing came back, as from a machine that is off. */
export type Answer = "open" | "closed" | "silent";

/** What the nodes answered at about the same moment, by name. */
export type Look = Record<string, Answer>;

export interface Watched {
	looks: number;
	/** Nodes that were closed at some time. */
	closed: string[];
	/** Each set of several nodes that were closed at the same time, by their names, and when that was seen first. */
	together: Map<string, Date>;
	/** The fewest nodes that were open at the same time. */
	fewestOpen: number;
}

/**
 * Counts what was seen. Nodes are asked at about the same moment, and between two answers one may open and the next one close: so only those count
 * as closed together that are closed in two looks in a row, and only those as not open. Pure.
 *
 * @param looks In their order, each with its time.
 */
export function count(looks: { at: Date; look: Look }[]): Watched {
	const closed = new Set<string>();
	const together = new Map<string, Date>();
	let fewestOpen = Number.POSITIVE_INFINITY;
	looks.forEach(({ at, look }, i) => {
		const before = looks[i - 1]?.look ?? {};
		const names = Object.keys(look);
		const twice = names.filter((name) => look[name] === "closed" && before[name] === "closed");
		for (const name of names) if (look[name] === "closed") closed.add(name);
		const set = twice.sort().join(", ");
		if (twice.length > 1 && !together.has(set)) together.set(set, at);
		fewestOpen = Math.min(fewestOpen, names.filter((name) => look[name] === "open" || before[name] === "open").length);
	});
	return { looks: looks.length, closed: [...closed].sort(), together, fewestOpen };
}

export interface WatchOptions {
	/** Where the questions come from. */
	from: Connection;
	/** The nodes' private addresses by name. */
	nodes: Record<string, string>;
	/** A node is open when one of these ports is. */
	ports: number[];
}

/** Milliseconds between two looks. */
const interval = 500;
/** How long a connection may take to be made, in milliseconds. The other nodes are not looked at meanwhile. */
const patience = 1500;

/** Looks at the nodes again and again until it is stopped. */
export class NodeWatch {
	readonly #looks: { at: Date; look: Look }[] = [];
	readonly #options: WatchOptions;
	readonly #running: Promise<void>;
	#stopping = false;

	constructor(options: WatchOptions) {
		this.#options = options;
		this.#running = this.#run();
	}

	/** Names of the nodes that were closed at the latest look. */
	closedNow(): string[] {
		const look = this.#looks.at(-1)?.look ?? {};
		return Object.keys(look).filter((name) => look[name] === "closed");
	}

	/** Names of the nodes that were closed at some time and are open at the latest look. */
	openAgain(): string[] {
		const look = this.#looks.at(-1)?.look ?? {};
		const wereClosed = (name: string) => this.#looks.some((before) => before.look[name] === "closed");
		return Object.keys(look).filter((name) => look[name] === "open" && wereClosed(name));
	}

	async stop(): Promise<Watched> {
		this.#stopping = true;
		await this.#running;
		return count(this.#looks);
	}

	async #run(): Promise<void> {
		while (!this.#stopping) {
			const look = await this.#look();
			if (look) this.#looks.push({ at: new Date(), look });
			// What looks wrong is soon looked at again.
			await pause(this.closedNow().length < 2 ? interval : 50);
		}
	}

	/** Undefined when the questions could not be asked. */
	async #look(): Promise<Look | undefined> {
		const { from, nodes, ports } = this.#options;
		try {
			const client = await connect(from);
			const asked = Object.entries(nodes).map(async ([name, address]) => {
				const answers = await Promise.all(ports.map((port) => ask(client, address, port)));
				return [name, (["open", "closed", "silent"] as const).find((answer) => answers.includes(answer))];
			});
			return Object.fromEntries(await Promise.all(asked));
		} catch {
			// Connections of tests end and are opened again.
			await pause(interval);
			return undefined;
		}
	}
}

/** @throws Error when the connection by which it asks is lost. */
function ask(client: Client, address: string, port: number): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => done("silent"), patience);
		const lost = () => {
			clearTimeout(timer);
			reject(new Error("connection lost"));
		};
		const done = (answer: Answer) => {
			clearTimeout(timer);
			client.off("close", lost);
			resolve(answer);
		};
		client.once("close", lost);
		try {
			client.forwardOut("127.0.0.1", 0, address, port, (error, channel) => {
				if (error) return done(/refused/i.test(error.message) ? "closed" : "silent");
				// Without a listener its end is never seen.
				channel.on("error", () => {}).resume();
				channel.close();
				done("open");
			});
		} catch (error) {
			clearTimeout(timer);
			client.off("close", lost);
			reject(error);
		}
	});
}
