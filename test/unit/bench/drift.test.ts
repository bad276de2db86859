import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type InventoryHost, inventoryOf, knownHosts, parseRecap, unwanted } from "../../../bench/drift/ansible.ts";
import { checksOf, recordsScript } from "../../../bench/drift/records.ts";
import { swarmChecksOf } from "../../../bench/drift/swarm.ts";
import { lookAtExports } from "../../../components/nfs.ts";
import { asRoot } from "../../../lib/connection.ts";
import { lookAtPackages, recorded } from "../../../lib/hostRecord.ts";
import type { SwarmClusterInputs } from "../../../providers/swarm-cluster/resource.ts";
import { connection, hostKey } from "../fixtures.ts";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-bench-"));
afterAll(() => fs.rmSync(directory, { recursive: true }));

describe("what the playbook checks on a host", () => {
	const [readable, secret, folder, gone] = ["readable", "secret", "folder", "gone"].map((name) => path.join(directory, name)) as [
		string,
		string,
		string,
		string,
	];
	const programs = path.join(directory, "programs");

	/** Runs a script as a host would, with the records in the test's directory and stand-ins for what a host has. */
	function run(script: string): string {
		fs.mkdirSync(programs, { recursive: true });
		const standIn = (name: string, body: string) => fs.writeFileSync(path.join(programs, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
		standIn("systemctl", '[ "$1" = is-active ] && echo active || echo enabled');
		standIn("dpkg-query", "printf 'package curl\\tinstalled\\n'");
		standIn("exportfs", 'printf "/mnt/logs  192.168.2.137(rw,sync)\\n/mnt/logs  192.168.3.5(rw,sync)\\n"');
		const command = asRoot("root", script.replaceAll("/var/lib/scaleout", path.join(directory, "records")));
		const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
		const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8", env });
		if (status !== 0) throw new Error(stderr);
		return stdout;
	}

	test("is what the steps have recorded, each thing once", () => {
		fs.writeFileSync(readable, "line\n", { mode: 0o644 });
		fs.writeFileSync(secret, "secret\n", { mode: 0o600 });
		fs.mkdirSync(folder, { mode: 0o750 });
		const step = (name: string, looks: string[]) => run(recorded("p/s", name, "true", looks));
		step("one", [lookAtPackages(["curl"]), `file ${readable}`, `file ${secret}`, "unit nginx"]);
		step("two", [
			`file ${folder}`,
			`file ${gone}`,
			"unit nginx",
			lookAtExports("/mnt/logs"),
			"state 'what NGINX runs with' /etc/nginx/a.conf",
		]);
		const printed = run(recordsScript("p/s"));
		const mine = { owner: String(process.getuid?.()), group: String(process.getgid?.()) };
		expect(checksOf(printed)).toEqual({
			variables: {
				packages: ["curl"],
				units: ["nginx"],
				directories: [{ path: folder, ...mine, mode: "0750" }],
				files: [{ path: readable, ...mine, mode: "0644" }],
				private_files: [
					{ path: secret, ...mine, mode: "0600", sha256: "b37e50cedcd3e3f1ff64f4afc0422084ae694253cf399326868e07a35f4a45fb" },
				],
				absent: [gone],
				live_exports: ["/mnt/logs 192.168.2.137(rw,sync)", "/mnt/logs 192.168.3.5(rw,sync)"],
				nginx_files: ["/etc/nginx/a.conf"],
			},
			contents: { [readable]: Buffer.from("line\n").toString("base64") },
		});
		expect(printed).not.toContain(Buffer.from("secret\n").toString("base64"));
	});

	test.each(["package curl\tconfig-files", "nginx\tinactive and enabled", "/etc/x\troot:root 644", "something new\tyes"])(
		"%s is refused: the playbook would not check it",
		(record) => {
			expect(() => checksOf(record)).toThrow("the playbook has no task for");
		},
	);
});

test("the swarm's checks are those of the state: nodes and volume by host, the manager that is asked", () => {
	const [first, second] = [connection(), connection({ port: 2222 })];
	const options = "addr=192.168.1.20,hard";
	const mount = { type: "volume", target: "/was-logs", name: "nfs-1", device: ":/mnt/logs", options };
	const resource = (type: string, name: string, inputs: object, outputs: object = {}) => ({
		urn: `urn:pulumi:test::p::pulumi-nodejs:dynamic/scaleout:${type}::${name}`,
		type: `pulumi-nodejs:dynamic/scaleout:${type}`,
		inputs,
		outputs,
	});
	const settings = { managers: [first], dispatcherHeartbeatSeconds: 20 } satisfies Partial<SwarmClusterInputs>;
	const resources = [
		resource("SwarmCluster", "swarm", settings, { clusterId: "cluster-1" }),
		resource("SwarmNode", "worker", { connection: second, role: "worker" }, { nodeId: "id-2" }),
		resource("SwarmNode", "manager", { connection: first, role: "manager" }, { nodeId: "id-1" }),
		resource("NodeLabel", "worker-label", { nodeId: "id-2", label: "a", value: "b" }),
		resource("Service", "was", { name: "was", replicas: 1, mount, secrets: [{ name: "password-1" }], nodes: [{ name: "worker" }] }),
	];
	expect(swarmChecksOf(resources)).toEqual({
		manager: "manager",
		swarm: {
			cluster: "cluster-1",
			heartbeatPeriod: 20e9,
			nodes: [
				{ id: "id-2", role: "worker", labels: { a: "b" } },
				{ id: "id-1", role: "manager", labels: {} },
			],
			service: "was",
			replicas: 1,
			secrets: ["password-1"],
		},
		volumes: { worker: { name: "nfs-1", options: { type: "nfs", device: ":/mnt/logs", o: options } } },
	});
	expect(() => swarmChecksOf(resources.slice(0, 4))).toThrow("not deployed");
});

describe("the inventory", () => {
	test("pins each host's key, by its port where that is not 22", () => {
		const found = knownHosts([connection(), connection({ host: "127.0.0.1", port: 2450 })]);
		expect(found).toBe(`192.168.2.137 ${hostKey}\n[127.0.0.1]:2450 ${hostKey}\n`);
		fs.writeFileSync(path.join(directory, "known_hosts"), found);
		const { stdout } = spawnSync("ssh-keygen", ["-F", "[127.0.0.1]:2450", "-f", path.join(directory, "known_hosts")], { encoding: "utf8" });
		expect(stdout).toContain(hostKey);
	});

	test("names files of keys, and holds none", () => {
		const hosts: Record<string, InventoryHost> = {
			log: { connection: connection({ port: 2453 }), variables: { packages: ["nfs-kernel-server"] } },
			web: { connection: connection({ user: "ubuntu" }), variables: {} },
		};
		const text = inventoryOf(hosts, "/private");
		expect(JSON.parse(text).all.hosts).toEqual({
			log: {
				ansible_host: "192.168.2.137",
				ansible_port: 2453,
				ansible_user: "root",
				ansible_become: false,
				ansible_ssh_private_key_file: "/private/keys/log",
				packages: ["nfs-kernel-server"],
			},
			web: expect.objectContaining({ ansible_user: "ubuntu", ansible_become: true }),
		});
		expect(text).not.toContain("planted-private-key");
	});
});

describe("the recap", () => {
	const output = `
PLAY [The hosts are as they should be] ***
ok: [log]
worker1 : changed=7 in a message

PLAY RECAP *********************************************************************
log                        : ok=9    changed=0    unreachable=0    failed=0    skipped=4    rescued=0    ignored=0   
worker-1.lan               : ok=3    changed=1    unreachable=0    failed=0    skipped=4    rescued=0    ignored=0   
worker2                    : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   

`;

	test("is read by host", () => {
		const recap = parseRecap(output);
		expect(Object.keys(recap)).toEqual(["log", "worker-1.lan", "worker2"]);
		expect(recap.log).toEqual({ ok: 9, changed: 0, unreachable: 0, failed: 0, skipped: 4, rescued: 0, ignored: 0 });
		expect(parseRecap("ERROR! the playbook could not be found\n")).toEqual({});
	});

	test("tells each host where a run was not an idempotent one, also one that is missing", () => {
		expect(unwanted(parseRecap(output), ["log"])).toEqual([]);
		expect(unwanted(parseRecap(output), ["log", "worker-1.lan", "worker2", "nginx"])).toEqual([
			expect.stringMatching(/^worker-1\.lan: .*"changed":1/),
			expect.stringMatching(/^worker2: .*"unreachable":1/),
			'nginx: "not in the recap"',
		]);
	});
});
