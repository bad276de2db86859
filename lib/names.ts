/** A name as part of a file's name, whatever it holds: it goes into scripts as it is. */
export function fileStem(name: string): string {
	return name.replace(/^\.+|[^\w.-]/g, "-");
}
