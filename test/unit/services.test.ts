import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { digest, type Props, Recorder, withoutSecrets } from "../support/mocks.ts";
import { runProgram } from "../support/program.ts";
import { labConfig, type Raw, was } from "./fixtures.ts";

/* The whole program with two services, against the mock runtime. */

const recorder = new Recorder();
const home = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-home-"));
const find = recorder.find.bind(recorder);
const names = (type: string) => recorder.ofType(type).map(({ name }) => name);
let outputs: Props;

/** On two of the first one's three nodes, built on its base. */
const admin = (config: Raw): Raw => ({
	image: { ...structuredClone(was(config).image), tag: "admin" },
	replicas: 2,
	publish: { published: 8081 },
	secrets: { key: "planted-key" },
	rollout: { peerPort: 7948, prober: { ratePerSecond: 1, path: "/health" } },
});

beforeAll(async () => {
	vi.stubEnv("HOME", home);
	vi.stubEnv("DATASOURCE_PASSWORD", "a");
	vi.stubEnv("REDIS_PASSWORD", "b");
	const config = labConfig();
	config.services.admin = admin(config);
	config.services.unseen = { image: { name: "unseen", pin: digest }, publish: { published: 8082 }, rollout: { strategy: "swarm" } };
	config.nginx.sites = [{ routes: { "/": "babble-was" } }, { serverName: "admin.example.org", routes: { "/": "admin" } }];
	const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`swarm-scaleout:${key}`, value]));
	outputs = await runProgram(recorder, named, "lab");
});
afterAll(() => {
	vi.unstubAllEnvs();
	fs.rmSync(home, { recursive: true });
});

describe("each service", () => {
	test("has labels, agents, secrets and an image of its own, where it runs", () => {
		expect(names("scaleout:Service").sort()).toEqual(["admin", "babble-was", "unseen"]);
		expect(
			names(":NodeLabel")
				.filter((name) => name.startsWith("admin"))
				.sort(),
		).toEqual(["admin-label-manager", "admin-label-worker1"]);
		expect(names(":NodeLabel").filter((name) => name.startsWith("babble"))).toHaveLength(3);
		expect(
			names(":Command")
				.filter((name) => name.includes("drain-agent"))
				.sort(),
		).toEqual([
			"admin-drain-agent-manager",
			"admin-drain-agent-worker1",
			"babble-was-drain-agent-manager",
			"babble-was-drain-agent-worker1",
			"babble-was-drain-agent-worker2",
		]);
		expect(names(":SwarmSecret").sort()).toEqual(["admin-key", "babble-was-spring.datasource.password"]);
		expect(names(":Image").sort()).toEqual(["admin", "babble-was"]);
		const labels = ["admin", "babble-was"].map((name) => find(`${name}-label-manager`).inputs.label);
		expect(labels).toEqual(["scaleout.service.admin", "scaleout.service.babble-was"]);
	});

	test("has agents that take turns at a port of their own", () => {
		expect(find("admin-drain-agent-manager").inputs.stdin).toMatch(/--service admin [\s\S]*--peer-port 7948 [\s\S]*--peer worker1=/);
		expect(find("admin-drain-agent-manager").inputs.stdin).not.toContain("worker2");
		expect(find("babble-was-drain-agent-manager").inputs.stdin).toContain("--peer-port 7947");
	});

	test("has volumes of its own, of the same export", () => {
		const [one, other] = ["admin", "babble-was"].map((name) => find(name, ":Service").inputs.mount);
		expect(one.name).not.toBe(other.name);
		expect(one.device).toBe(other.device);
	});

	test("waits for no other one", () => {
		const [one, other] = ["admin", "babble-was"].map((name) => find(name, "scaleout:Service"));
		expect(recorder.isAfter(one as never, other as never) || recorder.isAfter(other as never, one as never)).toBe(false);
	});

	test("is asked by its prober under the name of its site", () => {
		expect(find("admin", "scaleout:Service").inputs).toMatchObject({ endpoint: "http://127.0.0.1:8088", serverName: "admin.example.org" });
		expect(find("babble-was", "scaleout:Service").inputs).not.toHaveProperty("serverName");
	});
});

test("images are built from one base, which is imported once", () => {
	expect(names(":CopyToRemote")).toEqual(["base-image-babble-java-17-archive"]);
	for (const name of ["admin", "babble-was"]) expect(recorder.isAfter(find(name, ":Image"), find("base-image-babble-java-17"))).toBe(true);
});

test("NGINX leads to those that have a route, after all of them serve", () => {
	const text = find("nginx", ":Command").inputs.stdin as string;
	expect(text.match(/^.*upstream \w+ \{/gm)?.map((line) => line.trim())).toEqual(["upstream app {", "upstream admin {"]);
	expect(text.match(/server 192\S+:8081/g)).toEqual(["server 192.168.2.137:8081", "server 192.168.2.142:8081"]);
	expect(text).not.toContain(":8082");
	for (const name of ["admin", "babble-was", "unseen"])
		expect(recorder.isAfter(find("nginx", ":Command"), find(name, "scaleout:Service"))).toBe(true);
});

test("the outputs tell of each: where it is reached, or that it is not", () => {
	expect(withoutSecrets(outputs.services)).toMatchObject({
		admin: { endpoint: "http://127.0.0.1:8088", lastRollout: null },
		"babble-was": { endpoint: "http://127.0.0.1:8088" },
		unseen: { endpoint: null },
	});
});

describe("files on hosts", () => {
	const filesOf = (of: Recorder) =>
		of
			.ofType("command:remote:Command")
			.flatMap(({ inputs }) =>
				[...String(inputs.stdin).matchAll(/^@(?:file|staged) \S+ \S+ (.*)$/gm)].map(([, file]) => `${inputs.connection.port} ${file}`),
			);

	test("are each of one step alone: what one puts back or takes away is no other one's", () => {
		const files = filesOf(recorder);
		expect(files.length).toBeGreaterThan(15);
		expect(files.filter((file, i) => files.indexOf(file) !== i)).toEqual([]);
	});

	test("of a service in another publish mode are others: those of before go when the new ones are there", async () => {
		const certificates = async (mode: string) => {
			const config = labConfig();
			was(config).publish = { mode, published: 8080 };
			const other = new Recorder();
			await runProgram(other, Object.fromEntries(Object.entries(config).map(([key, value]) => [`swarm-scaleout:${key}`, value])), "lab");
			return filesOf(other).filter((file) => file.endsWith(".crt") && !file.endsWith("/managers.crt"));
		};
		const [host, ingress] = [await certificates("host"), await certificates("ingress")];
		expect([host.length, ingress.length]).toEqual([3, 3]);
		expect(ingress.filter((file) => host.includes(file))).toEqual([]);
	});
});
