import { asRoot, describeConnection } from "../../lib/connection.ts";
import { connect, exec, SshError, type SshFault } from "../../lib/ssh.ts";
import { defineProvider } from "../define.ts";
import type { HostCheckInputs, HostCheckOutputs } from "./resource.ts";

const supported = /^(debian (12|13)|ubuntu (22|24|26)\.04)$/;

const remedies: Record<SshFault, [property: string, remedy: string]> = {
	unreachable: ["ssh.host", "check the address, the port, and that the host is up"],
	authentication: ["ssh.privateKeyFile", "check the user, and that the key is in its authorized_keys"],
	privateKey: ["ssh.privateKeyFile", "give an OpenSSH or PEM private key without passphrase"],
	hostKey: ["ssh.hostKey", "someone else may answer at this address; if the host was really made anew, pin its new key"],
};

export const provider = defineProvider<HostCheckInputs, HostCheckOutputs>({
	inputs: { property: "ignore", connection: "update", deadlineSeconds: "ignore", hint: "ignore" },

	async create(inputs) {
		return { id: describeConnection(inputs.connection), outputs: await look(inputs) };
	},
	async read(_id, { os, architecture }) {
		// A host that is down must not keep a refresh from seeing, and an update from mending, everything else.
		return { os, architecture };
	},
	async update(_id, _olds, news) {
		return look(news);
	},
	async delete() {},
});

async function look({ property, connection, deadlineSeconds = 45, hint }: HostCheckInputs): Promise<HostCheckOutputs> {
	try {
		await connect(connection, deadlineSeconds);
	} catch (error) {
		if (!(error instanceof SshError)) throw error;
		const [field, remedy] = remedies[error.fault];
		const further = error.fault === "unreachable" && hint ? `; ${hint}` : "";
		throw new Error(`${property}.${field}: ${error.message}: ${remedy}${further}`);
	}
	const { stdout, stderr, code } = await exec(connection, asRoot(connection.user, '. /etc/os-release; echo "$ID $VERSION_ID"; uname -m'));
	if (code !== 0) {
		throw new Error(
			`${property}.ssh.user = "${connection.user}": cannot run commands as root: allow it "sudo -n", or use root: ${stderr.trim()}`,
		);
	}
	const [os = "", architecture = ""] = stdout.trim().split("\n");
	if (!supported.test(os)) throw new Error(`${property}: the host runs ${os}: use Debian 12 or 13, or Ubuntu 22.04, 24.04 or 26.04`);
	return { os, architecture };
}
