import { printable } from "./printable.ts";

/*
 * Changes by hand that refreshes found on a host, by the step that made what was changed. host/steps/run.sh records on the host what a step made, and
 * host/steps/host/refresh.sh compares.
 */

/** Stands for all steps of a host: its records are gone, so everything else may be gone too. */
export const everyStep = "*";

/** What differs at a step, by subject: `state now instead of recorded state`. One entry per subject, because the engine truncates each when it shows it. */
export type Differences = Record<string, string>;

/** What refreshes found at a host's steps. `seen` counts how often, so that the same difference, seen again later, is a new change. */
export type Drift = Record<string, { seen: number; differs: Differences }>;
/** What differs, by step, from the output of host/steps/host/refresh.sh. It is made printable: people read it, and a host may send anything. Pure. */
export function differencesOf(printed: string): Record<string, Differences> {
	const found = new Map<string, Map<string, { now?: string; was?: string }>>();
	for (const line of printable(printed).split("\n")) {
		const [step, side, subject, state] = line.split("\t");
		if (!step || !subject) continue;
		const subjects = found.get(step) ?? found.set(step, new Map()).get(step);
		const known = subjects?.get(subject) ?? {};
		subjects?.set(subject, { ...known, [side === "<" ? "now" : "was"]: state });
	}
	const describe = ([subject, { now = "absent", was = "absent" }]: [string, { now?: string; was?: string }]) => [
		subject,
		`${now} instead of ${was}`,
	];
	return Object.fromEntries([...found].map(([step, subjects]) => [step, Object.fromEntries([...subjects].map(describe))]));
}

/** The drift after a refresh: a step where something differs gets a new number, all others stay as they were. Pure. */
export function nextDrift(drift: Drift, found: Record<string, Differences>): Drift {
	const fresh = Object.entries(found).map(([step, differs]) => {
		const seen = (own(drift, step)?.seen ?? 0) + 1;
		return [step, { seen, differs: shortened(differs) }];
	});
	return { ...drift, ...Object.fromEntries(fresh) };
}

/** A step's own entry: a step may be called `constructor`. */
export const own = (drift: Drift, step: string) => (Object.hasOwn(drift, step) ? drift[step] : undefined);

/** Limits, because a host can send any amount, and the state keeps it for good. */
const most = { differences: 20, characters: 250 };

/** Within the limits. */
export function shortened(differs: Differences): Differences {
	const short = (text: string) => (text.length > most.characters ? `${text.slice(0, most.characters)}…` : text);
	const entries = Object.entries(differs).map(([subject, state]) => [short(subject), short(state)]);
	const more = entries.length > most.differences ? [["…", `and ${entries.length - most.differences} more`]] : [];
	return Object.fromEntries([...entries.slice(0, most.differences), ...more]);
}
