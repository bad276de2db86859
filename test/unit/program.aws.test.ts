import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { digest, type Props, Recorder, withoutSecrets } from "../support/mocks.ts";
import { prodConfig } from "./fixtures.ts";

/* The whole program with the prod stack's configuration, hosts in EC2, logs shipped on, against the mock runtime. */

const planted = ["planted-datasource-password", "planted-redis-password", "planted-private-key"];
const recorder = new Recorder();
const find = recorder.find.bind(recorder);
const home = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-home-"));
let outputs: Props;

beforeAll(async () => {
	vi.stubEnv("HOME", home);
	vi.stubEnv("DATASOURCE_PASSWORD", planted[0]);
	vi.stubEnv("REDIS_PASSWORD", planted[1]);
	// Pinned: no registry is asked.
	const config: Props = { ...prodConfig(), logs: { shipping: {} } };
	config.services["babble-was"].image.pin = digest;
	const entries = Object.entries(config).map(([key, value]) => [
		`swarm-scaleout:${key}`,
		typeof value === "string" ? value : JSON.stringify(value),
	]);
	pulumi.runtime.setAllConfig(Object.fromEntries(entries));
	await recorder.start("swarm-scaleout", "prod");
	const program = await import("../../index.ts");
	outputs = await new Promise<Props>((resolve) => pulumi.output({ ...program }).apply((value) => resolve(value as Props)));
	await pulumi.runtime.disconnect();
});

afterAll(() => {
	vi.unstubAllEnvs();
	fs.rmSync(home, { recursive: true });
});

test("people reach NGINX at its Elastic IP, and the prober asks there, too", () => {
	expect(outputs.endpoint).toBe("http://198.51.100.10");
	expect(find("babble-was", ":Service").inputs.endpoint).toBe("http://198.51.100.10");
});

test("no planted value is in an input that is not marked as a secret, nor in an output", () => {
	for (const { type, name, marked } of recorder.resources) {
		const shown = JSON.stringify(withoutSecrets(marked));
		for (const value of planted) expect(shown, `${type} ${name}`).not.toContain(value);
	}
	for (const value of planted) expect(JSON.stringify(outputs)).not.toContain(value);
});

test("the ssh program of the Docker provider goes through the bastion, pinned", () => {
	const provider = recorder.ofType("pulumi:providers:docker")[0]?.inputs as Props;
	expect(provider.host).toBe("ssh://ubuntu@192.168.2.137:22");
	const proxy = (JSON.parse(provider.sshOpts) as string[]).find((option) => option.startsWith("ProxyCommand="));
	expect(proxy).toContain("ubuntu@198.51.100.10");
	expect(proxy?.match(/StrictHostKeyChecking=yes/g)).toHaveLength(1);
});

describe("each step waits for what it needs", () => {
	// biome-ignore format: one order a row
	const orders: [string, [string, string], [string, string]][] = [
		["the export after its volume is mounted", ["logs-export", ""], ["hosts-log-volume-mount", ""]],
		["shipping after the export", ["logs-shipping", ""], ["logs-export", ""]],
		["the log host after its rights are there", ["hosts-log", ":Instance"], ["hosts-log-rights", ""]],
		["a worker joins after it has booted", ["swarm-worker1", ":SwarmNode"], ["hosts-worker1-bootstrap", ""]],
		["NGINX after its address is bound", ["nginx", ":Command"], ["hosts-nginx-address", ":EipAssociation"]],
	];
	test.each(orders)("%s", (_order, later, earlier) => {
		expect(recorder.isAfter(find(...later), find(...earlier))).toBe(true);
	});
});

test("the agent on the log host is given the log group of the stack", () => {
	const { stdin, connection } = find("logs-shipping").inputs;
	expect(connection.host).toBe("192.168.1.20");
	const [, content = ""] = /\n@staged [^\n]+\n((?: {2}[^\n]*\n)+)/.exec(stdin) ?? [];
	expect(JSON.parse(content).logs.logs_collected.files.collect_list[0]).toMatchObject({
		file_path: "/mnt/main-was-logs/*.log",
		log_group_name: find("hosts-log-group", ":LogGroup").inputs.name,
	});
});

test("steps on a host go with its instance", () => {
	for (const step of recorder.ofType("command:remote:Command")) expect(step.deletedWith, step.name).toMatch(/instance:Instance::/);
});

test("steps on an instance run again on another one, which may have the keys of the one before", () => {
	const steps = recorder.ofType("command:remote:Command").filter(({ inputs }) => String(inputs.stdin).startsWith("@step"));
	expect(steps.length).toBeGreaterThan(5);
	for (const { name, inputs } of steps) expect(inputs.stdin, name).toMatch(/\n@because machine id-of-hosts-\w+\n/);
});

test("a command is one short line that root runs, whoever logs in", () => {
	for (const { name, inputs } of recorder.ofType("command:remote:Command"))
		expect(inputs.create, name).toMatch(/^sudo -n bash \/usr\/local\/lib\/scaleout\/steps\/swarm-scaleout-prod\/run\.sh [a-z/-]+$/);
});
