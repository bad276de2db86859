/** Whatever a terminal, or a log that is read line by line, could take for an order to itself. Line feeds and tabs stay. */
const controls = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text of a host or of an application, for people: with its control characters written out, such as `\x1b`. */
export function printable(text: string): string {
	return text.replace(/\r\n/g, "\n").replace(controls, (character) => {
		const code = character.codePointAt(0)?.toString(16) ?? "";
		return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, "0")}`;
	});
}
