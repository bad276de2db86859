import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { secretName } from "../../components/service.ts";
import { digest, hostKeyOf, type Props, Recorder, type Registered, withoutSecrets } from "../support/mocks.ts";
import { labConfig } from "./fixtures.ts";

/* The whole program, with the lab's configuration, against the mock runtime. */

const planted = [
	"planted-datasource-password",
	"planted-redis-password",
	"planted-registry-password",
	"planted-private-key",
	"planted-babble-was-secrets-key",
];
const recorder = new Recorder();
const home = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-home-"));
let outputs: Props;
const find = recorder.find.bind(recorder);
const addresses = {
	manager: "192.168.2.137",
	worker1: "192.168.2.142",
	worker2: "192.168.3.5",
	log: "192.168.1.20",
	nginx: "192.168.1.10",
};

beforeAll(async () => {
	// The program writes key files for the ssh program below the home directory: not below the operator's.
	vi.stubEnv("HOME", home);
	vi.stubEnv("DATASOURCE_PASSWORD", planted[0]);
	vi.stubEnv("REDIS_PASSWORD", planted[1]);
	const config = Object.entries(labConfig()).map(([key, value]) => [
		`swarm-scaleout:${key}`,
		typeof value === "string" ? value : JSON.stringify(value),
	]);
	pulumi.runtime.setAllConfig(Object.fromEntries(config));
	await recorder.start();
	const program = await import("../../index.ts");
	outputs = await resolved({ ...program });
	await pulumi.runtime.disconnect();
});

afterAll(() => {
	vi.unstubAllEnvs();
	fs.rmSync(home, { recursive: true });
});

/** The value behind an output, with "[secret]" for what is marked as one. */
async function resolved(value: unknown): Promise<Props> {
	const output = pulumi.output(value) as pulumi.Output<Props>;
	const [plain, secret] = [new Promise<Props>((resolve) => void output.apply(resolve)), pulumi.isSecret(output)];
	return (await secret) ? { secret: "[secret]" } : plain;
}

const remote = () => recorder.ofType("command:remote:Command");
const names = (resources: Registered[]) => resources.map(({ name }) => name);
const parentOf = ({ parent }: Registered) => parent.split("::").slice(-2).join(" ").split("$").at(-1);

describe("the lab's topology becomes these resources", () => {
	test.each([
		["dynamic/scaleout:Machine", Object.keys(addresses).map((name) => `hosts-${name}`)],
		["dynamic/scaleout:HostBootstrap", Object.keys(addresses).map((name) => `hosts-${name}-bootstrap`)],
		["dynamic/scaleout:SwarmCluster", ["swarm"]],
		["dynamic/scaleout:SwarmNode", ["swarm-manager", "swarm-worker1", "swarm-worker2"]],
		["dynamic/scaleout:NodeLabel", ["babble-was-label-manager", "babble-was-label-worker1", "babble-was-label-worker2"]],
		["dynamic/scaleout:Service", ["babble-was"]],
		["docker:index/image:Image", ["babble-was"]],
		["dynamic/scaleout:SwarmSecret", ["babble-was-spring.datasource.password"]],
	])("%s: %j", (type, expected) => {
		expect(names(recorder.ofType(type)).sort()).toEqual(expected.toSorted());
	});

	test.each([
		["hosts-manager", "Machine", "scaleout:index:Hosts hosts"],
		["hosts-manager-bootstrap", "HostBootstrap", "scaleout:index:Hosts hosts"],
		["swarm-worker1", "SwarmNode", "scaleout:index:Swarm swarm"],
		["logs-export", "Command", "scaleout:index:NfsExport logs"],
		["registry-password", "GeneratedSecret", "scaleout:index:Registry registry"],
		["babble-was-label-worker1", "NodeLabel", "scaleout:index:WasService babble-was"],
		["babble-was-secrets-key", "GeneratedSecret", "scaleout:index:WasService babble-was"],
		["babble-was", "Image", "scaleout:index:WasImage babble-was"],
		["babble-was", "Service", "scaleout:index:WasService babble-was"],
		["nginx", "Command", "scaleout:index:LoadBalancer nginx"],
	])("%s (%s) belongs to the component %s", (name, type, parent) => {
		expect(parentOf(find(name, `:${type}`))).toBe(parent);
	});

	test("a host's steps go with its machine, and are not undone one by one on a machine that is deleted", () => {
		for (const step of remote().filter(({ name }) => !name.startsWith("base-image"))) {
			expect(step.deletedWith, step.name).toMatch(/scaleout:Machine::/);
		}
	});

	test("the base image is copied and imported again on another machine: another connection alone would do neither", () => {
		const archive = find("base-image-babble-java-17-archive");
		expect(archive.inputs.triggers).toEqual([find("hosts-manager", ":Machine").id]);
		expect(find("base-image-babble-java-17", ":Command").inputs.stdin).toContain(`\n@because copied ${archive.id}\n`);
	});

	test("the image is built and pushed again where the registry's host is another machine, which holds none", () => {
		expect(find("babble-was", ":Image").replacementTrigger).toBe(`${find("hosts-log", ":Machine").id} ${hostKeyOf("hosts-log")}`);
	});

	test("the collected logs outlive the stack", () => {
		expect(find("hosts-log-disk").retainOnDelete).toBe(true);
		expect(find("hosts-log", ":Machine").inputs.disks).toEqual([
			{ file: find("hosts-log-disk").inputs.file, serial: "logs", mountPoint: "/mnt/main-was-logs" },
		]);
	});
});

describe("every connection is pinned", () => {
	const connections = () =>
		recorder.resources.flatMap(({ name, inputs }) =>
			[inputs.connection, ...(inputs.managers ?? []), ...(inputs.nodes ?? []).map((node: Props) => node.connection)]
				.filter(Boolean)
				.map((connection: Props) => ({ name, connection })),
		);

	test("to the key that the machine was made with", () => {
		expect(connections().length).toBeGreaterThan(20);
		for (const { name, connection } of connections()) {
			const machine = Object.keys(addresses)[connection.port - 2400] as string;
			expect(connection, name).toMatchObject({
				host: "127.0.0.1",
				port: expect.any(Number),
				user: "root",
				privateKey: planted[3],
				hostKey: hostKeyOf(`hosts-${machine}`),
			});
		}
	});

	test("each machine's steps go to that machine", () => {
		for (const [i, name] of Object.keys(addresses).entries()) {
			expect(find(`hosts-${name}-bootstrap`).inputs.connection.port).toBe(2400 + i);
			expect(find(`hosts-${name}`, ":Machine").inputs.sshPort).toBe(2400 + i);
		}
	});

	test("for the ssh program of the Docker provider, too", () => {
		const provider = recorder.ofType("pulumi:providers:docker")[0]?.inputs as Props;
		const options = JSON.parse(provider.sshOpts) as string[];
		const file = (option: string) => options.find((given) => given.startsWith(`${option}=`))?.slice(option.length + 1) as string;
		expect(provider.host).toBe("ssh://root@127.0.0.1:2400");
		expect(options).toContain("StrictHostKeyChecking=yes");
		expect(fs.readFileSync(file("UserKnownHostsFile"), "utf8").split("\n")[0]).toBe(`[127.0.0.1]:2400 ${hostKeyOf("hosts-manager")}`);
		expect(fs.readFileSync(file("IdentityFile"), "utf8")).toBe(planted[3]);
		expect(fs.statSync(file("IdentityFile")).mode & 0o777).toBe(0o600);
	});
});

describe("values reach the place they are meant for", () => {
	test("NGINX gets the three app nodes, each once", () => {
		const servers = find("nginx", ":Command").inputs.stdin.match(/^ *server [\d.]+:\d+/gm);
		expect(servers?.map((line: string) => line.trim())).toEqual([
			"server 192.168.2.137:8080",
			"server 192.168.2.142:8080",
			"server 192.168.3.5:8080",
		]);
		expect(find("hosts-nginx", ":Machine").inputs.forwards).toEqual([
			{ hostPort: 8088, guestPort: 80 },
			{ hostPort: 8443, guestPort: 443 },
		]);
	});

	test("the export is for the app nodes, each by its address", () => {
		const { inputs } = find("logs-clients");
		expect(inputs.stdin.match(/[\d.]+(?=\()/g)).toEqual([addresses.manager, addresses.worker1, addresses.worker2]);
		// The lines come by standard input, not in the script.
		expect(JSON.stringify(inputs.create)).not.toContain("no_subtree_check");
		for (const { inputs } of recorder.ofType(":NodeLabel"))
			expect(inputs.mount).toEqual({ server: addresses.log, path: "/mnt/main-was-logs", options: expect.stringContaining("nfsvers=") });
	});

	test("the service runs the image by digest, as three tasks on the three nodes", () => {
		const { inputs } = find("babble-was", ":Service");
		expect(inputs.image).toBe(`192.168.1.20:5000/2021babble/babble-was@${digest}`);
		expect(inputs.replicas).toBe(3);
		expect(inputs.publish).toEqual({ mode: "host", target: 8080, published: 8080 });
		expect(inputs.nodes.map(({ name, nodeId, address }: Props) => [name, nodeId, address])).toEqual([
			["manager", "node-id-of-swarm-manager", addresses.manager],
			["worker1", "node-id-of-swarm-worker1", addresses.worker1],
			["worker2", "node-id-of-swarm-worker2", addresses.worker2],
		]);
	});

	test("the service's tasks are bound to the nodes that carry its label", () => {
		const { placement, rollout, stopGraceSeconds } = find("babble-was", ":Service").inputs;
		const [label, value] = placement;
		for (const node of ["manager", "worker1", "worker2"]) {
			const { inputs } = find(`babble-was-label-${node}`);
			expect(inputs).toMatchObject({
				node: `id-of-swarm-${node}`,
				nodeId: `node-id-of-swarm-${node}`,
				label,
				value,
				service: "babble-was",
			});
			expect(inputs.stopSeconds).toBe(rollout.turnLimitSeconds + rollout.drainLimitSeconds + stopGraceSeconds);
			expect(hostKeyOf(`hosts-${node}`)).toBe(inputs.connection.hostKey);
		}
	});

	test("the service's volume is the export, under a name of its own", () => {
		expect(find("babble-was", ":Service").inputs.mount).toEqual({
			type: "volume",
			target: "/was-logs",
			name: expect.stringMatching(/^nfsvolume-[0-9a-f]{8}$/),
			device: ":/mnt/main-was-logs",
			options: expect.stringMatching(/^addr=192\.168\.1\.20,nfsvers=/),
		});
	});

	test("the swarm is initialised on the manager, and the others join as what they are", () => {
		expect(find("swarm", ":SwarmCluster").inputs.advertiseAddress).toBe(addresses.manager);
		const members = recorder.ofType(":SwarmNode").map(({ name, inputs }) => [name, inputs.role, inputs.advertiseAddress, inputs.clusterId]);
		expect(members).toEqual([
			["swarm-manager", "manager", addresses.manager, "id-of-swarm"],
			["swarm-worker1", "worker", addresses.worker1, "id-of-swarm"],
			["swarm-worker2", "worker", addresses.worker2, "id-of-swarm"],
		]);
	});

	test("the nodes trust the certificate that the registry printed", () => {
		for (const name of ["registry-trust-manager", ...["manager", "worker1", "worker2"].map((node) => `babble-was-drain-agent-${node}`)])
			expect(find(name).inputs.stdin).toContain("\n  stdout of registry\n");
	});
});

describe("secrets stay secret", () => {
	test("the registry's password goes by standard input, not in the command", () => {
		const { inputs } = find("registry", ":Command");
		expect(inputs.stdin).toContain("\n@set password planted-registry-password\n");
		expect(inputs.create + inputs.delete).not.toContain("planted-registry-password");
	});

	test("a password in the environment and one in a file both reach the service", () => {
		const { inputs } = find("babble-was", ":Service");
		expect(inputs.secretEnv).toEqual({ REDIS_PASSWORD: planted[1] });
		expect(inputs.secrets).toEqual([
			{
				file: "spring.datasource.password",
				id: expect.any(String),
				name: expect.stringMatching(/^babble-was-spring\.datasource\.password-[0-9a-f]{12}$/),
			},
		]);
		const secret = find("babble-was-spring.datasource.password").inputs;
		expect(secret.value).toBe(planted[0]);
	});

	test("whoever reads previews and the plain part of the state cannot try guesses of a Docker secret's value", () => {
		const [used] = find("babble-was", ":Service").inputs.secrets;
		const visible = recorder.resources.map(({ marked, outputs }) => withoutSecrets({ marked, outputs }));
		const known = new Set(JSON.stringify([visible, outputs]).match(/[^"\\]+/g));
		expect(known).toContain(used.name);
		expect(known).not.toContain(planted[4]);
		const [hash] = used.name.match(/[0-9a-f]{12}$/);
		const value = planted[0] as string;
		const texts = [value, Buffer.from(value).toString("base64"), JSON.stringify(["babble-was", "spring.datasource.password", value])];
		for (const text of texts) expect(createHash("sha256").update(text).digest("hex")).not.toContain(hash);
		for (const key of ["", ...known]) expect(secretName(key, "babble-was", "spring.datasource.password", value), key).not.toBe(used.name);
		expect(secretName(planted[4] as string, "babble-was", "spring.datasource.password", value)).toBe(used.name);
	});

	test("a secret with a new value is made before the old one goes, which the service still uses", () => {
		for (const secret of recorder.ofType(":SwarmSecret")) expect(secret.deleteBeforeReplace, secret.name).not.toBe(true);
	});

	test("no planted value is in an input that is not marked as a secret", () => {
		for (const { type, name, marked } of recorder.resources) {
			const shown = JSON.stringify(withoutSecrets(marked));
			for (const value of planted) {
				expect(shown, `${type} ${name}`).not.toContain(value);
				expect(shown, `${type} ${name}`).not.toContain(Buffer.from(value).toString("base64"));
			}
		}
	});

	test("no planted value is in the stack's outputs", () => {
		for (const value of planted) expect(JSON.stringify(outputs)).not.toContain(value);
	});

	test("every resource that is given a connection keeps it as a secret in its outputs", () => {
		for (const { type, name, inputs, secretOutputs } of recorder.resources.filter(({ type }) => type.includes("scaleout:"))) {
			const holding = Object.keys(inputs).filter((key) => JSON.stringify(inputs[key]).includes(planted[3] as string));
			expect(secretOutputs, `${type} ${name}`).toEqual(expect.arrayContaining(holding));
		}
	});
});

describe("each step waits for what it needs", () => {
	const packagesOf = (host: string) => find(`hosts-${host}-bootstrap`);
	const service = () => find("babble-was", ":Service");
	const clients = () => [find("logs-clients")];
	const trust = () => remote().filter(({ name }) => name.startsWith("registry-trust-"));
	const agents = () => remote().filter(({ name }) => name.startsWith("babble-was-drain-agent-"));
	// biome-ignore format: one order a row
	const orders: [string, () => Registered[], () => Registered[]][] = [
		["the swarm after Docker is installed", () => [find("swarm", ":SwarmCluster")], () => [packagesOf("manager")]],
		["a worker joins after the swarm is there, and Docker on it", () => [find("swarm-worker1", ":SwarmNode")], () => [find("swarm", ":SwarmCluster"), packagesOf("worker1")]],
		["the export after NFS is installed", () => [find("logs-export")], () => [packagesOf("log")]],
		["the clients after the server", clients, () => [find("logs-export")]],
		["a node proves access to the export and serves after it is a node, drainable, trusts the registry and has access; so it ceases to before any of that goes", () => [find("babble-was-label-worker2")], () => [find("swarm-worker2", ":SwarmNode"), find("babble-was-drain-agent-worker2"), ...clients()]],
		["the service after the labels: a successor serves before the load balancer moves on to it, and the labels that go do so after that", () => [service(), find("nginx", ":Command")], () => recorder.ofType(":NodeLabel")],
		["trust after the registry serves", trust, () => [find("registry", ":Command")]],
		["the push after the registry is trusted", () => [find("babble-was", ":Image")], trust],
		["the build after its base image is there", () => [find("babble-was", ":Image")], () => [find("base-image-babble-java-17", ":Command")]],
		["the base image after its archive is copied, and Docker is there", () => [find("base-image-babble-java-17", ":Command")], () => [find("base-image-babble-java-17-archive"), packagesOf("manager")]],
		["a secret after the swarm is there", () => [find("babble-was-spring.datasource.password")], () => [find("swarm", ":SwarmCluster")]],
		["the drain agents after their hosts' packages", () => [find("babble-was-drain-agent-worker1")], () => [packagesOf("worker1")]],
		["a drain agent after its host has proven to be this stack's node", () => [find("babble-was-drain-agent-worker1")], () => [find("swarm-worker1", ":SwarmNode")]],
		["the service after the export is proven, the image pushed, the secret made, every node labelled and drainable", () => [service()], () => [...clients(), ...agents(), ...trust(), find("babble-was", ":Image"), find("babble-was-spring.datasource.password"), ...recorder.ofType(":SwarmNode")]],
		["NGINX after the service answers, and NGINX is installed", () => [find("nginx", ":Command")], () => [service(), packagesOf("nginx")]],
	];
	test.each(orders)("%s", (_order, later, earlier) => {
		expect(later().length * earlier().length).toBeGreaterThan(0);
		for (const a of later()) for (const b of earlier()) expect(recorder.isAfter(a, b), `${a.name} waits for ${b.name}`).toBe(true);
	});

	test("no step waits for itself", () => {
		for (const resource of recorder.resources) expect(resource.dependencies, resource.name).not.toContain(resource.urn);
	});
});

test("the stack's outputs say where things are", () => {
	expect(outputs).toMatchObject({
		endpoint: "http://127.0.0.1:8088",
		nodes: Object.fromEntries(labConfig().hosts.map(({ name, address }: Props) => [name, address])),
		swarmId: "id-of-swarm",
		services: {
			"babble-was": {
				endpoint: "http://127.0.0.1:8088",
				image: `192.168.1.20:5000/2021babble/babble-was@${digest}`,
				lastRollout: null,
			},
		},
		nfs: { server: "192.168.1.20", path: "/mnt/main-was-logs" },
		logLocation: { host: "log", directory: "/mnt/main-was-logs" },
	});
});

test("a provider's stored text is one and the same for all resources but for the path of its module", () => {
	const texts = recorder
		.ofType("")
		.filter(({ inputs }) => inputs.__provider)
		.map(({ inputs }) => inputs.__provider as string);
	expect(texts.length).toBeGreaterThan(15);
	expect(new Set(texts.map((text) => text.replace(/providers\/[a-z-]+\/provider\.ts/, "<module>"))).size).toBe(1);
});

test("a command is one short line, the same for all steps of a kind", () => {
	const scripts = "/usr/local/lib/scaleout/steps/swarm-scaleout-lab";
	for (const { name, inputs } of remote()) {
		const [, step] = /^@step (\S+) /.exec(inputs.stdin) ?? [];
		expect(inputs.create, name).toBe(`bash ${scripts}/run.sh ${step}`);
		expect(inputs.delete, name).toBe(
			`sh -c 'if [ -d /var/lib/scaleout/swarm-scaleout-lab ]; then exec bash ${scripts}/undo.sh ${step}; fi; cat > /dev/null'`,
		);
		expect(inputs.update).toBeUndefined();
		// What is on a host does not go by its name, which may change.
		expect(inputs.stdin.match(/^@record (.*)$/m)?.[1], name).not.toMatch(/worker|manager/);
	}
});
