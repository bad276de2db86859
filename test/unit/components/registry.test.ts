import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { describeFault } from "../../../components/image.ts";
import { Registry } from "../../../components/registry.ts";
import type { Drift } from "../../../lib/drift.ts";
import { RegistryError, type RegistryFault } from "../../../lib/registry.ts";
import { Recorder, withoutSecrets } from "../../support/mocks.ts";
import { configuration, connection, type Raw, topology, was } from "../fixtures.ts";

/* The kinds of registries, against the mock runtime. */

const ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-registries-"));
const caFile = path.join(scratch, "ca.crt");
let recorder: Recorder;

/** It was good in January 2020; its key is gone. */
const endedCertificate = `-----BEGIN CERTIFICATE-----
MIIBFDCBuwIUDKHcMk8ssr8596OxnsUE47CVa+MwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCQ0EwHhcNMjAwMTAxMDAwMDAwWhcNMjAwMjAxMDAwMDAwWjANMQswCQYD
VQQDDAJDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOjlRuuP/6Zmp+9hZ3Gm
QA8Pmkt9FkU7Gd0DUDW2XOFq3LoImQrFULs+icFihEaz847DJO3MwfS0JH7u+Zkb
/fIwCgYIKoZIzj0EAwIDSAAwRQIgEAa2m2NJQIa2nOrB5tOdEuh2CZhUZ7eRGWQ8
h1RGdOUCIQDk0qNXAlqqbBH4l6asJvFtbyueJigdIFE/xDkuJW9GUg==
-----END CERTIFICATE-----
`;

beforeAll(() => {
	const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=CA", "-days", "2"];
	execFileSync("openssl", [...args, "-keyout", path.join(scratch, "ca.key"), "-out", caFile], { stdio: "ignore" });
});
beforeEach(async () => {
	const token = { password: "planted-ecr-token", userName: "AWS" };
	recorder = new Recorder({}, { "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => token });
	await recorder.start();
});
afterEach(() => pulumi.runtime.disconnect());
afterAll(() => fs.rmSync(scratch, { recursive: true }));

/** The registry of a topology whose image comes from elsewhere. */
async function registryOf(settings: Raw): Promise<Registry & { plainPassword?: string }> {
	const parsed = topology((config) => {
		config.hosts[1].roles = ["manager", "app"];
		config.hosts[3].roles = ["log"];
		was(config).image = { name: "2021babble/babble-was" };
		config.registry = settings;
	});
	const { named } = configuration(parsed);
	const hosts = parsed.hosts.map((host) => ({
		...host,
		reach: (port: number) => ({ address: host.address, port }),
		connection: pulumi.secret(connection()),
		user: "root",
		ready: new pulumi.ComponentResource("test:Ready", host.name),
		drift: pulumi.output<Drift>({}),
	}));
	const registry = new Registry("registry", { ...parsed.registry, ...named.registry, hosts });
	const plainPassword = registry.password && (await new Promise<string>((resolve) => registry.password?.apply(resolve)));
	await pulumi.runtime.disconnect();
	return Object.assign(registry, { plainPassword });
}

const steps = () => recorder.ofType("command:remote:Command");

describe("the registry is", () => {
	test("Docker Hub by default: no login, nothing on the hosts", async () => {
		expect(await registryOf({})).toMatchObject({ server: "docker.io", username: "", password: undefined, ca: undefined });
		expect(steps()).toEqual([]);
	});

	test("a private one: managers, which push, trust its CA, and only for it; so do a service's nodes, by a file of the service's own", async () => {
		const settings = { server: "registry.example.com:5000", username: "me", password: "planted-password", caFile };
		const registry = await registryOf(settings);
		expect(registry).toMatchObject({ server: settings.server, username: "me", plainPassword: "planted-password" });
		expect(steps().map(({ name }) => name)).toEqual(["registry-trust-manager", "registry-trust-worker1"]);
		expect(registry.trustedBy("was.agent").map(({ path }) => path)).toEqual([
			"/etc/docker/certs.d/registry.example.com:5000/was.agent.crt",
		]);
		for (const { inputs } of steps()) {
			const content = fs.readFileSync(caFile, "utf8").trimEnd().replace(/^/gm, "  ");
			expect(inputs.stdin).toContain(`\n@file 0644 root:root /etc/docker/certs.d/registry.example.com:5000/managers.crt\n${content}\n`);
		}
	});

	test("ECR: a token of AWS for who runs pulumi, and nothing on the hosts", async () => {
		const registry = await registryOf({ server: ecr });
		expect(registry).toMatchObject({ server: ecr, username: "AWS", plainPassword: "planted-ecr-token" });
		expect(recorder.ofType("pulumi:providers:aws")[0]?.inputs.region).toBe("eu-central-1");
		expect(steps()).toEqual([]);
		expect(JSON.stringify(recorder.resources.map(({ marked }) => withoutSecrets(marked)))).not.toContain("planted-ecr-token");
	});
});

describe("a CA is refused by property, value and remedy", () => {
	test("when its file cannot be read", async () => {
		const missing = path.join(scratch, "missing.crt");
		await expect(registryOf({ server: "r.example.com", caFile: missing })).rejects.toThrow(
			`registry.caFile = "${missing}": cannot be read (ENOENT)`,
		);
	});

	test("when it is no certificate", async () => {
		const ca = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";
		await expect(registryOf({ server: "r.example.com", ca })).rejects.toThrow("registry.ca: is no certificate in PEM form");
	});

	test("when it is over", async () => {
		await expect(registryOf({ server: "r.example.com", ca: endedCertificate })).rejects.toThrow(
			/registry\.ca: the certificate ended on Feb\s+1 /,
		);
	});
});

describe("a registry that does not tell the digest is told by property, value and remedy", () => {
	const asked = {
		property: "services.was.image",
		name: "babble",
		tag: "v1",
		server: "registry.example.com",
		username: "me",
		hasPassword: true,
	};
	// biome-ignore format: one fault a row
	const rows: [string, RegistryFault, object, RegExp][] = [
		["no such tag", "missing", {}, /^services\.was\.image\.tag = "v1": .*\(the words\): push it, or correct name and tag/],
		["a wrong password", "login", {}, /^registry\.password: .*"me" \(the words\): check registry\.username/],
		["no password", "login", { hasPassword: false }, /^services\.was\.image\.name = "babble": .*set registry\.username and registry\.password/],
		["an ECR token that is over", "login", { server: ecr }, /^registry\.server = "123456789012\.dkr.*run pulumi again.*ecr:BatchGetImage/],
		["a CA that is not trusted", "certificate", {}, /^registry\.server = "registry\.example\.com": .*registry\.caFile/],
		["a server that does not answer", "unreachable", {}, /^registry\.server = .*image\.resolve to manager.*services\.was\.image\.pin/],
		["too many requests", "answer", {}, /^registry\.server = .*\(the words\)/],
	];
	test.each(rows)("%s", (_what, fault, change, message) => {
		expect(describeFault(new RegistryError(fault, "the words"), { ...asked, ...change })).toMatch(message);
	});
});
