import { randomBytes } from "node:crypto";
import { type Context, differs, type Handler, type Props } from "./handler.ts";
import { functions, handlers } from "./handlers/index.ts";
import { allTags } from "./tags.ts";

/*
 * What the plugin does for any resource type: the conventions of the real provider (names, default tags, which changes replace), with the
 * handlers for the rest.
 */

export function handlerOf(urn: string): Handler {
	const type = typeOf(urn);
	const handler = handlers[type];
	if (!handler) throw new Error(`the stand-in does not serve ${type}: add a handler for it in test/standin/handlers`);
	return handler;
}

/** What the real provider checks at preview as well, plus: every input must be one that the stand-in sends on. */
export function check(urn: string, olds: Props, news: Props): { inputs: Props; failures: { property: string; reason: string }[] } {
	const { inputs: known, autoname } = handlerOf(urn);
	const names = Object.keys(news).filter((name) => !name.startsWith("__"));
	const failures = names
		.filter((name) => name !== "region" && !(name in known))
		.map((property) => ({ property, reason: `the stand-in does not know this input of ${typeOf(urn)}` }));
	const inputs = { ...news };
	if (autoname && inputs[autoname] === undefined) {
		inputs[autoname] = olds[autoname] ?? `${urn.split("::").at(-1)}-${randomBytes(4).toString("hex").slice(0, 7)}`;
	}
	return { inputs, failures };
}

/** The inputs whose change needs a new resource. What else changed, the engine finds out by itself. */
export function replaces(urn: string, olds: Props, news: Props): string[] {
	const { inputs, computed = [], replacing, update } = handlerOf(urn);
	const chosen = (name: string) => news[name] === undefined && [...computed, "region"].includes(name);
	const always = Object.entries({ ...inputs, region: "replace" })
		.filter(([name, kind]) => (kind === "replace" || !update) && !chosen(name))
		.map(([name]) => name)
		.filter((name) => differs(olds[name], news[name]));
	return [...always, ...(replacing?.(olds, news) ?? [])];
}

export async function create(urn: string, inputs: Props, context: Context): Promise<{ id: string; outputs: Props }> {
	const { id, outputs } = await handlerOf(urn).create(inputs, context);
	return { id, outputs: finished(urn, { ...inputs, ...outputs }, context) };
}

/** Outputs, and inputs as they really are, so that a change by someone else shows as a difference; undefined when it is gone. */
export async function read(urn: string, id: string, state: Props, inputs: Props, context: Context) {
	const found = await handlerOf(urn).read(id, state, context);
	if (!found) return undefined;
	const real = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, name in found ? found[name] : value]));
	return { outputs: { ...state, ...found }, inputs: real };
}

export async function update(urn: string, id: string, olds: Props, news: Props, context: Context): Promise<Props> {
	const handler = handlerOf(urn);
	if (!handler.update) throw new Error(`${typeOf(urn)} has no change in place`);
	const kept = Object.fromEntries(Object.entries(olds).filter(([name]) => !(name in handler.inputs) || handler.computed?.includes(name)));
	return finished(urn, { ...kept, ...news, ...(await handler.update(id, olds, news, context)) }, context);
}

export async function remove(urn: string, id: string, state: Props, context: Context): Promise<void> {
	await handlerOf(urn).delete(id, state, context);
}

export async function invoke(token: string, args: Props, context: Context): Promise<Props> {
	const run = functions[token];
	if (!run) throw new Error(`the stand-in does not serve ${token}: add it in test/standin/handlers`);
	return { ...args, ...(await run(args, context)), region: context.region };
}

const typeOf = (urn: string) => urn.split("::")[2]?.split("$").at(-1) ?? "";

function finished(urn: string, outputs: Props, context: Context): Props {
	const tags = "tags" in handlerOf(urn).inputs ? { tagsAll: allTags(outputs, context) } : {};
	return { ...outputs, ...tags, region: context.region };
}
