import { apps, type RolloutLab } from "./rollout.ts";

export const hostsKey = "swarm-scaleout:hosts";

export interface LabHost {
	name: string;
	roles: string[];
	address: string;
}

interface NodeLine {
	state: string;
	/** `Leader`, `Reachable`, `Unreachable`; empty for a worker. */
	manager: string;
}

/** Which hosts of the lab manage the swarm. */
export class Managers {
	readonly #lab: RolloutLab;
	readonly #original: LabHost[];

	constructor(lab: RolloutLab) {
		this.#lab = lab;
		this.#original = structuredClone(lab.stack.config[hostsKey]) as LabHost[];
	}

	/** Gives these hosts the role manager in the configuration, and all other app nodes worker. */
	configure(...names: string[]): void {
		this.#lab.stack.config[hostsKey] = this.#original.map(({ roles, ...host }) => {
			const others = roles.filter((role) => role !== "manager" && role !== "worker");
			if (names.includes(host.name)) return { ...host, roles: ["manager", ...others] };
			return { ...host, roles: apps.includes(host.name) ? ["worker", ...others] : others };
		});
	}

	/** The nodes as a manager sees them, by name. */
	async nodes(manager: string): Promise<Record<string, NodeLine>> {
		const lines = await this.#lab.on(manager, "docker node ls --format '{{.Hostname}}|{{.Status}} {{.Availability}}|{{.ManagerStatus}}'");
		const fields = lines
			.trim()
			.split("\n")
			.map((line) => line.split("|") as [string, string, string]);
		return Object.fromEntries(fields.map(([name, state, manager]) => [name, { state, manager }]));
	}

	/** The manager that leads, as another one sees it. */
	async leader(manager: string): Promise<string | undefined> {
		return Object.entries(await this.nodes(manager)).find(([, { manager: status }]) => status === "Leader")?.[0];
	}
}
