import { expect, test } from "vitest";
import { provider } from "../../../../providers/service/provider.ts";
import { serviceInputs } from "./inputs.ts";

/* What is sent for a new login: carryOut.test.ts. */

const ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

async function diff(serveraddress: string) {
	const inputs = (password: string) => serviceInputs({ registryAuth: { serveraddress, username: "pusher", password } });
	const olds = inputs("old");
	const observed = { image: olds.image, running: olds.replicas, differs: [] };
	return provider.diff("service", { ...olds, observed, imageDigest: olds.image }, inputs("new"));
}

test("a new password for a registry is a change: tasks that start later pull with what the last update brought", async () => {
	expect(await diff("registry.example.com")).toMatchObject({ changes: true, replaces: [] });
});

test("a new ECR token is no change: every run has another one, and the managers renew it", async () => {
	expect(await diff(ecr)).toMatchObject({ changes: false });
});
