import { newKeyPair } from "../../lib/sshKeys.ts";
import { defineProvider } from "../define.ts";
import type { SshKeyInputs } from "./resource.ts";

type SshKeyOutputs = { privateKey: string; publicKey: string };

export const provider = defineProvider<SshKeyInputs, SshKeyOutputs>({
	inputs: { keepers: "replace" },
	async create() {
		const { private: privateKey, public: publicKey } = newKeyPair();
		return { id: publicKey.split(" ")[1]?.slice(-16) ?? "key", outputs: { privateKey, publicKey } };
	},
	async read(_id, { privateKey, publicKey }) {
		return { privateKey, publicKey };
	},
	async update(_id, { privateKey, publicKey }) {
		return { privateKey, publicKey };
	},
	async delete() {},
});
