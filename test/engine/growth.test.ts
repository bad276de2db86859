import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { noopUp, simulatedStack } from "../bench/simulated.ts";

/* That what `npm run bench:growth` times is what it says: a deployed stack with nothing to do. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-growth-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(noEngine)(`with the engine${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	test("an up of hosts that exist nowhere finds every resource unchanged, without asking a host", async () => {
		const { resources, seconds } = await noopUp(await simulatedStack(5, scratch));
		expect(resources).toBeGreaterThan(4 * 5);
		// A host that is asked lets it wait for an answer.
		expect(seconds).toBeLessThan(60);
	});
});
