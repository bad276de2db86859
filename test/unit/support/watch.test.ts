import { expect, test } from "vitest";
import { count, type Look } from "../../support/watch.ts";

const look = (manager: Look[string], worker1: Look[string], worker2: Look[string]): Look => ({ manager, worker1, worker2 });
const counted = (...looks: Look[]) => count(looks.map((look, second) => ({ at: new Date(second * 1000), look })));

test("one node after another is not two at the same time, also when one opens while the next one is asked", () => {
	const watched = counted(
		look("open", "open", "open"),
		look("closed", "open", "open"),
		look("closed", "closed", "open"),
		look("open", "closed", "open"),
		look("open", "open", "open"),
		look("open", "open", "closed"),
	);
	expect(watched).toMatchObject({ looks: 6, closed: ["manager", "worker1", "worker2"], together: new Map(), fewestOpen: 2 });
});

test("two that are closed in two looks in a row were closed together, and it is told which ones and when", () => {
	const watched = counted(
		look("closed", "open", "closed"),
		look("closed", "open", "closed"),
		look("closed", "open", "closed"),
		look("closed", "closed", "closed"),
		look("closed", "closed", "closed"),
	);
	expect([...watched.together]).toEqual([
		["manager, worker2", new Date(1000)],
		["manager, worker1, worker2", new Date(4000)],
	]);
	expect(watched.fewestOpen).toBe(0);
});

test("a machine that says nothing is not closed, and not open", () => {
	expect(counted(look("silent", "open", "closed"), look("silent", "open", "closed"))).toMatchObject({
		closed: ["worker2"],
		together: new Map(),
		fewestOpen: 1,
	});
});
