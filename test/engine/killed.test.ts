import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { newKeyPair } from "../../lib/sshKeys.ts";
import { labEnvironment } from "../support/lab.ts";
import { endPlugins, TestStack } from "../support/stack.ts";

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-killed-"));
/** Accepts connections and says nothing: a host that hangs. */
const silent = net.createServer(() => {}).listen(0, "127.0.0.1");
const stackDirectory = path.join(scratch, "killed");
afterAll(() => {
	endPlugins(stackDirectory);
	silent.close();
	fs.rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(noEngine)(`a CLI that is killed${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	test("keeps a second up out while it works, and takes its provider along when it dies", async () => {
		const key = newKeyPair();
		const keyFile = path.join(scratch, "key");
		fs.writeFileSync(keyFile, key.private, { mode: 0o600 });
		const ssh = {
			host: "127.0.0.1",
			port: (silent.address() as net.AddressInfo).port,
			hostKey: key.public.trim(),
			privateKeyFile: keyFile,
		};
		const config = {
			...TestStack.labConfig(path.join(scratch, "machines")),
			"swarm-scaleout:source": "existing",
			"swarm-scaleout:local": {},
			"swarm-scaleout:hosts": [{ name: "all", roles: ["manager", "app", "log", "balancer", "registry"], address: "192.168.9.1", ssh }],
		};
		const stack = new TestStack("killed", stackDirectory, config, labEnvironment);
		Object.assign(stack.service, { replicas: 1, publish: { published: 8081 } });
		await stack.init();
		const up = stack.beginUp();
		const providers = () => spawnSync("pgrep", ["-f", `dynamic-provider.*`], { encoding: "utf8" }).stdout.split("\n").filter(isOurs);
		const isOurs = (pid: string) => pid !== "" && environmentOf(pid).includes(`PULUMI_HOME=${stack.env.PULUMI_HOME}`);
		await expect.poll(providers, { timeout: 120_000, interval: 500 }).not.toEqual([]);
		// It is at work now: the host accepts a connection and never answers.
		await new Promise<void>((resolve) => silent.once("connection", () => resolve()));
		// Another operator's, meanwhile: the state is not written by two.
		const second = await stack.up();
		expect(second.code).not.toBe(0);
		expect(second.output).toContain("the stack is currently locked");
		up.kill();
		await up.ended;
		expect(providers()).not.toEqual([]);
		await expect.poll(providers, { timeout: 20_000, interval: 500 }).toEqual([]);
	});
});

function environmentOf(pid: string): string[] {
	try {
		return fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
	} catch {
		return [];
	}
}
