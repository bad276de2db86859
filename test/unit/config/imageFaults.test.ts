import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../lib/fault.ts";
import { labConfig, type Raw, serviceIn, topology, was } from "../fixtures.ts";

/* Faults of the sections `registry` and `image`. */

const ecr = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com";
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/** A topology whose image comes from elsewhere. */
function outside(registry: Raw, image: Raw = {}): (config: Raw) => void {
	return (config) => {
		config.hosts[3].roles = ["log"];
		was(config).image = { name: "2021babble/babble-was", ...image };
		config.registry = registry;
	};
}

const own =
	(registry: Raw, image: Raw = {}) =>
	(config: Raw) => {
		config.registry = registry;
		Object.assign(was(config).image, image);
	};

// biome-ignore format: one fault a row
const rows: [fault: string, spoil: (config: Raw) => void, property: string, value: unknown, remedy: string][] = [
	["a URL instead of a server", outside({ server: "https://registry.example.com/v2" }), "registry.server", "https://registry.example.com/v2", "without https:// and path"],
	["a password without its user", outside({ password: "x" }), "registry.username", undefined, "needs its user"],
	["a user without a password", outside({ username: "me" }), "registry.password", undefined, "is missing: without it registry.username has no effect"],
	["a push without a password", outside({ server: "registry.example.com" }, { build: { context: "." } }), "registry.password", undefined, "is missing: pushing"],
	["a CA that is none", outside({ server: "registry.example.com", ca: "MIIB" }), "registry.ca", "MIIB", "-----BEGIN CERTIFICATE-----"],
	["a CA for Docker Hub", outside({ caFile: "/ca.crt" }), "registry.caFile", undefined, "name it in registry.server"],
	["a CA twice", outside({ server: "registry.example.com", ca: pem, caFile: "/ca.crt" }), "registry.caFile", "/ca.crt", "keep one"],
	["a password for ECR", outside({ server: ecr, password: "x" }), "registry.password", undefined, "ECR takes tokens"],
	["a user for ECR", outside({ server: ecr, username: "AWS" }), "registry.username", undefined, "ECR takes tokens"],
	["another server beside the stack's own", own({ server: "registry.example.com" }), "registry.server", "registry.example.com", "host log has role registry"],
	["a CA for the stack's own", own({ ca: pem }), "registry.ca", undefined, "host log has role registry"],
	["a base that is no image's name", (config) => { was(config).image.build.args.BASE_IMAGE = "java:17\n"; }, "services.babble-was.image.build.args.BASE_IMAGE", "java:17\n", "use name:tag"],
	["an operator who shall ask the stack's own", own({}, { resolve: "operator" }), "services.babble-was.image.resolve", "operator", "use manager"],
	["someone else who shall ask", own({}, { resolve: "worker" }), "services.babble-was.image.resolve", "worker", "use one of operator, manager"],
];

test.each(rows)("%s is told by property, value and remedy", (_fault, spoil, property, value, remedy) => {
	let found: unknown;
	try {
		topology(spoil);
	} catch (error) {
		found = error;
	}
	expect(found).toBeInstanceOf(ConfigError);
	expect((found as ConfigError).faults).toEqual([
		{ property, ...(value !== undefined && { value }), remedy: expect.stringContaining(remedy) },
	]);
});

describe("is accepted", () => {
	// biome-ignore format: one registry a row
	const registries: [string, (config: Raw) => void][] = [
		["Docker Hub without login", outside({})],
		["Docker Hub with an access token", outside({ username: "2021babble", password: { fromEnvironment: "REGISTRY_PASSWORD" } })],
		["ECR by its server's name alone, to build and push", outside({ server: ecr }, { build: { context: "." } })],
		["ECR in China", outside({ server: "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn" })],
		["a private registry with a password and a CA", outside({ server: "registry.example.com:5000", username: "me", password: "x", caFile: "/ca.crt" })],
		["a private registry that only the nodes reach", outside({ server: "10.0.0.9:5000" }, { resolve: "manager" })],
		["the stack's own registry with a password", own({ password: "x" })],
	];
	test.each(registries)("%s", (_what, change) => {
		expect(serviceIn(topology(change)).image.name).toBe(was(labConfig()).image.name);
	});
});
