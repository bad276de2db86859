import { execFile } from "node:child_process";
import type * as http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { checkScript, type NodeCheck, readCheck } from "../../../../providers/service/serving.ts";
import { closedPort, closeServers, listen } from "../../../support/localServer.ts";
import { serviceInputs } from "./inputs.ts";

/* The script runs here, with the real curl, against a node that is this machine. */

afterEach(closeServers);

async function check(published: number, peerPort: number, health: object = {}): Promise<NodeCheck | undefined> {
	const base = serviceInputs();
	const inputs = {
		publish: { ...base.publish, published },
		health: { ...base.health, timeoutSeconds: 1, ...health },
		rollout: { ...base.rollout, peerPort },
	};
	const node = { name: "worker1", address: "127.0.0.1" };
	const env = { ...process.env, http_proxy: "http://127.0.0.1:9", ALL_PROXY: "http://127.0.0.1:9" };
	const printed = await new Promise<string>((resolve, reject) =>
		execFile("bash", ["--norc", "-euo", "pipefail", "-c", checkScript(node, inputs, true)], { env }, (error, stdout) =>
			error ? reject(error) : resolve(stdout),
		),
	);
	return readCheck(node, printed, inputs);
}

const agent = (text: string) => listen((_request, response) => void response.end(text));
const answering = (status: number, headers: http.OutgoingHttpHeaders = {}) =>
	listen((_request, response) => void response.writeHead(status, headers).end());

describe("a node serves", () => {
	test("when it answers the path with a wanted status, by the wanted name, past any proxy; its agent is heard", async () => {
		const port = await listen(
			({ url, headers }, response) =>
				void response.writeHead(url === "/health?a=[1]" && headers.host === "was.example.org" ? 204 : 500).end(),
		);
		const agentPort = await agent('{"state":"serving","connections":3,"seconds":12,"reason":"it is\\u001b healthy"}');
		expect(await check(port, agentPort, { path: "/health?a=[1]", host: "was.example.org", status: [200, 204] })).toEqual({
			node: "worker1",
			serves: true,
			isRefused: false,
			answer: "",
			agent: { state: "serving", connections: 3, seconds: 12, reason: "it is\\x1b healthy" },
		});
	});

	test("also when its agent says nothing, or nothing of sense", async () => {
		const port = await answering(200);
		expect(await check(port, await closedPort())).toMatchObject({ serves: true });
		expect(await check(port, await agent("<html>"))).not.toHaveProperty("agent");
	});
});

describe("a node does not serve", () => {
	test("when it answers otherwise: a redirect is not followed", async () => {
		const elsewhere = await answering(200);
		const port = await answering(302, { location: `http://127.0.0.1:${elsewhere}/` });
		expect(await check(port, await closedPort())).toMatchObject({
			serves: false,
			isRefused: false,
			answer: `127.0.0.1:${port}: answers 302`,
		});
	});

	test("when it refuses connections, which is told from no answer", async () => {
		const closed = await closedPort();
		expect(await check(closed, closed)).toMatchObject({ isRefused: true, answer: `127.0.0.1:${closed}: connection refused` });
		const mute = await listen(() => {});
		expect(await check(mute, closed)).toMatchObject({
			serves: false,
			isRefused: false,
			answer: expect.stringMatching(`^127.0.0.1:${mute}: no answer`),
		});
	});
});
