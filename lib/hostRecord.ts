import { shellQuote } from "./connection.ts";
import { printable } from "./printable.ts";

/*
 * What a step made on a host, so that a refresh can tell what someone changed there. Each step leaves a directory `<record>/<step>` with
 *
 *   look      bash that prints `subject<TAB>state` lines, by the functions of `prelude`
 *   outcome   what it printed when the step was done
 *
 * A refresh runs all looks of a host in one go and compares.
 */

/** Where a stack's records lie on its hosts. `owner` is `project/stack`. */
export function recordDirectory(owner: string): string {
	return `/var/lib/scaleout/${fileStem(owner)}`;
}

/** A name as part of a file's name, whatever it holds: it goes into scripts as it is. */
export function fileStem(name: string): string {
	return name.replace(/^\.+|[^\w.-]/g, "-");
}

/** What a look may say; anything else that prints such lines is as good. */
const prelude = `
state() { printf '%s\\t%s\\n' "$1" "$2"; }
file() { state "$1" "$(if [ -e "$1" ]; then stat -c '%U:%G %a' "$1"; else echo absent; fi)$(if [ -f "$1" ]; then echo " sha256 $(sha256sum "$1" | cut -c-12)"; fi)"; }
unit() { state "$1" "$(systemctl is-active "$1") and $(systemctl is-enabled "$1" 2> /dev/null)"; }`.trim();

/** The step's script, followed by its record. Pure. */
export function recorded(owner: string, step: string, script: string, looks: string[]): string {
	const record = `${recordDirectory(owner)}/${fileStem(step)}`;
	return `
(
${script}
)
# A refresh compares with this.
install -d -m 700 /var/lib/scaleout ${recordDirectory(owner)} ${record}
cat > ${record}/look <<'LOOK'
${looks.join("\n")}
LOOK
${prelude}
(set +eu; . ${record}/look) > ${record}/outcome 2> /dev/null
`.trim();
}

/** Forgets a step's record. */
export function forget(owner: string, step: string): string {
	const directory = recordDirectory(owner);
	return `rm -rf ${directory}/${fileStem(step)}; rmdir --ignore-fail-on-non-empty ${directory} 2> /dev/null || true`;
}

/** Prints, as `lookScript` does, whether a host has no records at all, and ends then. Changes nothing. Pure. */
export function findRecords(owner: string): string {
	return `cd ${recordDirectory(owner)} 2> /dev/null || { printf '${everyStep}\\t>\\trecords of the steps\\tthere\\n'; exit 0; }`;
}

/** Prints `step<TAB>< or ><TAB>subject<TAB>state` for what is now, and what was recorded, where they differ. Changes nothing. Pure. */
export function lookScript(owner: string): string {
	return `
${prelude}
${findRecords(owner)}
for step in *; do
  [ -e "$step/outcome" ] || continue
  { diff <(set +eu; . "$step/look" 2> /dev/null) "$step/outcome" || true; } | sed -n "s/^\\([<>]\\) /$step\\t\\1\\t/p"
done
`.trim();
}

/** Stands for all steps of a host: its records are gone, and so may be everything else. */
export const everyStep = "*";

/** What differs at a step: `state now instead of recorded state`, by subject. Entries of their own, because the engine cuts what it shows of each. */
export type Differences = Record<string, string>;

/** What refreshes found at the steps of a host. `seen` counts how often, so that the same difference, seen later, is a change again. */
export type Drift = Record<string, { seen: number; differs: Differences }>;

/** What differs, by step, as `lookScript` printed it. People read it, and a host may say anything. Pure. */
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

/** The drift after a look: a step where something differs gets a new number, all others stay as they were. Pure. */
export function nextDrift(drift: Drift, found: Record<string, Differences>): Drift {
	const fresh = Object.entries(found).map(([step, differs]) => {
		const seen = (own(drift, step)?.seen ?? 0) + 1;
		return [step, { seen, differs: shortened(differs) }];
	});
	return { ...drift, ...Object.fromEntries(fresh) };
}

/** What a step has: a step may be called `constructor`. */
const own = (drift: Drift, step: string) => (Object.hasOwn(drift, step) ? drift[step] : undefined);

/** A host can say as much as it likes; a command line holds 128 KiB, and the state keeps this for good. */
const most = { differences: 20, characters: 250 };

function shortened(differs: Differences): Differences {
	const short = (text: string) => (text.length > most.characters ? `${text.slice(0, most.characters)}…` : text);
	const entries = Object.entries(differs).map(([subject, state]) => [short(subject), short(state)]);
	const more = entries.length > most.differences ? [["…", `and ${entries.length - most.differences} more`]] : [];
	return Object.fromEntries([...entries.slice(0, most.differences), ...more]);
}

/** The script with the drift that makes it run again, as comments: what a preview shows. Pure. */
export function withDrift(script: string, step: string, drift: Drift = {}): string {
	const found = [everyStep, fileStem(step)].flatMap((key) => own(drift, key) ?? []);
	const comments = found.flatMap(({ seen, differs }) =>
		Object.entries(differs).map(([subject, state]) => `drift ${seen}: ${subject} is ${state}`),
	);
	// One line each, whatever a host says.
	return [script, ...comments.map((text) => `# ${text.replace(/\s+/g, " ")}`)].join("\n");
}

/** A look at packages: that they are installed, whatever their version. */
export function lookAtPackages(packages: string[]): string {
	return `dpkg-query -W -f 'package \${Package}\\t\${db:Status-Status}\\n' ${packages.map(shellQuote).join(" ")}`;
}
