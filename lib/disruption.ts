/*
 * What a change does to the service's users: a class and a reason. A provider that knows puts this verdict into its remark on the preview, and the summary
 * reads it there, so that it is judged only once.
 */

/** From the most harmless to the gravest. */
export const classes = {
	none: "no request and no data is touched",
	reload: "a server takes a new configuration and goes on",
	"lossless rolling": "tasks are replaced one node after another; no request fails",
	"node replacement": "a node is taken out or recreated; the others serve",
	interruption: "requests may fail, or nothing answers for a while",
	data: "stored data is deleted, or is looked for in another place; or nobody knows",
} as const;

export type Class = keyof typeof classes;

export interface Verdict {
	class: Class;
	reason: string;
}

const order = Object.keys(classes) as Class[];

/** Above 0 when `a` is graver than `b`, below 0 when it is less grave. */
export const graver = (a: Class, b: Class): number => order.indexOf(a) - order.indexOf(b);

/** A verdict as a provider's remark: `lossless rolling: image replaces the tasks of babble-was: …`. */
export const verdictText = (verdict: Verdict): string => `${verdict.class}: ${verdict.reason}`;

/** The verdict in a remark; undefined for any other remark. */
export function verdictIn(remark = ""): Verdict | undefined {
	const found = order.find((name) => remark.startsWith(`${name}: `));
	return found && { class: found, reason: remark.slice(found.length + 2) };
}
