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
