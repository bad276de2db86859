import { containerScript } from "../../host/kit.ts";
import { second } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/** The node's static busybox, mounted into the container: the image needs no tool, or shell, for the health check. */
export const probeTool = "/.scaleout/busybox";

/** Docker kills a check at its own limit, which includes the start of the check's processes. */
const startSeconds = 5;

/** Seconds between two checks of a new task, and the shortest time that Docker waits. */
const pauseSeconds = 1;

/** In nanoseconds. Docker before 25 does not keep it. */
export const startInterval = pauseSeconds * second;

/**
 * Docker's health check. It decides when Swarm continues with the next node, and what counts as a failed update. Pure.
 *
 * The command keeps the interval itself. Docker would first check a new task after one full interval, so a longer interval would make rollouts
 * slower; and it starts a process for each check, which costs the host more than the check. (Docker's own remedy, a short `StartInterval`, exists
 * since Docker 25, and starts even more processes. Since Docker 27 its default is 5 s.)
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
 * The check that lib/health.ts defines, with busybox alone: no PATH, no file of the image, any user. The request is passed in arguments, so nothing
 * in it is interpreted. Some of busybox's tools are not usable here:
 *
 * - wget follows redirects, takes any 2xx, obeys http_proxy, and crashes with a timeout where it is linked statically;
 * - timeout leaves a watcher behind, which becomes a child of the application: if that reaps no children, each check leaves a zombie;
 * - nc closes its side of the connection when its input ends, and some servers then think that the client has gone: so it runs the shell (-e).
 *
 * No process is left behind: each one ends by itself, and is waited for.
 */
const [checkScript, askScript] = [containerScript("look"), containerScript("ask")];
