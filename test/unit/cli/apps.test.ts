import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AppState, appStates } from "../../../cli/apps.ts";
import { balancer } from "../../../cli/balancer.ts";
import type { Deployed } from "../../../cli/deployed.ts";
import { closedPort, closeServers, listen } from "../../support/localServer.ts";
import { connection } from "../fixtures.ts";

/* The looks at hosts, with the real bash and curl, against servers of this process and stand-ins of the programs docker, nginx and systemctl. */

let scratch: string;
beforeEach(() => {
	scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-apps-"));
});
afterEach(() => {
	closeServers();
	fs.rmSync(scratch, { recursive: true });
});

vi.mock(import("../../../lib/ssh.ts"), async (load) => ({
	...(await load()),
	execAsRoot: (_connection, script) =>
		new Promise((resolve, reject) => {
			const env = { PATH: `${scratch}:${process.env.PATH}`, http_proxy: "http://127.0.0.1:9", HOME: scratch };
			execFile("bash", ["--norc", "-euo", "pipefail", "-c", script], { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
		}),
}));

const healthy = 'container healthy {"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],"9000/tcp":null}';

function docker({ inspected = healthy, ps = "echo 0123", volumes = "echo nfs-1; echo nfs-0" }) {
	const cases = `ps) ${ps} ;; inspect) echo '${inspected}' ;; volume) ${volumes} ;;`;
	fs.writeFileSync(path.join(scratch, "docker"), `#!/bin/bash\ncase $1 in ${cases} esac\n`, { mode: 0o755 });
}

const report = { service: "was", node: "worker1", state: "closed", number: 0, choosing: false, container: "0123", reason: "it drains" };

async function look(published: number, peerPort: number | undefined, isServing = true) {
	const host = { name: "worker1", roles: ["app"], address: "127.0.0.1", connection: connection() };
	const health = { path: "/health?x=$(id)", status: [200], host: "was.example.org", timeoutSeconds: 2 };
	const nodes = isServing ? [host] : [];
	const services = [{ name: "was", published, mode: "host", health, peerPort, nodes }];
	const states = await appStates({ services } as unknown as Deployed, host);
	expect(Object.keys(states)).toEqual(["was"]);
	return states.was as AppState;
}

test("each of several services is asked at its own ports", async () => {
	docker({});
	const host = { name: "worker1", roles: ["app"], address: "127.0.0.1", connection: connection() };
	const health = { path: "/health", status: [200], host: "localhost", timeoutSeconds: 2 };
	const serviceOf = async (name: string, status: number, peerPort?: number) => {
		const published = await listen((_request, response) => response.writeHead(status).end());
		return { name, published, mode: "host", health, peerPort, nodes: [host] };
	};
	// The second one has no agent: the first one's is not asked for it.
	const services = [await serviceOf("admin", 503, await closedPort()), await serviceOf("was", 200)];
	const states = await appStates({ services } as unknown as Deployed, host);
	expect(Object.entries(states).map(([name, { serving }]) => [name, serving?.answer, serving?.agent])).toEqual([
		["admin", { status: 503 }, "connection refused"],
		["was", { status: 200 }, undefined],
	]);
});

test("asks the task as the load balancer does, the agent, and Docker, past any proxy of the host", async () => {
	docker({});
	// A .curlrc of the user says nothing either.
	fs.writeFileSync(path.join(scratch, ".curlrc"), "location\nuser-agent = other\n");
	const seen: unknown[] = [];
	const published = await listen(({ url, headers }, response) => {
		seen.push([url, headers.host, headers["user-agent"]]);
		response.writeHead(302, { location: "/" }).end();
	});
	const peerPort = await listen((_request, response) =>
		response.end(JSON.stringify({ ...report, connections: 3, seconds: 12.3, unreachable: ["worker2"] }, undefined, 2)),
	);
	expect(await look(published, peerPort)).toEqual({
		serving: {
			answer: { status: 302 },
			agent: { state: "closed", reason: "it drains", connections: 3, seconds: 12.3, unreachable: ["worker2"] },
			containers: [{ health: "healthy", published: [8080, 8080] }],
		},
		volumes: ["nfs-1", "nfs-0"],
	});
	expect(seen).toEqual([["/health?x=$(id)", "was.example.org", "scaleout"]]);
});

test("a healthy task without a published port is seen as that", async () => {
	docker({ inspected: 'container healthy {"8080/tcp":null}' });
	const [published, peerPort] = [await closedPort(), await closedPort()];
	expect((await look(published, peerPort)).serving).toEqual({
		answer: { problem: "connection refused" },
		agent: "connection refused",
		containers: [{ health: "healthy", published: [] }],
	});
});

test("a task that does not answer in time, another program at the agent's port, and no container: each is told", async () => {
	docker({ ps: "true" });
	const published = await listen(() => {});
	const peerPort = await listen((_request, response) => response.end("<html>"));
	expect((await look(published, peerPort)).serving).toEqual({
		answer: { problem: "no answer within 2 s" },
		agent: "what answers there is no agent",
		containers: [],
	});
});

test("a Docker that does not tell, and a node without an agent, hide nothing else", async () => {
	docker({ ps: "exit 1", volumes: "exit 1" });
	const published = await listen((_request, response) => response.end("ok"));
	expect(await look(published, undefined)).toEqual({ serving: { answer: { status: 200 } } });
});

test("of an app host that is to run no task, the volumes count alone", async () => {
	docker({ volumes: "true" });
	expect(await look(await closedPort(), 7947, false)).toEqual({ volumes: [] });
});

test("NGINX's host tells which upstream servers it cannot connect to", async () => {
	const script = (name: string, text: string) => fs.writeFileSync(path.join(scratch, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
	const published = await listen((_request, response) => response.end());
	script("systemctl", "echo active");
	script(
		"nginx",
		`[ $1 = -v ] && echo 'nginx version: nginx/1.22.1' >&2 || printf 'upstream app {\\n server 127.0.0.1:${published};\\n}\\n'`,
	);
	expect(await balancer.look(connection(), [`127.0.0.1:${published}`, `127.0.0.2:${published}`])).toEqual({
		isActive: true,
		version: "1.22.1",
		servers: [`127.0.0.1:${published}`],
		unconnected: [`127.0.0.2:${published}`],
	});
});
