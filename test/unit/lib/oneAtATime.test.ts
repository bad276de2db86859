import { describe, expect, test } from "vitest";
import { OneAtATime } from "../../../lib/oneAtATime.ts";

const silent = () => {};

describe("things that are replaced", () => {
	test("are away one at a time", async () => {
		const absences = new OneAtATime();
		absences.announce("id-a");
		absences.announce("id-b");
		const order: string[] = [];
		await absences.leave("id-a", "a", "label", 5, silent);
		const b = absences.leave("id-b", "b", "label", 5, silent).then(() => order.push("b leaves"));
		await new Promise((resolve) => setTimeout(resolve, 400));
		order.push("a is back");
		absences.comeBack("a", "label");
		await b;
		expect(order).toEqual(["a is back", "b leaves"]);
	});

	test("say whom they wait for, and give up at the deadline", async () => {
		const absences = new OneAtATime();
		absences.announce("id-a");
		absences.announce("id-b");
		await absences.leave("id-a", "a", "label", 1, silent);
		await expect(absences.leave("id-b", "b", "label", 0.1, silent)).rejects.toThrow(/b being replaced: .*a is not back yet/);
	});

	test("do not hold up what goes for good", async () => {
		const absences = new OneAtATime();
		absences.announce("id-a");
		await absences.leave("id-a", "a", "label", 1, silent);
		await absences.leave("id-c", "c", "label", 1, silent);
	});

	test("of one host share its turn, which ends when all of them are back", async () => {
		const absences = new OneAtATime();
		for (const id of ["a/one", "a/other", "b/one"]) absences.announce(id);
		await absences.leave("a/one", "a", "one", 1, silent);
		await absences.leave("a/other", "a", "other", 1, silent);
		absences.comeBack("a", "one");
		expect([absences.isAway("a", "one"), absences.isAway("a", "other")]).toEqual([false, true]);
		// One that was not away does not end it.
		absences.comeBack("a", "third");
		await expect(absences.leave("b/one", "b", "one", 0.1, silent)).rejects.toThrow(/a is not back yet/);
		absences.comeBack("a", "other");
		absences.announce("b/one");
		await absences.leave("b/one", "b", "one", 1, silent);
	});

	test("may come back without having been away", async () => {
		const absences = new OneAtATime();
		absences.announce("id-a");
		await absences.leave("id-a", "a", "label", 1, silent);
		absences.comeBack("c", "label");
		absences.announce("id-b");
		await expect(absences.leave("id-b", "b", "label", 0.1, silent)).rejects.toThrow(/a is not back yet/);
	});
});
