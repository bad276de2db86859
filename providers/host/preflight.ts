import { scriptText } from "../../host/kit.ts";
import type { Role } from "../../lib/roles.ts";

/*
 * Checks before anything is done to a host. The script prints `name value` lines; they are judged here.
 */

/** Kernel modules by role: for overlay file systems, the routing mesh and service addresses, and NFS. */
const modules: Partial<Record<Role, string[]>> = {
	manager: ["overlay", "ip_vs"],
	worker: ["overlay", "ip_vs"],
	app: ["nfs"],
	log: ["nfsd"],
};

const supportedSystems = /^(debian (12|13)|ubuntu (22|24|26)\.04)$/;
/** Has Engine API 1.41, the oldest with everything that is used here. */
const oldestDocker = "20.10";
/** Space for packages, an image and a new version of it. */
const neededMiB = 1024;
/** With more skew, logs of several nodes are out of order, and certificates may not be valid yet. */
const toleratedSkewSeconds = 30;

/** The script: prints what `preflight` reads, and changes nothing. Pure. */
export function preflightScript(roles: Role[]): string {
	const needed = [...new Set(roles.flatMap((role) => modules[role] ?? []))];
	return scriptText("host/preflight", { modules: needed, oldest_docker: oldestDocker });
}

export interface Preflight {
	/** `ID` and `VERSION_ID` of os-release. */
	os: string;
	architecture: string;
	/** Problems that prevent use of the host, each with the remedy. */
	problems: string[];
}

/** Reads what the script printed. `now`: Unix time here when it was printed, in seconds. Pure. */
export function preflight(printed: string, now: number): Preflight {
	const values = (name: string) =>
		printed
			.split("\n")
			.filter((line) => line.startsWith(`${name} `))
			.map((line) => line.slice(name.length + 1).trim());
	const [os = "unknown"] = values("os");
	const [architecture = "unknown"] = values("architecture");
	const skew = Math.round(Number(values("clock")[0]) - now);
	const freeMiB = Math.floor(Number(values("free")[0]) / 1024);
	const problems = [
		!supportedSystems.test(os) && `the host runs ${os}: use Debian 12 or 13, or Ubuntu 22.04, 24.04 or 26.04`,
		Math.abs(skew) > toleratedSkewSeconds &&
			`its clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} this machine's: let it be set by NTP (systemctl enable --now systemd-timesyncd)`,
		freeMiB < neededMiB && `${freeMiB} MiB are free in /var/lib, ${neededMiB} MiB are needed: make room, or use a larger disk`,
		...values("lacks").map(
			(module) => `its kernel has no module ${module}: install the distribution's full kernel (linux-image-amd64, linux-modules-extra)`,
		),
		...values("snap").map(
			(name) =>
				`its Docker is a snap, which sees neither /etc/docker nor the mounts of the host: snap remove ${name}, a package is then installed`,
		),
		...values("docker").map((version) => `Docker ${version} is too old: install ${oldestDocker} or newer`),
	];
	return { os, architecture, problems: problems.filter((problem) => typeof problem === "string") };
}
