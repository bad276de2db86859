import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";
import { TestStack } from "../support/stack.ts";

/** A second stack, of `existing` hosts, that looks at the lab's machines: what it may not do there must fail clearly. */
const lab = inject("lab");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-existing-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const keyFile = path.join(scratch, "key");
const strangerFile = path.join(scratch, "stranger");
const stranger = newKeyPair();

interface ExistingHost {
	name: string;
	roles: string[];
	address: string;
	ssh: { host: string; port: number; hostKey: string; privateKeyFile?: string };
}

const placed: [name: string, roles: string[], address: string][] = [
	["manager", ["manager", "app"], "192.168.2.137"],
	["worker1", ["worker", "app"], "192.168.2.142"],
	["log", ["log"], "192.168.1.20"],
	["nginx", ["nginx"], "192.168.1.10"],
];

function newStack(change: (hosts: ExistingHost[]) => void): TestStack {
	const hosts = placed.map(([name, roles, address]): ExistingHost => {
		const { host, port, hostKey } = lab.connections[name] as Connection;
		return { name, roles, address, ssh: { host, port, hostKey } };
	});
	change(hosts);
	const config = {
		"swarm-scaleout:source": "existing",
		"swarm-scaleout:hosts": hosts,
		"swarm-scaleout:existing": { privateKeyFile: keyFile },
		// Steps on hosts that are in order go on beside the one that fails: they must not meet the lab's own.
		"swarm-scaleout:logs": { path: "/mnt/second" },
		"swarm-scaleout:service": { replicas: 2 },
	};
	return new TestStack("existing", path.join(scratch, "stack"), config);
}

const first = (hosts: ExistingHost[]) => hosts[0] as ExistingHost;

describe.skipIf(lab.noEngine)("existing hosts", () => {
	beforeAll(async () => {
		fs.writeFileSync(keyFile, (lab.connections.manager as Connection).privateKey, { mode: 0o600 });
		fs.writeFileSync(strangerFile, stranger.private, { mode: 0o600 });
		await newStack(() => {}).init();
	});

	afterAll(async () => {
		const { code, output } = await newStack(() => {}).destroy();
		expect(code, output).toBe(0);
	});

	const faults: [name: string, change: (hosts: ExistingHost[]) => void, message: RegExp][] = [
		[
			"nothing listens",
			(hosts) => Object.assign(first(hosts).ssh, { port: 2499 }),
			/hosts\[0\]\.ssh\.host: root@127\.0\.0\.1:2499: .*ECONNREFUSED.*: check the address/,
		],
		[
			"the private key is a stranger's",
			(hosts) => Object.assign(first(hosts).ssh, { privateKeyFile: strangerFile }),
			/hosts\[0\]\.ssh\.privateKeyFile: .* refused user "root" with this private key/,
		],
		[
			"the host key is not the pinned one",
			(hosts) => Object.assign(first(hosts).ssh, { hostKey: stranger.public.trim() }),
			/hosts\[0\]\.ssh\.hostKey: .* host key SHA256:.* is not the pinned SHA256:/,
		],
		[
			"the key file is missing",
			(hosts) => Object.assign(first(hosts).ssh, { privateKeyFile: "/nowhere/key" }),
			/hosts\[0\]\.ssh\.privateKeyFile = "\/nowhere\/key": cannot be read \(ENOENT\)/,
		],
		["the host is in the swarm of another stack", () => {}, /already manages swarm \w+, of stack swarm-scaleout\/test: set swarm\.adopt/],
	];
	test.each(faults)("are refused with property and remedy, in bounded time, when %s", async (_name, change, message) => {
		const stack = newStack(change);
		const started = Date.now();
		const { code, output } = await stack.up();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		expect(output).not.toContain("PRIVATE KEY");
		expect(Date.now() - started).toBeLessThan(180_000);
	});

	test("and those of another stack keep their drain agents, also after the refused stack is destroyed", async () => {
		const { code, output } = await newStack(() => {}).destroy();
		expect(code, output).toBe(0);
		for (const name of ["manager", "worker1", "worker2"]) {
			expect(await execAsRoot(lab.connections[name] as Connection, "systemctl is-active scaleout-drain-babble-was"), name).toBe("active\n");
		}
	});
});
