import { describe, expect, test } from "vitest";
import { type EngineEvent, readPreview } from "../../../cli/changes.ts";

const urn = (type: string, name: string) => `urn:pulumi:lab::swarm-scaleout::${type}::${name}`;
const command = "scaleout:index:LoadBalancer$command:remote:Command";
const dynamic = (kind: string) => `pulumi-nodejs:dynamic/scaleout:${kind}`;

function step(op: string, type: string, name: string, more: object = {}): EngineEvent {
	const metadata = {
		op,
		urn: urn(type, name),
		type: type.split("$").at(-1) as string,
		old: null,
		new: { custom: true, inputs: {} },
		...more,
	};
	return { resourcePreEvent: { metadata } };
}

test("a change carries its name, its parent's type, and the inputs that differ, from the engine or by comparison", () => {
	const states = {
		old: { custom: true, inputs: { a: 1, b: { c: 1 }, __provider: "x" } },
		new: { custom: true, inputs: { a: 1, b: { c: 2 }, __provider: "y" } },
	};
	const { changes } = readPreview([
		step("update", command, "nginx", { detailedDiff: { "stdin.x": {}, "list[0]": {} }, diffs: ["stdin"] }),
		step("update", "x$pulumi-nodejs:dynamic/scaleout:Service", "was", states),
	]);
	expect(changes).toMatchObject([
		{
			name: "nginx",
			type: "command:remote:Command",
			operation: "update",
			changed: ["stdin", "list"],
		},
		{ name: "was", changed: ["b"], olds: { a: 1 }, news: { b: { c: 2 } } },
	]);
});

test("what stays, what is only read, components and the engine's own providers are no changes", () => {
	const { changes } = readPreview([
		step("same", command, "a"),
		step("refresh", command, "b"),
		step("read", command, "c"),
		step("create", "scaleout:index:Hosts", "hosts", { new: { inputs: {} } }),
		step("update", "pulumi:providers:docker", "manager"),
	]);
	expect(changes).toEqual([]);
});

describe("a replacement is one change, in whatever order its steps come", () => {
	test.each([[["create-replacement", "replace", "delete-replaced"]], [["delete-replaced", "replace", "create-replacement"]]])(
		"%j",
		(ops) => {
			const { changes } = readPreview(ops.map((op) => step(op, command, "nginx")));
			expect(changes.map(({ operation }) => operation)).toEqual(["replace"]);
		},
	);
});

test("a deleted resource is known by its old state", () => {
	const { changes } = readPreview([step("delete", command, "nginx", { old: { custom: true, inputs: { stdin: "x" } }, new: null })]);
	expect(changes).toMatchObject([{ operation: "delete", olds: { stdin: "x" }, news: {}, changed: [] }]);
});

test("a provider's lasting remark goes with its resource; a status line and a debug line do not", () => {
	const about = urn(command, "nginx");
	const remark = (message: string, more: object = {}) => ({ diagnosticEvent: { urn: about, message, severity: "info", ...more } });
	const { changes } = readPreview([
		step("update", command, "nginx"),
		remark("lasting\n"),
		remark("passing", { ephemeral: true }),
		remark("planted-secret", { severity: "debug" }),
	]);
	expect(changes[0]?.note).toBe("lasting");
});

test("a verdict on a change outlives other remarks about the resource, before it and after", () => {
	const remark = (message: string) => ({ diagnosticEvent: { urn: urn(command, "nginx"), message, severity: "info" } });
	const verdict = "lossless rolling: what was changed by hand replaces the tasks";
	const { changes } = readPreview([step("update", command, "nginx"), remark("cannot be looked at"), remark(verdict), remark("later")]);
	expect(changes[0]?.note).toBe(verdict);
});

test("roles come from the hosts' checks, of hosts that go and of hosts that come, by the names of their machines", () => {
	const check = (op: string, name: string, of: object) => ({
		resourcePreEvent: {
			metadata: { op, urn: urn(dynamic("HostBootstrap"), `hosts-${name}-bootstrap`), type: dynamic("HostBootstrap"), ...of },
		},
	});
	const { roles } = readPreview([
		check("same", "stays", { old: { inputs: { roles: ["log"] } }, new: { inputs: { roles: ["log"] } } }),
		check("delete", "gone", { old: { inputs: { roles: ["app"] } } }),
		check("create", "comes", { new: { inputs: { roles: ["nginx"] } } }),
	]);
	expect(Object.fromEntries(roles)).toEqual({ "hosts-stays": ["log"], "hosts-gone": ["app"], "hosts-comes": ["nginx"] });
});
