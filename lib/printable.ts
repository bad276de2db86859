/** Characters that a terminal, or a program that reads a log by lines, could take as a command. Line feeds and tabs are allowed. */
const controls = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text from a host or an application, made safe to show: control characters are written out, such as `\x1b`. */
export function printable(text: string): string {
	return text.replace(/\r\n/g, "\n").replace(controls, (character) => {
		const code = character.codePointAt(0)?.toString(16) ?? "";
		return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, "0")}`;
	});
}
