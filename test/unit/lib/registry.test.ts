import * as fs from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { tagDigest } from "../../../lib/registry.ts";
import { makeCertificates } from "../../support/registry.ts";

/* Registries that hand out tokens, as Docker Hub does, and what goes wrong in between. test/engine/registry.test.ts asks a real one. */

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-tokens-"));
const digest = `sha256:${"a".repeat(64)}`;
let server: https.Server;
let host: string;
let ca: string;
let asked: { what: string; authorization?: string }[];
let respond: (what: string, authorization?: string) => [status: number, headers?: object, body?: object];

beforeAll(async () => {
	makeCertificates(scratch);
	const file = (name: string) => fs.readFileSync(path.join(scratch, name), "utf8");
	ca = file("ca.crt");
	server = https.createServer({ key: file("tls.key"), cert: file("tls.crt") }, (request, response) => {
		const { authorization } = request.headers;
		const what = `${request.method} ${request.url}`;
		asked.push({ what, authorization });
		const [status, headers, body] = respond(what, authorization);
		response.writeHead(status, headers as OutgoingHttpHeaders).end(body && JSON.stringify(body));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
	asked = [];
});
afterAll(() => {
	server.close();
	fs.rmSync(scratch, { recursive: true });
});

const access = (change: object = {}) => ({ server: host, username: "me", password: "planted-password", ca, ...change });
const basic = `Basic ${Buffer.from("me:planted-password").toString("base64")}`;

/** Wants a token of `realm` first. */
const challenge = (realm: string): [number, object] => [
	401,
	{ "www-authenticate": `Bearer realm="${realm}",service="registry",scope="repository:babble:pull"` },
];

describe("a registry that hands out tokens", () => {
	beforeEach(() => {
		respond = (what, authorization) => {
			if (what.includes("/token?")) return [200, {}, { token: "planted-token" }];
			return authorization === "Bearer planted-token" ? [200, { "docker-content-digest": digest }] : challenge(`https://${host}/token`);
		};
	});

	test("is asked with one of its token server, which gets the password; the registry does not", async () => {
		expect(await tagDigest(access(), "babble", "latest")).toBe(digest);
		expect(asked).toEqual([
			{ what: "HEAD /v2/babble/manifests/latest", authorization: undefined },
			{ what: "GET /token?service=registry&scope=repository%3Ababble%3Apull", authorization: basic },
			{ what: "HEAD /v2/babble/manifests/latest", authorization: "Bearer planted-token" },
		]);
	});

	test("is asked without login for a public image", async () => {
		expect(await tagDigest(access({ password: undefined }), "babble", "latest")).toBe(digest);
		expect(asked[1]?.authorization).toBeUndefined();
	});

	test("gets no password when its token server is not reached by https", async () => {
		respond = () => challenge("http://127.0.0.1/token");
		await expect(tagDigest(access(), "babble", "latest")).rejects.toMatchObject({
			fault: "answer",
			message: expect.stringContaining("https"),
		});
		expect(asked).toHaveLength(1);
	});

	test("whose token server refuses the password is a fault of the login", async () => {
		respond = (what) =>
			what.includes("/token?") ? [401, {}, { details: "incorrect username or password" }] : challenge(`https://${host}/token`);
		await expect(tagDigest(access(), "babble", "latest")).rejects.toMatchObject({
			fault: "login",
			message: expect.stringContaining("incorrect username or password"),
		});
	});
});

test("an ECR token that is over is a fault of the login, in ECR's words", async () => {
	const words = "Your authorization token has expired. Reauthenticate and try again.";
	respond = () => [403, {}, { errors: [{ code: "DENIED", message: words }] }];
	await expect(tagDigest(access(), "babble", "latest")).rejects.toMatchObject({ fault: "login", message: expect.stringContaining(words) });
});

test("a registry that is busy is asked again", async () => {
	respond = () => (asked.length < 3 ? [503] : [200, { "docker-content-digest": digest }]);
	expect(await tagDigest(access(), "babble", "latest")).toBe(digest);
});

test("a registry that names no digest gives it by its manifest", async () => {
	respond = () => [200, {}, { schemaVersion: 2 }];
	expect(await tagDigest(access(), "babble", "latest")).toBe("sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f");
});
