import { afterAll, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { labEnvironment, labStack } from "../support/lab.ts";
import { standNowhere } from "../support/secrets.ts";

const lab = inject("lab");
const file = "/run/secrets/spring.datasource.password";

afterAll(closeConnections);

test("passwords reach the application in both forms", async () => {
	const info = await (await fetch(`${lab.endpoint}/info`)).json();
	expect(info).toMatchObject({
		datasourcePassword: { set: true, from: file },
		redisPassword: { set: true, from: "-Dspring.redis.password" },
	});
});

// Passwords that change are in test/faults.
describe.skipIf(lab.noEngine)("with the engine,", () => {
	standNowhere("passwords, and what else is secret,", labStack(), Object.values(labEnvironment));
});
