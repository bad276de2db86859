import { describe, expect, test } from "vitest";
import { Turns } from "../../../lib/turns.ts";

const silent = () => {};

describe("things that are replaced", () => {
	test("are away one at a time", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		turns.announce("id-b");
		const order: string[] = [];
		await turns.leave("id-a", "a", "label", 5, silent);
		const b = turns.leave("id-b", "b", "label", 5, silent).then(() => order.push("b leaves"));
		await new Promise((resolve) => setTimeout(resolve, 400));
		order.push("a is back");
		turns.comeBack("a", "label");
		await b;
		expect(order).toEqual(["a is back", "b leaves"]);
	});

	test("say whom they wait for, and give up at the deadline", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		turns.announce("id-b");
		await turns.leave("id-a", "a", "label", 1, silent);
		await expect(turns.leave("id-b", "b", "label", 0.1, silent)).rejects.toThrow(/b being replaced: .*a is not back yet/);
	});

	test("do not hold up what goes for good", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		await turns.leave("id-a", "a", "label", 1, silent);
		await turns.leave("id-c", "c", "label", 1, silent);
	});

	test("of one host share its turn, which ends when all of them are back", async () => {
		const turns = new Turns();
		for (const id of ["a/one", "a/other", "b/one"]) turns.announce(id);
		await turns.leave("a/one", "a", "one", 1, silent);
		await turns.leave("a/other", "a", "other", 1, silent);
		turns.comeBack("a", "one");
		expect([turns.isAway("a", "one"), turns.isAway("a", "other")]).toEqual([false, true]);
		// One that was not away does not end it.
		turns.comeBack("a", "third");
		await expect(turns.leave("b/one", "b", "one", 0.1, silent)).rejects.toThrow(/a is not back yet/);
		turns.comeBack("a", "other");
		turns.announce("b/one");
		await turns.leave("b/one", "b", "one", 1, silent);
	});

	test("may come back without having been away", async () => {
		const turns = new Turns();
		turns.announce("id-a");
		await turns.leave("id-a", "a", "label", 1, silent);
		turns.comeBack("c", "label");
		turns.announce("id-b");
		await expect(turns.leave("id-b", "b", "label", 0.1, silent)).rejects.toThrow(/a is not back yet/);
	});
});
