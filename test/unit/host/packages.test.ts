import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep } from "../../support/step.ts";

/* The packages of a step, on a host that has some. */

let host: StandInHost;
eachOnHost((fresh) => {
	host = fresh;
});

/** @param failures how often apt-get fails to install */
function install(wanted: string[], installed: string[], { failures = 0, ...data }: { failures?: number; units?: string[] } = {}) {
	const standIns = standInsOf(installed, failures);
	const files = [{ path: "/etc/made/file", content: "made\n" }];
	const { status, stderr } = runStep(host, { step: "host/packages", packages: wanted, files, ...data }, standIns);
	const calls = host.calls("apt-get").map((words) =>
		words
			.join(" ")
			.replace(/-o \S+ /g, "")
			.replace(/ -q /, " "),
	);
	return { calls, status, stderr };
}

const standInsOf = (installed: string[], failures = 0) => `
export failures=${failures}
dpkg-query() { case " ${installed.join(" ")} " in *" \${!#} "*) echo "install ok installed" ;; *) return 1 ;; esac; }
apt-get() { said apt-get "$@"; case " $* " in *" install "*) if [ $failures -gt 0 ]; then failures=$((failures - 1)); return 100; fi ;; esac; }
systemctl() { said systemctl "$@"; [ "$1" != is-enabled ]; }
export -f dpkg-query apt-get systemctl`;

const apt = "apt-get install -y --no-remove --no-install-recommends";
const made = () => fs.existsSync(path.join(host.root, "etc/made/file"));

test("what is missing is installed, and only that; then the step goes on", () => {
	expect(install(["curl", "nfs-common"], ["curl"])).toEqual({ calls: [`${apt} nfs-common`], status: 0, stderr: "installing nfs-common\n" });
	expect(made()).toBe(true);
});

test("the network is asked for nothing when all is there", () => {
	expect(install(["curl", "nfs-common"], ["curl", "nfs-common"])).toEqual({ calls: [], status: 0, stderr: "" });
});

test("the package lists are fetched when the installation fails without, and it is tried again", () => {
	const { calls, status } = install(["nginx"], [], { failures: 1 });
	expect(calls).toEqual([`${apt} nginx`, "apt-get update", `${apt} nginx`]);
	expect(status).toBe(0);
});

test("an installation that fails for good fails the step, which does nothing else", () => {
	expect(install(["nginx", "curl"], ["curl"], { failures: 9 })).toMatchObject({
		status: 1,
		stderr: "installing nginx\npackages that cannot be installed: nginx\n",
	});
	expect(made()).toBe(false);
});

test("a Docker from elsewhere is used as it is: the distribution's would take its place and end its containers", () => {
	fs.writeFileSync(path.join(host.root, ".bin/dockerd"), "", { mode: 0o755 });
	expect(install(["docker.io", "curl"], []).calls).toEqual([`${apt} curl`]);
});

test("Docker's own command is installed where it is a package of its own, as from Debian 13 on", () => {
	const without = `${standInsOf(["docker.io"])}\nunset -f docker; export -n docker`;
	const { status, stderr } = runStep(host, { step: "host/packages", packages: ["docker.io"] }, without);
	expect(status, stderr).toBe(0);
	expect(host.calls("apt-get").map((words) => words.at(-1))).toEqual(["docker-cli"]);
});

describe("the lock of the package lists, for which apt does not wait,", () => {
	/** What is called while others hold it for so many tries. */
	const callsWhileHeld = (tries: number) => {
		const lock = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 600 (apt-get)";
		const aptGet = `apt-get() {
  said apt-get "$@"
  case " $* " in
    *" install "*) grep -q fetched "$ROOT/tmp/lists" 2> /dev/null ;;
    *" update "*) if [ "$(grep -c update "$ROOT/.said")" -le ${tries} ]; then echo "${lock}" >&2; return 100; else echo fetched > "$ROOT/tmp/lists"; fi ;;
  esac
}
export -f apt-get`;
		const { status, stderr } = runStep(host, { step: "host/packages", packages: ["nginx"] }, `${standInsOf([])}\n${aptGet}`);
		return { status, stderr, calls: host.calls("apt-get").map((words) => (words.includes("update") ? "update" : "install")) };
	};

	test("is waited for", () => {
		expect(callsWhileHeld(2)).toMatchObject({ status: 0, calls: ["install", "update", "update", "update", "install"] });
	});

	test("is not waited for without an end, and then the reason is told", () => {
		const { status, stderr, calls } = callsWhileHeld(9999);
		expect(status).toBe(1);
		expect(calls.length).toBeGreaterThan(20);
		expect(stderr).toContain("Could not get lock");
	});
});

test("the role's services are enabled and started", () => {
	install(["docker.io"], ["docker.io"], { units: ["docker"] });
	const calls = host.calls("systemctl").map(([, ...words]) => words.join(" "));
	expect(calls).toEqual(expect.arrayContaining(["enable docker", "start docker"]));
});
