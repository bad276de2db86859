import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { RegistryError, tagDigest } from "../../lib/registry.ts";
import { freePort, makeCertificates, password, registryProgram, TestRegistry, username } from "../support/registry.ts";
import { projectDirectory, TestStack } from "../support/stack.ts";

/* Tags and digests against a real registry with a password and a CA of its own. */

const { missing } = registryProgram();
const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-registry-"));
const repository = "2021babble/babble-was";
let registry: TestRegistry;
let ca: string;

beforeAll(async () => {
	if (missing) return;
	registry = await TestRegistry.start(scratch);
	ca = fs.readFileSync(registry.caFile, "utf8");
});

afterAll(() => {
	registry?.stop();
	fs.rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(missing)(`the digest of a tag${missing ? ` (skipped: ${missing})` : ""}`, () => {
	const access = () => ({ server: registry.server, username, password, ca });

	test("is the one that was pushed, and follows the tag when it moves", async () => {
		const first = await registry.push(repository, "latest", "first");
		expect(await tagDigest(access(), repository, "latest")).toBe(first);
		const second = await registry.push(repository, "latest", "second");
		expect(second).not.toBe(first);
		expect(await tagDigest(access(), repository, "latest")).toBe(second);
	});

	const faults: [string, object, string, RegExp][] = [
		["a wrong password", { password: "wrong" }, "login", /HTTP 401: authentication required/],
		["no password", { password: undefined }, "login", /HTTP 401/],
		["a certificate that nobody vouches for", { ca: undefined }, "certificate", /127\.0\.0\.1/],
	];
	test.each(faults)("cannot be had with %s", async (_what, change, fault, message) => {
		const error = await tagDigest({ ...access(), ...change }, repository, "latest").catch((problem) => problem);
		expect(error).toBeInstanceOf(RegistryError);
		expect(error.fault).toBe(fault);
		expect(error.message).toMatch(message);
		expect(error.message).not.toContain(password);
	});

	test.each([
		["repository", "2021babble/other", "latest"],
		["tag", repository, "never-pushed"],
	])("cannot be had where there is no such %s", async (_what, name, tag) => {
		await expect(tagDigest(access(), name, tag)).rejects.toMatchObject({
			fault: "missing",
			message: expect.stringMatching(/HTTP 404: .*unknown/),
		});
	});

	test("cannot be had where nothing listens", async () => {
		await expect(tagDigest({ ...access(), server: `127.0.0.1:${await freePort()}` }, repository, "latest")).rejects.toMatchObject({
			fault: "unreachable",
		});
	});
});

const cannotPreview = missing ?? noEngine;

describe.skipIf(cannotPreview)(`a preview${cannotPreview ? ` (skipped: ${cannotPreview})` : ""}`, () => {
	/** The image's part of the program in front of a command, which is made without any host. */
	const project = path.join(projectDirectory, "test", "engine", "image");
	let stack: TestStack;

	beforeAll(async () => {
		const config = {
			"swarm-scaleout:image": { name: repository },
			"swarm-scaleout:registry": {
				server: registry.server,
				username,
				password: { fromEnvironment: "REGISTRY_PASSWORD" },
				caFile: registry.caFile,
			},
		};
		stack = new TestStack("image", path.join(scratch, "stack"), config, { REGISTRY_PASSWORD: password }, project);
		await stack.init();
	});

	test("says nothing while the tag stays, and shows old and new digest when latest has moved", async () => {
		const old = await registry.push(repository, "latest", "old");
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect((await stack.preview()).filter(({ op }) => op !== "same")).toEqual([]);
		const moved = await registry.push(repository, "latest", "new");
		const { output: shown } = await stack.previewText();
		const reference = `${registry.server}/${repository}`;
		expect(shown).toMatch(new RegExp(`IMAGE: "${reference}@${old}" => "${reference}@${moved}"`));
		expect(shown).not.toContain(password);
	});

	const refusals: [string, object, RegExp][] = [
		["a wrong password", {}, /registry\.password: the registry refuses user "pusher" \(.*HTTP 401.*\): check registry\.username/],
		["no such tag", { "swarm-scaleout:image": { name: repository, tag: "v9" } }, /image\.tag = "v9": the registry has no such image/],
	];
	test.each(refusals)("fails with property, value and remedy, without a stack trace: %s", async (what, config, message) => {
		const env = { REGISTRY_PASSWORD: what === "a wrong password" ? "planted-wrong-password" : password };
		const refused = new TestStack("image", path.join(scratch, "stack"), { ...stack.config, ...config }, env, project);
		const { code, output } = await refused.previewText();
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
		expect(output, "a stack trace hides the message").not.toMatch(/at .*\.ts:\d+/);
		expect(output).not.toContain("planted-");
	});

	test("fails on a CA that is not the registry's", async () => {
		const directory = fs.mkdtempSync(path.join(scratch, "other-"));
		makeCertificates(directory);
		const caFile = path.join(directory, "ca.crt");
		const config = { ...stack.config, "swarm-scaleout:registry": { ...(stack.config["swarm-scaleout:registry"] as object), caFile } };
		const { code, output } = await new TestStack("image", path.join(scratch, "stack"), config, stack.env, project).previewText();
		expect(code).not.toBe(0);
		expect(output).toMatch(/registry\.server = ".*": its certificate is not trusted .*registry\.caFile/);
	});
});
