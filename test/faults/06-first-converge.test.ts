import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { isRunning, stop } from "../../providers/machine/qemu.ts";
import { describeLab, labEnvironment } from "../support/lab.ts";
import { endPlugins, projectDirectory, type Result, TestStack } from "../support/stack.ts";

/*
 * The first `pulumi up` of a stack of its own, killed again and again. The cut points are not chosen: the CLI prints each resource as it begins to
 * make it, and the first time a resource is printed is a cut. So every resource is cut while it, or one beside it, is made.
 */

const noEngine = missingEngine();
const directory = path.join(projectDirectory, ".lab", "first-test");
const machines = path.join(directory, "machines");
const stackDirectory = path.join(directory, "stack");
const apps = ["manager", "worker"];
/** In turn, how long a resource has been in the making when it is cut, in seconds. */
const delays = [0, 1, 3];

function newStack(): TestStack {
	const config = TestStack.labConfig(machines);
	config["swarm-scaleout:local"] = { directory: machines, sshPortBase: 2470, lanPort: 23470, endpointPort: 8190, httpsPort: 8191 };
	config["swarm-scaleout:hosts"] = [
		{ name: "manager", roles: ["manager", "app"], address: "192.168.2.137" },
		{ name: "worker", roles: ["worker", "app"], address: "192.168.2.142" },
		{ name: "infra", roles: ["log", "registry", "balancer"], address: "192.168.1.20" },
	];
	const stack = new TestStack("first", stackDirectory, config, labEnvironment);
	stack.service.replicas = apps.length;
	return stack;
}

/** The machines that run, by name. */
async function running(): Promise<string[]> {
	const names = fs.existsSync(machines) ? fs.readdirSync(machines) : [];
	const found = await Promise.all(names.map(async (name) => ((await isRunning(path.join(machines, name))) ? [name] : [])));
	return found.flat().sort();
}

/** Removes what a run, this one or an earlier one, has left. */
async function clear(): Promise<void> {
	endPlugins(stackDirectory);
	for (const name of await running()) await stop(path.join(machines, name), () => {});
	fs.rmSync(directory, { recursive: true, force: true });
}

interface Run extends Result {
	/** The resource in whose making the CLI was killed; absent when it came to its end. */
	cut?: string;
}

/** Runs `pulumi up`, and kills the CLI with all of its children when it begins a resource that is not in `seen`, which is added there. */
async function upUntilCut(stack: TestStack, seen: Set<string>): Promise<Run> {
	const up = stack.beginUp();
	let cut: string | undefined;
	for await (const line of createInterface({ input: up.stdout })) {
		const [, begun] = /^\s*\+\s+(\S+ \S+) creating/.exec(line) ?? [];
		if (!begun || seen.has(begun) || cut) continue;
		cut = begun;
		await sleep((delays[seen.size % delays.length] as number) * 1000);
		seen.add(begun);
		up.kill();
	}
	return { ...(await up.ended), cut };
}

/**
 * What docs/faults.md says to do after the CLI was killed: free the lock of the state. With a file backend the engine writes the attributes of a state
 * file in place, and they may be empty then, with which it cannot even cancel. The state itself is whole.
 */
async function recover(stack: TestStack): Promise<void> {
	const file = path.join(stack.directory, "state", ".pulumi", "stacks", "swarm-scaleout", `${stack.name}.json.attrs`);
	if (fs.statSync(file, { throwIfNoEntry: false })?.size === 0) {
		fs.rmSync(file);
		process.stderr.write("killed as the state was written: removed its empty attributes\n");
	}
	const { code, output } = await stack.run("cancel", "--yes", "--stack", stack.name);
	expect(code, output).toBe(0);
}

describe.skipIf(noEngine)(`a first up that is killed${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;

	beforeAll(async () => {
		await clear();
		stack = newStack();
		await stack.init();
	});

	afterAll(async () => {
		await closeConnections();
		await clear();
	});

	test("at each resource that it makes: the last one ends, with everything there once", async () => {
		const seen = new Set<string>();
		const started = Date.now();
		const cuts: string[] = [];
		for (;;) {
			const { cut, code, output } = await upUntilCut(stack, seen);
			if (!cut) {
				expect(code, output).toBe(0);
				break;
			}
			cuts.push(cut);
			process.stderr.write(`${Math.round((Date.now() - started) / 1000)} s: killed at ${cut}\n`);
			await recover(stack);
		}
		process.stderr.write(`killed ${cuts.length} times\n`);
		expect(cuts.length).toBeGreaterThanOrEqual(10);

		const again = await stack.up();
		expect(again.output).toMatch(/Resources:\s+\d+ unchanged\s/);
		const { connections, endpoint } = await describeLab(stack);
		const on = (name: string, script: string) => execAsRoot(connections[name] as Connection, script);
		expect((await on("manager", "docker node ls --format '{{.Hostname}} {{.Status}}' | sort")).trim().split("\n")).toEqual(
			apps.map((name) => `${name} Ready`),
		);
		expect(await on("manager", "docker service ls --format '{{.Name}} {{.Replicas}}'")).toBe("babble-was 2/2\n");
		expect(await on("manager", "docker secret ls -q | wc -l")).toBe("1\n");
		for (const name of apps) expect(await on(name, "docker volume ls -q | wc -l"), name).toBe("1\n");
		expect(await running()).toEqual(["infra", "manager", "worker"]);
		const hosts = new Set<string>();
		for (let i = 0; i < 8; i++) hosts.add(((await (await fetch(`${endpoint}/hello`)).json()) as { host: string }).host);
		expect([...hosts].sort()).toEqual(apps);
	});

	test("leaves nothing behind when it is destroyed", async () => {
		const { code, output } = await stack.destroy();
		expect(code, output).toBe(0);
		expect(await running()).toEqual([]);
		// Where KVM does not run, QEMU that was started to try it never ends by itself.
		expect(spawnSync("pgrep", ["-f", "^qemu-system-x86_64 -accel kvm"]).stdout.toString()).toBe("");
	});
});
