import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineError, type Seen, until, within } from "../../../lib/wait.ts";

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

/** Lets time pass until the promise has settled, and returns how it did. */
async function settled<T>(promise: Promise<T>): Promise<{ value?: T; error?: Error; seconds: number }> {
	const started = Date.now();
	const outcome = promise.then(
		(value) => ({ value, seconds: (Date.now() - started) / 1000 }),
		(error: Error) => ({ error, seconds: (Date.now() - started) / 1000 }),
	);
	await vi.advanceTimersByTimeAsync(3_600_000);
	return outcome;
}

describe("until", () => {
	const options = { what: "node worker1 joining", deadlineSeconds: 60, progress: () => {} };

	test("gives what the probe found, as soon as it is done", async () => {
		const answers: Seen<string>[] = [{ waiting: "not listed yet" }, { waiting: "down" }, { done: "ready" }];
		const probe = vi.fn(async () => answers.shift() as Seen<string>);
		const { value, seconds } = await settled(until(options, probe));
		expect(value).toBe("ready");
		expect(probe).toHaveBeenCalledTimes(3);
		expect(seconds).toBeLessThan(2);
	});

	test("ends at the deadline, naming what was waited for and what was last seen", async () => {
		const { error, seconds } = await settled(until(options, async () => ({ waiting: "the manager sees it down" })));
		expect(error).toBeInstanceOf(DeadlineError);
		expect(error?.message).toBe("node worker1 joining: not done after 60 s; last seen: the manager sees it down");
		expect((error as DeadlineError).lastSeen).toBe("the manager sees it down");
		expect(seconds).toBeGreaterThanOrEqual(60);
		expect(seconds).toBeLessThan(64);
	});

	test("ends at once when the probe throws, with the probe's own error", async () => {
		class Broken extends Error {}
		const broken = new Broken("the machine stopped");
		const probe = vi.fn(async (): Promise<Seen<never>> => {
			throw broken;
		});
		const { error, seconds } = await settled(until(options, probe));
		expect(error).toBe(broken);
		expect(probe).toHaveBeenCalledTimes(1);
		expect(seconds).toBe(0);
	});

	test("tells the operator what is still missing, and how long it may take", async () => {
		const progress = vi.fn();
		await settled(until({ ...options, deadlineSeconds: 1, progress }, async () => ({ waiting: "no SSH yet" })));
		expect(progress).toHaveBeenCalledWith("node worker1 joining: no SSH yet (0 s of at most 1 s)");
	});

	test("pauses longer and longer, up to the longest pause", async () => {
		const looks: number[] = [];
		const probe = async () => {
			looks.push(Date.now());
			return { waiting: "…" };
		};
		await settled(until({ ...options, maxPauseMs: 1000 }, probe));
		const pauses = looks.slice(1).map((time, i) => time - (looks[i] as number));
		expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
		expect(pauses[0]).toBe(300);
		expect(pauses.at(-1)).toBe(1000);
	});
});

describe("within", () => {
	test("gives the value of work that ends in time", async () => {
		const work = new Promise((resolve) => setTimeout(() => resolve("done"), 9_000));
		expect((await settled(within("command", 10, work))).value).toBe("done");
	});

	test("ends at the deadline when the work does not", async () => {
		const { error, seconds } = await settled(within("command on root@worker1:22", 10, new Promise(() => {})));
		expect(error).toBeInstanceOf(DeadlineError);
		expect(error?.message).toBe("command on root@worker1:22: not done after 10 s; last seen: no answer");
		expect(seconds).toBe(10);
	});

	test("passes on the work's own error, and leaves no timer behind", async () => {
		const { error } = await settled(within("command", 10, Promise.reject(new Error("connection lost"))));
		expect(error?.message).toBe("connection lost");
		expect(vi.getTimerCount()).toBe(0);
	});
});
