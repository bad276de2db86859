import { describe, expect, test, vi } from "vitest";
import { type Definition, defineProvider, PartialFailure, sameValue } from "../../../providers/define.ts";

interface Inputs {
	size?: number;
	address?: string;
	key?: string;
	machine?: string;
	tags?: Record<string, string>;
}
interface Outputs {
	state: string;
}

function provider(change: Partial<Definition<Inputs, Outputs>> = {}) {
	return defineProvider<Inputs, Outputs>({
		inputs: { size: "update", address: "replace", key: "ignore", machine: "identity", tags: "update" },
		create: async () => ({ id: "made", outputs: { state: "running" } }),
		read: async () => ({ state: "running" }),
		update: async () => ({ state: "updated" }),
		delete: async () => {},
		...change,
	});
}

/** The engine's placeholder, as it stands on the wire. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const olds = { size: 1, address: "a", key: "k", machine: "m", tags: { app: "was" }, state: "running" };
const urn = "urn:pulumi:lab::swarm-scaleout::scaleout:index:Hosts$pulumi-nodejs:dynamic/scaleout:Machine::worker1";

describe("diff", () => {
	// biome-ignore format: one change a row
	test.each([
		["nothing", {}, { changes: false, replaces: [] }],
		["an input that is updated in place", { size: 2 }, { changes: true, replaces: [] }],
		["a nested input", { tags: { app: "other" } }, { changes: true, replaces: [] }],
		["an input that needs a new one", { address: "b" }, { changes: true, replaces: ["address"] }],
		["an input that does not count", { key: "new" }, { changes: false, replaces: [] }],
		["an input that goes away", { tags: undefined }, { changes: true, replaces: [] }],
		["the order of keys", { tags: Object.fromEntries([["app", "was"]]) }, { changes: false, replaces: [] }],
		["what the engine adds", { __provider: "other text", __urn: urn }, { changes: false, replaces: [] }],
		["the thing it lives on", { machine: "n" }, { changes: true, replaces: ["machine"] }],
		["the thing it lives on, not known yet", { machine: unknown }, { changes: true, replaces: ["machine"] }],
		["another input, not known yet", { address: unknown }, { changes: true, replaces: [] }],
		["several at once", { size: 2, address: "b", key: "new" }, { changes: true, replaces: ["address"] }],
	])("of %s", async (_what, change, expected) => {
		expect(await provider().diff("id", olds, { ...olds, ...change })).toMatchObject(expected);
	});

	test("drift found by the last look is a change, without one in the inputs", async () => {
		const drifting = provider({ drift: ({ state }) => (state === "running" ? [] : ["state"]) });
		expect(await drifting.diff("id", { ...olds, state: "stopped" }, olds)).toMatchObject({ changes: true, replaces: [] });
		expect(await drifting.diff("id", olds, olds)).toMatchObject({ changes: false });
	});

	test("deletes first only where that is said", async () => {
		expect(await provider().diff("id", olds, olds)).toMatchObject({ deleteBeforeReplace: false });
		expect(await provider({ deleteBeforeReplace: true }).diff("id", olds, olds)).toMatchObject({ deleteBeforeReplace: true });
	});

	test("a state from before an input came up is no reason to replace", async () => {
		expect(await provider().diff("id", { ...olds, machine: undefined }, olds)).toMatchObject({ changes: true, replaces: [] });
	});

	test("what no longer lives on one thing alone is not replaced", async () => {
		expect(await provider().diff("id", olds, { ...olds, machine: undefined })).toMatchObject({ changes: true, replaces: [] });
	});

	test("the provider hears of a replacement beforehand, with its causes", async () => {
		const willReplace = vi.fn();
		const told = provider({ willReplace });
		await told.diff("id", olds, { ...olds, size: 2 });
		expect(willReplace).not.toHaveBeenCalled();
		await told.diff("id", olds, { ...olds, size: 2, machine: unknown });
		expect(willReplace).toHaveBeenCalledExactlyOnceWith("id", ["machine"]);
	});

	test("what a change means is asked also when only the real thing differs", async () => {
		const describeChange = vi.fn(() => "it is put back");
		const drifted = provider({ describeChange, drift: () => ["size"] });
		await drifted.diff("id", olds, olds);
		expect(describeChange).toHaveBeenCalledExactlyOnceWith([], olds, olds);
	});

	test("what a change means is asked only when there is one", async () => {
		const describeChange = vi.fn(() => "one node less serves meanwhile");
		const described = provider({ describeChange });
		await described.diff("id", olds, { ...olds, key: "new" });
		expect(describeChange).not.toHaveBeenCalled();
		await described.diff("id", olds, { ...olds, size: 2, address: "b" });
		expect(describeChange).toHaveBeenCalledExactlyOnceWith(["size", "address"], olds, { ...olds, size: 2, address: "b" });
	});
});

describe("check", () => {
	test("gives the inputs back as they are, with the faults it found", async () => {
		const failures = [{ property: "size", reason: "too small" }];
		const news = { size: 0, address: "a" };
		expect(await provider({ check: () => failures }).check({}, news)).toEqual({ inputs: news, failures });
		expect(await provider().check({}, news)).toEqual({ inputs: news, failures: [] });
	});

	test("does not judge what is not known yet, at whatever depth", async () => {
		const check = vi.fn(() => []);
		const news = { size: 1, address: unknown, tags: { app: unknown } };
		const { inputs } = await provider({ check }).check({}, news);
		expect(check).toHaveBeenCalledExactlyOnceWith({ size: 1 });
		expect(inputs).toEqual(news);
	});
});

describe("create, read, update and delete", () => {
	test("keep inputs and outputs together in the state", async () => {
		expect(await provider().create({ size: 1 })).toEqual({ id: "made", outs: { size: 1, state: "running" } });
		expect(await provider().read("id", olds)).toEqual({ id: "id", props: olds });
		expect(await provider().update("id", olds, { size: 2 })).toEqual({ outs: { size: 2, state: "updated" } });
	});

	test("leave out what is undefined: the engine's wire cannot carry it", async () => {
		const optional = defineProvider<Inputs, { found?: string }>({
			inputs: { size: "update", address: "replace", key: "ignore", machine: "identity", tags: "update" },
			create: async () => ({ id: "made", outputs: { found: undefined } }),
			read: async () => ({ found: undefined }),
			update: async () => ({ found: undefined }),
			delete: async () => {},
		});
		expect(await optional.create({ size: 1 })).toStrictEqual({ id: "made", outs: { size: 1 } });
		expect(await optional.read("id", { size: 1 })).toStrictEqual({ id: "id", props: { size: 1 } });
		expect(await optional.update("id", {}, { size: 2, key: undefined })).toStrictEqual({ outs: { size: 2 } });
	});

	test("what is gone is reported without an id: the engine recreates it", async () => {
		expect((await provider({ read: async () => undefined }).read("id", olds)).id).toBeUndefined();
	});

	test("what cannot be looked at is not reported gone", async () => {
		const unreachable = provider({ read: () => Promise.reject(new Error("unreachable")) });
		await expect(unreachable.read("id", olds)).rejects.toThrow("unreachable");
	});

	test("a step is told its resource's name, for messages", async () => {
		const create = vi.fn(async () => ({ id: "made", outputs: { state: "running" } }));
		await provider({ create }).create({ __urn: urn });
		expect(create).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ name: "worker1" }));
	});
});

describe("a partial failure", () => {
	const fail = () => Promise.reject(new PartialFailure("half-made", { state: "starting" }, "tasks do not start"));
	const failure = {
		message: "tasks do not start",
		id: "half-made",
		properties: { size: 2, state: "starting", __provider: "code" },
		reasons: ["tasks do not start"],
	};
	const inputs = { size: 2, __provider: "code" };

	test("of create reaches the engine with id, properties and the provider's code, so that destroy finds it", async () => {
		await expect(provider({ create: fail }).create(inputs)).rejects.toMatchObject(failure);
	});

	test("of update, too", async () => {
		await expect(provider({ update: fail }).update("id", olds, inputs)).rejects.toMatchObject(failure);
	});

	test("is not made of other errors: what was not made is not kept", async () => {
		const error = await provider({ create: () => Promise.reject(new Error("refused")) })
			.create(inputs)
			.catch((error) => error);
		expect(error.message).toBe("refused");
		expect(error).not.toHaveProperty("id");
	});
});

describe("sameValue", () => {
	// biome-ignore format: one pair a row
	test.each<[unknown, unknown, boolean]>([
		[1, 1, true], [1, "1", false], [0, undefined, false], ["", undefined, false], [false, undefined, false],
		[null, undefined, true], [{ a: undefined }, {}, true], [{ a: null }, {}, true], [{ a: 0 }, {}, false],
		[{ a: 1, b: 2 }, { b: 2, a: 1 }, true], [{ a: { b: 1 } }, { a: { b: 2 } }, false],
		[[1, 2], [1, 2], true], [[1, 2], [2, 1], false], [[1], [1, 2], false], [[], {}, false], [{}, null, false], [["a"], "a", false],
	])("%j and %j: %s", (a, b, same) => {
		expect(sameValue(a, b)).toBe(same);
		expect(sameValue(b, a)).toBe(same);
	});
});
