import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingEngine } from "../../lab/engine.ts";
import { projectDirectory, TestStack } from "../support/stack.ts";

/* What keeps an image is a promise of the engine's own, so it is asked. */

const noEngine = missingEngine();
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-image-"));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const program = `
import * as pulumi from "@pulumi/pulumi";
import { pinnedImage } from ${JSON.stringify(path.join(projectDirectory, "components", "sources", "aws", "instances.ts"))};
const config = new pulumi.Config();
export const image = pinnedImage({ name: "worker1", aliases: [] }, config.require("wanted"), config.require("current"), { named: (what) => what, opts: {} });
`;

describe.skipIf(noEngine)(`the image of a host in EC2${noEngine ? ` (skipped: ${noEngine})` : ""}`, () => {
	let stack: TestStack;
	beforeAll(async () => {
		fs.writeFileSync(
			path.join(scratch, "Pulumi.yaml"),
			"name: image\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.ts\n",
		);
		fs.writeFileSync(path.join(scratch, "package.json"), '{ "type": "module" }\n');
		fs.writeFileSync(path.join(scratch, "index.ts"), program);
		fs.symlinkSync(path.join(projectDirectory, "node_modules"), path.join(scratch, "node_modules"));
		stack = new TestStack("image", path.join(scratch, "stack"), {}, {}, scratch);
		await stack.init();
	});

	// biome-ignore format: one step a row
	const steps: [what: string, current: string, wanted: string, image: string, shown: string[]][] = [
		["is the current one when the host is made", "ami-1", "ubuntu-24.04 0", "ami-1", ["create"]],
		["stays when the vendor has a newer one, and nothing shows as changed", "ami-2", "ubuntu-24.04 0", "ami-1", []],
		["is the newer one when its revision is counted up, already at preview", "ami-2", "ubuntu-24.04 1", "ami-2", ["replace"]],
		["stays again", "ami-3", "ubuntu-24.04 1", "ami-2", []],
	];
	test.each(steps)("%s", async (_what, current, wanted, image, shown) => {
		stack.config = { "image:current": current, "image:wanted": wanted };
		const previewed = (await stack.preview()).filter(({ urn }) => urn.includes("Stash"));
		expect(previewed.map(({ op }) => op).filter((op) => !op.endsWith("-replacement") && op !== "delete-replaced")).toEqual(shown);
		const { code, output } = await stack.up();
		expect(code, output).toBe(0);
		expect((await stack.resources()).find(({ type }) => type === "pulumi:index:Stash")?.outputs.output).toBe(image);
	});
});
