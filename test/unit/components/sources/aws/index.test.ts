import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { endpointOf } from "../../../../../components/balancer/endpoint.ts";
import { Hosts } from "../../../../../components/hosts.ts";
import { hostKeyOf, Recorder } from "../../../../support/mocks.ts";
import { StandInHost } from "../../../../support/standInHost.ts";
import { runStep } from "../../../../support/step.ts";
import { prodTopology, type Raw } from "../../../fixtures.ts";
import { prodSource } from "./support.ts";

/** Each host its own host key, so that one can see whose is whose. */
const sshKey = {
	"pulumi-nodejs:dynamic/scaleout:SshKey": (name: string) => ({ privateKey: `private-${name}`, publicKey: hostKeyOf(name) }),
};

async function make(change?: (config: Raw) => void): Promise<{ recorder: Recorder; hosts: Hosts }> {
	const recorder = new Recorder(sshKey);
	await recorder.start("swarm-scaleout", "prod");
	const hosts = new Hosts("hosts", { source: prodSource(change) });
	await pulumi.runtime.disconnect();
	return { recorder, hosts };
}

describe("hosts in EC2", () => {
	let recorder: Recorder;
	let hosts: Hosts;
	beforeAll(async () => {
		({ recorder, hosts } = await make());
	});
	const names = ["manager", "worker1", "worker2", "log", "nginx"];
	const bastion = {
		host: "198.51.100.10",
		port: 22,
		user: "ubuntu",
		privateKey: "private-hosts-operator-key",
		hostKey: hostKeyOf("hosts-nginx-host-key"),
	};

	test("are the inventory's, each the instance of its name", async () => {
		expect(hosts.all.map(({ name, address, user }) => [name, address, user])).toEqual([
			["manager", "192.168.2.137", "ubuntu"],
			["worker1", "192.168.2.142", "ubuntu"],
			["worker2", "192.168.3.5", "ubuntu"],
			["log", "192.168.1.20", "ubuntu"],
			["nginx", "192.168.0.10", "ubuntu"],
		]);
		for (const { name, machine } of hosts.all) {
			const urn = await new Promise((resolve) => machine?.urn.apply(resolve));
			expect(urn).toBe(recorder.find(`hosts-${name}`, ":Instance").urn);
		}
	});

	test("NGINX is reached at its Elastic IP, all others at their private address through it, each pinned to its own key", () => {
		expect(recorder.find("hosts-nginx-bootstrap").inputs.connection).toEqual(bastion);
		for (const { name, address } of hosts.all.filter(({ name }) => name !== "nginx")) {
			expect(recorder.find(`hosts-${name}-bootstrap`).inputs.connection).toEqual({
				...bastion,
				host: address,
				hostKey: hostKeyOf(`hosts-${name}-host-key`),
				proxy: bastion,
			});
		}
	});

	test("a recreated instance with the keys of the one before is told by its ID", () => {
		for (const name of names)
			expect(recorder.find(`hosts-${name}-bootstrap`).inputs.machineId, name).toBe(recorder.find(`hosts-${name}`, ":Instance").id);
	});

	test("connections are secrets", async () => {
		for (const { connection } of hosts.all) expect(await pulumi.isSecret(connection)).toBe(true);
	});

	test("are bootstrapped once they and the bastion are there, and have booted", () => {
		for (const name of names) {
			const made = recorder.find(`hosts-${name}-bootstrap`);
			expect(recorder.isAfter(made, recorder.find(`hosts-${name}`, ":Instance")), name).toBe(true);
			expect(recorder.isAfter(made, recorder.find("hosts-nginx-address", ":EipAssociation")), name).toBe(true);
			expect(made.inputs).toMatchObject({ isBooting: true });
			expect(made.deletedWith, name).toBe(recorder.find(`hosts-${name}`, ":Instance").urn);
		}
	});

	test("are looked at once every rule is there, so that the last step on a host is done before its way in is closed", () => {
		const rules = recorder.ofType("gressRule");
		expect(rules.length).toBeGreaterThan(15);
		for (const rule of rules) expect(recorder.isAfter(recorder.find("hosts-worker1-bootstrap"), rule), rule.name).toBe(true);
	});

	test("the manager's login may talk to Docker, as the Docker provider does", () => {
		const operators = names
			.map((name) => [name, recorder.find(`hosts-${name}-bootstrap`).inputs.operator])
			.filter(([, operator]) => operator);
		expect(operators).toEqual([["manager", "ubuntu"]]);
	});

	test("a host that does not answer lets one think of the operator's networks", () => {
		expect(recorder.find("hosts-nginx-bootstrap").inputs).toMatchObject({
			property: "hosts[4]",
			hint: expect.stringContaining("aws.operatorCidrs"),
		});
		expect(recorder.find("hosts-nginx-bootstrap").inputs.deadlineSeconds).toBeGreaterThanOrEqual(300);
	});
});

test.each([
	[80, "http://198.51.100.10"],
	[8081, "http://198.51.100.10:8081"],
])("NGINX at port %i is reached under %s", async (listen, url) => {
	const change = (config: Raw) => {
		config.nginx.listen = listen;
	};
	const { hosts } = await make(change);
	const endpoint = endpointOf(hosts.one("balancer"), { ...prodTopology(change).nginx, serverName: "_" });
	expect(await new Promise((resolve) => endpoint.apply(resolve))).toBe(url);
	expect(await pulumi.isSecret(endpoint)).toBe(false);
});

describe("the wait for the boot", () => {
	const cloudInit = (status: number) => `timeout() { shift; "$@"; }
cloud-init() { case "$2" in --wait) return ${status} ;; --long) echo "modules-final failed"; return 1 ;; esac; }`;
	test.each([
		["there is no cloud-init", "unset -f cloud-init", 0, ""],
		["all went well", cloudInit(0), 0, ""],
		["all went well, with a warning", cloudInit(2), 0, ""],
		["it failed", cloudInit(1), 1, "cloud-init failed:\nmodules-final failed\n"],
		["it takes too long", "timeout() { return 124; }", 1, "cloud-init is not through after ten minutes\n"],
	])("%s", (_how, standIns, status, stderr) => {
		const host = new StandInHost();
		expect(runStep(host, { step: "aws/boot" }, `set -a; ${standIns}\nset +a`)).toMatchObject({ status, stderr });
		expect(host.faults).toEqual([]);
		host.remove();
	});
});
