import { describe, expect, test } from "vitest";
import { mountOf, secretName, servingMembers } from "../../../components/service.ts";
import type { ServiceMount } from "../../../providers/service/resource.ts";
import { serviceIn, topology, was } from "../fixtures.ts";

describe("the name of the log volume", () => {
	const mount = { type: "volume", target: "/was-logs", name: "nfsvolume" } as const;
	const logs = { path: "/mnt/main-was-logs", mountOptions: "addr=192.168.1.20,nfsvers=4.2,hard" };
	const nameOf = (made: ServiceMount) => (made.type === "volume" ? made.name : "");
	const name = nameOf(mountOf("was", mount, logs));

	test("says what it is, and carries a hash", () => {
		expect(name).toMatch(/^nfsvolume-[0-9a-f]{8}$/);
	});

	test.each([
		["the server", { ...logs, mountOptions: logs.mountOptions.replace("1.20", "1.21") }],
		["an option", { ...logs, mountOptions: logs.mountOptions.replace("hard", "soft") }],
		["the directory", { ...logs, path: "/mnt/other" }],
	])("changes with %s: a volume that exists keeps its old options", (_what, changed) => {
		expect(nameOf(mountOf("was", mount, changed))).not.toBe(name);
	});

	test("is another one for another service, which collects its own alone", () => {
		expect(nameOf(mountOf("other", mount, logs))).not.toBe(name);
	});

	test("stays when the options stay: no new volume, and no rollout", () => {
		expect(nameOf(mountOf("was", { ...mount, target: "/elsewhere" }, { ...logs }))).toBe(name);
	});

	test("a bind mount is taken as it is", () => {
		const bind = { type: "bind", target: "/was-logs", source: "/home/ubuntu/was-logs" } as const;
		expect(mountOf("was", bind, logs)).toEqual(bind);
	});
});

describe("the name of a Docker secret", () => {
	const key = "planted-key";
	const name = secretName(key, "babble-was", "spring.datasource.password", "value");

	test("says what it is, and does not say the value", () => {
		expect(name).toMatch(/^babble-was-spring\.datasource\.password-[0-9a-f]{12}$/);
	});

	test("stays while key and value do: no rollout", () => {
		expect(secretName(key, "babble-was", "spring.datasource.password", "value")).toBe(name);
	});

	test.each([
		["service", secretName(key, "other", "spring.datasource.password", "value")],
		["file", secretName(key, "babble-was", "spring.redis.password", "value")],
		["value", secretName(key, "babble-was", "spring.datasource.password", "new")],
		["key, without which nobody can try guesses,", secretName("another-key", "babble-was", "spring.datasource.password", "value")],
	])("is another one for another %s", (_what, other) => {
		expect(other).not.toBe(name);
	});

	test("is one that Docker takes, however long service and file are named", () => {
		const long = secretName(key, "a".repeat(63), "b".repeat(51), "value");
		expect(long).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9]$/);
		expect(secretName(key, "a".repeat(63), "c".repeat(51), "value")).not.toBe(long);
	});
});

describe("the members that serve", () => {
	const serving = (replicas: number, mode: string) => {
		const changed = topology((config) => {
			was(config).replicas = replicas;
			was(config).publish.mode = mode;
		});
		const members = changed.hosts.map((host) => ({ host }));
		return servingMembers(serviceIn(changed), members).map(({ host }) => host.name);
	};

	test("in host mode: as many app nodes as replicas", () => {
		expect(serving(2, "host")).toEqual(["manager", "worker1"]);
		expect(serving(3, "host")).toEqual(["manager", "worker1", "worker2"]);
	});

	test("behind the routing mesh: all app nodes, however many tasks", () => {
		expect(serving(1, "ingress")).toHaveLength(3);
		expect(serving(9, "ingress")).toHaveLength(3);
	});
});
