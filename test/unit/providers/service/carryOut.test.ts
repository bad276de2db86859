import { describe, expect, test } from "vitest";
import { rollOut } from "../../../../providers/service/carryOut.ts";
import type { ServiceInputs } from "../../../../providers/service/resource.ts";
import type { RolloutError } from "../../../../providers/service/settle.ts";
import { serviceInputs } from "./inputs.ts";
import { Stand } from "./stand.ts";

const inputs = (change: Partial<ServiceInputs> = {}) => serviceInputs({ convergeSeconds: 600, ...change });
const next = inputs({ image: `was@sha256:${"2".repeat(64)}` });
const after = inputs({ image: `was@sha256:${"3".repeat(64)}` });
const login = { serveraddress: "r", username: "pusher", password: "new" };
const updating = { State: "updating", Message: "", StartedAt: "2026-01-01" };

const failing = async (rollout: Promise<unknown>): Promise<RolloutError> =>
	rollout.then(
		() => expect.unreachable("it should fail"),
		(error) => error,
	);

describe("a rollout", () => {
	test("writes what is asked for and ends when every node runs it and serves", async () => {
		const stand = new Stand(inputs()).runs();
		const outputs = await rollOut(next, stand.means);
		expect(stand.sent.map(({ spec }) => spec.TaskTemplate.ContainerSpec.Image)).toEqual([next.image]);
		expect(outputs).toEqual({ serviceId: "service", imageDigest: next.image, observed: { image: next.image, running: 3, differs: [] } });
	});

	test("writes nothing where all is there already", async () => {
		const stand = new Stand(inputs()).runs();
		await rollOut(inputs(), stand.means);
		expect(stand.sent).toEqual([]);
	});

	test("sends a new login with the spec that is there, so that no task is replaced", async () => {
		const stand = new Stand(inputs()).runs();
		const spec = structuredClone(stand.service?.Spec);
		await rollOut(inputs({ registryAuth: login }), stand.means, { hasNewLogin: true });
		expect(stand.sent).toEqual([{ auth: login, spec }]);
	});

	test("says how many nodes are updated and serve, and what the others wait for", async () => {
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		stand.at(1, () => {
			if (stand.service) stand.service.UpdateStatus = updating;
			for (const task of stand.tasks.slice(0, 2)) task.DesiredState = "shutdown";
			const [manager, worker1] = stand.tasks as [never, never];
			stand.tasks.push(stand.task("id-of-worker2"));
			Object.assign(stand.tasks[2] as object, { DesiredState: "shutdown", Status: { State: "shutdown" } });
			expect([manager, worker1]).toHaveLength(2);
			stand.serving.set("worker1", { status: 0, agent: { state: "closed", connections: 3 } });
			stand.serving.set("manager", { status: 200, agent: { state: "waiting", connections: 9 } });
		});
		stand.at(200, () => {
			if (stand.service) delete stand.service.UpdateStatus;
			stand.replaceAll();
			for (const name of ["manager", "worker1"]) stand.serving.set(name, { status: 200, agent: { state: "serving", connections: 0 } });
		});
		await rollOut(next, stand.means);
		expect(stand.progress.join("\n")).toContain(
			"service babble-was: 1 of 3 nodes updated, 2 serve, manager waits for its turn, worker1 draining (3 connections left) (",
		);
	});

	test("asks the nodes every five seconds while tasks are replaced", async () => {
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		stand.at(60, () => stand.replaceAll());
		await rollOut(next, stand.means);
		expect(stand.asked.filter((asked) => asked.startsWith("worker1")).length).toBeLessThan(20);
	});

	test("waits for minutes while agents hold stops for their turn: the tasks run on, asked to stop", async () => {
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		stand.at(1, () => {
			for (const task of stand.tasks) task.DesiredState = "shutdown";
			if (stand.service) stand.service.UpdateStatus = updating;
		});
		stand.at(550, () => {
			stand.replaceAll();
			if (stand.service) stand.service.UpdateStatus = { ...updating, State: "completed" };
		});
		await rollOut(next, stand.means);
	});

	test("counts wanted nodes: one that is about to leave does not stand in for one that is to come", async () => {
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		stand.at(1, () => {
			stand.replaceAll();
			(stand.tasks[0] as { NodeID: string }).NodeID = "leaves";
		});
		const error = await failing(rollOut(next, stand.means));
		expect(error.message).toMatch(/not done after 600 s; last seen: 2 of 3 nodes updated, 3 serve/);
	});
});

describe("failed tasks", () => {
	test("of weeks ago fail nothing", async () => {
		const stand = new Stand(inputs()).runs();
		stand.tasks.push(...Array.from({ length: 20 }, () => stand.task("id-of-worker1", "failed", "shutdown", "weeks ago")));
		await rollOut(inputs({ rollout: { ...inputs().rollout, delaySeconds: 7 } }), stand.means);
	});

	test("of this rollout end it when they are many, with their own last lines, newest last, and none of old tasks", async () => {
		const stand = new Stand(inputs()).runs();
		for (const task of stand.tasks) stand.printed.set(task.ID, "planted line of an old task\n");
		stand.isPrompt = false;
		stand.at(2, () => {
			for (let i = 1; i <= 9; i++) {
				const task = stand.task("id-of-worker1", "failed", "shutdown", "task: non-zero exit (1)");
				stand.printed.set(task.ID, `line of try ${i}\n`);
				stand.tasks.unshift(task);
			}
			stand.tasks.unshift(stand.task("id-of-manager", "pending", "running", "no suitable node (host-mode port already in use on 1 node)"));
		});
		const error = await failing(rollOut(next, stand.means));
		expect(error.message).toBe(
			[
				"service babble-was: tasks fail again and again, 0 of 3 run",
				"  worker1: failed: task: non-zero exit (1)",
				...[7, 8, 9].flatMap((i) => ["last log lines of the failed task on worker1:", `  | line of try ${i}`]),
			].join("\n"),
		);
	});
});

describe("a version that fails and is put back", () => {
	const rolledBack = (to: ServiceInputs) => {
		const stand = new Stand(inputs()).runs(to);
		stand.isPrompt = false;
		stand.at(500, () => {
			if (stand.service) stand.service.UpdateStatus = { ...updating, State: "rollback_started" };
		});
		stand.at(1000, () => {
			stand.runs(to, { ...updating, State: "rollback_completed" });
		});
		return stand;
	};

	test("is told as such, and going back has its own time", async () => {
		const error = await failing(rollOut(after, rolledBack(next).means));
		expect(error.message).toMatch(/^service babble-was: the new version failed, and the old one is back on all nodes/);
		expect(error.isRolledBack).toBe(true);
	});
});

/** Inputs with an order of nodes. */
const ordered = (image: string) => ({ ...inputs(), image, rollout: { ...inputs().rollout, order: ["worker2"] } });

/** A service of which Swarm has asked all nodes for another version, and what it tells of the first one's task. */
function inOrder(first: (stand: Stand) => ReturnType<Stand["task"]>): Stand {
	const stand = new Stand(ordered(inputs().image)).runs();
	stand.isPrompt = false;
	stand.at(5, () => {
		if (stand.service) stand.service.UpdateStatus = updating;
		stand.tasks.unshift(first(stand));
	});
	return stand;
}

test("a version that fails at the first node of an order is put back, though Swarm, which has asked all nodes at once, does not see it", async () => {
	const [old, bad] = [ordered(inputs().image), ordered(next.image)];
	const stand = inOrder((its) => its.task("id-of-worker2", "failed", "shutdown", "task: non-zero exit (1)"));
	stand.at(30, () => void stand.runs(old, { ...updating, State: "rollback_started" }));
	stand.at(60, () => void stand.runs(old, { ...updating, State: "rollback_completed" }));
	const error = await failing(rollOut(bad, stand.means));
	expect(error.message).toMatch(/the new version failed, and the old one is back on all nodes/);
	expect(error.isRolledBack).toBe(true);
	expect(stand.rollbacks).toBe(1);
});

test("a task that fails in an order after it has served for the monitor time does not take a good version back", async () => {
	const good = ordered(next.image);
	const stand = inOrder((its) => its.task("id-of-worker2"));
	stand.at(60, () => {
		Object.assign(stand.tasks[0] ?? {}, {
			DesiredState: "shutdown",
			Status: { State: "failed", Timestamp: "", Err: "the host was rebooted" },
		});
	});
	stand.at(90, () => void stand.runs(good, { ...updating, State: "completed" }));
	await rollOut(good, stand.means);
	expect(stand.rollbacks).toBe(0);
});

test("a task that Swarm turned away in an order, as its node's label was taken off and put back by hand, does not take a good version back", async () => {
	const good = ordered(next.image);
	const stand = inOrder((its) => its.task("id-of-worker2", "rejected", "shutdown", "assigned node no longer meets constraints"));
	stand.at(90, () => void stand.runs(good, { ...updating, State: "completed" }));
	await rollOut(good, stand.means);
	expect(stand.rollbacks).toBe(0);
});

describe("a version that Docker's check takes for healthy, and the node's agent does not", () => {
	const impatient = (change: Partial<ServiceInputs> = {}) => ({ ...next, health: { ...next.health, deadlineSeconds: 60 }, ...change });

	/** Swarm has gone on to the next node, whose agent waits for the first one. */
	function keptOut(): Stand {
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		stand.at(5, () => {
			if (stand.service) stand.service.UpdateStatus = updating;
			stand.tasks = stand.tasks.filter(({ NodeID: id }) => id !== "id-of-worker1");
			stand.tasks.unshift(stand.task("id-of-worker1"));
			stand.serving.set("worker1", { status: 0, agent: { state: "closed", reason: "its task is not healthy yet: status 503" } });
		});
		return stand;
	}

	test("is put back, though Swarm does not see it, and the error names the node and what its agent found", async () => {
		const stand = keptOut();
		stand.at(150, () => {
			expect(stand.rollbacks, "asked for after a minute and the time to settle").toBe(1);
			stand.serving.set("worker1", { status: 200, agent: { state: "serving" } });
			stand.runs(inputs(), { ...updating, State: "rollback_completed" });
		});
		const error = await failing(rollOut(impatient(), stand.means));
		expect(error.message).toMatch(
			/the old one is back on all nodes: worker1 does not serve: .*closed, its task is not healthy yet: status 503/,
		);
		expect(error.isRolledBack).toBe(true);
	});

	test("is put back also when the manager cannot be asked just then", async () => {
		const stand = keptOut();
		stand.missRollbacks = 2;
		stand.at(150, () => void stand.runs(inputs(), { ...updating, State: "rollback_completed" }));
		expect((await failing(rollOut(impatient(), stand.means))).isRolledBack).toBe(true);
		expect(stand.rollbacks).toBe(1);
	});

	test("is one whose node is closed now, not one whose node was when it was last asked: an answer may take long", async () => {
		const hasty = impatient({ health: { ...next.health, deadlineSeconds: 5 } });
		const stand = new Stand(inputs()).runs();
		stand.isPrompt = false;
		const { shell, clock } = stand.means;
		const slowShell: typeof shell = async (...asked) => {
			await clock.sleep(700);
			return shell(...asked);
		};
		stand
			.at(3, () => {
				if (stand.service) stand.service.UpdateStatus = updating;
				stand.serving.set("worker1", { status: 0, agent: { state: "closed", reason: "new connections are refused" } });
			})
			.at(9, () => {
				stand.tasks = stand.tasks.filter(({ NodeID: id }) => id !== "id-of-worker1");
				stand.tasks.unshift(stand.task("id-of-worker1"));
			})
			.at(13, () => stand.serving.set("worker1", { status: 200, agent: { state: "serving" } }))
			.at(60, () => void stand.runs(hasty, { ...updating, State: "completed" }));
		await rollOut(hasty, { ...stand.means, shell: slowShell });
		expect(stand.rollbacks).toBe(0);
	});

	test("ends it where it is with failureAction pause", async () => {
		const stand = keptOut();
		const error = await failing(rollOut(impatient({ rollout: { ...next.rollout, failureAction: "pause" } }), stand.means));
		expect(error.message).toMatch(/^service babble-was: worker1 does not serve/);
		expect(stand.rollbacks).toBe(0);
	});
});

test("a port that somebody else has is told, as nobody of the service is about to leave it", async () => {
	const stand = new Stand(inputs()).runs();
	stand.isPrompt = false;
	stand.at(5, () => {
		if (stand.service) stand.service.UpdateStatus = updating;
		stand.tasks = stand.tasks.filter(({ NodeID: id }) => id !== "id-of-worker1");
		stand.tasks.unshift(stand.task("id-of-worker1", "pending", "running", "no suitable node (host-mode port already in use on 1 node)"));
	});
	const error = await failing(rollOut(next, stand.means));
	expect(error.message).toMatch(/ {2}worker1: pending: no suitable node \(host-mode port already in use/);
});

test("a node is let in after the time for which a task has to be healthy, however long that is", async () => {
	const slow = { ...next, health: { ...next.health, deadlineSeconds: 30 }, rollout: { ...next.rollout, settleSeconds: 120 } };
	const stand = new Stand(slow).runs();
	stand.serving.set("worker1", { status: 0, agent: { state: "closed", connections: 0 } });
	stand.at(100, () => void stand.serving.set("worker1", { status: 200, agent: { state: "serving", connections: 0 } }));
	await rollOut(slow, stand.means);
	expect(stand.now).toBeGreaterThan(90_000);
});

test("a node on which the task before serves is waited for, though the next one runs there: Docker has started it beside, without its port", async () => {
	const stand = new Stand(next).runs();
	stand.serving.set("worker1", { status: 200, agent: { state: "waiting", connections: 2 } });
	stand.at(100, () => void stand.serving.set("worker1", { status: 200, agent: { state: "serving", connections: 0 } }));
	await rollOut(next, stand.means);
	expect(stand.now).toBeGreaterThan(90_000);
});

test("a version that fails and that Swarm has gone back to, as it was written twice, is not called the old one", async () => {
	const stand = new Stand(inputs()).runs();
	stand.isPrompt = false;
	stand.at(5, () => void stand.runs(next, { ...updating, State: "rollback_completed" }));
	const error = await failing(rollOut(next, stand.means));
	expect(error.message).toMatch(/^service babble-was: the new version failed, and Swarm knows no other one: ask for the old one/);
	expect(error.isRolledBack).toBe(false);
});

describe("a node lost for good in its turn", () => {
	const lost = () => {
		const stand = new Stand(inputs()).runs(next, updating);
		stand.node("worker2").Status = { State: "down" };
		stand.tasks = stand.tasks.filter(({ NodeID: id }) => id !== "id-of-worker2");
		stand.serving.delete("worker2");
		return stand;
	};

	test("is not waited for: after the time of a reboot the same spec is written under another label, which cancels Swarm's update", async () => {
		const stand = lost();
		const error = await failing(rollOut(next, stand.means));
		expect(stand.sent).toHaveLength(1);
		expect(stand.sent[0]?.spec.Labels).toEqual({ "scaleout.owner": "swarm-scaleout/lab", "scaleout.attempt": "1" });
		expect(stand.now).toBeGreaterThan(120_000);
		expect(stand.now).toBeLessThan(300_000);
		expect(error.message).toMatch(
			/^service babble-was: 2 of 3 nodes are up to date and serve; worker2 gets no task, Swarm sees it down: see to the host$/,
		);
	});

	test("and removed from the swarm since, is named at once", async () => {
		const stand = lost();
		stand.nodes.splice(2, 1);
		const error = await failing(rollOut(next, stand.means));
		expect(stand.now).toBeLessThan(30_000);
		expect(error.message).toContain("worker2 gets no task, it is not in the swarm: pulumi up --refresh mends it");
	});

	test("is waited for while it may only be rebooting", async () => {
		const stand = lost();
		stand.at(100, () => {
			stand.node("worker2").Status = { State: "ready" };
			stand.serving.set("worker2", { status: 200 });
			stand.tasks.unshift(stand.task("id-of-worker2"));
			if (stand.service) stand.service.UpdateStatus = { ...updating, State: "completed" };
		});
		await rollOut(next, stand.means);
		expect(stand.sent).toEqual([]);
	});
});

describe("a running task without its published port", () => {
	test("is replaced by itself, named, and waited for", async () => {
		const stand = new Stand(inputs()).runs();
		stand.serving.set("worker2", { status: 0, isUnpublished: true, agent: { state: "serving" } });
		await rollOut(inputs(), stand.means);
		expect(stand.stopped).toEqual(["container-task-3"]);
		expect(stand.notes).toEqual(["worker2 does not serve: its task has no published port: it is replaced"]);
		expect(stand.sent).toEqual([]);
	});

	test("that a rollout left behind is replaced after it, once", async () => {
		const stand = new Stand(inputs()).runs();
		stand.serving.set("worker2", { status: 0, isUnpublished: true });
		await rollOut(next, stand.means);
		expect(stand.stopped).toHaveLength(1);
		expect(stand.sent).toHaveLength(1);
	});

	test("on two nodes is replaced on one after the other", async () => {
		const stand = new Stand(inputs()).runs();
		for (const name of ["worker1", "worker2"]) stand.serving.set(name, { status: 0, isUnpublished: true });
		await rollOut(inputs(), stand.means);
		expect(stand.stopped).toEqual(["container-task-2", "container-task-3"]);
	});
});

test("a node that runs its task and answers nothing healthy ends the wait with its name and what it answers", async () => {
	const stand = new Stand(inputs()).runs();
	stand.serving.set("worker1", { status: 302, agent: { state: "closed", reason: "the health check has had 302" } });
	const error = await failing(rollOut(inputs(), stand.means));
	expect(error.message).toBe(
		"service babble-was: worker1 does not serve: 192.168.2.1:8080: answers 302 (its agent: closed, the health check has had 302)",
	);
	expect(stand.now).toBeLessThan(330_000);
});

test("a paused node ends the wait at its deadline, with what is the matter and the remedy", async () => {
	const stand = new Stand(inputs());
	stand.node("worker2").Spec = { ...stand.node("worker2").Spec, Availability: "pause" };
	stand.isPrompt = false;
	stand.at(1, () => {
		stand.tasks = ["manager", "worker1"].map((name) => stand.task(`id-of-${name}`));
		stand.serving.delete("worker2");
	});
	const error = await failing(rollOut(inputs(), stand.means));
	expect(error.message).toMatch(
		/^service babble-was: not done after 600 s; last seen: 2 of 3 nodes updated, 2 serve; worker2 gets no task, its availability is pause: pulumi up --refresh mends it$/,
	);
});
