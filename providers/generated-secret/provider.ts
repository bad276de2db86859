import { randomBytes, randomUUID } from "node:crypto";
import { defineProvider } from "../define.ts";

export const provider = defineProvider<object, { value: string }>({
	inputs: {},
	async create() {
		return { id: randomUUID(), outputs: { value: randomBytes(24).toString("base64url") } };
	},
	async read(_id, { value }) {
		return { value };
	},
	async update(_id, { value }) {
		return { value };
	},
	async delete() {},
});
