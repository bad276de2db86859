import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asRoot } from "../../../lib/connection.ts";
import { differencesOf, forget, lookScript, nextDrift, recorded, withDrift } from "../../../lib/hostRecord.ts";

let directory: string;
beforeEach(() => {
	directory = fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-record-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** Runs a script as a host would, with the records in the test's directory. */
function run(script: string, stdin = ""): string {
	const command = asRoot("root", script.replaceAll("/var/lib/scaleout", path.join(directory, "records")));
	const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8", input: stdin });
	if (status !== 0) throw new Error(stderr);
	return stdout;
}

describe("the record of a step", () => {
	const owner = "swarm-scaleout/lab";
	const look = () => differencesOf(run(lookScript(owner)));
	const step = (script: string, looks: string[]) => run(recorded(owner, "step", script, looks), "content\n");

	test("names what was changed since: content, mode, absence, what is there too much", () => {
		const [kept, changed, gone, extra] = ["kept", "changed", "gone", "extra"].map((name) => path.join(directory, name)) as [
			string,
			string,
			string,
			string,
		];
		step(
			`tee ${kept} ${changed} ${gone} > /dev/null; chmod 644 ${directory}/*d`,
			[kept, changed, gone, extra].map((file) => `file ${file}`),
		);
		expect(look()).toEqual({});
		fs.writeFileSync(changed, "by hand\n");
		fs.chmodSync(kept, 0o600);
		fs.rmSync(gone);
		fs.writeFileSync(extra, "");
		const { step: found } = look();
		expect(found).toEqual([
			expect.stringMatching(`^${kept} is root:root 600 sha256 (\\w{12}) instead of root:root 644 sha256 \\1$`),
			expect.stringMatching(`^${changed} is root:root 644 sha256 \\w{12} instead of root:root 644 sha256 \\w{12}$`),
			expect.stringMatching(`^${gone} is absent instead of root:root \\d+ sha256 \\w{12}$`),
			expect.stringMatching(`^${extra} is root:root \\d+ sha256 \\w{12} instead of absent$`),
		]);
	});

	test("takes lines of its own, and names those that went and came", () => {
		const file = path.join(directory, "lines");
		step(`printf 'one\\tfirst\\ntwo\\tsecond\\n' > ${file}`, [`cat ${file}`]);
		fs.writeFileSync(file, "one\tother\nthree\tthird\n");
		expect(look()).toEqual({
			step: ["one is other instead of first", "three is third instead of absent", "two is absent instead of second"],
		});
	});

	test("is written also when the script ends early, and not when it fails", () => {
		step("exit 0", ["state a b"]);
		expect(look()).toEqual({});
		expect(() => run(recorded(owner, "failing", "false\ntrue", ["state a b"]))).toThrow();
		expect(fs.existsSync(path.join(directory, "records/swarm-scaleout-lab/failing"))).toBe(false);
	});

	test("lies in the stack's directory, whatever the step's name", () => {
		const marker = path.join(directory, "marker");
		for (const name of ["../../up", "a b", `$(touch ${marker})`, "'; exit 1; '"]) {
			run(recorded(owner, name, "true", [`state 'a' b`]));
			expect(look()).toEqual({});
			run(forget(owner, name));
		}
		expect(fs.readdirSync(directory)).toEqual(["records"]);
	});

	test("leaves nothing once forgotten; a host without any is told by one difference for every step", () => {
		step("true", ["state a b"]);
		run(forget(owner, "step"));
		expect(fs.readdirSync(path.join(directory, "records"))).toEqual([]);
		expect(look()).toEqual({ "*": ["records of the steps is absent instead of there"] });
	});
});

describe("drift", () => {
	test("counts, so that the same difference counts again; steps without one stay as they were", () => {
		const once = nextDrift({}, { nginx: ["a is b instead of c"] });
		expect(once).toEqual({ nginx: "1: a is b instead of c" });
		expect(nextDrift(once, {})).toEqual(once);
		expect(nextDrift(once, { nginx: ["a is b instead of c", "d is e instead of f"], log: ["x is y instead of z"] })).toEqual({
			nginx: "2: a is b instead of c; d is e instead of f",
			log: "1: x is y instead of z",
		});
	});

	test("is text, whatever a host prints: no order to a terminal, no more than the state and a command line can hold", () => {
		const printed = ["nginx\t<\ta\x1b[2J\u202e\tb\r!", "nginx\t>\ta\x1b[2J\u202e\tc", `constructor\t<\t${"x".repeat(1e6)}\ty`].join("\n");
		const drift = nextDrift({}, differencesOf(printed));
		expect(drift.nginx).toBe("1: a\\x1b[2J\\u{202e} is b\\x0d! instead of c");
		expect(drift.constructor).toMatch(/^1: x+…$/);
		expect(JSON.stringify(drift).length).toBeLessThan(3000);
	});

	test("cannot end the comment that it becomes, nor the script", () => {
		const marker = path.join(directory, "marker");
		const orders = [
			`touch ${marker}`,
			`$(touch ${marker})`,
			`\`touch ${marker}\``,
			`'; touch ${marker}; '`,
			`"; touch ${marker}; "`,
			`\\\ntouch ${marker}`,
		];
		const said = orders.flatMap((order) => ["\n", "\r", "\u2028", "\x85", "\v", "LOOK\n"].map((end) => `a${end}${order}${end}`));
		const drift = Object.fromEntries(said.map((text, i) => [`step${i}`, text]));
		for (const step of Object.keys(drift))
			expect(run(withDrift("echo done", step, { ...drift, "*": drift[step] as string }))).toBe("done\n");
		run(said.map((_, i) => withDrift("true", `step${i}`, drift)).join("\n"));
		expect(fs.existsSync(marker)).toBe(false);
	});

	test("changes the step's script by a comment, of one line whatever the host says", () => {
		expect(withDrift("true", "nginx", { log: "1: x" })).toBe("true");
		expect(withDrift("true", "nginx", undefined)).toBe("true");
		expect(withDrift("true", "nginx", { nginx: "1: a\nrm -rf /", "*": "1: all" })).toBe("true\n# drift 1: all\n# drift 1: a rm -rf /");
	});
});
