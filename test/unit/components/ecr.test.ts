import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test, vi } from "vitest";
import { Recorder, withoutSecrets } from "../../support/mocks.ts";
import { runProgram } from "../../support/program.ts";
import { labConfig, type Raw, was } from "../fixtures.ts";

/* The whole program with the service's image in ECR, against the mock runtime. */

const server = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

afterEach(() => {
	vi.unstubAllEnvs();
	return pulumi.runtime.disconnect();
});

test("a service whose image is in ECR has its token renewed on each manager, before it is updated; no token is shown", async () => {
	vi.stubEnv("DATASOURCE_PASSWORD", "a");
	vi.stubEnv("REDIS_PASSWORD", "b");
	const config: Raw = { ...labConfig(), registry: { server } };
	was(config).image = { name: "2021babble/babble-was", resolve: "manager" };
	for (const host of config.hosts) host.roles = host.roles.filter((role: string) => role !== "registry");
	config.hosts[1].roles = ["manager", "app"];
	const token = { password: "planted-ecr-token", userName: "AWS" };
	const recorder = new Recorder({}, { "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => token });
	await runProgram(recorder, Object.fromEntries(Object.entries(config).map(([name, value]) => [`swarm-scaleout:${name}`, value])), "lab");
	const logins = recorder.ofType("remote:Command").filter(({ name }) => name.includes("-registry-login-"));
	expect(logins.map(({ name }) => name)).toEqual(["babble-was-registry-login-manager", "babble-was-registry-login-worker1"]);
	const service = recorder.find("babble-was", ":Service");
	expect(service.inputs.registryAuth).toEqual({ serveraddress: server, username: "AWS", password: "planted-ecr-token" });
	for (const login of logins) {
		expect(login.inputs.stdin).toContain(`--service babble-was --server ${server}`);
		expect(login.inputs.stdin).toContain("\n@package amazon-ecr-credential-helper\n");
		expect(recorder.isAfter(service, login)).toBe(true);
	}
	expect(JSON.stringify(recorder.resources.map(({ marked }) => withoutSecrets(marked)))).not.toContain("planted-ecr-token");
});
