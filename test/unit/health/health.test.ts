import { type ChildProcess, execFile, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Health } from "../../../lib/health.ts";
import { healthcheck, probeTool } from "../../../providers/service/healthcheck.ts";
import type { ProbeResult } from "../../../providers/service/resource.ts";
import { checkNodes } from "../../../providers/service/serving.ts";
import { connection, projectDirectory } from "../fixtures.ts";
import { serviceInputs } from "../providers/service/inputs.ts";
import { type ApplicationName, portOf, type SeenRequest } from "./applications.ts";

/*
 * What healthy means to each of its users, with the real programs: the exact command of Docker's check in a root directory that holds nothing but
 * busybox, /dev and /proc and cannot be written to, as a user who is nobody; the module of the node's agent; the function of `up`, with the real curl; the prober.
 * The applications listen at an address of a network namespace. Whoever obeyed the environment would ask a proxy that is not there.
 */

const namespace = `scaleout-health-${process.pid}`;
const address = "10.99.7.2";
const otherAddress = "10.99.8.2";
const busybox = process.env.BUSYBOX ?? "/bin/busybox";
const proxied = {
	http_proxy: "http://127.0.0.1:9",
	HTTP_PROXY: "http://127.0.0.1:9",
	all_proxy: "http://127.0.0.1:9",
	NODE_USE_ENV_PROXY: "1",
};

let missing = "";
let root: string;
let served: ChildProcess | undefined;
const requests: SeenRequest[] = [];

interface Ended {
	code: number;
	stdout: string;
	stderr: string;
}

function run(file: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
	return new Promise((resolve) =>
		execFile(file, args, { env, cwd: projectDirectory }, (error, stdout, stderr) =>
			resolve({ code: error ? (typeof error.code === "number" ? error.code : 255) : 0, stdout, stderr }),
		),
	);
}

/** In the applications' network, with an environment that names a proxy. */
const inside = (file: string, ...args: string[]) => run("ip", ["netns", "exec", namespace, file, ...args], { ...process.env, ...proxied });

async function must(file: string, ...args: string[]): Promise<void> {
	const { code, stderr } = await run(file, args);
	if (code !== 0) throw new Error(`${file} ${args.join(" ")}: ${stderr}`);
}

async function whatIsMissing(): Promise<string> {
	if (process.getuid?.() !== 0) return "it needs root, to make a network namespace";
	if (!fs.existsSync(busybox)) return `it needs ${busybox}: apt-get install busybox-static`;
	for (const tool of ["ip", "curl", "python3", "unshare"]) if ((await run("which", [tool])).code !== 0) return `it needs ${tool}`;
	if ((await run("ip", ["netns", "add", namespace])).code !== 0) return "this machine makes no network namespaces";
	return "";
}

beforeAll(async () => {
	missing = await whatIsMissing();
	if (missing) return;
	await must("ip", "-n", namespace, "link", "set", "lo", "up");
	await must("ip", "-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "other");
	await must("ip", "-n", namespace, "addr", "add", `${address}/24`, "dev", "eth0");
	await must("ip", "-n", namespace, "addr", "add", `${otherAddress}/24`, "dev", "other");
	for (const name of ["eth0", "other"]) await must("ip", "-n", namespace, "link", "set", name, "up");
	root = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-health-"));
	for (const directory of [path.dirname(probeTool), "dev", "proc"]) fs.mkdirSync(path.join(root, directory));
	fs.copyFileSync(busybox, path.join(root, probeTool));
	fs.chmodSync(root, 0o755);
	const program = path.join(import.meta.dirname, "applications.ts");
	served = spawn("ip", ["netns", "exec", namespace, process.execPath, program], { stdio: ["ignore", "pipe", "inherit"] });
	await new Promise<void>((resolve, reject) => {
		served?.once("exit", () => reject(new Error("the applications did not start")));
		createInterface({ input: served?.stdout as NodeJS.ReadableStream }).on("line", (line) => {
			if (line === "ready") resolve();
			else requests.push(JSON.parse(line));
		});
	});
});

afterAll(async () => {
	served?.kill("SIGKILL");
	if (root) fs.rmSync(root, { recursive: true });
	if (!missing) await run("ip", ["netns", "del", namespace]);
});

beforeEach((context) => context.skip(missing !== "", missing));

/** As a script runs on a host. */
async function shell(_connection: unknown, script: string): Promise<string> {
	const { code, stdout, stderr } = await inside("bash", "--norc", "-euo", "pipefail", "-c", script);
	if (code !== 0) throw new Error(stderr);
	return stdout;
}

const health = (change: Partial<Health> = {}): Health => ({
	path: "/health",
	status: [200],
	host: "localhost",
	timeoutSeconds: 3,
	...change,
});
const inputsOf = (name: ApplicationName, change: Partial<Health>) => {
	const port = portOf(name);
	return serviceInputs({
		publish: { mode: "host", target: port, published: port },
		health: { ...serviceInputs().health, intervalSeconds: 1, ...health(change) },
	});
};

interface Container {
	/** What stands before the check's command. */
	before?: string[];
	/** What was done in its /dev/shm. */
	shm?: string;
}

/** Docker's check, as the service's spec has it. */
async function docker(
	name: ApplicationName,
	change: Partial<Health> & { intervalSeconds?: number },
	{ before = [], shm = "" }: Container = {},
): Promise<Ended & { seconds: number; limit: number }> {
	const { Test: words, Timeout: limit } = healthcheck(inputsOf(name, change)) as { Test: string[]; Timeout: number };
	const enter = `
mount --bind "$1" "$1"
mount --bind /proc "$1/proc"
mount --bind /dev "$1/dev"
mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
( cd "$1/dev/shm"; ${shm || ":"} )
mount -o remount,ro,bind "$1"
root=$1
shift
chroot=$(command -v chroot)
exec env -i ${Object.entries(proxied)
		.map(([key, value]) => `${key}=${value}`)
		.join(" ")} IFS=/ PATH=/nowhere "$chroot" --userspec=65534:65534 "$root" "$@"`;
	const started = performance.now();
	const ended = await inside("unshare", "-m", ...before, "bash", "--norc", "-euc", enter, "bash", root, ...words.slice(1));
	return { ...ended, seconds: (performance.now() - started) / 1000, limit: limit / 1e9 };
}

/** A process 1 that waits for nobody else's children, as many applications are, and tells what is left when the check has ended. */
const careless = `
import os, subprocess, sys
subprocess.run(sys.argv[1:], check=False, stderr=subprocess.DEVNULL)
print([name for name in os.listdir("/proc") if name.isdigit() and int(name) > 1])`;
const inProcess1 = ["-p", "-f", "--mount-proc", "python3", "-c"];
const asProcess1 = [...inProcess1, careless];

/** The same, of a check that is ended while it waits. */
const ended = `
import os, subprocess, sys, time
check = subprocess.Popen(sys.argv[1:])
time.sleep(2)
check.terminate()
check.wait()
time.sleep(0.5)
print([name for name in os.listdir("/proc") if name.isdigit() and int(name) > 1])`;

/** Tells what is in /dev/shm when the check has ended. */
const afterwards = [
	"python3",
	"-c",
	`
import os, subprocess, sys
code = subprocess.run(sys.argv[1:], check=False).returncode
print(open(sys.argv[6] + "/dev/shm/.scaleout-health").read())
sys.exit(code)`,
];

/** The module of the node's agent: whether it is healthy, and the answer in words. */
async function agent(name: ApplicationName, change: Partial<Health>): Promise<{ healthy: boolean; answer: string; seconds: number }> {
	const program = `
import json, sys, time
sys.path.insert(0, "host/agents")
import scaleout_health
address, port, health = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
started = time.monotonic()
healthy = scaleout_health.healthy(address, port, health)
seconds = time.monotonic() - started
print(json.dumps({"healthy": healthy, "answer": scaleout_health.answer(address, port, health), "seconds": seconds}))`;
	const { stdout, stderr } = await inside("python3", "-c", program, address, `${portOf(name)}`, JSON.stringify(health(change)));
	if (!stdout) throw new Error(stderr);
	return JSON.parse(stdout);
}

/** The function that `up` and a refresh ask by. */
async function up(name: ApplicationName, change: Partial<Health>): Promise<{ healthy: boolean | undefined; answer: string }> {
	const nodes = [{ name: "node", nodeId: "", address, connection: connection() }];
	const [check] = await checkNodes(nodes, inputsOf(name, change), { shell }, false);
	return { healthy: check?.serves, answer: check?.answer ?? "" };
}

async function prober(name: ApplicationName, asked = "/health"): Promise<ProbeResult> {
	const program = path.join(import.meta.dirname, "prober.ts");
	const { stdout, stderr } = await inside(process.execPath, program, `http://${address}:${portOf(name)}`, asked);
	if (!stdout) throw new Error(stderr);
	return JSON.parse(stdout);
}

const odd = "/a/../b//c/%2e%2E/$(touch%20x);'\"`&|?q=1&b=a%20b#{x,y}[1-2]*~";
type Row = [name: ApplicationName, healthy: boolean, words: string, change?: Partial<Health>];

// biome-ignore format: one case a row
const rows: Row[] = [
	["ok", true, "answers 200"],
	["ok", true, "answers 200", { path: "/health?x=1&y=%20#", host: "was.example.org:8080" }],
	["ok", false, "answers 200", { status: [204] }],
	["ok", true, "answers 200", { path: odd.split("#")[0] as string }],
	["no content", false, "answers 204"],
	["no content", true, "answers 204", { status: [200, 204] }],
	["ok", true, "answers 200", { status: [200, 204] }],
	["a redirect to itself, then 200", false, "answers 302"],
	["a redirect to itself, then 200", true, "answers 302", { status: [302] }],
	["unauthorized", false, "answers 401"],
	["unauthorized", true, "answers 401", { status: [200, 401] }],
	["not found", false, "answers 404"],
	["broken", false, "answers 500"],
	["unavailable", false, "answers 503"],
	["a second late", true, "answers 200"],
	["after the limit", false, "no answer within 2 s", { timeoutSeconds: 2 }],
	["after the limit", true, "answers 200", { timeoutSeconds: 8 }],
	["a status line that drips", false, "no answer within 2 s", { timeoutSeconds: 2 }],
	["a body that drips", true, "answers 200"],
	["closes without an answer", false, "closed without an answer"],
	["closes within the status line", false, "closed without an answer"],
	["closes within the body", true, "answers 200"],
	["says nothing", false, "no answer within 2 s", { timeoutSeconds: 2 }],
	["listens on 127.0.0.1 only", false, "connection refused"],
	["is down", false, "connection refused"],
	["answers to its own name only", false, "answers 421"],
	["answers to its own name only", true, "answers 200", { host: "was.example.org:8443" }],
	["a huge body", true, "answers 200"],
	["HTTP/1.0", true, "answers 200"],
	["chunked", true, "answers 200"],
	["leaves the connection open", true, "answers 200"],
	["without a reason phrase", true, "answers 200"],
	["an early hint, then 200", true, "answers 200"],
	["an early hint, then 500", false, "answers 500"],
	["an early hint, then nothing", false, "closed without an answer"],
	["no HTTP", false, "no HTTP in the answer"],
	["a very long head", true, "answers 200"],
];

describe("Docker's check, the agent and `up` agree on an application that", () => {
	test.each(rows)("is or does this: %s: %s, %s, %o", async (name, healthy, words, change = {}) => {
		const [check, asked, looked] = await Promise.all([docker(name, change), agent(name, change), up(name, change)]);
		expect({ docker: check.code === 0, agent: asked.healthy, up: looked.healthy }, check.stderr).toEqual({
			docker: healthy,
			agent: healthy,
			up: healthy,
		});
		expect(asked.answer).toBe(words);
		expect(looked.answer).toBe(healthy ? "" : `${address}:${portOf(name)}: ${words}`);
		// What `docker inspect` shows of the check: nothing while it is well, else the reason, of nc for a connection.
		if (healthy) expect(check.stderr).toBe("");
		else expect(check.stderr.toLowerCase()).toContain(words.replace("no HTTP", "no http"));
		// The agent's limit holds to the second, Docker kills a check that takes longer than its own.
		const { timeoutSeconds } = health(change);
		expect(asked.seconds).toBeLessThan(timeoutSeconds + 2);
		expect(check.seconds).toBeLessThan(check.limit);
	});
});

test.each<[ApplicationName]>([["ok"], ["broken"], ["after the limit"], ["is down"], ["a body that drips"]])(
	"Docker's check leaves no process behind where the application is process 1 and reaps no children: %s",
	async (name) => {
		const { stdout } = await docker(name, { timeoutSeconds: 2 }, { before: asProcess1 });
		expect(stdout.trim()).toBe("[]");
	},
);

describe("Docker's check", () => {
	const healthyOnce = "echo healthy > .scaleout-health";

	test("of a new task ends when the application has begun to answer, and notes it", async () => {
		const { code, stdout, seconds } = await docker("unavailable for two seconds", { intervalSeconds: 20 }, { before: afterwards });
		expect(code).toBe(0);
		expect(stdout.trim()).toBe("healthy");
		expect(seconds).toBeGreaterThan(2);
		expect(seconds).toBeLessThan(8);
	});

	test("of a new task that does not get healthy fails after an interval, and notes nothing", async () => {
		const { code, stdout, stderr, seconds } = await docker("unavailable", { intervalSeconds: 3 }, { before: afterwards });
		expect([code, stdout.trim(), stderr.trim()]).toEqual([1, "new", expect.stringMatching(/^(10.99.[78].2: answers 503\s*){2}$/)]);
		expect(seconds).toBeGreaterThan(3);
	});

	test("leaves nothing behind when Docker ends it", async () => {
		const { stdout } = await docker("ok", { intervalSeconds: 60 }, { before: [...inProcess1, ended], shm: healthyOnce });
		expect(stdout.trim()).toBe("[]");
	});

	test.each([
		["was healthy once", healthyOnce],
		["has no /dev/shm to write to", "mount -o remount,ro ."],
	])("of a task that %s checks once at each address, at the interval's end", async (_case, shm) => {
		requests.length = 0;
		const [well, ill] = await Promise.all([
			docker("ok", { intervalSeconds: 4 }, { shm }),
			docker("broken", { intervalSeconds: 4 }, { shm }),
		]);
		expect([well.code, ill.code]).toEqual([0, 1]);
		for (const { seconds } of [well, ill]) expect(seconds).toBeGreaterThan(3);
		expect(requests.map(({ application }) => application).sort()).toEqual(["broken", "broken", "ok", "ok"]);
		expect(ill.stderr).toMatch(/answers 500/);
	});
});

test("a container of two networks is healthy when the application answers at either address, though one is silent", async () => {
	const { code, stderr } = await docker("answers at its second address only", { timeoutSeconds: 2 });
	expect([code, stderr]).toEqual([0, expect.stringMatching(/^(10.99.7.2: no answer within 2 s\n)?$/)]);
});

test("all send the same request", async () => {
	const change = { path: "/a/../b?q=%20&x=$(id)", host: "was.example.org:1" };
	requests.length = 0;
	await Promise.all([docker("ok", change), up("ok", change), agent("ok", change)]);
	expect([...new Set(requests.map(({ head }) => head.join("\n")))]).toEqual([
		["GET /a/../b?q=%20&x=$(id) HTTP/1.1", "Host: was.example.org:1", "User-Agent: scaleout", "Accept: */*", "Connection: close"].join(
			"\n",
		),
	]);
});

describe("the prober counts", () => {
	test.each<[ApplicationName, "answered" | "failed"]>([
		["ok", "answered"],
		["a redirect to itself, then 200", "answered"],
		["not found", "answered"],
		["HTTP/1.0", "answered"],
		["chunked", "answered"],
		["an early hint, then 200", "answered"],
		["a second late", "answered"],
		["broken", "failed"],
		["unavailable", "failed"],
		["closes without an answer", "failed"],
		["closes within the body", "failed"],
		["is down", "failed"],
		["no HTTP", "failed"],
	])("%s as %s, whatever the environment says of proxies", async (name, outcome) => {
		requests.length = 0;
		const { total, failed } = await prober(name);
		expect(total).toBeGreaterThan(0);
		expect(failed).toBe(outcome === "failed" ? total : 0);
		expect(requests.filter(({ head }) => head[0]?.includes("again"))).toEqual([]);
	});
});
