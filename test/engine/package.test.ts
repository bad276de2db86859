import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { missingEngine } from "../../lab/engine.ts";
import { installStandin } from "../standin/install.ts";
import { projectDirectory, TestStack } from "../support/stack.ts";

/* The package as another program has it: packed by npm, laid below that program's node_modules. What it depends on is this project's own. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-package-"));
const modules = path.join(scratch, "node_modules");
const ours = path.join(projectDirectory, "node_modules");

beforeAll(() => {
	fs.mkdirSync(modules);
	for (const name of fs.readdirSync(ours).filter((name) => !name.startsWith(".")))
		fs.symlinkSync(path.join(ours, name), path.join(modules, name));
	const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", scratch], {
		cwd: projectDirectory,
		stdio: ["ignore", "pipe", "ignore"],
	});
	const archive = /"filename": "(.*)"/.exec(packed.toString())?.[1] as string;
	fs.mkdirSync(path.join(modules, "swarm-scaleout"));
	execFileSync("tar", ["-xzf", path.join(scratch, archive), "-C", path.join(modules, "swarm-scaleout"), "--strip-components=1"]);
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A program of its own, with these files, below the directory that has the package. */
function program(name: string, source: string): string {
	const directory = path.join(scratch, name);
	fs.mkdirSync(directory);
	const files = {
		"index.ts": source,
		"package.json": JSON.stringify({ name, private: true, type: "module" }),
		"Pulumi.yaml": `name: ${name}\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.ts\n`,
		"tsconfig.json": JSON.stringify({
			// As strict as a program can be.
			compilerOptions: {
				module: "nodenext",
				strict: true,
				exactOptionalPropertyTypes: true,
				noUncheckedIndexedAccess: true,
				noEmit: true,
				skipLibCheck: true,
				types: ["node"],
			},
			include: ["*.ts"],
		}),
	};
	for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, file), text);
	return directory;
}

const typeFaults = (directory: string) => spawnSync(path.join(ours, ".bin", "tsc"), ["-p", directory], { encoding: "utf8" }).stdout;

/** Two services and one load balancer, from the components alone. */
const whole = `
import * as pulumi from "@pulumi/pulumi";
import {
	dockerProvider, endpointOf, existingSource, Hosts, LoadBalancer, NfsExport, nginx, Registry, servingMembers, settings, Swarm, WasImage, WasService,
	type Role,
} from "swarm-scaleout";

const host = (name: string, address: string, roles: Role[]) => ({
	name,
	address,
	roles,
	aliases: [],
	lost: false,
	connection: { host: address, port: 22, user: "root", privateKey: "planted-private-key", hostKey: "ssh-ed25519 AAAA" },
});
const plain = settings.nginx({ method: "round_robin" });
const kind = nginx(plain);
const hosts = new Hosts("hosts", {
	packages: { balancer: kind.packages },
	source: existingSource({
		hosts: [
			host("manager", "192.168.2.137", ["manager", "app"]),
			host("worker1", "192.168.2.142", ["worker", "app"]),
			host("log", "192.168.1.20", ["log"]),
			host("nginx", "192.168.1.10", ["balancer"]),
		],
	}),
});
const logs = new NfsExport("logs", { ...settings.logs(), host: hosts.one("log"), apps: hosts.with("app") });
const swarm = new Swarm("swarm", { ...settings.swarm(), hosts: hosts.all });
const registry = new Registry("registry", { hosts: hosts.all });
const provider = dockerProvider("manager", swarm.manager, { dependsOn: [swarm.manager.ready] });
const front = hosts.one("balancer");
const endpoint = endpointOf(front, { ...plain, serverName: "_" });
const pin = "sha256:" + "1".repeat(64);

function serve(name: string, published: number, peerPort: number, secrets: Record<string, pulumi.Input<string>>): WasService {
	const { image, service } = settings.service(name, { image: { name, pin }, replicas: 2, publish: { published }, rollout: { peerPort } });
	const { reference } = new WasImage(name, { ...image, registry, builder: swarm.manager, provider });
	const serving = servingMembers(service, swarm.members);
	return new WasService(name, { ...service, secrets, swarm, serving, logs, registry, image: reference, endpoint });
}
const shop = serve("shop", 8080, 7947, { password: pulumi.secret("planted-password") });
const admin = serve("admin", 8081, 7948, {});
const sites = [{ serverName: "_", routes: { "/": shop.upstream, "/admin": admin.upstream } }];
new LoadBalancer("balancer", { kind, host: front, sites }, { dependsOn: [shop, admin] });
export { endpoint };
`;

const user = `
import * as pulumi from "@pulumi/pulumi";
import { Hosts, NfsExport, Swarm, loadConfiguration, sourceOf } from "swarm-scaleout";

// Its settings stand below a name of their own, beside the program's.
const configuration = loadConfiguration(new pulumi.Config("swarm-scaleout"));
const { topology } = configuration;
const hosts = new Hosts("hosts", { source: sourceOf(configuration) });
const logs = new NfsExport("logs", { ...topology.logs, host: hosts.one("log"), apps: hosts.with("app") });
const swarm = new Swarm("swarm", { ...topology.swarm, hosts: hosts.all });
export const swarmId: pulumi.Output<string> = swarm.clusterId;
export const server: string = logs.server;
`;

test("the types of the package fit programs that import it", () => {
	expect(typeFaults(program("typed-whole", whole))).toBe("");
	const directory = program("typed", user);
	expect(typeFaults(directory)).toBe("");
	fs.appendFileSync(path.join(directory, "index.ts"), "export const wrong: number = logs.server;\n");
	expect(typeFaults(directory)).toContain("Type 'string' is not assignable to type 'number'");
});

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	test("a preview of such a program loads the package's providers, by a name that holds on every machine", async () => {
		const { config } = parse(fs.readFileSync(path.join(projectDirectory, "test", "docs", "samples.yaml"), "utf8")) as {
			config: Record<string, unknown>;
		};
		const key = path.join(scratch, "key");
		fs.writeFileSync(key, "planted-private-key\n");
		const settings = { ...config, "swarm-scaleout:existing": { privateKeyFile: key }, "user:own": "1" };
		const environment = { DATASOURCE_PASSWORD: "a", REDIS_PASSWORD: "b" };
		const stack = new TestStack("user", path.join(scratch, "user-stack"), settings, environment, program("user", user));
		await stack.init();
		const steps = await stack.preview();
		const of = (type: string) => steps.filter(({ urn }) => urn.split("::")[2]?.endsWith(type));
		expect(of(":HostBootstrap")).toHaveLength(5);
		expect(of(":SwarmNode")).toHaveLength(3);
		const texts = steps.flatMap(({ newState }) => newState?.inputs?.__provider ?? []) as string[];
		expect(texts.length).toBeGreaterThan(8);
		for (const text of texts) {
			expect(text).toMatch(/"swarm-scaleout\/providers\/[a-z-]+"/);
			for (const place of [scratch, projectDirectory, os.homedir()]) expect(text).not.toContain(place);
		}
	});

	test("a program puts two services and one load balancer together from the components alone", async () => {
		const stack = new TestStack("whole", path.join(scratch, "whole-stack"), {}, {}, program("whole", whole));
		await stack.init();
		const steps = await stack.preview();
		const named = (type: string) => steps.filter(({ urn }) => urn.split("::")[2]?.endsWith(type)).map(({ urn }) => urn.split("::")[3]);
		expect(named(":Service").sort()).toEqual(["admin", "shop"]);
		expect(named(":NodeLabel")).toHaveLength(4);
		expect(named(":SwarmSecret")).toEqual(["shop-password"]);
		const site = steps.find(({ urn }) => urn.endsWith(":Command::balancer"));
		expect(site?.newState?.inputs?.stdin).toMatch(/upstream shop \{[^}]*:8080[^}]*\}\s*upstream admin \{[^}]*:8081/);
		expect(site?.newState?.inputs?.stdin).toContain('location ~ "^/admin(/|;|$)" {');
	});

	describe("the example consumer", () => {
		const directory = path.join(scratch, "consumer");
		beforeAll(() => {
			fs.cpSync(path.join(projectDirectory, "example", "consumer"), directory, { recursive: true });
			fs.rmSync(path.join(directory, "tsconfig.json"));
		});

		/** The consumer's preview, after a stack with these outputs was deployed. */
		async function previewAfter(name: string, outputs: string) {
			const environment = { PULUMI_BACKEND_URL: `file://${path.join(scratch, "state")}` };
			fs.mkdirSync(path.join(scratch, "state"), { recursive: true });
			const producer = new TestStack(name, path.join(scratch, `${name}-stack`), {}, environment, program(name, outputs));
			await producer.init();
			const { code, output } = await producer.up();
			expect(code, output).toBe(0);
			const settings = {
				stack: `organization/${name}/${name}`,
				zoneId: "Z1",
				name: "was.example.com",
				service: "babble-was",
				alarmTopic: "arn:aws:sns:us-east-1:1:on-call",
			};
			const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`swarm-scaleout-consumer:${key}`, value]));
			const consumer = new TestStack(name, path.join(scratch, `${name}-consumer`), config, environment, directory);
			// Without a plugin the engine may end before the program has said what is wrong.
			installStandin(consumer.env.PULUMI_HOME as string);
			await consumer.init();
			return consumer.previewText("--skip-plugin-pre-install");
		}

		test("fails on a stack that lacks an output, with stack, output and remedy in one message", async () => {
			const { code, output } = await previewAfter("lacking", 'export const url = "http://192.0.2.10";\n');
			expect(code).not.toBe(0);
			expect(output).toContain('stack organization/lacking/lacking has no output "services": it has url. Is it a stack of swarm-scaleout');
			expect(output).not.toMatch(/at .*outputs\.js/);
		});
	});
});
