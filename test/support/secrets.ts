import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { placesOn } from "./search.ts";
import type { TestStack } from "./stack.ts";

/** The lab's nodes that run the service. */
const apps = ["manager", "worker1", "worker2"];

/** In plain text, and as the Engine API takes it. */
export const forms = (values: string[]) => values.flatMap((value) => [value, Buffer.from(value).toString("base64")]);

/** Tests that the passwords, the first of which is a file, and what else the lab's stack keeps secret stand nowhere in plain text. */
export function standNowhere(title: string, stack: TestStack, planted: string[]): void {
	const lab = inject("lab");
	const host = (name: string) => lab.connections[name] as Connection;
	const on = (name: string, script: string) => execAsRoot(host(name), script);

	describe(title, () => {
		let values: string[];

		beforeAll(async () => {
			const password = (await stack.resources()).find(({ urn }) => urn.endsWith("::registry-password"))?.outputs.value as string;
			const tokens = await on("manager", "docker swarm join-token -q worker; docker swarm join-token -q manager");
			// A line in the middle of the key; the file's first lines are the same for all keys.
			const keyLine = host("manager").privateKey.trim().split("\n").at(-3) as string;
			values = [...planted, password, keyLine, ...tokens.trim().split("\n")];
			for (const value of values) expect(value.length, "too short to be looked for").toBeGreaterThan(15);
		});

		test("stand nowhere in the state in plain text", () => {
			const state = stack.stateFiles();
			expect(state).toContain("babble-was");
			for (const value of forms(values)) expect(state.includes(value)).toBe(false);
			expect(state).not.toContain("OPENSSH PRIVATE KEY");
		});

		test("stand in no process, file or log of any host", async () => {
			const directories = [
				"/etc",
				"/usr/local",
				"/var/tmp",
				"/tmp",
				"/var/log",
				"/root",
				"/home",
				"/var/lib/docker-registry",
				"/var/lib/nginx",
			];
			const places = async ([name, connection]: [string, Connection]) => {
				// What is to be found, in a file and in the journal, tells the search apart from one that is blind.
				const canary = `canary-${randomUUID()}`;
				await execAsRoot(connection, `umask 077; tee /var/tmp/${canary} | systemd-cat; journalctl --sync`, { stdin: `${canary}\n` });
				const found = await placesOn(connection, [...forms(values), canary], directories);
				await on(name, `rm /var/tmp/${canary}`);
				return [name, found.map((place) => place.replace(canary, "canary"))];
			};
			const hosts = Object.entries(lab.connections);
			expect(await Promise.all(hosts.map(places))).toEqual(hosts.map(([name]) => [name, ["/var/tmp/canary", "the journal"]]));
		});

		test("a password that is a file is in none of Docker's own files", async () => {
			const [first] = values as [string];
			for (const app of apps) {
				const places = await placesOn(host(app), forms([first]), ["/var/lib/docker/containers", "/var/lib/docker/swarm"]);
				// There a running container's secrets are mounted, in memory.
				const onDisk = places.filter((place) => !place.includes("/mounts/secrets/"));
				expect(onDisk, app).toEqual([]);
				for (const place of places) expect(await on(app, `stat -f -c %T ${place}`), place).toBe("tmpfs\n");
			}
		});
	});
}
