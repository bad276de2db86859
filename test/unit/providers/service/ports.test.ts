import type Docker from "dockerode";
import { expect, test } from "vitest";
import { notePortMove, portHolder } from "../../../../providers/service/ports.ts";
import { serviceInputs } from "./inputs.ts";

/** A service of the stack at a port. */
const at = (name: string, published: number, clusterId = "cluster") =>
	serviceInputs({ name, clusterId, publish: { mode: "host", target: 8080, published } });

/** A swarm with these services of the stack. */
function swarm(services: Record<string, number>): Docker {
	const all = Object.entries(services).map(([Name, PublishedPort]) => ({ Spec: { Name, EndpointSpec: { Ports: [{ PublishedPort }] } } }));
	return {
		listServices: async ({ filters }: { filters: string }) => {
			expect(JSON.parse(filters)).toEqual({ label: ["scaleout.owner=swarm-scaleout/lab"] });
			return [...all, { Spec: { Name: "unpublished" } }];
		},
	} as unknown as Docker;
}

test("a port is its service's own, and another one's while that has it in the swarm", async () => {
	const services = swarm({ was: 8080, admin: 8081 });
	expect(await portHolder(at("was", 8080), services)).toBeUndefined();
	expect(await portHolder(at("was", 8081), services)).toBe("admin");
	expect(await portHolder(at("fresh", 8080), services)).toBe("was");
	expect(await portHolder(at("fresh", 8082), services)).toBeUndefined();
});

test("a port that a service has left in this very up is not taken over, whichever comes first", async () => {
	notePortMove(at("was", 9080), at("was", 9082));
	const moved = swarm({ was: 9082, admin: 9081 });
	expect(await portHolder(at("admin", 9080), moved)).toBe("was");
	expect(await portHolder(at("was", 9080), moved), "it may go back").toBeUndefined();
	expect(await portHolder(at("admin", 9080, "other-cluster"), moved)).toBeUndefined();
	notePortMove(at("was", 9083), at("was", 9083));
	expect(await portHolder(at("admin", 9083), moved)).toBeUndefined();
});
