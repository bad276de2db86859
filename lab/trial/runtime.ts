import { createRequire } from "node:module";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { type Connection, sshUrl } from "../../lib/connection.ts";
import { registryImage, remoteCommand, remoteCopy } from "./remote.ts";

/*
 * A runtime for the program without the engine: the SDK's mock runtime calls `create` here for every resource, and it really happens, on
 * the real hosts. It can create and destroy; there is no diff, no refresh and no encrypted state. Where the engine runs, use the engine.
 */

/** One resource that was made. Kept in the order of creation, and undone in reverse. */
export interface Made {
	type: string;
	name: string;
	id: string;
	inputs: Props;
	state: Props;
}

// biome-ignore lint/suspicious/noExplicitAny: resource properties are of any shape
export type Props = Record<string, any>;

/** How one type of resource is made and unmade. */
export interface Handler {
	create(inputs: Props, name: string, provider: Props): Promise<{ id: string; state: Props }>;
	remove?(made: Made, provider: Props): Promise<void>;
}

const handlers: Record<string, Handler> = {
	"command:remote:Command": remoteCommand,
	"command:remote:CopyToRemote": remoteCopy,
	"docker:index/image:Image": registryImage,
};

export class TrialRuntime implements pulumi.runtime.Mocks {
	readonly made: Made[] = [];
	readonly #providers = new Map<string, Props>();
	/** Of the hosts, by the URL that a Docker provider is told. */
	readonly #connections = new Map<string, Connection>();
	readonly #onMade: (made: Made) => void;

	/** `onMade` is called after each resource, so that a journal survives an interruption. */
	constructor(onMade: (made: Made) => void = () => {}) {
		this.#onMade = onMade;
	}

	async newResource(args: pulumi.runtime.MockResourceArgs): Promise<pulumi.runtime.MockResourceResult> {
		const inputs = withoutSecretMarks(args.inputs) as Props;
		if (!args.custom) return { id: undefined, state: inputs };
		if (inputs.connection?.hostKey) this.#connections.set(sshUrl(inputs.connection), inputs.connection);
		if (args.type.startsWith("pulumi:providers:")) {
			this.#providers.set(args.name, inputs);
			return { id: args.name, state: inputs };
		}
		const started = Date.now();
		const { id, state } = await handlerOf(args.type).create(inputs, args.name, this.#providerOf(args.provider));
		const made = { type: args.type, name: args.name, id, inputs, state };
		this.made.push(made);
		this.#onMade(made);
		process.stderr.write(`created ${args.type.split(":").at(-1)} ${args.name} (${Math.round((Date.now() - started) / 1000)} s)\n`);
		return { id, state };
	}

	call(args: pulumi.runtime.MockCallArgs): never {
		throw new Error(`${args.token} needs the Pulumi engine: the trial cannot call provider functions`);
	}

	#providerOf(reference: string | undefined): Props {
		const name = reference?.split("::").at(-2) ?? "";
		const provider = this.#providers.get(name) ?? {};
		return { ...provider, connection: this.#connections.get(provider.host) };
	}
}

/** Undoes what was made, the last first. Goes on after a failure, and reports all of them. */
export async function undo(made: Made[], keep: (made: Made) => boolean): Promise<Error[]> {
	const failures: Error[] = [];
	for (const item of made.toReversed()) {
		if (keep(item)) continue;
		try {
			await handlerOf(item.type).remove?.(item, {});
			process.stderr.write(`deleted ${item.type.split(":").at(-1)} ${item.name}\n`);
		} catch (error) {
			failures.push(new Error(`${item.name}: ${(error as Error).message}`));
		}
	}
	return failures;
}

function handlerOf(type: string): Handler {
	if (type.startsWith("pulumi-nodejs:dynamic")) return dynamicResource;
	const handler = handlers[type];
	if (!handler) throw new Error(`the trial cannot make a ${type}: it needs the Pulumi engine`);
	return handler;
}

/** Runs the provider from its serialized text, as the engine's provider process does. */
const dynamicResource: Handler = {
	async create(inputs) {
		const provider = deserialize(inputs.__provider);
		const { failures = [] } = await provider.check({}, inputs);
		if (failures.length > 0) throw new Error(failures.map(({ property, reason }: Props) => `${property}: ${reason}`).join("\n"));
		const { id, outs } = await provider.create(inputs);
		return { id, state: outs };
	},
	async remove({ id, state, inputs }) {
		await deserialize(inputs.__provider).delete(id, { ...inputs, ...state });
	},
};

// biome-ignore lint/suspicious/noExplicitAny: the provider's own types are gone in its text
function deserialize(text: string): any {
	const require = createRequire(path.resolve("package.json"));
	const Module = require("node:module");
	const module = new Module("provider");
	module._compile(text, "provider");
	return module.exports.handler();
}

const signature = "4dabf18193072939515e22adb298388d";

/** Secrets reach the mock runtime wrapped; the real thing needs the value. */
function withoutSecretMarks(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(withoutSecretMarks);
	if (value === null || typeof value !== "object") return value;
	if (signature in value && "value" in value) return withoutSecretMarks((value as Props).value);
	if (Object.getPrototypeOf(value) !== Object.prototype) return value;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutSecretMarks(item)]));
}
