import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endpointOf } from "../../../../components/balancer/endpoint.ts";
import type { Topology } from "../../../../config/schema.ts";
import { ConfigError } from "../../../../lib/fault.ts";
import { sourceOf } from "../../../../settings.ts";
import { Recorder } from "../../../support/mocks.ts";
import { configuration, hostKey, type Raw, topology } from "../../fixtures.ts";

const parent = () => new pulumi.ComponentResource("scaleout:index:Hosts", "hosts");
let recorder: Recorder;
let directory: string;

beforeEach(async () => {
	directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-keys-"));
	for (const key of ["one", "all"]) fs.writeFileSync(path.join(directory, key), `planted-private-key-${key}`);
	recorder = new Recorder();
	await recorder.start();
});
afterEach(async () => {
	await pulumi.runtime.disconnect();
	fs.rmSync(directory, { recursive: true });
});

const existingHosts = (topology: Topology, under: pulumi.Resource) => sourceOf(configuration(topology)).hosts("hosts", {}, under);

/** The lab's five hosts as if they existed. */
function inventory(change: (config: Raw) => void = () => {}): Topology {
	return topology((config) => {
		config.source = "existing";
		config.existing = { privateKeyFile: path.join(directory, "all") };
		for (const host of config.hosts) {
			delete host.memoryMiB;
			host.ssh = { hostKey: `${hostKey} root@${host.name}` };
		}
		change(config);
	});
}

describe("existing hosts", () => {
	test("are reached at their address, with the pinned key, as the inventory says", async () => {
		const changed = inventory(({ hosts }) => {
			Object.assign(hosts[1].ssh, { host: "203.0.113.9", port: 2222, user: "ubuntu", privateKeyFile: path.join(directory, "one") });
		});
		const hosts = existingHosts(changed, parent());
		await pulumi.runtime.disconnect();
		const all = { port: 22, user: "root", hostKey, privateKey: "planted-private-key-all" };
		expect(recorder.find("hosts-manager-bootstrap").inputs.connection).toEqual({ ...all, host: "192.168.2.137" });
		expect(recorder.find("hosts-worker1-bootstrap").inputs.connection).toEqual({
			host: "203.0.113.9",
			port: 2222,
			user: "ubuntu",
			hostKey,
			privateKey: "planted-private-key-one",
		});
		expect(hosts.map(({ user }) => user)).toEqual(["root", "ubuntu", "root", "root", "root"]);
		expect(hosts.every(({ machine }) => machine === undefined)).toBe(true);
	});

	test("a host that is lost is sent no scripts of a newer program", async () => {
		existingHosts(
			inventory(({ hosts }) => {
				hosts[2].lost = true;
			}),
			parent(),
		);
		await pulumi.runtime.disconnect();
		const ignored = recorder
			.ofType(":HostBootstrap")
			.map(({ name, ignoreChanges, retainOnDelete }) => [name, [...ignoreChanges, retainOnDelete]]);
		expect(Object.fromEntries(ignored)).toMatchObject({
			"hosts-worker2-bootstrap": ["connection", "version", "roles", "packages", "units", "operator", true],
			"hosts-worker1-bootstrap": [false],
		});
	});

	test("a bastion is pinned like the host behind it", async () => {
		existingHosts(
			inventory(({ hosts }) => {
				hosts[2].ssh.bastion = "nginx";
			}),
			parent(),
		);
		await pulumi.runtime.disconnect();
		expect(recorder.find("hosts-worker2-bootstrap").inputs.connection).toMatchObject({
			host: "192.168.3.5",
			proxy: { host: "192.168.1.10", hostKey },
		});
	});

	test("private keys are marked as secrets", async () => {
		existingHosts(inventory(), parent());
		await pulumi.runtime.disconnect();
		for (const check of recorder.ofType(":HostBootstrap")) expect(check.secretOutputs).toContain("connection");
		expect(await pulumi.isSecret(existingHosts(inventory(), parent())[0]?.connection as pulumi.Output<unknown>)).toBe(true);
	});

	test("key files that cannot be read are told together, each once, before any host is touched", () => {
		const missing = inventory((config) => {
			config.existing = { privateKeyFile: "/nowhere/all" };
			config.hosts[0].ssh.privateKeyFile = "/nowhere/one";
		});
		const make = () => existingHosts(missing, parent());
		expect(make).toThrow(ConfigError);
		expect(make).toThrow('hosts[0].ssh.privateKeyFile = "/nowhere/one": cannot be read (ENOENT)');
		expect(make).toThrow('existing.privateKeyFile = "/nowhere/all": cannot be read (ENOENT)');
		expect(make).toThrow("has 2 faults");
		expect(recorder.ofType(":HostBootstrap")).toEqual([]);
	});
});

const tls = { certificateFile: "c", keyFile: "k" };
test.each<[Raw, string]>([
	[{ listen: 80 }, "http://192.168.1.10"],
	[{ listen: 8081, sites: [{ serverName: "was.example.org" }] }, "http://192.168.1.10:8081"],
	[{ tls }, "https://192.168.1.10"],
	[{ tls: { ...tls, httpsPort: 8443 }, sites: [{ serverName: "192.168.1.10" }] }, "https://192.168.1.10:8443"],
	[{ tls, sites: [{ serverName: "was.example.org" }] }, "https://was.example.org"],
	[{ tls, sites: [{ serverName: "*.example.org" }] }, "https://192.168.1.10"],
])("NGINX with %j is reached under %s", (nginx, url) => {
	const known = inventory((config) => Object.assign(config.nginx, nginx));
	const { address } = known.hosts.find(({ roles }) => roles.includes("balancer")) ?? { address: "" };
	const endpoint = endpointOf(
		{ reach: (port) => ({ address, port }) },
		{ ...known.nginx, serverName: known.nginx.sites[0]?.serverName ?? "" },
	);
	return expect(new Promise((resolve) => void endpoint.apply(resolve))).resolves.toBe(url);
});
