import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asRoot } from "../../../lib/connection.ts";
import { type Drift, differencesOf, forget, lookScript, nextDrift, recorded, withDrift } from "../../../lib/hostRecord.ts";

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
		expect(look().step).toEqual({
			[kept]: expect.stringMatching(/^root:root 600 sha256 (\w{12}) instead of root:root 644 sha256 \1$/),
			[changed]: expect.stringMatching(/^root:root 644 sha256 \w{12} instead of root:root 644 sha256 \w{12}$/),
			[gone]: expect.stringMatching(/^absent instead of root:root \d+ sha256 \w{12}$/),
			[extra]: expect.stringMatching(/^root:root \d+ sha256 \w{12} instead of absent$/),
		});
	});

	test("takes lines of its own, and names those that went and came", () => {
		const file = path.join(directory, "lines");
		step(`printf 'one\\tfirst\\ntwo\\tsecond\\n' > ${file}`, [`cat ${file}`]);
		fs.writeFileSync(file, "one\tother\nthree\tthird\n");
		expect(look()).toEqual({
			step: { one: "other instead of first", three: "third instead of absent", two: "absent instead of second" },
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
		expect(look()).toEqual({ "*": { "records of the steps": "absent instead of there" } });
	});
});

describe("drift", () => {
	test("counts, so that the same difference counts again; steps without one stay as they were", () => {
		const once = nextDrift({}, { nginx: { a: "b instead of c" } });
		expect(once).toEqual({ nginx: { seen: 1, differs: { a: "b instead of c" } } });
		expect(nextDrift(once, {})).toEqual(once);
		const both = { a: "b instead of c", d: "e instead of f" };
		expect(nextDrift(once, { nginx: both, log: { x: "y instead of z" } })).toEqual({
			nginx: { seen: 2, differs: both },
			log: { seen: 1, differs: { x: "y instead of z" } },
		});
	});

	test("is text, whatever a host prints: no order to a terminal, no more than the state and a command line can hold", () => {
		const many = Array.from({ length: 1000 }, (_, i) => `constructor\t<\t${i}${"x".repeat(1e3)}\t${"y".repeat(1e3)}`);
		const printed = ["nginx\t<\ta\x1b[2J\u202e\tb\r!", "nginx\t>\ta\x1b[2J\u202e\tc", ...many].join("\n");
		const drift = nextDrift({}, differencesOf(printed));
		expect(drift.nginx?.differs).toEqual({ "a\\x1b[2J\\u{202e}": "b\\x0d! instead of c" });
		expect(drift.constructor).toMatchObject({ seen: 1, differs: { "…": "and 980 more" } });
		expect(JSON.stringify(drift).length).toBeLessThan(12_000);
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
		const drift = Object.fromEntries(said.map((text, i) => [`step${i}`, { seen: 1, differs: { [text]: text } }]));
		for (const step of Object.keys(drift))
			expect(run(withDrift("echo done", step, { ...drift, "*": drift[step] as Drift[string] }))).toBe("done\n");
		run(said.map((_, i) => withDrift("true", `step${i}`, drift)).join("\n"));
		expect(fs.existsSync(marker)).toBe(false);
	});

	test("changes the step's script by a comment, of one line whatever the host says", () => {
		expect(withDrift("true", "nginx", { log: { seen: 1, differs: { x: "y" } } })).toBe("true");
		expect(withDrift("true", "nginx", undefined)).toBe("true");
		const drift = { nginx: { seen: 2, differs: { "a\nrm -rf /": "b", c: "d" } }, "*": { seen: 1, differs: { all: "gone" } } };
		expect(withDrift("true", "nginx", drift).split("\n")).toEqual([
			"true",
			"# drift 1: all is gone",
			"# drift 2: a rm -rf / is b",
			"# drift 2: c is d",
		]);
	});
});
