import { z } from "zod";
import { image } from "./image.ts";
import { absolutePath, environmentName, hostName, port, requestPath, secretValue } from "./values.ts";

const publish = z.strictObject({
	mode: z
		.enum(["host", "ingress"])
		.default("host")
		.describe("`host`: each node's own task answers, at most one per node. `ingress`: Swarm's routing mesh."),
	target: port.default(8080).describe("Port in the container."),
	published: port.default(8080).describe("Port on the nodes. Each service needs its own."),
});

const mount = z.discriminatedUnion("type", [
	z.strictObject({
		type: z.literal("volume"),
		target: absolutePath.default("/was-logs").describe("Directory in the container."),
		name: z
			.string()
			.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/, "use at most 41 letters, digits and _ . -, starting with a letter or digit")
			.default("nfsvolume")
			.describe("Volume name. A hash of its options is appended, so that changed options create a new volume."),
	}),
	z.strictObject({
		type: z.literal("bind"),
		target: absolutePath.default("/was-logs"),
		source: absolutePath.default("/home/ubuntu/was-logs").describe("Directory on the node. It is created when missing."),
	}),
]);

const health = z.strictObject({
	path: requestPath.default("/health").describe("Path that answers when a task can serve. A redirect is not followed."),
	status: z
		.array(z.int().min(200).max(599))
		.min(1, "name at least one HTTP status, such as 200")
		.default([200])
		.describe("HTTP statuses that mean healthy."),
	host: z
		.string()
		.regex(/^[A-Za-z0-9.:_[\]-]{1,255}$/, "use a host name, with a port where it is needed")
		.default("localhost")
		.describe("Host header of the request, for an application that answers only to certain names."),
	deadlineSeconds: z.int().min(5).max(3600).default(300).describe("Seconds a new task may take to become healthy."),
	intervalSeconds: z
		.int()
		.min(1)
		.max(300)
		.default(5)
		.describe("Seconds between Docker's health checks of a task that has been healthy. A new task is checked every second."),
	timeoutSeconds: z.int().min(1).max(300).default(10).describe("Seconds an answer may take."),
	retries: z
		.int()
		.min(1)
		.max(100)
		.default(5)
		.describe("Health checks that may fail in a row before a task that has been healthy is replaced."),
});

const prober = z.strictObject({
	path: requestPath.default("/").describe("Path to request through NGINX."),
	ratePerSecond: z.number().min(0).max(100).default(0).describe("Requests per second during a rollout; 0 is off."),
	failOnError: z.boolean().default(false).describe("If a request failed, fail the update after it is complete."),
});

const rollout = z.strictObject({
	strategy: z
		.enum(["lossless", "swarm"])
		.default("lossless")
		.describe(
			"`host` mode only. `lossless`: before a task stops, its node refuses new connections and requests in flight end. `swarm`: Swarm stops tasks without that, and requests may fail.",
		),
	parallelism: z.int().min(1).default(1).describe("Nodes updated at a time. `lossless`: must be fewer than the nodes that serve."),
	order: z
		.array(hostName)
		.default([])
		.describe(
			"`lossless` only: app nodes to update first, in this order; the others follow. All are updated one at a time. Default: Swarm chooses the order.",
		),
	delaySeconds: z.int().min(0).max(3600).default(0).describe("Pause between two nodes."),
	monitorSeconds: z
		.int()
		.min(1)
		.max(3600)
		.default(15)
		.describe("A task that fails within this time after it first became healthy counts as a failed update."),
	settleSeconds: z
		.int()
		.min(0)
		.max(300)
		.default(3)
		.describe(
			"`lossless` only: a new task gets requests once it has been healthy for this long. A task that crashes sooner has received none. Each node takes that much longer, less the second or two that Swarm needs to turn to the next one.",
		),
	peerPort: port
		.default(7947)
		.describe(
			"`lossless` only: port at which the agents tell each other whether their nodes serve, so that at most `parallelism` are closed at a time. Each service needs its own.",
		),
	turnLimitSeconds: z
		.int()
		.min(0)
		.max(7200)
		.default(1800)
		.describe(
			"`lossless` only: while `parallelism` other nodes do not serve, a task that is to stop keeps serving for up to this long; then it is drained anyway. Not less than the drain limit, the stop grace and `settleSeconds` together.",
		),
	drainLimitSeconds: z
		.int()
		.min(1)
		.max(50)
		.default(30)
		.describe(
			"Requests in flight, uploads and web sockets may take this long to end once it is their node's turn; at the limit they are cut.",
		),
	failureAction: z
		.enum(["rollback", "pause"])
		.default("rollback")
		.describe("When a new task fails: `rollback` puts the old version back in the same way, `pause` stops the update there."),
	prober: prober.prefault({}).describe("Sends requests to the service through NGINX during a rollout, and reports the results."),
});

export const service = z.strictObject({
	image: image.describe("The image to run."),
	adopt: z
		.string()
		.min(1)
		.optional()
		.describe("ID of a service made by other means. This stack may take it over as it runs, see docs/existing.md."),
	replicas: z.int().min(1).default(3).describe("Number of tasks. In `host` mode at most one per app node."),
	publish: publish.prefault({}),
	env: z
		.record(environmentName, z.string())
		.default({})
		.describe("Environment variables. Swarm templates such as {{.Node.Hostname}} are filled in."),
	secretEnv: z
		.record(environmentName, secretValue)
		.default({})
		.describe(
			"Environment variables with secret values, as the source system passes its passwords. They are in plain text in the service's spec, which managers store and show, and in the container's environment; prefer `secrets`. Braces in them are not templates. A change starts a rollout.",
		),
	secrets: z
		.record(
			z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,50}$/, "use letters, digits and . _ -, starting with a letter or digit"),
			secretValue,
		)
		.default({})
		.describe(
			"Docker secrets by file name: mounted at /run/secrets/<name>. A name with dots sets a Spring property, see docs/secrets.md. A changed value starts a rollout; the old secret is removed afterwards.",
		),
	mount: mount.prefault({ type: "volume" }).describe("Where the service's log directory is."),
	user: z
		.string()
		.regex(/^\w+(:\w+)?$/, "use a user, or user:group, each a name or a number")
		.optional()
		.describe("User (and group) the service runs as. Default: the image's."),
	health: health.prefault({}),
	cpus: z.number().min(0.01).optional().describe("CPU limit of a task, in CPUs."),
	memoryMiB: z.int().min(16).optional().describe("Memory limit of a task in MiB."),
	stopGraceSeconds: z
		.int()
		.min(0)
		.max(3600)
		.default(10)
		.describe(
			"Seconds between the image's stop signal (SIGTERM if it names none) and SIGKILL. Together with the drain limit less than 60.",
		),
	restart: z.int().min(0).default(0).describe("Increase it to restart all tasks by a rollout."),
	rollout: rollout.prefault({}).describe("How tasks are replaced."),
	convergeSeconds: z
		.int()
		.min(30)
		.max(86_400)
		.optional()
		.describe(
			"Seconds until all tasks must run. After that `up` fails, and the rollout continues. Default: 900, or the time of the slowest good rollout if that is more: nodes x (`rollout.drainLimitSeconds` + `stopGraceSeconds` + `health.deadlineSeconds` + `rollout.settleSeconds` + `rollout.delaySeconds`), divided by `rollout.parallelism`, plus `rollout.monitorSeconds` and a minute.",
		),
});

/** The stack's only service when none is configured: the source system's. */
const only = { "babble-was": { image: { name: "2021babble/babble-was" } } };

export const services = z
	.record(
		z
			.string()
			.regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "use at most 63 lower-case letters, digits and inner hyphens, starting with a letter")
			// Every JavaScript object has a property of this name, which a lookup by the service's name would find.
			.refine((name) => name !== "constructor", "this name cannot be used: choose another"),
		service,
	)
	.prefault(only);
