import { printable } from "./printable.ts";

/*
 * What refreshes found changed on a host by hand, by the step that had made it. What a step made is recorded on the host (host/steps/run.sh), and compared
 * by host/steps/host/refresh.sh.
 */

/** Stands for all steps of a host: its records are gone, and so may be everything else. */
export const everyStep = "*";

/** What differs at a step: `state now instead of recorded state`, by subject. Entries of their own, because the engine cuts what it shows of each. */
export type Differences = Record<string, string>;

/** What refreshes found at the steps of a host. `seen` counts how often, so that the same difference, seen later, is a change again. */
export type Drift = Record<string, { seen: number; differs: Differences }>;
/** What differs, by step, as host/steps/host/refresh.sh printed it. People read it, and a host may say anything. Pure. */
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

/** What a step has: a step may be called `constructor`. */
export const own = (drift: Drift, step: string) => (Object.hasOwn(drift, step) ? drift[step] : undefined);

/** A host can say as much as it likes, and the state keeps this for good. */
const most = { differences: 20, characters: 250 };

function shortened(differs: Differences): Differences {
	const short = (text: string) => (text.length > most.characters ? `${text.slice(0, most.characters)}…` : text);
	const entries = Object.entries(differs).map(([subject, state]) => [short(subject), short(state)]);
	const more = entries.length > most.differences ? [["…", `and ${entries.length - most.differences} more`]] : [];
	return Object.fromEntries([...entries.slice(0, most.differences), ...more]);
}
