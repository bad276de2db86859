import * as path from "node:path";
import { httpConfig } from "../../../../components/balancer/nginx/config.ts";
import type { Topology } from "../../../../config/schema.ts";
import { Backend } from "../../../support/backend.ts";
import { Namespace } from "../../../support/namespace.ts";
import { forVersion, LocalNginx, nginxVersion } from "../../../support/nginx.ts";
import { ask } from "../../../support/tls.ts";
import { type Raw, topology } from "../../fixtures.ts";
import { frontOf } from "./front.ts";

export const port = 8080;

const reject = ["-m", "conntrack", "--ctstate", "NEW", "-j", "REJECT", "--reject-with", "tcp-reset"];

/** NGINX in a network namespace, with the rendered file for HTTP, in front of nodes that are servers of this process. */
export class Scene {
	readonly namespace: Namespace;
	readonly nodes: Backend[];
	readonly nginx: LocalNginx;
	readonly config: Topology["nginx"];

	private constructor(change: Raw, count: number, options: { idleMs?: number }) {
		this.config = topology((all) => Object.assign(all.nginx, { listen: 80, ...change })).nginx;
		this.namespace = new Namespace(count);
		this.nodes = this.namespace.outside.map((address) => new Backend(address, port, options));
		this.nginx = new LocalNginx(this.namespace);
	}

	/** @param servers addresses of the upstream, when they are not the nodes' own */
	static async make(
		change: Raw = {},
		{ nodes = 3, servers, ...options }: { nodes?: number; servers?: (scene: Scene) => string[]; idleMs?: number } = {},
	) {
		const scene = new Scene(change, nodes, options);
		try {
			// From now on connections are tracked, as on each host with Docker: else those that are there would be new to a rule that comes later.
			scene.namespace.exec("iptables", "-A", "OUTPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT");
			await Promise.all(scene.nodes.map((node) => node.listen()));
			const upstream = (servers?.(scene) ?? scene.namespace.outside).map((address) => ({ name: address, address }));
			const inDirectory = (name: string) => path.join(scene.nginx.directory, name);
			const paths = { maintenance: inDirectory("m"), httpsUp: inDirectory("u"), challenges: inDirectory("c"), certificate: "", key: "" };
			const text = httpConfig(frontOf(scene.config, upstream, { port, paths }));
			await scene.nginx.start(forVersion(text, nginxVersion as string), 80);
			return scene;
		} catch (error) {
			await scene.close();
			throw error;
		}
	}

	async close(): Promise<void> {
		await this.nginx.stop();
		this.namespace.close();
		await Promise.all(this.nodes.map((node) => node.close()));
	}

	/** A rule in NGINX's own way out: what it is told of that address. */
	rule(act: "-I" | "-D", address: string, ...rest: string[]): void {
		this.namespace.exec("iptables", act, "OUTPUT", "-d", address, "-p", "tcp", "--dport", `${port}`, ...rest);
	}

	/** The node refuses new connections, as the gate does, and goes on with those that are there. */
	refuse(node: number): void {
		this.rule("-I", this.namespace.outside[node] as string, ...reject);
	}

	/** Undoes `refuse`. */
	admit(node: number): void {
		this.rule("-D", this.namespace.outside[node] as string, ...reject);
	}

	/** Nothing answers there any more. */
	lose(node: number): void {
		this.rule("-I", this.namespace.outside[node] as string, "-j", "DROP");
	}

	/** Undoes `lose`. */
	find(node: number): void {
		this.rule("-D", this.namespace.outside[node] as string, "-j", "DROP");
	}

	ask(method: string, to: string, body?: string) {
		return ask(`http://${this.namespace.address}${to}`, {
			method,
			...(body !== undefined && { body, headers: { "content-length": body.length } }),
		});
	}

	/** How many times a request began, on all nodes together. */
	times(to: string): number {
		return this.nodes.flatMap(({ began }) => began).filter((began) => began === to).length;
	}
}

/** Asks on and on with some clients, half of the requests POST with a body, until `stop`, which returns what did not answer 200. */
export class Asking {
	total = 0;
	readonly failed: string[] = [];
	#on = true;
	readonly #clients: Promise<void>[];

	constructor(scene: Scene, { clients = 8, pauseMs = 0, methods = ["GET", "POST"], query = "" } = {}) {
		this.#clients = Array.from({ length: clients }, async (_, client) => {
			for (let i = 0; this.#on; i++) {
				const method = methods[i % methods.length] as string;
				const to = `/${client}-${i}${query}`;
				const body = method === "POST" ? "x".repeat(20_000) : undefined;
				const said = await scene.ask(method, to, body).then(
					({ status }) => (status === 200 ? "" : `HTTP ${status}`),
					(error) => String(error),
				);
				this.total++;
				if (said) this.failed.push(`${method} ${to}: ${said}`);
				if (pauseMs) await new Promise((resolve) => setTimeout(resolve, pauseMs));
			}
		});
	}

	/** Until so many more were answered. @throws Error after half a minute */
	async answers(count: number): Promise<void> {
		const [wanted, until] = [this.total + count, Date.now() + 30_000];
		while (this.total < wanted) {
			if (Date.now() > until) throw new Error(`${wanted - this.total} of ${count} answers are missing`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	async stop(): Promise<void> {
		this.#on = false;
		await Promise.all(this.#clients);
	}
}
