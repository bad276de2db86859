import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { asRoot } from "../../../lib/connection.ts";
import type { SwarmClusterInputs } from "../../../providers/swarm-cluster/resource.ts";
import { type InventoryHost, inventoryOf, knownHosts, parseRecap, unwanted } from "../../bench/drift/ansible.ts";
import { checksOf, recordsScript } from "../../bench/drift/records.ts";
import { swarmChecksOf } from "../../bench/drift/swarm.ts";
import { StandInHost } from "../../support/standInHost.ts";
import { runStep } from "../../support/step.ts";
import { connection, hostKey } from "../fixtures.ts";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-bench-"));
afterAll(() => fs.rmSync(directory, { recursive: true }));

describe("what the playbook checks on a host", () => {
	test("is what the steps have recorded, each thing once", () => {
		const host = new StandInHost();
		const standIns = `
systemctl() { [ "$1" = is-active ] && echo active || echo enabled; }
dpkg-query() { case "$*" in *Status-Status*) printf 'package curl\\tinstalled\\n' ;; *) echo "install ok installed" ;; esac; }
exportfs() { printf '%s  192.168.2.137(rw,sync)\\n%s  192.168.3.5(rw,sync)\\n' "$ROOT/mnt/logs" "$ROOT/mnt/logs"; }
base64() { command /usr/bin/base64 "$@"; }
export -f systemctl dpkg-query exportfs base64`;
		const at = (name: string) => path.join(host.root, "etc/made", name);
		const file = (name: string, mode: string) => ({ path: `/etc/made/${name}`, content: `${name}\n`, mode });
		const steps = [
			{ step: "test/one", packages: ["curl"], files: [file("readable", "0644"), file("secret", "0600")], units: ["nginx"] },
			{
				step: "test/two",
				directories: [{ path: "/etc/made/folder", mode: "0750" }],
				units: ["nginx"],
				checks: ["file /etc/made/gone", "live-export /mnt/logs"],
			},
		];
		for (const step of steps) expect(runStep(host, step, standIns)).toMatchObject({ status: 0, stderr: "" });
		const { stdout: printed } = host.run(`${standIns}\n${asRoot("root", recordsScript("swarm-scaleout/lab"))}`);
		const mine = { owner: String(process.getuid?.()), group: String(process.getgid?.()) };
		expect(checksOf(printed)).toEqual({
			variables: {
				packages: ["curl"],
				units: ["nginx"],
				directories: [{ path: at("folder"), ...mine, mode: "0750" }],
				files: [{ path: at("readable"), ...mine, mode: "0644" }],
				private_files: [
					{ path: at("secret"), ...mine, mode: "0600", sha256: "b37e50cedcd3e3f1ff64f4afc0422084ae694253cf399326868e07a35f4a45fb" },
				],
				absent: [at("gone")],
				live_exports: [`${host.root}/mnt/logs 192.168.2.137(rw,sync)`, `${host.root}/mnt/logs 192.168.3.5(rw,sync)`],
				nginx_files: [],
			},
			contents: { [at("readable")]: Buffer.from("readable\n").toString("base64") },
		});
		expect(printed).not.toContain(Buffer.from("secret\n").toString("base64"));
		host.remove();
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
		resource("HostBootstrap", "hosts-worker-bootstrap", { host: "worker", connection: second }),
		resource("HostBootstrap", "hosts-manager-bootstrap", { host: "manager", connection: first }),
		resource("SwarmNode", "swarm-worker", { connection: second, role: "worker" }, { nodeId: "id-2" }),
		resource("SwarmNode", "swarm-manager", { connection: first, role: "manager" }, { nodeId: "id-1" }),
		resource("NodeLabel", "babble-was-label-worker", { nodeId: "id-2", label: "a", value: "b" }),
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
