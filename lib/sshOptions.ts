import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type Connection, shellQuote } from "./connection.ts";

/**
 * Options for the ssh program, which the Docker provider starts. It accepts keys only as files, so they are written to a private directory of the user.
 * The files are named after their content: so the names are the same on every run, and no key appears in a command line or in the state.
 */
export function sshOptions(connection: Connection): string[] {
	const { proxy } = connection;
	const options = [
		`IdentityFile=${privateFile(connection.privateKey)}`,
		"IdentitiesOnly=yes",
		"StrictHostKeyChecking=yes",
		`UserKnownHostsFile=${privateFile(`[${connection.host}]:${connection.port} ${connection.hostKey}\n${connection.host} ${connection.hostKey}\n`)}`,
		"BatchMode=yes",
		"ConnectTimeout=30",
		"ControlMaster=auto",
		`ControlPath=${path.join(privateDirectory(), "%C")}`,
		"ControlPersist=60",
		...(proxy ? [`ProxyCommand=${proxyCommand(proxy)}`] : []),
	];
	return options.flatMap((option) => ["-o", option]);
}

/** The command with which ssh reaches a host through the bastion. ssh expands tokens in it, such as %h, so tokens for the inner ssh have a double %. */
function proxyCommand(proxy: Connection): string {
	const options = sshOptions(proxy).map((word) => word.replaceAll("%", "%%"));
	return ["ssh", ...options, "-p", `${proxy.port}`, "-W", "%h:%p", `${proxy.user}@${proxy.host}`].map(shellQuote).join(" ");
}

function privateDirectory(): string {
	const directory = path.join(os.homedir(), ".cache", "swarm-scaleout", "ssh");
	fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
	return directory;
}

function privateFile(content: string): string {
	const file = path.join(privateDirectory(), createHash("sha256").update(content).digest("hex").slice(0, 16));
	fs.writeFileSync(file, content, { mode: 0o600 });
	return file;
}
