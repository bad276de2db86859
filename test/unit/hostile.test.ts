import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { recordDirectory } from "../../host/kit.ts";
import { asRoot } from "../../lib/connection.ts";
import { describeFault, type Fault } from "../../lib/fault.ts";
import { fileStem } from "../../lib/names.ts";
import { firstSteps } from "../../providers/host/provider.ts";
import { probeScript } from "../../providers/node-label/provider.ts";
import { makeCertificate, type Pair } from "../support/certificate.ts";
import { digest, Recorder, type Registered } from "../support/mocks.ts";
import { runProgram } from "../support/program.ts";
import { isFaultOf, put, type SchemaPath, schemaPaths } from "../support/schemaPaths.ts";
import { StandInHost } from "../support/standInHost.ts";
import { faultsOf, hostKey, labConfig, prodConfig, type Raw, was } from "./fixtures.ts";

/*
 * Whatever stands in the configuration, no part of it is run, and no part gets lost: each key that there is, by the schema, is given hostile
 * values. Either they are refused, or the whole program is made with them against the mock runtime, and its scripts run in a real bash.
 */

/** Ends each kind of quotes, and runs the program `hostile` in each. § is another number for each key. */
const every =
	"§'; hostile single; '\"$(hostile double)\"`hostile back`\nhostile line\nEND\nhostile here\n@check hostile heading\n\r %n %% {{.x}} $ROOT \\\\ é漢\u202e *\\";
const hostileValues = [
	every,
	"-§",
	"../§",
	...["$(hostile §)", "`hostile §`", "'; hostile §; '", '"; hostile §; "', "§\nhostile §"],
	...["§%n", "§\\", "§é漢", "§ hostile", "§;hostile", "§|hostile", "~§"],
];

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-hostile-"));
const paths = schemaPaths();
let pair: Pair;
let bases: Record<string, Raw>;
const here = process.cwd();

beforeAll(() => {
	pair = makeCertificate(["DNS:was.example.org"], { ca: true });
	bases = basesOf(pair);
	vi.stubEnv("HOME", scratch);
	vi.stubEnv("DATASOURCE_PASSWORD", "planted-datasource-password");
	vi.stubEnv("REDIS_PASSWORD", "planted-redis-password");
	fs.mkdirSync(path.join(scratch, "project"));
	for (const file of ["key", "ca.crt", "site.crt"])
		fs.writeFileSync(path.join(scratch, file), file === "key" ? pair.key : pair.certificate);
	// Files are named as a value is.
	process.chdir(path.join(scratch, "project"));
});
afterAll(() => {
	process.chdir(here);
	vi.unstubAllEnvs();
	fs.rmSync(scratch, { recursive: true });
});

/** The services of a configuration, with an image that no registry is asked for. */
function serviceWith(config: Raw, change: Raw): Raw {
	return { "babble-was": { ...was(config), image: pinned, ...change } };
}

const pinned = { name: "2021babble/babble-was", pin: digest };

/** Configurations that have between them all that a value can reach. */
function basesOf({ certificate, key }: Pair): Record<string, Raw> {
	const existing = (nginx: Raw, registry: Raw): Raw => {
		const config = labConfig();
		const ssh = { host: "10.0.0.1", user: "ubuntu", hostKey, privateKeyFile: "../key" };
		return {
			...config,
			source: "existing",
			existing: { privateKeyFile: "../key" },
			hosts: config.hosts.map(({ name, roles, address }: Raw, i: number) => ({
				name,
				roles: roles.filter((role: string) => role !== "registry"),
				address,
				ssh: { ...ssh, ...(i < 4 && { bastion: "nginx" }) },
			})),
			registry: { server: "registry.example.org:5000", username: "me", password: "secret", ...registry },
			services: serviceWith(config, { user: "app", mount: { type: "bind" }, rollout: { order: ["worker2"], prober: { path: "/" } } }),
			logs: { access: "network", clients: ["192.168.0.0/16"] },
			nginx: { sites: [{ serverName: "was.example.org" }], trustedProxies: ["10.0.0.0/8"], sticky: { cookie: "node" }, ...nginx },
		};
	};
	const acme = { email: "ops@example.org", agreeTos: true, domains: ["was.example.org"], caCertificateFile: "../ca.crt" };
	return {
		lab: {
			...labConfig(),
			registry: { username: "me", password: "secret" },
			nginx: { method: "hash", hashKey: "$request_uri", weights: { worker1: 2 } },
		},
		acme: existing({ tls: { acme } }, { caFile: "../ca.crt" }),
		files: {
			...existing({ tls: { certificateFile: "../site.crt", keyFile: "../key" } }, { ca: certificate }),
			services: serviceWith(labConfig(), { image: { ...pinned, build: { context: ".", args: { VERSION: "1" } } } }),
		},
		aws: {
			...prodConfig(),
			registry: { server: "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com" },
			services: serviceWith(prodConfig(), {}),
			logs: { shipping: { logGroup: "/babble/logs" } },
			swarm: { adopt: "swarm-id" },
			aws: { ...prodConfig().aws, profile: "ops", tags: { team: "web" }, amiId: "ami-0123456789abcdef0" },
			nginx: { sites: [{ serverName: "was.example.org" }], tls: { certificate, key } },
		},
	};
}

/** What a base says to a hostile value at a place: its faults there; undefined where the place has no sense in this base. */
function verdict(base: Raw, place: SchemaPath, value: string): Fault[] | undefined {
	const faults = faultsOf(put(structuredClone(base), place.steps, value));
	const own = faults.filter(({ property, remedy }) => isFaultOf(place, property) && !remedy.startsWith("unknown key"));
	return faults.length > 0 && own.length === 0 ? undefined : own;
}

test("the schema has keys of text, numbers, lists and maps, and all are found", () => {
	const found = paths.map(({ name }) => name);
	for (const name of [
		"hosts[].name",
		"logs.clients[]",
		"services.*.env.*",
		"services.*.secrets.*.fromEnvironment",
		"nginx.tls.acme.domains[]",
		"nginx.listen",
	])
		expect(found).toContain(name);
	expect(paths.filter(({ isText }) => isText).length).toBeGreaterThan(60);
});

test.each(paths.map((place) => [place.name, place] as const))(
	"%s: a hostile value is refused by property, value and remedy, or is data",
	(_name, place) => {
		for (const template of place.isText ? hostileValues : [every]) {
			const value = template.replaceAll("§", "7");
			const verdicts = Object.values(bases).map((base) => verdict(base, place, value));
			expect(verdicts.some(Boolean), "has sense in one of the bases of this test: add it to one").toBe(true);
			for (const fault of verdicts.flatMap((faults) => faults ?? [])) {
				expect(fault.remedy).toMatch(/\w+ \w+/);
				expect([undefined, value]).toContain(fault.value);
				// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
				expect(describeFault(fault)).not.toMatch(/[\x00-\x1f\u202e]/);
			}
		}
	},
);

/** Values of one run of the program: another one at each place. */
type Given = Map<SchemaPath, string>;

/** Runs that between them have every value that a base accepts; a place that takes the first one takes all that is in it. */
function runsOf(base: Raw): Given[] {
	const runs: Given[] = [];
	paths.forEach((place, number) => {
		if (!place.isText) return;
		const accepted = hostileValues
			.map((template) => template.replaceAll("§", `${number}`))
			.filter((value) => verdict(base, place, value)?.length === 0);
		const isFree = accepted.includes(every.replaceAll("§", `${number}`));
		accepted.slice(0, isFree ? 3 : undefined).forEach((value, i) => {
			runs[i] ??= new Map();
			runs[i].set(place, value);
		});
	});
	return runs;
}

const isFile = ({ name }: SchemaPath) => /(File|Archive)$/.test(name);

/** A file arrives by its content, also as a step's text has it, or by its name, which is another one on a host. */
function fileForms(file: string): string[] {
	const content = fs.readFileSync(file, "utf8").trim();
	return [content, content.replaceAll("\n", "\n  "), `/${path.basename(file)}`, `-${fileStem(path.basename(file))}`];
}

/** The resources of the program with these values. What it refuses itself, once it has read files, is taken out and tried again without. */
async function programWith(base: Raw, given: Given): Promise<Registered[]> {
	for (;;) {
		let config = structuredClone(base);
		for (const [place, value] of given) {
			config = put(config, place.steps, value);
			if (isFile(place)) fs.writeFileSync(value, /key/i.test(place.name) ? pair.key : pair.certificate);
		}
		vi.resetModules();
		const token = { password: "planted-ecr-token", userName: "AWS" };
		const recorder = new Recorder({}, { "aws:ecr/getAuthorizationToken:getAuthorizationToken": () => token });
		try {
			const named = Object.fromEntries(Object.entries(config).map(([key, value]) => [`swarm-scaleout:${key}`, value]));
			await runProgram(recorder, named, "lab");
			return recorder.resources;
		} catch (error) {
			await pulumi.runtime.disconnect();
			const faults = (error as { faults?: Fault[] }).faults ?? [];
			const culprits = [...given.keys()].filter((place) => faults.some(({ property }) => isFaultOf(place, property)));
			if (culprits.length === 0) throw error;
			for (const place of culprits) given.delete(place);
		}
	}
}

interface Step {
	name: string;
	command: string;
	stdin: string;
}

/** Every text in a value. */
function textsIn(value: unknown): string[] {
	if (typeof value === "string") return [value];
	if (value === null || typeof value !== "object") return [];
	return Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item)]);
}

describe("what is accepted arrives as data, and none of it is run", () => {
	/** Each value that was accepted, and whether it stood in an input of a resource. */
	const arrived = new Map<string, boolean>();

	test.each(["lab", "acme", "files", "aws"])("with the configuration %s", async (name) => {
		const base = bases[name] as Raw;
		const runs = runsOf(base);
		// By what is run and what it is told, because most steps are the same in all runs.
		const creates = new Map<string, Step>();
		const deletes = new Map<string, Step>();
		const note = (steps: Map<string, Step>, name: string, command: string, stdin = "") =>
			steps.set(`${command}\n${stdin}`, { name, command, stdin });
		expect(runs.length).toBeGreaterThan(0);
		for (const given of runs) {
			const resources = await programWith(base, given);
			const texts = resources.flatMap(({ inputs }) => textsIn(inputs));
			for (const [place, value] of given) {
				const what = `${place.name} = ${JSON.stringify(value)}`;
				const forms = [value, Buffer.from(value).toString("base64"), ...(isFile(place) ? fileForms(value) : [])];
				arrived.set(what, arrived.get(what) || texts.some((text) => forms.some((form) => text.includes(form))));
			}
			const steps = resources.filter(({ type }) => type === "command:remote:Command");
			for (const { name, inputs } of resources.filter(({ type }) => type.endsWith(":HostBootstrap")))
				for (const { command, stdin } of firstSteps(inputs as never)) note(creates, name, command, stdin);
			for (const { name, inputs } of steps) {
				note(creates, name, inputs.create, inputs.stdin);
				note(deletes, name, inputs.delete, inputs.stdin);
			}
			for (const { name, inputs } of resources.filter(({ inputs }) => inputs.mount?.server))
				note(creates, name, asRoot("root", probeScript(inputs.address, inputs.mount)));
		}
		const host = new StandInHost();
		for (const { name, command, stdin } of creates.values()) {
			const { status, stderr } = host.run(command, stdin);
			expect(status, `${name}: ${stderr}`).toBe(0);
		}
		// A record that stays: where there is none, nothing is undone.
		fs.mkdirSync(path.join(host.root, recordDirectory("swarm-scaleout/lab"), "stays"));
		for (const { name, command, stdin } of [...deletes.values()].reverse()) {
			const { status, stderr } = host.run(command, stdin);
			expect(status, `delete of ${name}: ${stderr}`).toBe(0);
		}
		expect(host.faults).toEqual([]);
		host.remove();
	});

	test("a registry's password to the letter, and refused when it is more than a line", async () => {
		const withPassword = (password: string) => programWith({ ...bases.lab, registry: { username: "me", password } }, new Map());
		const password = `  p'"$(hostile)\`hostile\` \\n %s  `;
		const step = (await withPassword(password)).find(({ type, name }) => type === "command:remote:Command" && name === "registry");
		const host = new StandInHost();
		expect(host.run(step?.inputs.create, step?.inputs.stdin)).toMatchObject({ status: 0 });
		expect(fs.readFileSync(path.join(host.root, "etc/docker/registry/htpasswd"), "utf8")).toBe(`me:${password}\n`);
		expect(host.faults).toEqual([]);
		host.remove();
		await expect(withPassword("line\nline")).rejects.toThrow(/registry\.password: holds a line feed.*: give it without$/);
	});

	test("and nothing of it gets lost", () => {
		expect(arrived.size).toBeGreaterThan(40);
		expect([...arrived].filter(([, there]) => !there).map(([what]) => what)).toEqual([]);
	});
});
