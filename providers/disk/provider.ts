import * as fs from "node:fs/promises";
import * as path from "node:path";
import { defineProvider } from "../define.ts";
import { run } from "../machine/qemu.ts";
import type { DiskInputs } from "./resource.ts";

export const provider = defineProvider<DiskInputs, object>({
	inputs: { file: "replace", sizeGiB: "replace" },
	deleteBeforeReplace: true,

	async create({ file, sizeGiB }) {
		if (!(await exists(file))) {
			await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
			// Written under another name until complete: an interrupted run must not leave half a file system.
			const part = `${file}.part`;
			await fs.rm(part, { force: true });
			await run("mke2fs", ["-q", "-t", "ext4", part, `${sizeGiB}G`]);
			await fs.rename(part, file);
		}
		return { id: file, outputs: {} };
	},
	async read(file) {
		return (await exists(file)) ? {} : undefined;
	},
	async update() {
		return {};
	},
	async delete(file) {
		await fs.rm(file, { force: true });
	},
});

const exists = (file: string) =>
	fs.access(file).then(
		() => true,
		() => false,
	);
