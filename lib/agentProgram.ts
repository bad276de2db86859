/** Quotes one word of a unit's command line, so that systemd expands and splits nothing in it. See systemd.service(5), "Command lines". */
export function systemdQuote(word: string): string {
	const escaped = word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("%", "%%").replaceAll("$", "$$$$");
	return /^[\w./:=?&@,+%-]+$/.test(word) ? escaped : `"${escaped}"`;
}

/** Where the program of a systemd unit of ours lies on a host. */
export const programPath = (unit: string) => `/usr/local/lib/scaleout/${unit}.py`;

/** Puts a unit's program from standard input in place, whole or not at all. */
export function installProgram(unit: string): string {
	return `
install -d -m 755 /usr/local/lib/scaleout
cat > ${programPath(unit)}.new
mv ${programPath(unit)}.new ${programPath(unit)}
`.trim();
}

/** Looks at a program, its unit, and that the unit, or another one that starts it, runs. See lib/hostRecord.ts. */
export function lookAtProgram(unit: string, running = `${unit}.service`): string[] {
	const files = [programPath(unit), ...new Set([`${unit}.service`, running].map((name) => `/etc/systemd/system/${name}`))];
	return [...files.map((file) => `file ${file}`), `unit ${running}`];
}
