import { z } from "zod";

/*
 * The stack configuration, field by field. Each description says meaning, unit and what a change does;
 * `npm run docs` writes docs/configuration.md from them.
 */

const hostName = z
	.string()
	.regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "use 1 to 40 lower-case letters, digits and inner hyphens")
	.describe("Host name, also the node's name in the swarm. A change makes another host.");
const port = z.int().min(1).max(65535);
const absolutePath = z.string().regex(/^\/[A-Za-z0-9._/-]+$/, "use an absolute path of letters, digits and . _ / -");
const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "use letters, digits and _, not starting with a digit");
const bindAddress = z.union([z.ipv4(), z.ipv6()]);

/** A secret value: encrypted config, or the name of an environment variable that holds it where `pulumi` runs (CI). */
const secretValue = z
	.union([z.string().min(1), z.strictObject({ fromEnvironment: environmentName })])
	.describe("Secret: encrypted config (`pulumi config set --secret --path …`) or `{fromEnvironment: NAME}`.");

export const roles = ["manager", "worker", "app", "log", "nginx", "registry"] as const;

const sshEndpoint = z.strictObject({
	host: z.string().min(1).optional().describe("Address that `pulumi` (or the bastion) connects to. Default: the host's `address`."),
	port: port.default(22).describe("Port of sshd."),
	user: z.string().min(1).default("root").describe("Login: root, or a user who may run `sudo -n`."),
	hostKey: z
		.string()
		.regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/]+=*( .*)?$/, "use the line of /etc/ssh/ssh_host_ed25519_key.pub")
		.describe("Pinned public host key, the line of `/etc/ssh/ssh_host_ed25519_key.pub`."),
	privateKeyFile: z.string().min(1).optional().describe("Private key file where `pulumi` runs. Default: `existing.privateKeyFile`."),
	bastion: hostName.optional().describe("Name of the host of this inventory to go through."),
});

const host = z.strictObject({
	name: hostName,
	roles: z
		.array(z.enum(roles))
		.min(1)
		.describe(
			"`manager` or `worker` of the swarm, `app` runs the service, `log` exports the log directory, `nginx` balances, `registry` serves images.",
		),
	address: z.ipv4().describe("Private IPv4 address the hosts know each other by. A change re-makes what is bound to it."),
	memoryMiB: z
		.int()
		.min(512)
		.optional()
		.describe("`local` only: memory in MiB. Default: `local.memoryMiB`. A change restarts the machine."),
	ssh: sshEndpoint.optional().describe("`existing` only: how to log in."),
});

const local = z.strictObject({
	imageDirectory: z
		.string()
		.min(1)
		.optional()
		.describe("Directory with root.ext4, vmlinuz and initrd.img. Default: where `npm run lab:prepare` caches them."),
	directory: z.string().min(1).default(".lab").describe("Directory for the machines' files, relative to the project."),
	memoryMiB: z.int().min(512).default(1280).describe("Memory of a machine in MiB."),
	cpus: z.int().min(1).default(1).describe("Virtual CPUs of a machine."),
	prefixLength: z.int().min(8).max(30).default(16).describe("Prefix length of the private LAN."),
	lanPort: port.default(23400).describe("UDP port on the loopback interface that carries the private LAN. Two stacks need two."),
	sshPortBase: port.default(2400).describe("The first machine's sshd is at this port of 127.0.0.1, the next one's at the next."),
	endpointPort: port.default(8088).describe("Port of 127.0.0.1 that leads to NGINX."),
});

const existing = z.strictObject({
	privateKeyFile: z.string().min(1).optional().describe("Private key file for all hosts that name none of their own."),
});

const swarm = z.strictObject({
	defaultAddrPool: z
		.array(z.cidrv4())
		.default([])
		.describe("Address pools for overlay networks. Only at init: a change replaces the swarm."),
	subnetSize: z.int().min(16).max(29).default(24).describe("Prefix length of one overlay network. Only at init."),
	dataPathPort: z.int().min(1024).max(49151).default(4789).describe("UDP port of the overlay data path. Only at init."),
	adopt: z.string().min(1).optional().describe("ID of a swarm made by other means that this stack may take over."),
});

const logs = z.strictObject({
	path: absolutePath.default("/mnt/main-was-logs").describe("Exported directory on the log host."),
	access: z
		.enum(["per-client", "network"])
		.default("per-client")
		.describe(
			"`per-client`: exported to each app node's address, everyone squashed to one user. `network`: to `clients`, open mode, as the source system has it.",
		),
	clients: z
		.array(z.union([z.cidrv4(), z.ipv4()]))
		.default([])
		.describe("`network` only: client networks, such as 192.168.0.0/16."),
	exportOptions: z
		.array(z.string().regex(/^[a-z_]+(=[A-Za-z0-9.:/-]+)?$/))
		.default(["rw", "sync", "no_subtree_check"])
		.describe("Options of the export, see exports(5)."),
	uid: z.int().min(1).max(65534).default(10001).describe("`per-client` only: user id that owns everything in the export."),
	gid: z.int().min(1).max(65534).default(10001).describe("`per-client` only: group id, likewise."),
	mountOptions: z
		.string()
		.regex(/^[A-Za-z0-9=.,:_-]+$/)
		.default("nfsvers=4.2,hard,timeo=600,retrans=2,noatime")
		.describe("Mount options after `addr=`, see nfs(5). A change makes a new volume and rolls the service."),
	keepOnDestroy: z
		.boolean()
		.default(true)
		.describe("Keep the collected logs when the stack is destroyed. Takes effect with the `up` before the destroy."),
});

const registry = z.strictObject({
	server: z
		.string()
		.min(1)
		.optional()
		.describe("Registry host, with port when not 443. Default: the host with role `registry`, port 5000; without one, Docker Hub."),
	username: z
		.string()
		.regex(/^[\w.@+-]+$/)
		.default("pusher")
		.describe("User who may push and pull."),
	password: secretValue.optional().describe("Its password. Default on a registry of this stack: generated, kept in the state as a secret."),
});

const build = z.strictObject({
	context: z.string().min(1).describe("Build context, relative to the project."),
	dockerfile: z.string().min(1).default("Dockerfile").describe("Dockerfile, relative to the context."),
	args: z.record(environmentName, z.string()).default({}).describe("Build arguments."),
	baseArchive: z
		.string()
		.min(1)
		.optional()
		.describe(
			"Root file system archive (tar.gz) imported as `args.BASE_IMAGE` before the build. `cache:java` is the one of `npm run lab:prepare`.",
		),
});

const image = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, "use a repository name without registry and tag")
		.default("2021babble/babble-was")
		.describe("Repository, without registry and tag."),
	tag: z
		.string()
		.regex(/^[\w][\w.-]{0,127}$/)
		.default("latest")
		.describe("Tag to build or run. It is resolved to a digest, and the digest is what runs."),
	pin: z
		.string()
		.regex(/^sha256:[0-9a-f]{64}$/, "use sha256: and 64 hexadecimal digits")
		.optional()
		.describe("Digest to run instead of the tag's: the way back to an older image."),
	build: build.optional().describe("Build and push it. Without: it must be in the registry."),
});

const publish = z.strictObject({
	mode: z
		.enum(["host", "ingress"])
		.default("host")
		.describe("`host`: each node's own task answers, at most one a node. `ingress`: Swarm's routing mesh."),
	target: port.default(8080).describe("Port in the container."),
	published: port.default(8080).describe("Port on the nodes."),
});

const mount = z.discriminatedUnion("type", [
	z.strictObject({
		type: z.literal("volume"),
		target: absolutePath.default("/was-logs").describe("Directory in the container."),
		name: z
			.string()
			.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/)
			.default("nfsvolume")
			.describe("Volume name; a hash of its options is appended, so that a volume never keeps old ones."),
	}),
	z.strictObject({
		type: z.literal("bind"),
		target: absolutePath.default("/was-logs"),
		source: absolutePath.default("/home/ubuntu/was-logs").describe("Directory on the node. It is made when missing."),
	}),
]);

const health = z.strictObject({
	path: z
		.string()
		.regex(/^\/[\w./?=&%-]*$/)
		.default("/health")
		.describe("Path that answers 200 when a task can serve."),
	deadlineSeconds: z.int().min(5).max(3600).default(300).describe("Seconds a new task may take to become healthy."),
	intervalSeconds: z
		.int()
		.min(1)
		.max(300)
		.default(5)
		.describe("Seconds between two looks of Docker's health check. A new task is seen healthy after one interval at the earliest."),
	timeoutSeconds: z.int().min(1).max(300).default(10).describe("Seconds one look may take."),
	retries: z.int().min(1).max(100).default(5).describe("Looks that may fail in a row before a task that was healthy is replaced."),
});

const prober = z.strictObject({
	path: z
		.string()
		.regex(/^\/[\w./?=&%-]*$/)
		.default("/")
		.describe("Path that is asked through NGINX."),
	ratePerSecond: z.number().min(0).max(100).default(0).describe("Requests a second during a rollout; 0 is off."),
	failOnError: z.boolean().default(false).describe("A failed request fails the update, after it is complete."),
});

const rollout = z.strictObject({
	strategy: z
		.enum(["lossless", "swarm"])
		.default("lossless")
		.describe(
			"`host` mode only. `lossless`: before a task stops, its node refuses new connections and requests in flight end. `swarm`: tasks are stopped as Swarm does it, and requests may fail.",
		),
	parallelism: z.int().min(1).default(1).describe("Nodes updated at a time."),
	delaySeconds: z.int().min(0).max(3600).default(0).describe("Pause between two nodes."),
	monitorSeconds: z
		.int()
		.min(1)
		.max(3600)
		.default(15)
		.describe("A task that fails within this time after its start counts as a failed update."),
	drainLimitSeconds: z
		.int()
		.min(1)
		.max(50)
		.default(30)
		.describe("Requests in flight, uploads and web sockets may take this long to end once their node is next; at the limit they are cut."),
	failureAction: z
		.enum(["rollback", "pause"])
		.default("rollback")
		.describe("When a new task fails: put the old version back the same way, or stop where it is."),
	prober: prober.prefault({}).describe("Asks the service through NGINX during a rollout and reports what it saw."),
});

const service = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z][a-z0-9-]{0,62}$/)
		.default("babble-was")
		.describe("Service name. A change replaces the service."),
	replicas: z.int().min(1).default(3).describe("Tasks. In `host` mode at most one an app node."),
	publish: publish.prefault({}),
	env: z.record(environmentName, z.string()).default({}).describe("Environment. Swarm templates such as {{.Node.Hostname}} are filled in."),
	secretEnv: z
		.record(environmentName, secretValue)
		.default({})
		.describe("Environment with secret values, as the source system passes its passwords. Visible to root on the nodes; prefer `secrets`."),
	secrets: z
		.record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,50}$/), secretValue)
		.default({})
		.describe("Docker secrets by file name: mounted at /run/secrets/<name>."),
	mount: mount.prefault({ type: "volume" }).describe("Where the log directory of the service lies."),
	user: z
		.string()
		.regex(/^\w+(:\w+)?$/)
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
		.describe("Seconds between SIGTERM and SIGKILL. With the drain limit less than 60: Swarm waits one minute at most."),
	restart: z.int().min(0).default(0).describe("Count it up to restart all tasks, by the same rollout."),
	rollout: rollout.prefault({}).describe("How tasks are replaced."),
	convergeSeconds: z.int().min(30).max(7200).default(900).describe("Seconds all tasks may take to run."),
});

export const methods = ["round_robin", "least_conn", "ip_hash", "hash", "random", "least_time"] as const;

const nginx = z.strictObject({
	method: z.enum(methods).default("least_conn").describe("Load balancing method. A change reloads NGINX."),
	hashKey: z
		.string()
		.regex(/^[\w$:./?&=-]+$/)
		.optional()
		.describe("`hash` only: the key, such as $request_uri."),
	weights: z.record(hostName, z.int().min(1).max(1000)).default({}).describe("Weight by app node. Default 1."),
	upstream: z
		.string()
		.regex(/^[a-z][a-z0-9_]{0,30}$/)
		.default("app")
		.describe("Name of the upstream."),
	listen: port.default(80).describe("Port NGINX listens on."),
	bind: bindAddress.optional().describe("Address NGINX listens on. Default: all."),
	serverName: z
		.string()
		.regex(/^[\w.*-]+$/)
		.default("_")
		.describe("server_name."),
	maxFails: z.int().min(0).default(1).describe("max_fails of each server."),
	failTimeoutSeconds: z
		.int()
		.min(0)
		.default(1)
		.describe("fail_timeout of each server. Long values take healthy nodes out when several fail one after another."),
	connectTimeoutSeconds: z.int().min(1).max(75).default(5).describe("proxy_connect_timeout."),
	readTimeoutSeconds: z.int().min(1).default(60).describe("proxy_read_timeout."),
	maintenance: z
		.boolean()
		.default(false)
		.describe("Answer everything with a 503 page. Switched without a reload: requests in flight end normally."),
	retryAfterSeconds: z.int().min(1).default(120).describe("Retry-After of the 503 page."),
	clientMaxBodyMiB: z.int().min(0).default(10).describe("client_max_body_size; 0 is no limit."),
});

/** All keys of the stack's configuration, below the project's name. */
export const topologySchema = z.strictObject({
	source: z
		.enum(["local", "existing"])
		.describe("Where hosts come from: `local` QEMU machines, or `existing` hosts. A change replaces all."),
	hosts: z.array(host).min(1).describe("The inventory."),
	local: local.prefault({}).describe("For `source: local`."),
	existing: existing.prefault({}).describe("For `source: existing`."),
	swarm: swarm.prefault({}),
	logs: logs.prefault({}).describe("The NFS export that collects the logs."),
	registry: registry.prefault({}),
	image: image.prefault({}),
	service: service.prefault({}).describe("The replicated web service (WAS)."),
	nginx: nginx.prefault({}).describe("The load balancer."),
});

export type Role = (typeof roles)[number];
export type Method = (typeof methods)[number];
/** The validated configuration, defaults filled in. */
export type Topology = z.output<typeof topologySchema>;
export type HostConfig = Topology["hosts"][number];
export type SecretValue = z.output<typeof secretValue>;
