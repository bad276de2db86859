import { recordDirectory, scriptText } from "../../../host/kit.ts";

/*
 * What a refresh looks at on a host, as variables of playbook.yml. They are made from the records that the steps left on the host, so that the
 * playbook checks the same, also when a step comes to look at more. Owners are numbers: not every one has a name.
 */

/** A path as it should be. */
interface OwnedPath {
	path: string;
	/** User ID. */
	owner: string;
	/** Group ID. */
	group: string;
	/** Octal, four digits. */
	mode: string;
}

/** Variables of one host, by the playbook's names. */
export interface HostVariables {
	packages: string[];
	/** systemd units that run and are enabled. */
	units: string[];
	directories: OwnedPath[];
	/** Files that are compared with a copy here. */
	files: OwnedPath[];
	/** Files that only their owner can read: compared by checksum. */
	private_files: (OwnedPath & { sha256: string })[];
	absent: string[];
	/** `PATH CLIENT(OPTIONS)`. */
	live_exports: string[];
	/** Files that NGINX's workers have read. */
	nginx_files: string[];
}

export interface HostBootstraps {
	variables: HostVariables;
	/** Content of `files`, base64, by path. */
	contents: Record<string, string>;
}

/** Prints the host's records line by line, with owners and content. Pure. */
export const recordsScript = (owner: string): string => scriptText("host/records", { records: recordDirectory(owner) });

/** What `recordsScript` printed, as checks. Pure. @throws Error for a record that the playbook has no task for, or that says something is wrong. */
export function checksOf(printed: string): HostBootstraps {
	const variables: HostVariables = {
		packages: [],
		units: [],
		directories: [],
		files: [],
		private_files: [],
		absent: [],
		live_exports: [],
		nginx_files: [],
	};
	const contents: Record<string, string> = {};
	for (const line of printed.split("\n").filter(Boolean)) {
		const [subject = "", state = "", owner = "", group = "", mode = "", content = ""] = line.split("\t");
		const [, name = ""] = /^package (.+)$/.exec(subject) ?? [];
		const [, path = "", client = ""] = /^live export of (\S+) to (\S+)$/.exec(subject) ?? [];
		const owned = { path: subject, owner, group, mode };
		const [kind, value = ""] = content.split(":");
		if (name && state === "installed") variables.packages.push(name);
		else if (path) variables.live_exports.push(`${path} ${client}(${state})`);
		else if (subject === "what NGINX runs with") variables.nginx_files.push(state);
		else if (state === "active and enabled") variables.units.push(subject);
		else if (subject.startsWith("/") && state === "absent") variables.absent.push(subject);
		else if (kind === "directory") variables.directories.push(owned);
		else if (kind === "sha256") variables.private_files.push({ ...owned, sha256: value });
		else if (kind === "base64") {
			variables.files.push(owned);
			contents[subject] = value;
		} else throw new Error(`the playbook has no task for the record "${subject} is ${state}": give it one, or mend the host`);
	}
	return { variables, contents };
}
