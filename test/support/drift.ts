import { beforeAll, describe, expect, inject, test } from "vitest";
import type { RolloutLab } from "./rollout.ts";

/*
 * What someone changes by hand is named by `preview --refresh` and mended by `up --refresh`; a second one has nothing to do. The changes of a
 * round are made at the same time and mended by one `up`, because each `up` takes minutes here.
 */

/** One change by hand. */
export interface Change {
	what: string;
	host: string;
	/** Makes the change: bash on the host, or something done here. */
	change: string | (() => unknown);
	/** What the preview must say. */
	named: RegExp;
	/** Bash on the host that prints what `mended` matches when all is well again. */
	look: string;
	mended: RegExp;
}

/** The tests of a round of changes. */
export function round(lab: RolloutLab, title: string, changes: Change[]): void {
	describe.skipIf(inject("lab").noEngine)(title, () => {
		let preview = "";
		let second = "";
		beforeAll(async () => {
			lab.configure();
			await lab.converge();
			for (const { host, change } of changes) await (typeof change === "string" ? lab.on(host, change) : change());
			preview = (await lab.stack.previewText("--refresh")).output;
			await lab.converge("--refresh");
			second = (await lab.stack.up("--refresh")).output;
		});
		test.each(changes)("$what", async ({ host, named, look, mended }) => {
			expect(preview).toMatch(named);
			expect(await lab.on(host, look)).toMatch(mended);
		});
		test("a second refresh finds nothing, and the service answers on all nodes", async () => {
			expect(second).toMatch(/Resources:\s+\d+ unchanged\s/);
			await lab.expectVersion("1");
			await lab.expectNothingDrained();
		});
	});
}
