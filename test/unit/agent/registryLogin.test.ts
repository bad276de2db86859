import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loginStep } from "../../../components/registryLogin.ts";
import { recordDirectory } from "../../../host/kit.ts";
import { StandInHost } from "../../support/standInHost.ts";
import { runStep, undoStep } from "../../support/step.ts";
import { projectDirectory } from "../fixtures.ts";

/* The program that renews a registry token, against a stand-in of Docker's socket and of the credential helper. The lab tests run it on a swarm. */

const server = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const spec = { Name: "babble-was", TaskTemplate: { ContainerSpec: { Mounts: [{ Source: "z" }, { Source: "a" }] }, Grace: 40_000_000_000 } };
let scratch: string;
let docker: http.Server;
let answers: Record<string, [status: number, body: object]>;
let updates: { url: string; auth: object; body: object }[];

beforeEach(async () => {
	scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-login-"));
	updates = [];
	answers = {
		"/info": [200, { Swarm: { NodeID: "node" } }],
		"/nodes/node": [200, { ManagerStatus: { Leader: true } }],
		"/services/babble-was": [200, { ID: "service", Version: { Index: 7 }, Spec: spec, UpdateStatus: { State: "completed" } }],
	};
	helper('read server; echo "{\\"ServerURL\\": \\"$server\\", \\"Username\\": \\"AWS\\", \\"Secret\\": \\"planted-token\\"}"');
	docker = http.createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		const { url = "", method, headers } = request;
		if (method === "POST") {
			const auth = JSON.parse(Buffer.from(String(headers["x-registry-auth"]), "base64url").toString());
			updates.push({ url, auth, body: JSON.parse(body) });
		}
		const [status, answer] = method === "POST" ? (answers.update ?? [200, {}]) : (answers[url] ?? [404, { message: "not found" }]);
		response.writeHead(status).end(JSON.stringify(answer));
	});
	await new Promise<void>((resolve) => docker.listen(path.join(scratch, "docker.sock"), resolve));
});

afterEach(() => {
	docker.close();
	fs.rmSync(scratch, { recursive: true });
});

function helper(script: string): void {
	fs.writeFileSync(path.join(scratch, "docker-credential-ecr-login"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function run(): Promise<{ code: number | null; output: string }> {
	const args = ["-B", path.join(projectDirectory, "host", "agents", "registry_login.py"), "--service", "babble-was", "--server", server];
	const child = spawn("python3", [...args, "--docker", path.join(scratch, "docker.sock")], {
		env: { ...process.env, PATH: `${scratch}:${process.env.PATH}` },
	});
	let output = "";
	child.stdout.on("data", (data) => (output += data));
	child.stderr.on("data", (data) => (output += data));
	return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

const noPython = spawnSync("python3", ["--version"]).status !== 0;

describe.skipIf(noPython)(`the program that renews a token${noPython ? " (skipped: python3 is not installed)" : ""}`, () => {
	test("updates the service with the very spec it has, and the token of the helper", async () => {
		const { code, output } = await run();
		expect(code, output).toBe(0);
		const auth = { serveraddress: server, username: "AWS", password: "planted-token" };
		expect(updates).toEqual([{ url: "/services/service/update?version=7", auth, body: spec }]);
		expect(output).toContain("has a fresh token");
		expect(output).not.toContain("planted-token");
	});

	test.each(["updating", "paused", "rollback_started", "rollback_paused"])(
		"leaves an update alone that is %s, and asks to be run again",
		async (State) => {
			answers["/services/babble-was"] = [200, { ID: "service", Version: { Index: 7 }, Spec: spec, UpdateStatus: { State } }];
			expect(await run()).toMatchObject({ code: 75, output: expect.stringContaining(State) });
			expect(updates).toEqual([]);
		},
	);

	test("does nothing on a manager that does not lead, nor without the service", async () => {
		answers["/nodes/node"] = [200, { ManagerStatus: { Reachability: "reachable" } }];
		expect(await run()).toMatchObject({ code: 0, output: expect.stringContaining("does not lead") });
		answers["/nodes/node"] = [200, { ManagerStatus: { Leader: true } }];
		delete answers["/services/babble-was"];
		expect(await run()).toMatchObject({ code: 0, output: expect.stringContaining("no service babble-was yet") });
		expect(updates).toEqual([]);
	});

	test("without a token it fails with the helper's words and the right that may be missing", async () => {
		helper("echo 'credentials not found in native keychain'; echo 'AccessDeniedException: not authorized' >&2; exit 1");
		const { code, output } = await run();
		expect(code).toBe(1);
		expect(output).toMatch(/no token for .*AccessDeniedException: not authorized.*ecr:GetAuthorizationToken/);
		expect(updates).toEqual([]);
	});

	test("asks to be run again when another update was faster", async () => {
		answers.update = [500, { message: "update out of sequence" }];
		expect(await run()).toMatchObject({ code: 75, output: expect.stringContaining("update out of sequence") });
	});
});

test("its units are put on a host under the service's name and looked at by each refresh, and nothing of them is left when they go", () => {
	const host = new StandInHost();
	const step = loginStep("babble-was", server);
	// What all steps need of a host is not this one's.
	runStep(host, { step: "test/first" });
	const before = host.files();
	expect(runStep(host, step, 'systemctl() { said systemctl "$@"; }; export -f systemctl')).toMatchObject({ status: 0, stderr: "" });
	const unit = "scaleout-registry-login-babble-was";
	const acts = host.calls("systemctl").map(([, ...words]) => words.join(" "));
	expect(acts.slice(0, 3)).toEqual(["daemon-reload", `enable ${unit}.timer`, `restart ${unit}.timer`]);
	const [serviceFile, timerFile] = [`/etc/systemd/system/${unit}.service`, `/etc/systemd/system/${unit}.timer`];
	const program = `/usr/local/lib/scaleout/${unit}`;
	const made = host.files(before).filter(({ path, isDirectory }) => !isDirectory && !path.startsWith("/var/lib/scaleout/"));
	expect(made.map(({ path }) => path)).toEqual([serviceFile, timerFile, `${program}/registry_login.py`, `${program}/scaleout_docker.py`]);
	const unitText = fs.readFileSync(path.join(host.root, serviceFile), "utf8");
	expect(unitText).toContain(`ExecStart=/usr/bin/python3 ${program}/registry_login.py --service babble-was --server ${server}\n`);
	const checks = fs.readFileSync(path.join(host.root, recordDirectory("swarm-scaleout/lab"), "registry-login", "checks"), "utf8");
	expect(checks.replaceAll(host.root, "").trim().split("\n").sort()).toEqual(
		[
			...["amazon-ecr-credential-helper", "python3"].map((name) => `package ${name}`),
			...made.map(({ path }) => `file ${path}`),
			`unit ${unit}.timer`,
		].sort(),
	);
	expect(undoStep(host, step)).toMatchObject({ status: 0, stderr: "" });
	expect(host.files(before)).toEqual([]);
	expect(host.faults).toEqual([]);
	host.remove();
});
