import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../support/registry.ts";
import { projectDirectory } from "../fixtures.ts";

/* How the example service finds its passwords, and the switches that tests of rollouts set: built, and started by its Dockerfile's own entry point. */

const noJdk = spawnSync("javac", ["-version"]).status !== 0;
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-was-"));
const secrets = path.join(scratch, "secrets");
const file = path.join(secrets, "spring.datasource.password");
let entryPoint: string;

beforeAll(() => {
	if (noJdk) return;
	execFileSync("bash", [path.join(projectDirectory, "example", "was", "build.sh"), scratch], { stdio: "ignore" });
	const [, words = ""] = /^ENTRYPOINT (.*)$/ms.exec(fs.readFileSync(path.join(scratch, "Dockerfile"), "utf8")) ?? [];
	fs.renameSync(path.join(scratch, "babble-0.0.1-SNAPSHOT.jar"), path.join(scratch, "app.jar"));
	entryPoint = words;
	fs.mkdirSync(secrets);
	fs.writeFileSync(file, "planted-in-file\n");
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

/** Starts the service and gives what `/info` says, or what it printed when it did not start. `further` is done while it runs. */
async function info(
	environment: NodeJS.ProcessEnv,
	further = async (_url: string, _child: ChildProcess): Promise<void> => {},
): Promise<{ answer?: Record<string, unknown>; output: string }> {
	const port = await freePort();
	const env = {
		PATH: process.env.PATH,
		LOG_FILE: path.join(scratch, "was.log"),
		JAVA_TOOL_OPTIONS: `-Dserver.port=${port}`,
		...environment,
	};
	const child = spawn("sh", ["-c", entryPoint], { cwd: scratch, env });
	let output = "";
	child.stdout.on("data", (data) => (output += data));
	child.stderr.on("data", (data) => (output += data));
	const ended = once(child, "close");
	try {
		for (const deadline = Date.now() + 30_000; child.exitCode === null && Date.now() < deadline; ) {
			const response = await fetch(`http://127.0.0.1:${port}/info`).catch(() => undefined);
			if (response) {
				const answer = (await response.json()) as Record<string, unknown>;
				await further(`http://127.0.0.1:${port}`, child);
				return { answer, output };
			}
			await new Promise((resolve) => setTimeout(resolve, 200));
		}
		return { output };
	} finally {
		child.kill("SIGKILL");
		await ended;
	}
}

describe.skipIf(noJdk)(`the example service${noJdk ? " (skipped: there is no JDK)" : ""}`, () => {
	test("takes a file that is named as a property, and a password of the environment where there is none", async () => {
		const { answer, output } = await info({ SPRING_CONFIG_IMPORT: `configtree:${secrets}/`, REDIS_PASSWORD: 'with "quotes" and $signs' });
		expect(answer, output).toMatchObject({
			datasourcePassword: { set: true, from: file },
			redisPassword: { set: true, from: "-Dspring.redis.password" },
		});
		expect(JSON.stringify(answer)).not.toContain("planted");
	});

	test("puts a property before the file, as Spring does", async () => {
		const { answer, output } = await info({ SPRING_CONFIG_IMPORT: `configtree:${secrets}/`, DATASOURCE_PASSWORD: "x" });
		expect(answer, output).toMatchObject({
			datasourcePassword: { set: true, from: "-Dspring.datasource.password" },
			redisPassword: { set: false },
		});
	});

	test.each([
		[`configtree:${scratch}/nowhere/`, "there is no directory"],
		["/run/secrets", "is not of the form configtree:/directory/"],
	])("does not start with SPRING_CONFIG_IMPORT=%s", async (location, message) => {
		const { answer, output } = await info({ SPRING_CONFIG_IMPORT: location });
		expect(answer).toBeUndefined();
		expect(output).toContain(message);
	});

	test("logs a request when it begins, so that one that is cut off is seen, and when it is answered", async () => {
		const LOG_FILE = path.join(scratch, "requests.log");
		await info({ LOG_FILE, REDIS_PASSWORD: "x", DATASOURCE_PASSWORD: "x" }, async (url) => {
			await fetch(`${url}/quick?id=quick`);
			void fetch(`${url}/slow?id=slow&ms=60000`, { method: "POST", body: "x" }).catch(() => {});
			await expect.poll(() => fs.readFileSync(LOG_FILE, "utf8"), { timeout: 10_000 }).toContain("slow");
		});
		const lines = fs.readFileSync(LOG_FILE, "utf8").trim().split("\n");
		const fields = lines.map((line) => line.split(" ").slice(3, 7).join(" ")).filter((line) => !/^JVM|info/.test(line));
		expect(fields).toEqual(["GET /quick quick begun", "GET /quick quick 200", "POST /slow slow begun"]);
	});

	test("knows its own health path only, and can be told not to be healthy, or to redirect to where all is well", async () => {
		const statuses: Record<string, number> = {};
		const ask = (name: string, path: string) => async (url: string) => {
			statuses[name] = (await fetch(`${url}${path}`, { redirect: "manual" })).status;
		};
		await info({}, ask("by default", "/health"));
		await info({}, ask("another path", "/healthz"));
		await info({ HEALTH_PATH: "/healthz" }, ask("its own path", "/healthz"));
		await info({ HEALTH_MODE: "never" }, ask("never", "/health"));
		await info({ HEALTH_MODE: "redirect" }, async (url) => {
			await ask("redirect", "/health")(url);
			statuses.followed = (await fetch(`${url}/health`)).status;
		});
		expect(statuses).toEqual({ "by default": 200, "another path": 404, "its own path": 200, never: 503, redirect: 302, followed: 200 });
	});

	test("can listen in its own container only", async () => {
		let elsewhere: unknown;
		const { answer } = await info({ LISTEN: "127.0.0.1" }, async (url) => {
			elsewhere = await fetch(url.replace("127.0.0.1", "127.0.0.2")).catch((error) => error.cause.code);
		});
		expect(answer).toBeDefined();
		expect(elsewhere).toBe("ECONNREFUSED");
	});

	test("asks another service on demand, by HTTP only, and answers what came of it", async () => {
		const other = http.createServer((request, response) => response.writeHead(request.url === "/well" ? 200 : 503).end()).listen(0);
		await once(other, "listening");
		const base = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
		const statuses: number[] = [];
		await info({}, async (url) => {
			for (const called of [`${base}/well`, `${base}/ill`, `http://127.0.0.1:${await freePort()}/`, "file:///etc/passwd", "http://", ""]) {
				statuses.push((await fetch(`${url}/call?ms=10&url=${encodeURIComponent(called)}`, { method: "POST", body: "x" })).status);
			}
			statuses.push((await fetch(`${url}/call`)).status);
		});
		other.close();
		expect(statuses).toEqual([200, 502, 502, 400, 502, 400, 400]);
	});

	test.each([
		["SIGTERM", 143],
		["SIGINT", 130],
	] as const)("ends gracefully on %s, says so in its log, and in its exit status which signal it was", async (signal, status) => {
		const LOG_FILE = path.join(scratch, `${signal}.log`);
		let exit: unknown;
		await info({ LOG_FILE }, async (_url, child) => {
			child.kill(signal);
			[exit] = await once(child, "exit");
		});
		expect(exit).toBe(status);
		const events = [...fs.readFileSync(LOG_FILE, "utf8").matchAll(/ JVM (\S+) /g)].map(([, event]) => event);
		expect(events).toEqual(["start", "stopping", "stop"]);
	});

	test("starts without a directory that may be missing", async () => {
		const { answer, output } = await info({ SPRING_CONFIG_IMPORT: `optional:configtree:${scratch}/nowhere/` });
		expect(answer, output).toMatchObject({ datasourcePassword: { set: false, from: "" } });
	});
});
