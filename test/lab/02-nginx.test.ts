import { afterAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { expectRefused, expectUp, lab, onNginx, plainAgain, servesHttp } from "../support/labNginx.ts";

afterAll(closeConnections);

// More that is refused: test/faults.
describe.skipIf(lab.noEngine)("a load balancer configuration", () => {
	afterAll(plainAgain);

	test("that NGINX refuses fails the update and leaves the old one live", async () => {
		await expectRefused({ method: "hash", hashKey: "$no_such_variable" }, /unknown "no_such_variable" variable/);
	});

	test("that can work is in effect after up, whatever failed before; maintenance answers 503 and loses no request in flight", async () => {
		const other = { method: "ip_hash", weights: { worker1: 2 } };
		await expectUp(other);
		expect(await onNginx("nginx -T 2>/dev/null")).toMatch(/ip_hash;[\s\S]*192\.168\.2\.142:8080 weight=2/);
		await servesHttp();
		const inFlight = fetch(`${lab.endpoint}/slow?ms=25000`);
		await expectUp({ ...other, maintenance: true });
		const answer = await fetch(`${lab.endpoint}/hello`);
		expect(answer.status).toBe(503);
		expect(answer.headers.get("retry-after")).toBe("120");
		expect((await inFlight).status).toBe(200);
		await plainAgain();
		expect(await onNginx("nginx -T 2>/dev/null")).toMatch(/upstream app \{\s+least_conn;/);
		await servesHttp();
	});
});
