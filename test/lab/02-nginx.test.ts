import { afterAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "../support/lab.ts";

const lab = inject("lab");
const stack = labStack();
const good = { method: "least_conn" };
const onNginx = (script: string) => execAsRoot(lab.connections.nginx as Connection, script);

afterAll(closeConnections);

/** The configuration NGINX has loaded, as its answers show. */
const serves = async () => expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);

describe.skipIf(lab.noEngine)("a load balancer configuration that cannot work", () => {
	// Nothing has to be mended between them: the old one lives.
	afterAll(async () => {
		stack.config["swarm-scaleout:nginx"] = good;
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect(await onNginx("nginx -T 2>/dev/null")).toMatch(/upstream app \{\s+least_conn;/);
	});

	const faults: [name: string, nginx: object, message: RegExp][] = [
		[
			"a method the host's version lacks",
			{ method: "least_time" },
			/nginx\.method = least_time: needs NGINX 1\.31\.0, the host has 1\.22\.1/,
		],
		["what nginx -t refuses", { method: "hash", hashKey: "$no_such_variable" }, /unknown "no_such_variable" variable/],
		["a port that is taken", { ...good, listen: 22 }, /bind\(\) to 0\.0\.0\.0:22 failed/],
	];
	test.each(faults)("fails the update and leaves the old one live: %s", async (_name, nginx, message) => {
		const before = await onNginx("cat /etc/nginx/conf.d/swarm-scaleout-test-nginx.conf");
		// Only NGINX: a changed port would also change what leads to the machine.
		stack.config["swarm-scaleout:nginx"] = nginx;
		const { code, output } = await stack.up("--target", "**$command:remote:Command::nginx");
		expect(code).not.toBe(0);
		expect(output, output.slice(-450)).toMatch(message);
		expect(await onNginx("cat /etc/nginx/conf.d/swarm-scaleout-test-nginx.conf")).toBe(before);
		expect(await onNginx("ls -A /etc/nginx | grep staged || true")).toBe("");
		await serves();
	});

	test("one that can work is in effect after up, whatever failed before", async () => {
		stack.config["swarm-scaleout:nginx"] = { method: "ip_hash", weights: { worker1: 2 } };
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect(await onNginx("nginx -T 2>/dev/null")).toMatch(/ip_hash;[\s\S]*192\.168\.2\.142:8080 weight=2/);
		await serves();
	});
});

describe.skipIf(lab.noEngine)("maintenance", () => {
	test("answers 503 with Retry-After, and switches without losing a request in flight", async () => {
		const maintain = async (maintenance: boolean) => {
			stack.config["swarm-scaleout:nginx"] = { ...good, maintenance };
			const { code, output } = await stack.up();
			expect(code, output).toBe(0);
		};
		const inFlight = fetch(`${lab.endpoint}/slow?ms=25000`);
		await maintain(true);
		const answer = await fetch(`${lab.endpoint}/hello`);
		expect(answer.status).toBe(503);
		expect(answer.headers.get("retry-after")).toBe("120");
		expect((await inFlight).status).toBe(200);
		await maintain(false);
		await serves();
	});
});
