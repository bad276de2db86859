import * as pulumi from "@pulumi/pulumi";
import { byDigest } from "../../lib/imageReference.ts";

/*
 * The SDK's mock runtime with a memory: every resource a program registers, as the engine would be told of it. Where the mock interface
 * leaves something out (parents, dependencies, secret outputs), it is read from the registration itself.
 */

// biome-ignore lint/suspicious/noExplicitAny: resource properties are of any shape
export type Props = Record<string, any>;

export interface Registered {
	urn: string;
	type: string;
	name: string;
	custom: boolean;
	/** Inputs in plain text. */
	inputs: Props;
	/** Inputs with secrets still marked, see `withoutSecrets`. */
	marked: Props;
	/** Outputs, inputs among them, with secrets still marked. */
	outputs: Props;
	id: string;
	/** `URN::ID` of the provider; empty for the package's default one. */
	providerReference: string;
	/** Provider it is made with, as `type name`; empty for the default one. */
	provider: string;
	/** URN of the parent. */
	parent: string;
	/** URNs of what it waits for. */
	dependencies: string[];
	deletedWith: string;
	retainOnDelete: boolean;
	/** Absent when left to the provider. */
	deleteBeforeReplace?: boolean;
	ignoreChanges: string[];
	replaceOnChanges: string[];
	replacementTrigger: unknown;
	secretOutputs: string[];
}

/** Outputs by type, beyond the inputs. `name` is the resource's. */
export type Outputs = Record<string, (name: string, inputs: Props) => Props>;

export const hostKeyOf = (name: string) => `ssh-ed25519 AAAA-host-key-of-${name}`;
export const digest = `sha256:${"d".repeat(64)}`;

const dynamic = (type: string) => `pulumi-nodejs:dynamic/scaleout:${type}`;

/** What the mock runtime answers to a function of a provider. */
export type Functions = Record<string, (args: Props) => Props>;

const defaultFunctions: Functions = {
	"aws:ssm/getParameter:getParameter": ({ name }) => ({ name, insecureValue: currentImage, value: currentImage }),
};

/** The vendor's current image, as the parameter says. */
export const currentImage = "ami-0123456789abcdef0";

/** Plausible outputs of the types in use. */
const defaults: Outputs = {
	[dynamic("SshKey")]: () => ({ privateKey: "planted-private-key", publicKey: "ssh-ed25519 AAAA-operator" }),
	[dynamic("GeneratedSecret")]: (name) => ({ value: `planted-${name}` }),
	[dynamic("Machine")]: (name) => ({ hostKey: hostKeyOf(name), state: "running", accelerator: "tcg" }),
	[dynamic("HostBootstrap")]: (_name, { version }) => ({
		os: "debian 12",
		architecture: "x86_64",
		installed: version,
		differs: {},
		drift: {},
	}),
	[dynamic("SwarmCluster")]: (_name, { dispatcherHeartbeatSeconds }) => ({
		clusterId: "cluster-id",
		observed: { dispatcherHeartbeatSeconds },
	}),
	[dynamic("NodeLabel")]: (_name, { label, value }) => ({ observed: { [label]: value } }),
	[dynamic("SwarmSecret")]: (name) => ({ claim: `claim-of-${name}` }),
	[dynamic("SwarmNode")]: (name) => ({ nodeId: `node-id-of-${name}`, observed: {} }),
	[dynamic("Service")]: (_name, { image, replicas }) => ({
		serviceId: "service-id",
		imageDigest: image,
		observed: { image, running: replicas, differs: [] },
		lastRollout: null,
	}),
	"pulumi:index:Stash": (_name, { input }) => ({ output: input }),
	"aws:ec2/instance:Instance": () => ({ availabilityZone: "ap-northeast-2a" }),
	"aws:ec2/eip:Eip": () => ({ publicIp: "198.51.100.10" }),
	"aws:ec2/keyPair:KeyPair": (name) => ({ keyName: `key-name-of-${name}` }),
	"aws:iam/role:Role": (name) => ({ name: `name-of-${name}`, arn: `arn:aws:iam::123456789012:role/${name}` }),
	"aws:iam/instanceProfile:InstanceProfile": (name) => ({ name: `name-of-${name}` }),
	"aws:cloudwatch/logGroup:LogGroup": (_name, { name }) => ({ arn: `arn:aws:logs:ap-northeast-2:123456789012:log-group:${name}` }),
	"command:remote:Command": (name) => ({ stdout: `stdout of ${name}`, stderr: "" }),
	"docker:index/image:Image": (_name, { imageName }) => ({ repoDigest: byDigest(imageName, digest) }),
};

/** What is read of the SDK's registration request. */
interface Request {
	getType(): string;
	getName(): string;
	getCustom(): boolean;
	getProvider(): string;
	getParent(): string;
	getDependenciesList(): string[];
	getDeletedwith(): string;
	getRetainondelete(): boolean;
	getDeletebeforereplace(): boolean;
	getDeletebeforereplacedefined(): boolean;
	getIgnorechangesList(): string[];
	getReplaceonchangesList(): string[];
	getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
	getAdditionalsecretoutputsList(): string[];
}
type Answer = (error: Error | null, response?: { getUrn(): string; getId(): string }) => void;

export class Recorder {
	/** In the order of registration. */
	readonly resources: Registered[] = [];
	readonly #outputs: Outputs;
	readonly #functions: Functions;
	readonly #secretOutputs = new Map<string, string[]>();
	readonly #inputs = new Map<string, Props>();
	readonly #states = new Map<string, Props>();

	constructor(outputs: Outputs = {}, functions: Functions = {}) {
		this.#outputs = { ...defaults, ...outputs };
		this.#functions = { ...defaultFunctions, ...functions };
	}

	/** Takes the engine's place. End with `pulumi.runtime.disconnect()`, which waits until all is registered. */
	async start(project = "swarm-scaleout", stack = "lab"): Promise<void> {
		await pulumi.runtime.setMocks(
			{ newResource: (args) => this.#make(args), call: ({ token, inputs }) => this.#functions[token]?.(inputs) ?? {} },
			project,
			stack,
		);
		const monitor = pulumi.runtime.getMonitor() as unknown as { registerResource(request: Request, answer: Answer): void };
		const register = monitor.registerResource.bind(monitor);
		monitor.registerResource = (request, answer) => {
			this.#secretOutputs.set(`${request.getType()} ${request.getName()}`, request.getAdditionalsecretoutputsList());
			register(request, (error, response) => {
				if (response) this.#remember(request, response.getUrn(), response.getId());
				answer(error, response);
			});
		};
	}

	/** The resource of a name, and of a type where names are not enough. @throws Error naming what there is. */
	find(name: string, type = ""): Registered {
		const found = this.resources.filter((resource) => resource.name === name && resource.type.endsWith(type));
		const all = this.resources.map((resource) => `${resource.type} ${resource.name}`);
		if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${name} among:\n${all.join("\n")}`);
		return found[0] as Registered;
	}

	ofType(type: string): Registered[] {
		return this.resources.filter((resource) => resource.type.endsWith(type));
	}

	/** Whether `later` waits for `earlier`, directly or through others. A child waits for what its parent waits for. */
	isAfter(later: Registered, earlier: Registered): boolean {
		const seen = new Set<string>();
		const open = [later.urn];
		for (let urn = open.pop(); urn !== undefined; urn = open.pop()) {
			if (seen.has(urn)) continue;
			seen.add(urn);
			const resource = this.resources.find((resource) => resource.urn === urn);
			if (resource) open.push(...resource.dependencies, resource.parent);
		}
		return later !== earlier && seen.has(earlier.urn);
	}

	async #make({ type, name, inputs, custom }: pulumi.runtime.MockResourceArgs): Promise<pulumi.runtime.MockResourceResult> {
		const key = `${type} ${name}`;
		this.#inputs.set(key, inputs);
		const state: Props = { ...inputs, ...this.#outputs[type]?.(name, plain(inputs) as Props) };
		// The engine marks these before the program sees them.
		for (const output of this.#secretOutputs.get(key) ?? []) {
			if (state[output] !== undefined) state[output] = asSecret(plain(state[output]));
		}
		this.#states.set(key, state);
		return { id: custom ? `id-of-${name}` : undefined, state };
	}

	#remember(request: Request, urn: string, id: string): void {
		const [type, name] = [request.getType(), request.getName()];
		const marked = this.#inputs.get(`${type} ${name}`) ?? {};
		this.resources.push({
			urn,
			type,
			name,
			custom: request.getCustom(),
			inputs: plain(marked) as Props,
			marked,
			outputs: this.#states.get(`${type} ${name}`) ?? {},
			id,
			providerReference: request.getProvider(),
			provider: request.getProvider().split("::").slice(2, 4).join(" ").split("$").at(-1) ?? "",
			parent: request.getParent(),
			dependencies: request.getDependenciesList(),
			deletedWith: request.getDeletedwith(),
			retainOnDelete: request.getRetainondelete(),
			deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
			ignoreChanges: request.getIgnorechangesList(),
			replaceOnChanges: request.getReplaceonchangesList(),
			replacementTrigger: request.getReplacementTrigger()?.toJavaScript() ?? undefined,
			secretOutputs: request.getAdditionalsecretoutputsList(),
		});
	}
}

/** The SDK's marks on the wire. */
const [signature, secretSignature] = ["4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"];

/** The value marked as a secret. */
export const asSecret = (value: unknown) => ({ [signature]: secretSignature, value });
const isSecret = (value: object): value is { value: unknown } => (value as Props)[signature] === secretSignature;

function mapped(value: unknown, onSecret: (secret: unknown) => unknown): unknown {
	if (value === null || typeof value !== "object") return value;
	if (Array.isArray(value)) return value.map((item) => mapped(item, onSecret));
	if (isSecret(value)) return onSecret(value.value);
	if (Object.getPrototypeOf(value) !== Object.prototype) return value;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, onSecret)]));
}

/** The value with its secrets in plain text. */
export const plain = (value: unknown): unknown => mapped(value, plain);

/** The value as a deployment holds it that is imported with its secrets in plain text. */
export const asImported = (value: unknown): unknown =>
	mapped(value, (secret) => ({ [signature]: secretSignature, plaintext: JSON.stringify(plain(secret)) }));

/** The value as the state and the preview show it. */
export const withoutSecrets = (value: unknown): unknown => mapped(value, () => "[secret]");
