import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { closeConnections, connect, exec, SshError } from "../../../lib/ssh.ts";
import { freePort } from "../../support/registry.ts";
import { SshServers } from "../../support/sshServer.ts";

const servers = new SshServers();

afterEach(async () => {
	await closeConnections();
	servers.close();
});

test("one connection is shared by all who ask", async () => {
	const port = await servers.listen();
	const [first, second] = await Promise.all([connect(servers.to(port)), connect(servers.to(port))]);
	expect(first).toBe(second);
});

test("who asks for a host that another is about to give up on still has all the time asked for", async () => {
	const port = await freePort();
	const patient = [connect(servers.to(port), 0.5), connect(servers.to(port), 20)];
	setTimeout(() => void servers.listen(port), 2000);
	expect((await Promise.allSettled(patient)).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
});

test("a bastion that does not answer is given up when the time asked for the host behind it is over", async () => {
	const port = await freePort();
	const behind = servers.to(22, { host: "192.0.2.1", proxy: servers.to(port) });
	const begun = Date.now();
	await expect(connect(behind, 1)).rejects.toThrow(SshError);
	expect(Date.now() - begun).toBeLessThan(15_000);
});

test("a host behind a bastion whose sshd ends the connection is dialled again, though the bastion leaves its half of it open", async () => {
	const port = await servers.listen(0, (channel) => {
		channel.exit(0);
		channel.end();
	});
	const behind = servers.to(port, { proxy: servers.to(await servers.listen()) });
	await connect(behind);
	servers.drop(port);
	await sleep(300);
	expect(await exec(behind, "true", { deadlineSeconds: 5 })).toMatchObject({ code: 0 });
});
