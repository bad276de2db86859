import { afterEach } from "vitest";
import { keepLogs } from "../support/lab.ts";

/** For lab and faults: the hosts of a test that failed may be others when all is over. */
afterEach(async ({ task }) => {
	if (task.result?.state === "fail") await keepLogs(task.name);
});
