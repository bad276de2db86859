import { containerScript } from "../../host/kit.ts";
import { second } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/** A static busybox of the node, mounted into the container: an image need not hold a tool, or a shell, for the health check. */
export const probeTool = "/.scaleout/busybox";

/** Docker kills a check at its own limit, which counts the start of the check's processes as well. */
const startSeconds = 5;

/** Between two checks of a new task, and the least that Docker waits. */
const pauseSeconds = 1;

/** In nanoseconds. Docker before 25 does not keep it. */
export const startInterval = pauseSeconds * second;

/**
 * Docker's health check. It decides when Swarm goes on to the next node, and what counts as a failed update. Pure.
 *
 * The command keeps the interval itself. Docker would check a new task after one interval at the earliest, and begin a process for each check,
 * which costs the host more than the check: a rollout would take the longer, the longer the interval. (Docker's own way out, a short `StartInterval`, is
 * there from Docker 25 on, and begins still more processes. From 27 on it is 5 s where nothing is said.)
 */
export function healthcheck({ health, publish }: Pick<ServiceInputs, "health" | "publish">): object {
	const { path, status, host, timeoutSeconds, intervalSeconds } = health;
	const words = [intervalSeconds, pauseSeconds, publish.target, timeoutSeconds, askScript, path, host, ...status].map(String);
	return {
		Test: ["CMD", probeTool, "sh", "-c", checkScript, probeTool, ...words],
		Interval: pauseSeconds * second,
		StartInterval: startInterval,
		Timeout: (intervalSeconds + pauseSeconds + timeoutSeconds + startSeconds) * second,
		Retries: health.retries,
		StartPeriod: health.deadlineSeconds * second,
	};
}

/*
 * The check that lib/health.ts defines, by busybox alone: no PATH, no file of the image, any user. What is asked for is handed
 * over as arguments, so nothing in it is interpreted. Some of busybox's tools do not do here:
 *
 * - wget follows redirects, takes any 2xx, obeys http_proxy, and crashes with a timeout where it is linked statically;
 * - timeout leaves a watcher behind, which becomes a child of the application, and where that one reaps no children, a zombie with each check;
 * - nc ends its side of the connection with its input, which some servers take for a client that has gone: so it runs the shell (-e).
 *
 * No process is left behind: each is waited for, and each ends by itself.
 */
const [checkScript, askScript] = [containerScript("look"), containerScript("ask")];
