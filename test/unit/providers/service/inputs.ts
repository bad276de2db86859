import { mountOf } from "../../../../components/service.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import { connection, serviceIn, topology } from "../../fixtures.ts";

const all = topology();
const { image: _image, ...service } = serviceIn(all);
const { logs } = all;
/** Not the defaults, which may be tuned: what is given must arrive. */
const health = {
	...service.health,
	path: "/health",
	status: [200],
	host: "localhost",
	deadlineSeconds: 300,
	intervalSeconds: 5,
	timeoutSeconds: 7,
	retries: 4,
};
export const rollout = {
	...service.rollout,
	parallelism: 1,
	delaySeconds: 2,
	monitorSeconds: 15,
	drainLimitSeconds: 30,
	failureAction: "rollback",
};
export const image = `192.168.1.20:5000/2021babble/babble-was@sha256:${"d".repeat(64)}`;

/** The source system's service. */
export function serviceInputs(change: Partial<ServiceInputs> = {}): ServiceInputs {
	return {
		managers: [connection()],
		clusterId: "swarm",
		name: "babble-was",
		owner: "swarm-scaleout/lab",
		image,
		replicas: 3,
		publish: { mode: "host", target: 8080, published: 8080 },
		env: { PROFILES_ACTIVE: "prod" },
		secretEnv: {},
		secrets: [],
		mount: mountOf(service.name, service.mount, { path: logs.path, mountOptions: `addr=192.168.1.20,${logs.mountOptions}` }),
		health,
		stopGraceSeconds: 10,
		restart: 0,
		rollout,
		endpoint: "http://127.0.0.1:8088",
		convergeSeconds: 900,
		placement: ["scaleout.service.babble-was", "true"],
		nodes: ["manager", "worker1", "worker2"].map((name) => ({
			name,
			nodeId: `id-of-${name}`,
			address: "192.168.2.1",
			connection: connection({ host: name }),
		})),
		...change,
	};
}
