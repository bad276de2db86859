import { describe, expect, test } from "vitest";
import { Turns } from "../../../lib/turns.ts";

const silent = () => {};

describe("things that are replaced", () => {
	test("are away one at a time", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		turns.announce("id-b");
		const order: string[] = [];
		await turns.leave("id-a", "a", 5, silent);
		const b = turns.leave("id-b", "b", 5, silent).then(() => order.push("b leaves"));
		await new Promise((resolve) => setTimeout(resolve, 400));
		order.push("a is back");
		turns.comeBack("a");
		await b;
		expect(order).toEqual(["a is back", "b leaves"]);
	});

	test("say whom they wait for, and give up at the deadline", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		turns.announce("id-b");
		await turns.leave("id-a", "a", 1, silent);
		await expect(turns.leave("id-b", "b", 0.1, silent)).rejects.toThrow(/b being replaced: .*a is not back yet/);
	});

	test("do not hold up what goes for good", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		await turns.leave("id-a", "a", 1, silent);
		await turns.leave("id-c", "c", 1, silent);
	});

	test("may come back without having been away", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		await turns.leave("id-a", "a", 1, silent);
		turns.comeBack("c");
		turns.announce("id-b");
		await expect(turns.leave("id-b", "b", 0.1, silent)).rejects.toThrow(/a is not back yet/);
	});
});
