import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { asRoot } from "../../../../lib/connection.ts";
import { holdScript, orderedNodes } from "../../../../providers/service/order.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import { ScratchHost } from "../../../support/scratchHost.ts";
import { syntaxFault, topology } from "../../fixtures.ts";
import { serviceInputs } from "./inputs.ts";

const { service } = topology();
const inputs = (order: string[]): ServiceInputs => serviceInputs({ rollout: { ...service.rollout, order } });

describe("the order of nodes", () => {
	test.each([
		["as named", ["worker2", "worker1", "manager"], ["worker2", "worker1", "manager"]],
		["the named ones first, the others as they stand", ["worker2"], ["worker2", "manager", "worker1"]],
		["as they stand when none is named", [], ["manager", "worker1", "worker2"]],
	])("is %s", (_what, order, expected) => {
		expect(orderedNodes(inputs(order))).toEqual(expected.map((name) => `id-of-${name}`));
	});

	test("is one command of one unit, whatever a node or a manager says of itself", () => {
		const hostile = `x'; hostile a; '"$(hostile b)"\`hostile c\`\nEND\nhostile d\nExecStartPost=/bin/id %n`;
		const nodes = inputs([]).nodes.map((node) => ({ ...node, nodeId: hostile }));
		const host = new ScratchHost();
		const { status, stderr } = host.run(asRoot("root", holdScript({ ...inputs([]), nodes }, hostile)), "a program\n");
		expect([status, stderr, host.faults]).toEqual([0, "", []]);
		const unit = fs.readFileSync(path.join(host.root, "etc/systemd/system/scaleout-order-babble-was.service"), "utf8");
		expect(unit.match(/^Exec\w+/gm)).toEqual(["ExecStart", "ExecStopPost"]);
		expect(unit.replaceAll("%%", "").replaceAll("$$", "")).not.toMatch(/%|\$(?!EXIT_STATUS)/);
		host.remove();
	});

	test("goes to the manager as a unit that allows a node its drain, its stop and its health check", () => {
		const script = holdScript(inputs(["worker2"]), "2026-01-01T00:00:00Z");
		expect(syntaxFault(script)).toBe("");
		expect(script).toContain("--limit 460 ");
		expect(script).toContain("--after 2026-01-01T00:00:00Z id-of-worker2 id-of-manager id-of-worker1");
	});
});
