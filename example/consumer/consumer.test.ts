import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: resource properties are of any shape
type Props = Record<string, any>;

/** What a stack of swarm-scaleout exports. */
const deployed = servedAt("http://192.0.2.10");
let made: { type: string; name: string; inputs: Props }[];
const uncaught: unknown[] = [];
const collect = (reason: unknown) => uncaught.push(reason);

beforeEach(() => {
	made = [];
	uncaught.length = 0;
	process.on("unhandledRejection", collect);
	vi.resetModules();
});
afterEach(() => {
	process.off("unhandledRejection", collect);
});

function servedAt(endpoint: string) {
	const image = "docker.io/2021babble/babble-was@sha256:0f3a";
	return { endpoint, services: { "babble-was": { endpoint, image, lastRollout: null } }, swarmId: "swarm-id" };
}

/** Runs the program against a stack with these outputs, and waits until all of it is registered. */
async function run(outputs: Props): Promise<void> {
	const settings = {
		stack: "organization/swarm-scaleout/prod",
		service: "babble-was",
		zoneId: "Z1",
		name: "was.example.com",
		alarmTopic: "arn:aws:sns:us-east-1:1:on-call",
	};
	pulumi.runtime.setAllConfig(
		Object.fromEntries(Object.entries(settings).map(([key, value]) => [`swarm-scaleout-consumer:${key}`, value])),
	);
	const newResource = ({ type, name, inputs }: pulumi.runtime.MockResourceArgs) => {
		if (type === "pulumi:pulumi:StackReference") return { id: name, state: { name, outputs } };
		made.push({ type, name, inputs });
		return { id: `id-of-${name}`, state: { ...inputs, fqdn: inputs.name, arn: `arn-of-${name}` } };
	};
	await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "swarm-scaleout-consumer", "dev");
	await import("./index.ts");
	await pulumi.runtime.disconnect().catch(collect);
	// Rejections are reported once the queue of microtasks is empty.
	await new Promise((resolve) => setTimeout(resolve, 50));
}

const inputsOf = (type: string) => made.find((resource) => resource.type === type)?.inputs;

test("the name leads to the address of the service's endpoint", async () => {
	await run(deployed);
	expect(inputsOf("aws:route53/record:Record")).toMatchObject({
		zoneId: "Z1",
		name: "was.example.com",
		type: "A",
		records: ["192.0.2.10"],
	});
	expect(uncaught).toEqual([]);
});

test("an endpoint with a name gets an alias, and its port and scheme are asked", async () => {
	await run(servedAt("https://lb.example.net:8443"));
	expect(inputsOf("aws:route53/record:Record")).toMatchObject({ type: "CNAME", records: ["lb.example.net"] });
	expect(inputsOf("aws:route53/healthCheck:HealthCheck")).toMatchObject({ type: "HTTPS", fqdn: "lb.example.net", port: 8443 });
});

test("the alarm watches the check of that endpoint, and names the service", async () => {
	await run(deployed);
	expect(inputsOf("aws:route53/healthCheck:HealthCheck")).toMatchObject({
		type: "HTTP",
		fqdn: "192.0.2.10",
		port: 80,
		resourcePath: "/health",
	});
	expect(inputsOf("aws:cloudwatch/metricAlarm:MetricAlarm")).toMatchObject({
		dimensions: { HealthCheckId: "id-of-was" },
		alarmDescription: "babble-was does not answer at http://192.0.2.10/health",
		alarmActions: ["arn:aws:sns:us-east-1:1:on-call"],
	});
});

describe("a stack that lacks an output, or the service, fails the program, naming stack, what is missing and remedy, and nothing is made of it", () => {
	test.each([
		["another program's stack", { url: "http://192.0.2.10" }, 'prod has no output "services": it has url. Is it a stack of swarm-scaleout'],
		["one that was never deployed", {}, 'prod has no output "services": it has no outputs at all. Run "pulumi up" on it first'],
		[
			"one without the service",
			{ ...deployed, services: { admin: {} } },
			'prod has no service "babble-was": it has admin. Correct the name',
		],
	])("%s", async (_what, outputs, message) => {
		await run(outputs);
		expect(uncaught.map(String).join("\n")).toContain(message);
		expect(inputsOf("aws:route53/record:Record")).toBeUndefined();
	});
});
