/** A name made safe as part of a file's name, because it goes into scripts as it is. */
export function fileStem(name: string): string {
	return name.replace(/^\.+|[^\w.-]/g, "-");
}
