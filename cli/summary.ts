import { type Class, classes, graver, type Verdict } from "../lib/disruption.ts";
import type { Change, Operation, Preview } from "./changes.ts";
import { disruptionOf } from "./disruption.ts";

/*
 * The summary of a preview, gravest change first, for a terminal and as Markdown. Pure.
 */

interface Row extends Verdict {
	changes: Change[];
}

/** One row for each class and reason. */
export function summaryRows({ changes, roles }: Preview): Row[] {
	const rows = new Map<string, Row>();
	for (const change of changes) {
		const found = disruptionOf(change, roles);
		const key = `${found.class}\n${found.reason}`;
		const row = rows.get(key) ?? { ...found, changes: [] };
		row.changes.push(change);
		rows.set(key, row);
	}
	// Sorted, because the engine works in parallel, and the same preview should give the same text.
	return [...rows.values()].sort((a, b) => graver(b.class, a.class) || named(a.changes).localeCompare(named(b.changes)));
}

/** The gravest class of a preview. */
export const gravest = (rows: Row[]): Class => rows[0]?.class ?? "none";

const signs: Record<Operation, string> = { create: "+", update: "~", replace: "+-", delete: "-" };

/** The resources of a row, each with the sign of its operation. */
function named(changes: Change[]): string {
	const names = changes.map(({ operation, name }) => `${signs[operation]}${name}`).sort((a, b) => a.localeCompare(b));
	return names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
}

export function summaryText(preview: Preview): string {
	const rows = summaryRows(preview);
	if (rows.length === 0) return "Disruption: none. Nothing changes.\n";
	const width = Math.max(...rows.map((row) => row.class.length));
	const lines = rows.map((row) => `  ${row.class.padEnd(width)}  ${named(row.changes)}: ${row.reason}`);
	return [`Disruption: ${gravest(rows)} (${classes[gravest(rows)]})`, ...lines, ""].join("\n");
}

export function summaryMarkdown(preview: Preview, stack: string): string {
	const rows = summaryRows(preview);
	const heading = `### ${stack}: disruption ${gravest(rows)}`;
	if (rows.length === 0) return `${heading}\n\nNothing changes.\n`;
	const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
	const table = rows.map((row) => `| ${row.class} | ${cell(named(row.changes))} | ${cell(row.reason)} |`);
	return [heading, "", `${classes[gravest(rows)]}.`, "", "| Class | Resources | Why |", "|---|---|---|", ...table, ""].join("\n");
}
