import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfiguration } from "../../../config/load.ts";
import type { ServiceSecrets } from "../../../config/read.ts";
import { ConfigError } from "../../../lib/fault.ts";
import { Recorder } from "../../support/mocks.ts";
import { hostKey, labConfig, type Raw, serviceIn, was } from "../fixtures.ts";

beforeEach(async () => {
	vi.stubEnv("DATASOURCE_PASSWORD", "a");
	vi.stubEnv("REDIS_PASSWORD", "b");
	await new Recorder().start();
});

afterEach(async () => {
	await pulumi.runtime.disconnect();
	vi.unstubAllEnvs();
});

/** Sets the stack's configuration as the engine hands it over: structures as JSON, plain values as they are. */
function configure(config: Raw): void {
	const entries = Object.entries(config).map(([key, value]) => [
		key.includes(":") ? key : `swarm-scaleout:${key}`,
		typeof value === "string" ? value : JSON.stringify(value),
	]);
	pulumi.runtime.setAllConfig(Object.fromEntries(entries));
}

test("structured and plain values arrive as they were written", () => {
	configure(labConfig());
	const { topology } = loadConfiguration();
	expect(topology.source).toBe("local");
	expect(topology.hosts).toHaveLength(5);
	expect(serviceIn(topology).mount).toEqual({ type: "volume", target: "/was-logs", name: "nfsvolume" });
});

test("a key of this project that the schema does not name is a fault, beside the others", () => {
	configure({ ...labConfig(), servise: { replicas: 2 }, source: "cloud" });
	expect(() => loadConfiguration()).toThrow(ConfigError);
	expect(() => loadConfiguration()).toThrow(/servise: unknown key: remove it, or use one of source, hosts/);
	expect(() => loadConfiguration()).toThrow(/source = "cloud": use one of local, existing/);
});

test("the value of an unknown key is not repeated: it may be a misspelt secret", () => {
	configure({ ...labConfig(), registri: { password: "planted-secret-value" } });
	expect(() => loadConfiguration()).toThrow(/registri/);
	expect(() => loadConfiguration()).not.toThrow(/planted-secret-value/);
});

test("a section that cannot be read is not repeated: it may hold a secret", () => {
	configure({ ...labConfig(), registry: '{ "password": "planted-secret-value", }' });
	expect(() => loadConfiguration()).toThrow(/registry/);
	expect(() => loadConfiguration()).not.toThrow(/planted-secret-value/);
});

test("keys of other projects and of providers are left alone", () => {
	configure({ ...labConfig(), "aws:region": "eu-central-1", "other:key": "1" });
	expect(loadConfiguration().topology.hosts).toHaveLength(5);
});

test("a secret comes from the configuration or from the environment, and is marked as one", async () => {
	vi.stubEnv("PLANTED", "from-environment");
	const config: Raw = labConfig();
	was(config).secrets = { one: "from-config", other: { fromEnvironment: "PLANTED" } };
	configure(config);
	const { secrets } = loadConfiguration().named.services["babble-was"] as ServiceSecrets;
	for (const [file, plain] of Object.entries({ one: "from-config", other: "from-environment" })) {
		const secret = secrets[file] as pulumi.Output<string>;
		expect(await pulumi.isSecret(secret)).toBe(true);
		expect(await new Promise((resolve) => secret.apply(resolve))).toBe(plain);
	}
});

test.each([
	["not set", undefined],
	["empty", ""],
])("a secret whose environment variable is %s names property and variable", (_state, value) => {
	vi.stubEnv("NOT_PLANTED", value);
	const config: Raw = labConfig();
	was(config).secrets = { "datasource-password": { fromEnvironment: "NOT_PLANTED" } };
	configure(config);
	expect(() => loadConfiguration()).toThrow(
		"services.babble-was.secrets.datasource-password: the environment variable NOT_PLANTED is not set",
	);
});

test("every fault is in one report: of form, between keys, and of what is read where pulumi runs", () => {
	vi.stubEnv("REDIS_PASSWORD", undefined);
	const config: Raw = {
		...labConfig(),
		source: "existing",
		existing: { privateKeyFile: "/nowhere/key" },
		registry: { server: "registry.example.org", username: "me", password: { fromEnvironment: "NOT_PLANTED" }, caFile: "/nowhere/ca.crt" },
		nginx: {
			method: "fastest",
			sites: [{ serverName: "was.example.org" }],
			tls: { certificateFile: "/nowhere/site.crt", key: { fromEnvironment: "NOT_PLANTED" } },
		},
	};
	for (const host of config.hosts) {
		delete host.memoryMiB;
		host.roles = host.roles.filter((role: string) => role !== "registry");
		host.ssh = { hostKey };
	}
	config.hosts[1].name = "Worker 1";
	was(config).replicas = 7;
	configure(config);
	const faults = () => {
		try {
			loadConfiguration();
		} catch (error) {
			return (error as ConfigError).faults.map(({ property }) => property);
		}
		return [];
	};
	expect(faults().sort()).toEqual([
		"existing.privateKeyFile",
		"hosts[1].name",
		"nginx.method",
		"nginx.tls.certificateFile",
		"nginx.tls.key",
		"registry.caFile",
		"registry.password",
		"services.babble-was.replicas",
		"services.babble-was.secretEnv.REDIS_PASSWORD",
	]);
});
