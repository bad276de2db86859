import { verdictIn } from "../lib/disruption.ts";

/*
 * Reads from the engine's events of a preview what the summary needs. Pure.
 */

// biome-ignore lint/suspicious/noExplicitAny: resource properties are of any shape
export type Props = Record<string, any>;

export type Operation = "create" | "update" | "replace" | "delete";

/** What a preview says about one resource. */
export interface Change {
	urn: string;
	type: string;
	name: string;
	operation: Operation;
	/** Names of the inputs that change, as far as they are known: a secret's change is not. */
	changed: string[];
	/** Inputs before and after, secrets as `[secret]`. Empty at create and at delete. */
	olds: Props;
	news: Props;
	/** The provider's remark. */
	note?: string;
}

export interface Preview {
	changes: Change[];
	/** Roles of hosts by the names of their machines, from the hosts' bootstraps before and after the change. */
	roles: Map<string, string[]>;
}

interface State {
	inputs?: Props;
	outputs?: Props;
	custom?: boolean;
}

interface Metadata {
	op: string;
	urn: string;
	type: string;
	old?: State | null;
	new?: State | null;
	diffs?: string[] | null;
	detailedDiff?: Record<string, unknown> | null;
}

/** One line of the engine's event log: the part that is read here. */
export interface EngineEvent {
	resourcePreEvent?: { metadata: Metadata };
	resOutputsEvent?: { metadata: Metadata };
	diagnosticEvent?: { urn?: string; message: string; severity: string; ephemeral?: boolean };
}

/** Operations of the engine, as shown here. Others change nothing that exists, or are steps of a replacement. */
const operations: Record<string, Operation> = {
	create: "create",
	update: "update",
	replace: "replace",
	delete: "delete",
	"create-replacement": "replace",
	"delete-replaced": "replace",
	"import-replacement": "replace",
};

export function readPreview(events: EngineEvent[]): Preview {
	const changes = new Map<string, Change>();
	const roles = new Map<string, string[]>();
	const notes = new Map<string, string>();
	for (const { resourcePreEvent, resOutputsEvent, diagnosticEvent } of events) {
		if (diagnosticEvent?.urn && diagnosticEvent.severity === "info" && !diagnosticEvent.ephemeral) {
			const { urn, message } = diagnosticEvent;
			// A verdict on the change takes precedence over other remarks, such as those of a refresh before it.
			if (verdictIn(message) || !verdictIn(notes.get(urn))) notes.set(urn, message.trim());
		}
		const metadata = (resourcePreEvent ?? resOutputsEvent)?.metadata;
		if (metadata?.type.endsWith("dynamic/scaleout:HostBootstrap")) addRoles(roles, metadata);
		if (!resourcePreEvent) continue;
		const change = changeOf(resourcePreEvent.metadata);
		// A replacement comes as several steps: once seen, it stays a replacement.
		if (change && changes.get(change.urn)?.operation !== "replace") changes.set(change.urn, change);
	}
	return { changes: [...changes.values()].map((change) => ({ ...change, note: notes.get(change.urn) })), roles };
}

/** Undefined for components and the engine's own providers, which are not real resources. */
function changeOf(metadata: Metadata): Change | undefined {
	const operation = operations[metadata.op];
	const { urn, type } = metadata;
	if (!operation || !(metadata.new ?? metadata.old)?.custom || type.startsWith("pulumi:providers:")) return undefined;
	const [olds, news] = [metadata.old?.inputs ?? {}, metadata.new?.inputs ?? {}];
	const named = [...(metadata.diffs ?? []), ...Object.keys(metadata.detailedDiff ?? {})].map((path) => path.split(/[.[]/)[0] as string);
	return {
		urn,
		type,
		name: nameOf(urn),
		operation,
		changed: operation === "create" || operation === "delete" ? [] : [...new Set([...named, ...differing(olds, news)])],
		olds,
		news,
	};
}

/** Dynamic providers do not name what changed, so the inputs are compared, except those that are not displayed. */
function differing(olds: Props, news: Props): string[] {
	const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter((key) => !key.startsWith("__"));
	return keys.filter((key) => JSON.stringify(olds[key]) !== JSON.stringify(news[key]));
}

const nameOf = (urn: string) => urn.split("::").slice(3).join("::");

/** A bootstrap has its machine's name, followed by `-bootstrap`. */
function addRoles(roles: Map<string, string[]>, { urn, old, new: fresh }: Metadata): void {
	for (const found of [old?.inputs?.roles, fresh?.inputs?.roles])
		if (Array.isArray(found)) roles.set(nameOf(urn).replace(/-bootstrap$/, ""), found);
}
