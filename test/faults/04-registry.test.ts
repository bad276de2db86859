import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { loginStep } from "../../components/registryLogin.ts";
import type { Connection } from "../../lib/connection.ts";
import { closeConnections, execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "../support/lab.ts";
import { commandsOf } from "../support/step.ts";

/* Registry logins that change under a service that runs. A new task that Swarm places on a node without the image, tells whether it can pull. */

const lab = inject("lab");
const stack = labStack();
const on = (name: string, script: string, stdin = "") => execAsRoot(lab.connections[name] as Connection, script, { stdin });
const server = "192.168.1.20:5000";
/** Without its packages: the helper is a stand-in, and python3 is there. */
const renewal = commandsOf({ ...loginStep("babble-was", server), packages: [] }, `swarm-scaleout/${stack.name}`);
const others = ["manager", "worker1"];
const running = (name: string) =>
	on(name, "docker ps -q --no-trunc --filter label=com.docker.swarm.service.name=babble-was --filter status=running");
const digest = async () =>
	(await on("manager", "docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Image}}' babble-was")).trim();

afterAll(closeConnections);

async function converge(): Promise<string> {
	const { code, output } = await stack.up();
	expect(code, output).toBe(0);
	return output;
}

/** HTTP status that the registry answers to a user's login. */
const login = (password: string) =>
	on(
		"log",
		`read -r password; curl -s -o /dev/null -w '%{http_code}' --cacert /etc/docker/registry/tls.crt -K <(printf 'user = "pusher:%s"' "$password") https://${server}/v2/`,
		`${password}\n`,
	);

/**
 * Takes worker2's task away, and the image with it, under all of its names: of an image that is there by another name Docker keeps the manifest, and
 * asks no registry for it.
 */
async function forgetImage(): Promise<void> {
	await on("manager", "docker node update --availability drain worker2 >&2");
	await expect.poll(() => running("worker2"), { timeout: 120_000, interval: 1000 }).toBe("");
	const image = await digest();
	const script = `docker container prune -f >&2; id=$(docker image inspect -f '{{.Id}}' '${image}'); docker image rm -f "$id" >&2`;
	await on("worker2", `${script}; docker image inspect "$id" > /dev/null 2>&1 && exit 1 || true`);
	await on("manager", "docker node update --availability active worker2 >&2");
}

/** Also where there is no test that goes on, which expect.poll needs. */
const expectTask = () => vi.waitFor(async () => expect(await running("worker2")).not.toBe(""), { timeout: 180_000, interval: 2000 });

describe.skipIf(lab.noEngine)("a registry password that changes", () => {
	const [byConfiguration, byHand] = [`planted-${randomUUID()}`, `planted-${randomUUID()}`];
	let before: string[];

	beforeAll(async () => {
		before = await Promise.all(others.map(running));
		expect(before.every(Boolean)).toBe(true);
	});

	afterAll(async () => {
		await on("manager", `${renewal.delete}; rm -f /usr/local/bin/docker-credential-ecr-login /run/registry-password`, renewal.stdin);
		await on("manager", "docker node update --availability active worker2 >&2");
		delete stack.config["swarm-scaleout:registry"];
		await converge();
		expect(await Promise.all(others.map(running))).toEqual(before);
		await expectTask();
		expect((await fetch(`${lab.endpoint}/hello`)).status).toBe(200);
	});

	test("in the configuration reaches registry and service without a restart, and a new task pulls with it", async () => {
		const old = (await stack.resources()).find(({ urn }) => urn.endsWith("::registry-password"))?.outputs.value as string;
		stack.config["swarm-scaleout:registry"] = { password: { fromEnvironment: "REGISTRY_PASSWORD" } };
		stack.env.REGISTRY_PASSWORD = byConfiguration;
		const steps = (await stack.preview()).filter(({ op }) => op !== "same");
		const named = (end: string) => steps.filter(({ urn }) => urn.endsWith(end)).map(({ op }) => op);
		expect(named(":Service::babble-was"), JSON.stringify(steps.map(({ op, urn }) => `${op} ${urn}`))).toEqual(["update"]);
		expect(named("::registry")).toEqual(["update"]);
		const output = await converge();
		expect(output).not.toContain(byConfiguration);
		expect(output).not.toMatch(/replaces the tasks/);
		expect([await login(byConfiguration), await login(old)]).toEqual(["200", "401"]);
		expect(await Promise.all(others.map(running)), "no task was replaced").toEqual(before);
		await forgetImage();
		await expectTask();
	});

	test("like a token that ends stops a new task, until the manager's timer brings a fresh one; no other task is touched", async () => {
		const file = "/etc/docker/registry/htpasswd";
		await on(
			"log",
			`htpasswd -Bic ${file} pusher 2>/dev/null; chown docker-registry ${file}; systemctl restart docker-registry`,
			`${byHand}\n`,
		);
		await expect.poll(() => login(byHand), { timeout: 60_000, interval: 1000 }).toBe("200");
		expect(await login(byConfiguration)).toBe("401");
		await forgetImage();
		const errors = () => on("manager", "docker service ps --no-trunc --filter node=worker2 --format '{{.Error}}' babble-was");
		await expect.poll(errors, { timeout: 120_000, interval: 2000 }).toMatch(/No such image|unauthorized|no basic auth/);
		expect(await running("worker2")).toBe("");

		// In AWS's place: what gives the token. All else is as on a manager in EC2.
		const helper = `#!/bin/sh\nread -r server\nprintf '{"ServerURL":"%s","Username":"pusher","Secret":"%s"}' "$server" "$(cat /run/registry-password)"\n`;
		await on("manager", "umask 077; cat > /run/registry-password", byHand);
		await on("manager", "install -m 755 /dev/stdin /usr/local/bin/docker-credential-ecr-login", helper);
		await on("manager", renewal.create, renewal.stdin);
		const journal = () => on("manager", "journalctl -o cat -u scaleout-registry-login-babble-was -n 20 --no-pager");
		// At once, or five minutes after the machine's start.
		await expect.poll(journal, { timeout: 330_000, interval: 2000 }).toContain("babble-was has a fresh token");
		await expectTask();
		expect(await Promise.all(others.map(running)), "no task was replaced").toEqual(before);
		expect(await journal()).not.toContain(byHand);
		expect(await on("manager", "systemctl is-active scaleout-registry-login-babble-was.timer")).toBe("active\n");
	});
});
