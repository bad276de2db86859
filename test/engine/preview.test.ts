import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { makeCertificate } from "../support/certificate.ts";
import { labEnvironment } from "../support/lab.ts";
import { TestStack } from "../support/stack.ts";

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-engine-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

async function newStack(name: string): Promise<TestStack> {
	const stack = new TestStack(name, path.join(scratch, name), TestStack.labConfig(path.join(scratch, "machines")), labEnvironment);
	await stack.init();
	return stack;
}

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	test("the lab's preview from nothing works without any host, and makes none", async () => {
		const stack = await newStack("nothing");
		const steps = await stack.preview();
		expect(new Set(steps.map(({ op }) => op))).toEqual(new Set(["create"]));
		const types = steps.map(({ urn }) => urn.split("::")[2]?.split("$").at(-1));
		expect(types.filter((type) => type?.endsWith(":Machine"))).toHaveLength(5);
		expect(types.filter((type) => type?.endsWith(":SwarmNode"))).toHaveLength(3);
		expect(fs.existsSync(path.join(scratch, "machines"))).toBe(false);
	});

	test("no secret is in the preview", async () => {
		const stack = await newStack("secrets");
		const { code, output } = await stack.previewText();
		expect(code, output).toBe(0);
		for (const secret of Object.values(labEnvironment)) {
			expect(output).not.toContain(secret);
			expect(output).not.toContain(Buffer.from(secret).toString("base64"));
		}
	});

	test("no key of a certificate is in the preview, and a certificate that cannot serve stops it before any resource", async () => {
		const stack = await newStack("tls");
		const { certificate, key } = makeCertificate(["IP:127.0.0.1"]);
		const lines = key.split("\n").filter((line) => line.length > 40);
		expect(lines.length).toBeGreaterThan(1);
		stack.config["swarm-scaleout:nginx"] = { tls: { certificate, key } };
		const shown = await stack.previewText();
		expect(shown.code, shown.output).toBe(0);
		expect(shown.output).toContain("nginx-certificate");
		for (const line of lines) expect(shown.output).not.toContain(line);

		stack.config["swarm-scaleout:nginx"] = { tls: { certificate, key: makeCertificate([]).key } };
		const refused = await stack.previewText();
		expect(refused.code).not.toBe(0);
		expect(refused.output).toContain("nginx.tls.key: is not the key of the first certificate");
		expect(refused.output).not.toContain("scaleout:index:Hosts");
	});

	test("a faulty configuration fails with every fault in one error, before any resource", async () => {
		const stack = await newStack("faults");
		stack.config["swarm-scaleout:nginx"] = { method: "fastest" };
		stack.config["swarm-scaleout:servce"] = {};
		const { code, output } = await stack.previewText();
		expect(code).not.toBe(0);
		expect(output).toContain('nginx.method = "fastest": use one of round_robin, least_conn');
		expect(output).toContain("servce: unknown key: remove it, or use one of");
		expect(output).not.toContain("scaleout:index:Hosts");
		expect(output, "a stack trace hides the message").not.toMatch(/at parseTopology/);
	});

	test("a missing environment variable of a secret is named", async () => {
		const stack = await newStack("environment");
		stack.service.secretEnv = { REDIS_PASSWORD: { fromEnvironment: "NOT_SET_ANYWHERE" } };
		const { code, output } = await stack.previewText();
		expect(code).not.toBe(0);
		expect(output).toContain("services.babble-was.secretEnv.REDIS_PASSWORD: the environment variable NOT_SET_ANYWHERE is not set");
	});
});
