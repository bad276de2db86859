import { kitArchive, kitDirectory, scriptText } from "../../host/kit.ts";
import { describeConnection, shellQuote } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { defineProvider } from "../define.ts";
import type { HostScriptsInputs, HostScriptsOutputs } from "./resource.ts";

export const provider = defineProvider<HostScriptsInputs, HostScriptsOutputs>({
	inputs: { connection: "update", machineId: "update", owner: "replace", version: "update" },

	drift: ({ installed, version }) => (installed === version ? [] : ["installed"]),

	async create(inputs) {
		await install(inputs);
		return { id: describeConnection(inputs.connection), outputs: { installed: inputs.version } };
	},

	async read(_id, { connection, owner }) {
		const installed = await execAsRoot(connection, scriptText("host/installed", { kit: kitDirectory(owner) }));
		return { installed: installed.trim() };
	},

	async update(_id, _olds, inputs) {
		await install(inputs);
		return { installed: inputs.version };
	},

	// The last thing that goes from a host: its steps are undone by then.
	async delete(_id, { connection, owner }) {
		await execAsRoot(connection, `rm -rf ${shellQuote(kitDirectory(owner))}`);
	},
});

async function install({ connection, owner }: HostScriptsInputs): Promise<void> {
	await execAsRoot(connection, scriptText("host/install", { kit: kitDirectory(owner) }), { stdin: await kitArchive() });
}
