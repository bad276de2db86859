import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { spawnIn, target } from "./support/network.ts";
import { until } from "./support/node.ts";
import { world } from "./support/world.ts";

/* host/agents/drain_agent.py, the real program with real iptables: whoever changes the firewall while a port is closed. Docker is a stand-in. */

const at = world();

/** A task in its drain, with a request in flight that outlasts the test. */
async function draining() {
	const { node } = at;
	const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 45 } });
	await node.startAgent();
	const { said: answer } = await node.request(task);
	node.stop(task);
	await closed();
	return { task, answer };
}

const closed = () =>
	until(
		() => at.node.log.includes("new connections are refused"),
		"the port is closed",
		() => at.node.log,
	);

describe("a port that is closed", () => {
	test.each([
		["FORWARD is flushed", "iptables -F FORWARD; iptables -P FORWARD ACCEPT"],
		["a rule that accepts all is inserted first", "iptables -I FORWARD -j ACCEPT; iptables -I OUTPUT -j ACCEPT"],
		[
			"DOCKER-USER is put first, as Docker does at its start",
			"iptables -D FORWARD -j DOCKER-USER; iptables -I FORWARD -j DOCKER-USER; iptables -I DOCKER-USER -j ACCEPT",
		],
		["the whole filter table is emptied", "iptables -P FORWARD ACCEPT; iptables -F; iptables -X"],
		["its own chain is emptied", "iptables -F SCALEOUT-DRAIN-8080"],
		["a rule before its own is put into its chain", "iptables -I SCALEOUT-DRAIN-8080 -j RETURN"],
		["its chain is visited twice", "iptables -A OUTPUT -j SCALEOUT-DRAIN-8080; iptables -I OUTPUT -j ACCEPT"],
	])("is closed again within two seconds when %s", async (_, script) => {
		const { node, client, local } = at;
		const { answer, task } = await draining();
		node.sh(script);
		const begun = Date.now();
		const both = async () => [await client.get(node.url), await local.get(node.url)].every((said) => said === "ECONNREFUSED");
		await until(
			() => node.log.includes("it is back"),
			"it is mended, and said",
			() => node.log,
			10,
		);
		const seconds = (Date.now() - begun) / 1000;
		expect(await both()).toBe(true);
		// Two, on a machine that has nothing else to do.
		expect(seconds).toBeLessThan(5);
		expect(node.docker.kills).toEqual([]);
		task.app?.kill("SIGKILL");
		await answer;
	});

	test("lets go on what a client is sending when somebody empties conntrack's table", async () => {
		const { node, network } = at;
		const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 45 } });
		await node.startAgent();
		const script = `
import socket, sys
client = socket.create_connection(("${node.address}", 8080))
client.sendall(b"POST /held HTTP/1.0\\r\\nContent-Length: 4\\r\\n\\r\\nab")
sys.stdin.readline()
client.sendall(b"cd")
print(client.recv(100).split()[1].decode(), flush=True)`;
		const sender = spawnIn(network.namespaces[0] as string, ["python3", "-c", script]);
		let answer = "";
		sender.stdout?.on("data", (data) => (answer += data));
		await until(() => task.said.includes("request /held"), "the request begins");
		node.stop(task);
		await closed();
		node.sh("conntrack -F 2> /dev/null");
		sender.stdin?.write("go on\n");
		await sleep(300);
		task.app?.stdin?.write("release\n");
		await until(() => answer !== "", "it is answered");
		expect(answer).toBe("200\n");
	});

	test("is closed beside a rule with a comment in another encoding", async () => {
		const { node, client } = at;
		node.sh(`iptables -A FORWARD -m comment --comment "$(printf "B\\xfcro")" -j RETURN`);
		const { answer, task } = await draining();
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		task.app?.kill("SIGKILL");
		await answer;
		expect(node.log).not.toContain("cannot be");
	});

	test("is closed by iptables-legacy as well, whose words for the rules are the same to the agent", async (context) => {
		const { node, client, local } = at;
		if (spawnSync("iptables-legacy-save", ["-V"]).status !== 0) context.skip("there is no iptables-legacy here");
		node.standIn("iptables-save", 'exec iptables-legacy-save "$@"');
		node.standIn("iptables-restore", 'exec iptables-legacy-restore "$@"');
		const { answer, task } = await draining();
		expect([await client.get(node.url), await local.get(node.url)]).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
		await sleep(1500);
		expect(node.log).not.toContain("it is back");
		node.sh("iptables-legacy -F; iptables-legacy -X");
		await until(
			() => node.log.includes("it is back"),
			"it is mended, and said",
			() => node.log,
		);
		task.app?.kill("SIGKILL");
		await answer;
		await node.endAgent("SIGKILL");
		node.sh("iptables-legacy -F; iptables-legacy -X");
	});

	test("stays closed when Docker puts its own rules first while there is no agent", async () => {
		const { node, client } = at;
		const { answer, task } = await draining();
		await node.endAgent("SIGKILL");
		node.sh("iptables -D FORWARD -j DOCKER-USER; iptables -I FORWARD -j ACCEPT; iptables -I FORWARD -j DOCKER-USER");
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		task.app?.kill("SIGKILL");
		await answer;
	});

	test("does not quarrel with another service's agent about whose chain is first", async () => {
		const { node } = at;
		const { answer, task } = await draining();
		node.sh("iptables -N SCALEOUT-DRAIN-9000; iptables -I FORWARD -j SCALEOUT-DRAIN-9000; iptables -I OUTPUT -j SCALEOUT-DRAIN-9000");
		await sleep(2000);
		expect(node.log).not.toContain("it is back");
		task.app?.kill("SIGKILL");
		await answer;
	});

	test("refuses what reaches Docker's proxy when its DNAT rules are flushed, and counts what goes through it", async () => {
		const { node, client, local, network } = at;
		const proxy = network.clientIn(node.namespace);
		node.sh("iptables -t nat -F");
		await proxy.wish({ relay: [8080, "172.30.0.2", target] });
		const { answer, task } = await draining();
		expect(await client.get(node.url)).toBe("ECONNREFUSED");
		expect(await local.get(node.url)).toBe("ECONNREFUSED");
		expect(await local.get("http://127.0.0.1:8080/")).toBe("ECONNREFUSED");
		await until(
			async () => (await node.state).connections === 1,
			"the one in flight is counted",
			() => node.log,
		);
		task.app?.kill("SIGKILL");
		await answer;
		proxy.child.kill("SIGKILL");
	});

	test("is opened whole: nothing of it stays in the firewall", async () => {
		const { node, client } = at;
		const before = filter();
		const { answer, task } = await draining();
		node.sh("iptables -A OUTPUT -j SCALEOUT-DRAIN-8080");
		task.app?.kill("SIGKILL");
		await answer;
		await node.run();
		await until(
			async () => (await client.get(node.url)) === "200",
			"the next one serves",
			() => node.log,
		);
		expect(filter()).toEqual(before);
	});

	test("that cannot be closed, as iptables cannot read its own table, is said to be so, and its task is stopped at the limit", async () => {
		const { node } = at;
		// As printed where nft has added a rule of its own kind: with the exit status of a success.
		node.standIn("iptables-save", "echo \"# Table \\`filter' is incompatible, use 'nft' tool.\"");
		const task = await node.run({ health: "healthy", terms: { drainLimitSeconds: 2 } });
		await node.startAgent();
		node.stop(task);
		await until(
			() => node.log.includes("port 8080 cannot be closed: iptables-save: Table `filter' is incompatible"),
			"the fault is named",
			() => node.log,
		);
		await until(
			() => node.docker.kills.some(({ signal }) => signal === "SIGTERM"),
			"the task is stopped",
			() => node.log,
		);
		await expect.poll(async () => (await node.state).reason, { timeout: 3000 }).toContain("is incompatible");
		node.realAgain("iptables-save");
	});

	test("says so when it cannot be opened, counts as closed until it is, and is opened as soon as it can be", async () => {
		const { node, client } = at;
		const { answer, task } = await draining();
		task.app?.kill("SIGKILL");
		await answer;
		node.standIn("iptables-restore", "echo no lock >&2; exit 4");
		await node.run();
		await until(
			async () => (await node.state).reason.includes("port 8080 cannot be opened: iptables-restore: no lock"),
			"it is told",
			() => node.log,
		);
		expect((await node.state).state).toBe("closed");
		node.realAgain("iptables-restore");
		await until(
			async () => (await client.get(node.url)) === "200",
			"it serves",
			() => node.log,
		);
		await expect.poll(() => node.state, { timeout: 3000 }).toMatchObject({ state: "serving", reason: "it serves" });
	});
});

const filter = () =>
	at.node
		.sh("iptables-save -t filter")
		.split("\n")
		.filter((line) => line.startsWith("-A"));
