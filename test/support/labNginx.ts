import { isDeepStrictEqual } from "node:util";
import { expect, inject } from "vitest";
import type { Connection } from "../../lib/connection.ts";
import { execAsRoot } from "../../lib/ssh.ts";
import { labStack } from "./lab.ts";
import { ask, handshake, type Trust } from "./tls.ts";

/* The lab's NGINX as tests change it and look at it. */

export const lab = inject("lab");
export const stack = labStack();
export const httpsPort = 8189;
export const httpsUrl = `https://127.0.0.1:${httpsPort}`;
export const nginx = lab.connections.nginx as Connection;
export const onNginx = (script: string) => execAsRoot(nginx, script);
/** What the names of its files begin with. */
export const own = "swarm-scaleout-test-nginx";
/** The file of the site that it serves. */
export const siteFile = `/etc/nginx/conf.d/${own}.conf`;
/** As the lab has it. */
const plain = stack.config["swarm-scaleout:nginx"] as object;

export function up(change: object) {
	stack.config["swarm-scaleout:nginx"] = { ...plain, ...change };
	return stack.up();
}

export async function expectUp(change: object): Promise<string> {
	const { code, output } = await up(change);
	expect(code, output).toBe(0);
	return output;
}

/** Fails unless `up` refuses the change and the old configuration lives on. */
export async function expectRefused(change: object, message: RegExp): Promise<void> {
	const site = () => onNginx(`cat ${siteFile}`);
	const before = await site();
	// Only NGINX: a changed port would also change what leads to the machine.
	stack.config["swarm-scaleout:nginx"] = { ...plain, ...change };
	const { code, output } = await stack.up("--target", "**$command:remote:Command::nginx");
	expect(code).not.toBe(0);
	expect(output, output.slice(-450)).toMatch(message);
	expect(await site()).toBe(before);
	expect(await onNginx("ls -A /etc/nginx | grep staged || true")).toBe("");
	await servesHttp();
}

/** Goes back to the lab's own configuration; also where a test failed half-way. */
export async function plainAgain(): Promise<void> {
	if (!isDeepStrictEqual(stack.config["swarm-scaleout:nginx"], plain)) await expectUp({});
}

/** HTTP serves the application itself. */
export const servesHttp = async () => expect((await ask(`${lab.endpoint}/hello`)).status).toBe(200);

/** Of the certificate that is presented, and trusted. */
export const serial = async (trust: Trust) => (await handshake(httpsPort, trust)).serial;
