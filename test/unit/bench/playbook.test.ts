import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AnsibleWorkspace, parseRecap } from "../../bench/drift/ansible.ts";
import { connection } from "../fixtures.ts";

/*
 * The playbook of `npm run bench:drift` sees what differs: a benchmark against one that looks at nothing would prove nothing. This machine stands
 * in for all hosts, and programs of the test for Docker and exportfs.
 */

const noAnsible = spawnSync("ansible-playbook", ["--version"]).status !== 0;

const spec = { Name: "was", TaskTemplate: { ContainerSpec: { Hostname: "{{.Node.Hostname}}" } } };
const node = (ID: string, Role: string) => ({
	ID,
	Spec: { Role, Availability: "active", Labels: { by: "hand", was: ID } },
	Status: { State: "ready" },
});

/** What the stand-in of Docker prints, by first, second and last argument. Anything else does not exist. */
const docker: Record<string, unknown> = {
	"info --format {{json .Swarm}}": { ControlAvailable: true, Cluster: { ID: "cluster", Spec: { Dispatcher: { HeartbeatPeriod: 20e9 } } } },
	"node inspect b": [node("a", "manager"), node("b", "worker")],
	"service inspect was": [{ Spec: spec }],
	"service inspect updated": [{ Spec: spec, UpdateStatus: { State: "completed" } }],
	"service inspect paused": [{ Spec: spec, UpdateStatus: { State: "rollback_paused" } }],
	"service inspect edited": [{ Spec: { ...spec, Name: "edited" } }],
	"secret inspect password": [{}],
	"volume inspect nfs": [{ Options: { type: "nfs", o: "hard" } }],
};
const tasks = "Running 3 minutes ago\nRunning 2 seconds ago\nStarting 1 second ago\n";

const none = { packages: [], units: [], directories: [], files: [], private_files: [], absent: [], live_exports: [], nginx_files: [] };
const swarm = {
	cluster: "cluster",
	heartbeatPeriod: 20e9,
	nodes: [
		{ id: "a", role: "manager", labels: {} },
		{ id: "b", role: "worker", labels: { was: "b" } },
	],
	service: "was",
	replicas: 2,
	secrets: ["password"],
};
const liveExports = ["/mnt/logs 192.168.3.5(rw)", "/mnt/logs 192.168.2.137(rw)"];

describe("the playbook tells", () => {
	const ansible = new AnsibleWorkspace();
	const { directory } = ansible;
	const owned = (name: string, mode = "0640") => ({
		path: path.join(directory, "host", name),
		owner: String(process.getuid?.()),
		group: String(process.getgid?.()),
		mode,
	});
	const sha256 = createHash("sha256").update("secret\n").digest("hex");
	const whole = { ...swarm, spec: path.join(directory, "service.json") };

	/** By the name of the host: what it should be like, and how many tasks change and fail. */
	const hosts: Record<string, [variables: object, changed: number, failed: number]> = {
		"nothing-to-do": [
			{
				directories: [owned("folder", "0750")],
				files: [owned("file")],
				private_files: [{ ...owned("file"), sha256 }],
				absent: [owned("gone").path],
				live_exports: liveExports,
				volume: { name: "nfs", options: { type: "nfs", o: "hard" } },
				swarm: whole,
			},
			0,
			0,
		],
		"paths-that-differ": [
			{ directories: [owned("other-folder", "0700")], files: [owned("other-file")], absent: [owned("extra").path] },
			3,
			0,
		],
		"a-secret-that-differs": [{ private_files: [{ ...owned("file"), sha256: "0" }] }, 0, 1],
		"an-export-too-much": [{ live_exports: liveExports.slice(1) }, 0, 1],
		"a-volume-with-other-options": [{ volume: { name: "nfs", options: { type: "nfs", o: "soft" } } }, 0, 1],
		"another-swarm": [{ swarm: { ...whole, cluster: "other" } }, 0, 1],
		"another-heartbeat": [{ swarm: { ...whole, heartbeatPeriod: 5e9 } }, 0, 1],
		"a-node-without-its-label": [{ swarm: { ...whole, nodes: [swarm.nodes[0], { ...swarm.nodes[1], labels: { was: "c" } }] } }, 0, 1],
		"a-service-that-was-edited": [{ swarm: { ...whole, service: "edited" } }, 0, 1],
		"an-update-that-is-paused": [{ swarm: { ...whole, service: "paused" } }, 0, 1],
		"a-task-that-is-missing": [{ swarm: { ...whole, service: "updated", replicas: 3 } }, 0, 1],
	};
	let output = "";

	beforeAll(async () => {
		if (noAnsible) return;
		const program = (name: string, body: string) => fs.chmodSync(ansible.write(`programs/${name}`, `#!/bin/bash\n${body}\n`), 0o700);
		program("docker", `[ "$1 $2" = "service ps" ] && exec cat ${directory}/tasks\nexec cat "${directory}/docker/$1 $2 \${@: -1}"`);
		program("exportfs", 'printf "/mnt/logs  192.168.2.137(rw)\\n/mnt/logs  \\t192.168.3.5(rw)\\n"');
		process.env.PATH = `${path.join(directory, "programs")}:${process.env.PATH}`;
		ansible.write("tasks", tasks);
		for (const [asked, answer] of Object.entries(docker)) ansible.write(`docker/${asked}`, JSON.stringify(answer));
		ansible.write("service.json", JSON.stringify([{ Spec: spec }]));
		for (const name of ["file", "other-file", "extra"]) fs.chmodSync(ansible.write(`host/${name}`, "secret\n"), 0o640);
		for (const name of ["folder", "other-folder"]) fs.mkdirSync(path.join(directory, "host", name), { mode: 0o750 });
		ansible.write(`files/nothing-to-do${owned("file").path}`, "secret\n");
		ansible.write(`files/paths-that-differ${owned("other-file").path}`, "other\n");
		const here = { ansible_connection: "local", ansible_become: false, ansible_remote_tmp: path.join(directory, "tmp") };
		const entries = Object.entries(hosts).map(([name, [variables]]) => [
			name,
			{ connection: connection(), variables: { ...none, ...here, ...variables } },
		]);
		ansible.writeInventory(Object.fromEntries(entries));
		output = (await ansible.run()).output;
	}, 300_000);
	afterAll(() => ansible.remove());

	test.for(Object.entries(hosts))("%s", ([name, [, changed, failed]], context) => {
		context.skip(noAnsible, "ansible-playbook is not installed");
		expect(parseRecap(output)[name], output).toMatchObject({ changed, failed, unreachable: 0 });
	});
});
