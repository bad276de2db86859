import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, inject } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { TestStack } from "./stack.ts";

/* A second stack, of `existing` hosts, that looks at the lab's machines: what it may not do there must fail clearly. */

export interface ExistingHost {
	name: string;
	roles: string[];
	address: string;
	ssh: { host: string; port: number; hostKey: string; privateKeyFile?: string };
}

const placed: [name: string, roles: string[], address: string][] = [
	["manager", ["manager", "app"], "192.168.2.137"],
	["worker1", ["worker", "app"], "192.168.2.142"],
	["log", ["log"], "192.168.1.20"],
	["nginx", ["balancer"], "192.168.1.10"],
];

export class ExistingHosts {
	readonly scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-existing-"));

	readonly #keyFile = path.join(this.scratch, "key");

	async init(): Promise<void> {
		fs.writeFileSync(this.#keyFile, (inject("lab").connections.manager as Connection).privateKey, { mode: 0o600 });
		await this.#stack().init();
	}

	/** The stack, its hosts changed. */
	#stack(change: (hosts: ExistingHost[]) => void = () => {}): TestStack {
		const { connections } = inject("lab");
		const hosts = placed.map(([name, roles, address]): ExistingHost => {
			const { host, port, hostKey } = connections[name] as Connection;
			return { name, roles, address, ssh: { host, port, hostKey } };
		});
		change(hosts);
		const config = {
			"swarm-scaleout:source": "existing",
			"swarm-scaleout:hosts": hosts,
			"swarm-scaleout:existing": { privateKeyFile: this.#keyFile },
			// Steps on hosts that are in order go on beside the one that fails: they must not meet the lab's own.
			"swarm-scaleout:logs": { path: "/mnt/second" },
			"swarm-scaleout:services": { "babble-was": { image: { name: "2021babble/babble-was" }, replicas: 2 } },
		};
		return new TestStack("existing", path.join(this.scratch, "stack"), config);
	}

	/** Fails unless `up` is refused with this message, soon and without showing a key. */
	async expectRefused(change: (hosts: ExistingHost[]) => void, message: RegExp): Promise<void> {
		const started = Date.now();
		const { code, output } = await this.#stack(change).up();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		expect(output).not.toContain("PRIVATE KEY");
		expect(Date.now() - started).toBeLessThan(180_000);
	}

	async destroy(): Promise<void> {
		const { code, output } = await this.#stack().destroy();
		expect(code, output).toBe(0);
	}

	remove(): void {
		fs.rmSync(this.scratch, { recursive: true, force: true });
	}
}
