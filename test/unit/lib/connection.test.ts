import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asRoot, describeConnection, shellQuote } from "../../../lib/connection.ts";
import { connection } from "../fixtures.ts";

/** Whatever an argument can hold: all but NUL and lone surrogates, which have no UTF-8. */
const word = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0"));
const nasty = ["", "'", "''", "a'b'c", '"$HOME"', "$(id)", "`id`", "\\", "a\nb", "!x", "-n", "*", "ü 漢"];

const bash = (...args: string[]) => spawnSync("bash", args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } });

describe("a quoted word", () => {
	test("comes out of the shell as it went in", () => {
		const survives = (text: string) => bash("-c", `printf %s ${shellQuote(text)}`).stdout === text;
		fc.assert(fc.property(word, survives), { numRuns: 20, examples: nasty.map((text) => [text]) });
	});

	test("is one word beside others", () => {
		const quoted = nasty.map(shellQuote).join(" ");
		expect(bash("-c", `printf '%s\\0' ${quoted}`).stdout.split("\0").slice(0, -1)).toEqual(nasty);
	});
});

describe("a script run as root", () => {
	test("arrives as it was written, and may read standard input", () => {
		const script = `name="it's"\nread -r line\necho "$name $line \${BASH_VERSION:+bash}"`;
		const { stdout } = spawnSync("sh", ["-c", asRoot("root", script)], { encoding: "utf8", input: "given\n" });
		expect(stdout).toBe("it's given bash\n");
	});

	test.each([
		["a command fails", "false\necho reached"],
		["a command in a pipe fails", "false | true\necho reached"],
		["a variable is not set", 'echo "$missing"\necho reached'],
	])("stops when %s", (_when, script) => {
		const { stdout, status } = spawnSync("sh", ["-c", asRoot("root", script)], { encoding: "utf8" });
		expect(stdout).not.toContain("reached");
		expect(status).not.toBe(0);
	});

	test("another user becomes root, and is never asked for a password", () => {
		expect(asRoot("ubuntu", "id")).toBe(`sudo -n ${asRoot("root", "id")}`);
		expect(asRoot("root", "id")).not.toContain("sudo");
	});
});

test("a connection is described without its keys, its bastion included", () => {
	const through = connection({ user: "ubuntu", port: 2222, proxy: connection({ host: "gate" }) });
	expect(describeConnection(through)).toBe("ubuntu@192.168.2.137:2222 via root@gate:22");
});
