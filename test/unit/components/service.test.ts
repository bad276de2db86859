import { describe, expect, test } from "vitest";
import { mountOf } from "../../../components/service.ts";
import { servingHosts } from "../../../components/swarm.ts";
import type { ServiceMount } from "../../../providers/service/resource.ts";
import { topology } from "../fixtures.ts";

describe("the name of the log volume", () => {
	const mount = { type: "volume", target: "/was-logs", name: "nfsvolume" } as const;
	const logs = { path: "/mnt/main-was-logs", mountOptions: "addr=192.168.1.20,nfsvers=4.2,hard" };
	const nameOf = (made: ServiceMount) => (made.type === "volume" ? made.name : "");
	const name = nameOf(mountOf(mount, logs));

	test("says what it is, and carries a hash", () => {
		expect(name).toMatch(/^nfsvolume-[0-9a-f]{8}$/);
	});

	test.each([
		["the server", { ...logs, mountOptions: logs.mountOptions.replace("1.20", "1.21") }],
		["an option", { ...logs, mountOptions: logs.mountOptions.replace("hard", "soft") }],
		["the directory", { ...logs, path: "/mnt/other" }],
	])("changes with %s: a volume that exists keeps its old options", (_what, changed) => {
		expect(nameOf(mountOf(mount, changed))).not.toBe(name);
	});

	test("stays when the options stay: no new volume, and no rollout", () => {
		expect(nameOf(mountOf({ ...mount, target: "/elsewhere" }, { ...logs }))).toBe(name);
	});

	test("a bind mount is taken as it is", () => {
		const bind = { type: "bind", target: "/was-logs", source: "/home/ubuntu/was-logs" } as const;
		expect(mountOf(bind, logs)).toEqual(bind);
	});
});

describe("the hosts that serve", () => {
	const serving = (replicas: number, mode: string) => {
		const changed = topology((config) => {
			config.service.replicas = replicas;
			config.service.publish.mode = mode;
		});
		const hosts = { with: (role: string) => changed.hosts.filter(({ roles }) => roles.some((own) => own === role)) };
		return servingHosts(changed, hosts as never).map(({ name }) => name);
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
