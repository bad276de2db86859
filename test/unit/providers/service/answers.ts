import type { ServiceSpec } from "../../../../providers/service/spec.ts";

/* What a manager of the unit tests answers. */

/** There is no such thing. */
export const absent = async () => Promise.reject(Object.assign(new Error("no such thing"), { statusCode: 404 }));

/** A task on the node that runs. */
export const runningTask = (nodeId: string, spec: ServiceSpec | undefined) => ({
	ID: `task-on-${nodeId}`,
	NodeID: nodeId,
	CreatedAt: "",
	DesiredState: "running",
	Spec: spec?.TaskTemplate,
	Status: { State: "running", Timestamp: "" },
});
