import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { SshServers } from "../support/sshServer.ts";
import { projectDirectory, TestStack } from "../support/stack.ts";
import { StandInSwarm } from "../support/standInSwarm.ts";

/*
 * A Docker secret whose new value does not work: the real engine, with its pending deletes, and the real provider, through SSH, on a stand-in of a swarm. What
 * stands for the service uses a secret, or goes back to the one before and fails.
 */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-rotation-"));

const program = `
import * as pulumi from "@pulumi/pulumi";
import { SwarmSecret } from ${JSON.stringify(path.join(projectDirectory, "providers", "swarm-secret", "resource.ts"))};
const config = new pulumi.Config();
const { control, manager, clusterId } = config.requireObject("test");
const value = config.require("value");
const secret = new SwarmSecret("password", { managers: [manager], clusterId, owner: "rotation/test", name: "was-" + value, value });
const use = async ({ control, uses }) => {
	const { status } = await fetch(control + "/" + uses);
	if (status !== 200) throw new Error("the new version failed, and the old one is back");
	return {};
};
class Service extends pulumi.dynamic.Resource {}
new Service({
	create: async (inputs) => ({ id: "service", outs: { ...(await use(inputs)), ...inputs } }),
	diff: async (id, olds, news) => ({ changes: olds.uses !== news.uses }),
	update: async (id, olds, news) => ({ outs: { ...(await use(news)), ...news } }),
	delete: async (id, { control }) => void (await fetch(control + "/none")),
}, "was", { control, uses: secret.id });
`;

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	const swarm = new StandInSwarm();
	const servers = new SshServers();
	/** Names of secrets with which the service does not get healthy. */
	const bad = new Set<string>();
	const nameOf = (id: string) => swarm.secrets.get(id)?.Name ?? "";
	const control = http.createServer((request, response) => {
		const id = (request.url ?? "").slice(1);
		const works = !bad.has(nameOf(id));
		if (works) {
			swarm.secretsInUse.clear();
			if (id !== "none") swarm.secretsInUse.add(id);
		}
		response.writeHead(works ? 200 : 500).end();
	});
	let stack: TestStack;

	beforeAll(async () => {
		await swarm.addHost("m1", "manager");
		const docker = swarm.hosts.get("m1")?.port;
		const port = await servers.listen(0, () => {}, docker);
		await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
		fs.writeFileSync(
			path.join(scratch, "Pulumi.yaml"),
			"name: rotation\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.ts\n",
		);
		fs.writeFileSync(path.join(scratch, "package.json"), '{ "type": "module" }\n');
		fs.writeFileSync(path.join(scratch, "index.ts"), program);
		for (const part of ["node_modules", "providers"]) fs.symlinkSync(path.join(projectDirectory, part), path.join(scratch, part));
		const settings = {
			control: `http://127.0.0.1:${(control.address() as AddressInfo).port}`,
			manager: servers.to(port),
			clusterId: swarm.clusterId,
		};
		stack = new TestStack("test", path.join(scratch, "stack"), { "rotation:test": settings }, {}, scratch);
		await stack.init();
	});
	afterAll(() => {
		control.close();
		servers.close();
		swarm.close();
		fs.rmSync(scratch, { recursive: true, force: true });
	});

	const up = (value: string) => {
		stack.config["rotation:value"] = value;
		return stack.up();
	};
	const names = () => [...swarm.secrets.values()].map(({ Name: name }) => name).sort();

	test("a rotation that failed and is taken back leaves a stack whose every up succeeds, and no secret", async () => {
		expect(await up("v1")).toMatchObject({ code: 0 });
		bad.add("was-v2");
		expect((await up("v2")).output).toContain("the new version failed, and the old one is back");
		expect(names()).toEqual(["was-v1", "was-v2"]);
		for (const attempt of [1, 2]) {
			const { code, output } = await up("v1");
			expect(code, `${attempt}: ${output}`).toBe(0);
		}
		expect(names()).toEqual(["was-v1"]);
	});

	test("one that fails twice and is then mended leaves no secret of before", async () => {
		for (const attempt of [1, 2]) {
			const { code, output } = await up("v2");
			expect(code, `${attempt}: ${output}`).not.toBe(0);
			expect(output, `${attempt}`).toContain("the new version failed");
		}
		bad.clear();
		const { code, output } = await up("v2");
		expect(code, output).toBe(0);
		expect(names()).toEqual(["was-v2"]);
	});

	test("a destroy after one that failed leaves none", async () => {
		bad.add("was-v3");
		expect((await up("v3")).code).not.toBe(0);
		const { code, output } = await stack.destroy();
		expect(code, output).toBe(0);
		expect(names()).toEqual([]);
	});
});
