import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { closeConnections } from "../../lib/ssh.ts";
import { Load } from "../bench/load.ts";
import { apps, expectNoLoss, newVersion, RolloutLab } from "../support/rollout.ts";
import { statusOf } from "../support/status.ts";

/* What others do to a node's firewall, what the gate leaves alone, and a node that refuses everybody although Docker calls its task healthy. */

const { noEngine } = inject("lab");
const lab = new RolloutLab();
const minutes = 60_000;
const kept = "/run/firewall-of-before";
const chains = ["FORWARD", "OUTPUT", "DOCKER-USER"];

let version = "";
beforeEach(() => {
	version = newVersion("firewall");
	lab.configure({ WAS_VERSION: version, SHUTDOWN: "immediate" });
});
afterAll(closeConnections);

describe.skipIf(noEngine)("a node that is being drained", () => {
	const changes: [name: string, change: string][] = [
		// As the scripts do that write a firewall from nothing: what is not said is allowed.
		["is flushed", "iptables -w -P FORWARD ACCEPT; iptables -w -F FORWARD; iptables -w -F OUTPUT; iptables -w -F DOCKER-USER"],
		["gets a rule that accepts everything, before all others", "iptables -w -I FORWARD -j ACCEPT; iptables -w -I OUTPUT -j ACCEPT"],
	];

	test.each(changes)(
		"and whose firewall %s: it refuses again within seconds, the application is asked to stop, no request fails",
		async (_name, change) => {
			await lab.converge();
			const next = newVersion("firewall");
			let closed: string | undefined;
			try {
				await lab.underLoad(async (watch) => {
					// Some are always in flight for long, so that a drain takes long enough to be met.
					const slow = new Load({ url: lab.endpoint, clients: 6, keepAlive: true, maxDelayMs: 15_000 });
					try {
						lab.configure({ WAS_VERSION: next, SHUTDOWN: "immediate" });
						const up = lab.stack.beginUp();
						await expect.poll(() => watch.closedNow(), { timeout: 5 * minutes, interval: 100 }).not.toEqual([]);
						closed = watch.closedNow()[0] as string;
						const keep = `for chain in ${chains.join(" ")}; do iptables -w -S $chain; done | grep -v -e ^-N -e SCALEOUT-DRAIN > ${kept}`;
						await lab.on(closed, `${keep}; ${change}`);
						const first = () => lab.on(closed as string, "iptables -w -S FORWARD 1; iptables -w -S OUTPUT 1 || true");
						await expect
							.poll(first, { message: `the first rules of ${closed}`, timeout: 15_000, interval: 500 })
							.toMatch(/^-A FORWARD .*-j SCALEOUT-DRAIN-8080\n-A OUTPUT .*-j SCALEOUT-DRAIN-8080\n$/);
						const { code, output } = await up.ended;
						expect(code, output).toBe(0);
					} finally {
						await slow.stop();
					}
					expectNoLoss(slow);
					await lab.expectOnce(slow);
				});
			} finally {
				if (closed) await restoreFirewall(closed);
			}
			// A task that was killed says nothing at its end.
			expect(await lab.events(version)).toEqual(Object.fromEntries(apps.map((app) => [app, ["start", "stop"]])));
			await lab.expectVersion(next);
			await lab.expectNothingDrained();
		},
	);

	/** Docker's own rules: it puts them back only when it starts. */
	async function restoreFirewall(app: string): Promise<void> {
		await lab.on(app, `for chain in ${chains.join(" ")}; do iptables -w -F $chain; done; xargs -L1 iptables -w < ${kept}; rm ${kept}`);
	}

	test("lets a request in flight there ask another service at the same port number of another host", async () => {
		const unit = "scaleout-test-neighbour";
		await lab.on(
			"log",
			`mkdir -p /run/neighbour; systemd-run -q --collect --unit ${unit} --working-directory /run/neighbour python3 -m http.server 8080`,
		);
		const neighbour = "http://192.168.1.20:8080/";
		try {
			await expect
				.poll(() => lab.on("worker1", `curl -s -o /dev/null -w '%{http_code}' ${neighbour} || true`), { timeout: minutes })
				.toBe("200");
			await lab.converge();
			const next = newVersion("firewall");
			const { watched } = await lab.underLoad(
				async () => {
					lab.configure({ WAS_VERSION: next, SHUTDOWN: "immediate" });
					await lab.converge();
				},
				// It asks at its end, when many a node is being drained.
				{ clients: 8, maxDelayMs: 6000, path: `/call?url=${encodeURIComponent(neighbour)}` },
			);
			expect(watched.closed).toEqual(apps);
			await lab.expectVersion(next);
		} finally {
			await lab.on("log", `systemctl stop ${unit}; rmdir /run/neighbour`);
		}
	});
});

describe.skipIf(noEngine)("a node that refuses everybody although its task is healthy", () => {
	// As Docker left it once when it was restarted in mid-rollout: neither a process nor a rule leads from the node's port to the container. The process first:
	// between the two it would take requests, and cut them when it is killed.
	const unpublish = `
pkill -f '[d]ocker-proxy .*-host-port 8080'
iptables -w -t nat -S DOCKER | grep -e '--dport 8080 ' | sed s/^-A/-D/ | xargs -L1 iptables -w -t nat`;

	test("is named by status and by a refresh, and up --refresh replaces its task alone; no request fails", async () => {
		await lab.converge();
		const before = await lab.healthyTasks();
		const { watched } = await lab.underLoad(async (watch) => {
			await lab.on("worker1", unpublish);
			await expect.poll(() => watch.closedNow(), { timeout: minutes, interval: 500 }).toEqual(["worker1"]);
			expect(await lab.healthyTasks(), "Docker calls all of them healthy").toEqual(before);
			const { code, report } = statusOf(lab.stack);
			expect(report.problems).toContainEqual(expect.stringMatching(/worker1/));
			expect(report.problems.filter((problem) => /manager|worker2/.test(problem))).toEqual([]);
			expect(code).toBe(1);
			expect((await lab.stack.previewText("--refresh")).output).toMatch(/worker1.*(8080|serve|refuse|answer|connect)/i);
			await lab.converge("--refresh");
		});
		expect(watched.closed).toEqual(["worker1"]);
		const after = await lab.healthyTasks();
		expect(after).toHaveLength(apps.length);
		expect(
			after.filter((id) => before.includes(id)),
			"tasks that were left alone",
		).toHaveLength(2);
		expect(statusOf(lab.stack)).toMatchObject({ code: 0, report: { problems: [] } });
		await lab.expectVersion(version);
		await lab.expectNothingDrained();
		await lab.expectUnchanged("--refresh");
		lab.configure();
		await lab.converge();
	});
});
