import type * as pulumi from "@pulumi/pulumi";
import { endWithEngine } from "../lib/engineProcess.ts";
import { noteOf, type Progress, progressOf } from "../lib/progress.ts";
import { isUnreachable } from "../lib/ssh.ts";

/**
 * Whether a change is made in place, replaces the resource, or is ignored. `identity`: the input names something that this resource lives on. A change
 * replaces, even while the new value is unknown. So the engine deletes this resource before it deletes that other one. Absent, it names none.
 */
export type ChangeKind = "update" | "replace" | "identity" | "ignore";

/** What one resource does, as plain functions on typed inputs and outputs. `defineProvider` adds the engine's conventions. */
export interface Definition<I extends object, O extends object> {
	/** Every input, with the effect of a change. An input not named here is a programming fault. */
	inputs: { [K in keyof Required<I>]: ChangeKind | ((old: NonNullable<I[K]>, fresh: NonNullable<I[K]>) => ChangeKind) };
	/** Outputs that are also inputs, which no program sets: a refresh writes both. So they are known in a preview of an update. */
	refreshed?: (keyof I & keyof O & string)[];
	/** On replacement, delete first: the new resource needs the old one's name, port or address. */
	deleteBeforeReplace?: boolean;
	/** Faults in the inputs, by property. Called at preview, without the unknown inputs. */
	check?(inputs: Partial<I>): pulumi.dynamic.CheckFailure[];
	/** Names of outputs that show, after a refresh, that the real thing differs. They are shown as changed, and `update` is called. */
	drift?(outputs: I & O, news: I): string[];
	/** What an update will do to users, as a line for the preview. `changed` is empty if only the real thing differs. */
	describeChange?(changed: string[], olds: I & O, news: I): string | undefined;
	/** Called when a diff says that the resource will be replaced, with the causes: then a delete that follows is not the resource's end. */
	willReplace?(id: string, causes: string[]): void;
	create(inputs: I, context: Context): Promise<{ id: string; outputs: O }>;
	/**
	 * The current outputs, or undefined when the resource is gone. Throws when neither is certain. An unreachable host proves nothing: the resource
	 * stays as it was, and the host's own check decides whether that is an error.
	 */
	read(id: string, state: I & O, context: Context): Promise<O | undefined>;
	update(id: string, olds: I & O, news: I, context: Context): Promise<O>;
	delete(id: string, state: I & O, context: Context): Promise<void>;
}

/** What a function gets besides the inputs. */
export interface Context {
	/** Shows what is being waited for. */
	progress: Progress;
	/** Shows a remark that stays afterwards. */
	note: Progress;
	/** The resource's name, from its URN. */
	name: string;
}

/** The resource exists, but not as requested. The engine keeps it in its state, so that the next `up` continues with it and does not create a second one. */
export class PartialFailure extends Error {
	readonly id: string;
	readonly outputs: object;
	constructor(id: string, outputs: object, message: string) {
		super(message);
		this.name = "PartialFailure";
		this.id = id;
		this.outputs = outputs;
	}
}

/** The engine's placeholder for a value that is not known during preview. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type Props = Record<string, unknown>;

/** Turns a definition into a dynamic provider for the engine, with a diff by field, refresh, partial failures and progress. */
export function defineProvider<I extends object, O extends object>(
	definition: Definition<I, O>,
): Required<pulumi.dynamic.ResourceProvider> {
	endWithEngine();
	const names = Object.keys(definition.inputs) as (keyof I & string)[];
	const contextOf = (props: Props): Context => {
		const urn = typeof props.__urn === "string" ? props.__urn : undefined;
		const name = urn?.split("::").at(-1) ?? "resource";
		return { progress: progressOf(urn, name), note: (message) => noteOf(urn, message), name };
	};
	const provider = {
		async check(olds: Props, given: Props) {
			const kept = Object.fromEntries((definition.refreshed ?? []).map((name) => [name, olds[name] ?? given[name]]));
			const news = { ...given, ...kept };
			const known = Object.fromEntries(Object.entries(news).filter(([, value]) => !holdsUnknown(value)));
			return { inputs: news, failures: definition.check?.(known as Partial<I>) ?? [] };
		},
		async diff(id: string, olds: Props, news: Props) {
			const kindOf = (name: keyof I & string): ChangeKind => {
				const kind = definition.inputs[name];
				// Absent in an old state, before this input existed: that says nothing. Absent now: the resource lives on several things, so on no single one.
				if (kind === "identity" && (isAbsent(olds[name]) || isAbsent(news[name]))) return "update";
				// An unknown value may turn out to be the same: no reason to announce a replacement.
				if (holdsUnknown(news[name])) return kind === "ignore" || kind === "identity" ? kind : "update";
				return typeof kind === "function" ? kind(olds[name] as never, news[name] as never) : kind;
			};
			const changed = names.filter((name) => !sameValue(olds[name], news[name]) && kindOf(name) !== "ignore");
			const drifted = definition.drift?.(olds as I & O, news as unknown as I) ?? [];
			const changes = changed.length > 0 || drifted.length > 0;
			const note = changes && definition.describeChange?.(changed, olds as I & O, news as unknown as I);
			if (note) noteOf(news.__urn, note);
			const replaces = changed.filter((name) => ["replace", "identity"].includes(kindOf(name)));
			if (replaces.length > 0) definition.willReplace?.(id, replaces);
			return {
				changes,
				replaces,
				deleteBeforeReplace: definition.deleteBeforeReplace ?? false,
			};
		},
		async create(inputs: Props) {
			const { id, outputs } = await keepingPartial(inputs, () => definition.create(inputs as I, contextOf(inputs)));
			return { id, outs: defined({ ...inputs, ...outputs }) };
		},
		async read(id: string, props: Props) {
			const context = contextOf(props);
			let outputs: O | undefined;
			try {
				outputs = await definition.read(id, props as I & O, context);
			} catch (error) {
				if (!isUnreachable(error)) throw error;
				context.note(`${error.message}: cannot be looked at now`);
				return { id, props };
			}
			if (!outputs) return { id: undefined, props: {} };
			const found = defined({ ...props, ...outputs });
			// Inputs that do not count are as old as the last change: they are written only with something new.
			if (!definition.refreshed?.some((name) => !sameValue(found[name], props[name]))) return { id, props: found };
			const asInput = Object.entries(found).filter(([name]) => names.includes(name as keyof I & string) || name.startsWith("__"));
			return { id, props: found, inputs: Object.fromEntries(asInput) };
		},
		async update(id: string, olds: Props, news: Props) {
			const outputs = await keepingPartial(news, () => definition.update(id, olds as I & O, news as I, contextOf(news)));
			return { outs: defined({ ...news, ...outputs }) };
		},
		async delete(id: string, props: Props) {
			await definition.delete(id, props as I & O, contextOf(props));
		},
	};
	return provider as unknown as Required<pulumi.dynamic.ResourceProvider>;
}

/** Rethrows a PartialFailure in the form the engine expects. Without `__provider` a later refresh or destroy could not load the code. */
async function keepingPartial<T>(inputs: Props, step: () => Promise<T>): Promise<T> {
	try {
		return await step();
	} catch (error) {
		if (!(error instanceof PartialFailure)) throw error;
		const properties = defined({ ...inputs, ...error.outputs, __provider: inputs.__provider });
		throw Object.assign(new Error(error.message), { id: error.id, properties, reasons: [error.message] });
	}
}

/** Removes undefined values, which the engine's wire format cannot carry. */
const defined = (props: Props): Props => Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));

const isAbsent = (value: unknown) => value === undefined || value === null;

/** Whether any part of the value is not known yet, as in a preview. */
export function holdsUnknown(value: unknown): boolean {
	if (value === unknownValue) return true;
	if (value === null || typeof value !== "object") return false;
	return Object.values(value).some(holdsUnknown);
}

/** Deep equality of plain data. An absent property equals undefined and null, as in the engine's wire format. */
export function sameValue(a: unknown, b: unknown): boolean {
	if (a === b || (a ?? undefined) === (b ?? undefined)) return true;
	if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
	if (Array.isArray(a) !== Array.isArray(b)) return false;
	const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
	for (const key of keys) {
		if (!sameValue((a as Props)[key], (b as Props)[key])) return false;
	}
	return true;
}
