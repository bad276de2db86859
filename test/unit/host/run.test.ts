import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HostStepArgs } from "../../../components/host.ts";
import { stepProgram } from "../../../host/agentProgram.ts";
import { kitDirectory, recordDirectory, stepVersion } from "../../../host/kit.ts";
import { asRoot } from "../../../lib/connection.ts";
import { differencesOf } from "../../../lib/drift.ts";
import { refreshScript } from "../../../providers/host/provider.ts";
import { StandInHost } from "../../support/standInHost.ts";
import { commandsOf, runStep, undoStep } from "../../support/step.ts";

/* What all steps have in common, seen at a step of the test's own. */

const owner = "swarm-scaleout/lab";
let host: StandInHost;
beforeEach(() => {
	host = new StandInHost();
	// Brings the scripts.
	expect(runStep(host, { step: "test/first" }).status).toBe(0);
});
afterEach(() => host.remove());

const at = (name: string) => path.join(host.root, name);
const read = (name: string) => fs.readFileSync(at(name), "utf8");

const write = (name: string, text: string) => {
	fs.mkdirSync(path.dirname(at(name)), { recursive: true });
	fs.writeFileSync(at(name), text);
};

/** Carries out a step with this script. */
function run(script: string, data: Omit<HostStepArgs, "step"> = {}) {
	write(`${kitDirectory(owner)}/test/step.sh`, script);
	fs.appendFileSync(at(`${kitDirectory(owner)}/versions`), `test/step ${stepVersion("test/step")}\n`);
	return runStep(host, { step: "test/step", ...data });
}

const differences = () => {
	const { stdout, status } = host.run(asRoot("root", refreshScript(owner)));
	expect(status).toBe(0);
	return differencesOf(stdout.replaceAll(host.root, ""))["test-step"] ?? {};
};

describe("a step's data", () => {
	test("arrives to the letter, and none of it is run", () => {
		const words = ["'", '"', "$(hostile)", "`hostile`", "\\", "%s", "\\n", "é漢", "@set a b", "  ", "#", "&", "*", "/", "a"];
		const line = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((parts) => parts.join(""));
		const items = fc.array(line, { maxLength: 3 });
		const content = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => `${lines.join("\n")}\n`);
		const given = fc.record({ value: line, items, content, staged: content });
		fc.assert(
			fc.property(given, ({ value, items, content, staged }) => {
				const files = [
					{ path: "/etc/made/file", content },
					{ path: "/etc/made/staged", content: staged, isStaged: true },
				];
				const script = `declare -a items+=()\nprintf '%s\\0' "$value" "\${items[@]}"\ncat "$(given /etc/made/staged)"`.replaceAll(
					"/etc",
					at("etc"),
				);
				const { stdout, status, stderr } = run(script, { settings: { value, items }, files });
				expect(status, stderr).toBe(0);
				expect(stdout).toBe(`${[value, ...items].map((text) => `${text}\0`).join("")}${staged}`);
				expect(read("etc/made/file")).toBe(content);
				expect(fs.existsSync(at("etc/made/staged"))).toBe(false);
			}),
			{ numRuns: 25 },
		);
		expect(host.faults).toEqual([]);
	});

	test("is put in place with its modes before the script, but what the script puts there itself", () => {
		const files = [
			{ path: "/etc/made/secret", content: "a\n", mode: "0600" },
			{ path: "/etc/systemd/system/own.service", content: "[Service]\n" },
			{ path: "/etc/made/late", content: "b\n", isStaged: true },
		];
		const script = `(cd ${at("etc/made")}; echo *); put ${at("etc/made/late")}`;
		expect(run(script, { files, directories: [{ path: "/etc/made", mode: "0700" }] }).stdout).toBe("secret\n");
		const modes = host.files().map(({ path, mode }) => `${path} ${mode}`);
		expect(modes).toEqual(expect.arrayContaining(["/etc/made 700", "/etc/made/secret 600", "/etc/made/late 644"]));
		expect(modes.filter((line) => /\.new /.test(line))).toEqual([]);
	});
});

describe("a step that fails", () => {
	test("tells its reason first, whatever else was said, and leaves no record", () => {
		const { status, stdout, stderr } = run('seq 100 >&2; fail "logs.path: is no directory" "its own words"; echo never');
		expect([status, stdout]).toEqual([1, ""]);
		expect(stderr.split("\n").slice(0, 3)).toEqual(["logs.path: is no directory", "its own words", "81"]);
		expect(fs.existsSync(at(`${recordDirectory(owner)}/test-step`))).toBe(false);
	});

	test("without a reason of its own tells which command failed, and where", () => {
		const { status, stderr } = run('true\necho "words of a program" >&2\ncertainly() { cat "$1"; }\ncertainly $PWD/missing');
		expect(status).toBe(1);
		expect(stderr).toMatch(/^test\/step: line 3 of step\.sh: exit status 1: cat "\$1"\nwords of a program\ncat: /);
		expect(run("set -u; echo $nothing").stderr).toContain("nothing: unbound variable");
	});

	test("in a part of its own, too", () => {
		expect(run('(fail "in a subshell")').stderr).toBe("in a subshell\n");
		expect(run('found=$(fail "in a substitution")').stderr).toBe("in a substitution\n");
	});

	test("with lines that @pulumi/command would wait for without an end tells their beginning", () => {
		const long = "$(head -c 100000 /dev/zero | tr '\\0' x)";
		const { status, stderr } = run(`echo "${long}" >&2; fail "${long}"`);
		expect([
			status,
			...stderr
				.trim()
				.split("\n")
				.map(({ length }) => length),
		]).toEqual([1, 4000, 4000]);
	});

	test("says nothing else than what it has to say at once when all goes well", () => {
		expect(run('echo "chatter" >&2; say "waiting"; echo "an output"')).toMatchObject({
			status: 0,
			stdout: "an output\n",
			stderr: "waiting\n",
		});
	});

	test("leaves nothing of itself: what it was given may be a secret", () => {
		run("true", { settings: { password: "secret" } });
		run("false", { settings: { password: "secret" } });
		expect(fs.readdirSync(at("run"))).toEqual([]);
	});
});

describe("a step whose connection breaks", () => {
	const step = { step: "test/data", settings: { password: "secret" }, files: [{ path: "/etc/made/a", content: "a\n" }] };

	test.each(["in the middle of a line", "after one"])("is not carried out with a part of its data: cut %s", (where) => {
		const { create, delete: undo, stdin } = commandsOf(step);
		const cut = stdin.slice(0, stdin.indexOf(where === "after one" ? "@record" : "/made/a"));
		for (const command of [create, undo])
			expect(host.run(command, cut)).toMatchObject({ status: 1, stderr: "test/data: what it was given is not complete\n" });
		expect([fs.existsSync(at("etc/made")), fs.readdirSync(at("run"))]).toEqual([false, []]);
	});

	test("leaves nothing of its data, though nobody hears why it failed", () => {
		write(`${kitDirectory(owner)}/test/data.sh`, "sleep 0; echo chatter >&2; false");
		fs.appendFileSync(at(`${kitDirectory(owner)}/versions`), "test/data none\n");
		const { create, stdin } = commandsOf(step);
		const { status } = host.run(`{ ${create}; echo $? > "$ROOT/status"; } 2>&1 | true`, stdin);
		expect([status, fs.readdirSync(at("run"))]).toEqual([0, []]);
	});

	test("and that is killed leaves its data in memory for a day at most", () => {
		fs.mkdirSync(at("run/scaleout-step.killed"));
		const yesterday = new Date(Date.now() - 25 * 3_600_000);
		fs.utimesSync(at("run/scaleout-step.killed"), yesterday, yesterday);
		fs.mkdirSync(at("run/scaleout-step.other"));
		expect(runStep(host, { step: "test/first" }).status).toBe(0);
		expect(fs.readdirSync(at("run"))).toEqual(["scaleout-step.other"]);
	});
});

test("a file that the step no longer has goes; what its script put there itself, and what others have, stays", () => {
	const file = (path: string, isStaged = false) => ({ path, content: "x\n", isStaged });
	const step = (...files: ReturnType<typeof file>[]) => ({ step: "service/node", files });
	fs.mkdirSync(path.join(host.root, "etc/made"));
	fs.writeFileSync(path.join(host.root, "etc/made/others"), "");
	expect(runStep(host, step(file("/etc/made/a"), file("/etc/made/b"), file("/etc/made/staged", true))).status).toBe(0);
	fs.writeFileSync(path.join(host.root, "etc/made/staged"), "");
	expect(runStep(host, step(file("/etc/made/b"))).status).toBe(0);
	expect(fs.readdirSync(path.join(host.root, "etc/made")).sort()).toEqual(["b", "others", "staged"]);
});

test("a directory that is there stays whose it is, where the step does not say", () => {
	const directories = [
		{ path: "/srv/made", mode: "0777" },
		{ path: "/srv/owned", owner: "10001:10001" },
	];
	expect(runStep(host, { step: "test/data", directories }).status).toBe(0);
	expect(host.calls("chown")).toEqual([["chown", "10001:10001", at("srv/owned")]]);
});

test("a program of another version than the one on the host is refused, and what runs stays", () => {
	const unit = "scaleout-drain-was";
	const program = stepProgram(unit, "drain_agent");
	expect(runStep(host, { step: "test/data", program }).status).toBe(0);
	const files = fs.readdirSync(at(program.directory));
	expect(files).toEqual(program.modules.map((name) => `${name}.py`).sort());
	expect(runStep(host, { step: "test/data", program: { ...program, version: "00000000" } })).toMatchObject({
		status: 1,
		stderr: expect.stringContaining("another version"),
	});
	expect(fs.readdirSync(at(program.directory))).toEqual(files);
});

test("a step of another version than the scripts on the host is refused, and nothing is done", () => {
	const { create, stdin } = commandsOf({ step: "nginx/maintenance", settings: { file: "/etc/nginx/flag", maintenance: "on" } });
	const version = stepVersion("nginx/maintenance");
	expect(host.run(create, stdin.replace(version, "00000000"))).toMatchObject({
		status: 1,
		stderr: expect.stringMatching(/another version.*run pulumi up --refresh/),
	});
	expect(fs.existsSync(at("etc/nginx/flag"))).toBe(false);
	expect(host.run(create, stdin).status).toBe(0);
	expect(fs.existsSync(at("etc/nginx/flag"))).toBe(true);
});

describe("a refresh", () => {
	const file = (name: string) => ({ path: `/etc/made/${name}`, content: "content\n" });

	test("names what was changed since: content, mode, absence, what is there too much", () => {
		run("true", { files: ["kept", "changed", "gone"].map(file), checks: ["file /etc/made/extra"] });
		expect(differences()).toEqual({});
		fs.writeFileSync(at("etc/made/changed"), "by hand\n");
		fs.chmodSync(at("etc/made/kept"), 0o600);
		fs.rmSync(at("etc/made/gone"));
		fs.writeFileSync(at("etc/made/extra"), "");
		expect(differences()).toEqual({
			"/etc/made/kept": expect.stringMatching(/^\S+ 600 sha256 (\w{12}) instead of \S+ 644 sha256 \1$/),
			"/etc/made/changed": expect.stringMatching(/^\S+ 644 sha256 \w{12} instead of \S+ 644 sha256 \w{12}$/),
			"/etc/made/gone": expect.stringMatching(/^absent instead of \S+ 644 sha256 \w{12}$/),
			"/etc/made/extra": expect.stringMatching(/^\S+ \d+ sha256 \w{12} instead of absent$/),
		});
	});

	test("looks at packages and units as well", () => {
		run("true", { packages: ["curl"], units: ["nginx"] });
		const { stdout } = host.run(asRoot("root", `dpkg-query() { :; }; systemctl() { echo dead; }\n${refreshScript(owner)}`));
		expect(differencesOf(stdout)["test-step"]).toMatchObject({ nginx: "dead and dead instead of inactive and inactive" });
	});

	test("of a host without any records tells it by one difference for every step", () => {
		expect(undoStep(host, { step: "test/first" }).status).toBe(0);
		expect(fs.readdirSync(at("var/lib/scaleout"))).toEqual([]);
		expect(differencesOf(host.run(asRoot("root", refreshScript(owner))).stdout)).toEqual({
			"*": { "records of the steps": "absent instead of there" },
		});
	});
});

describe("a step is taken back", () => {
	test("by removing its files, and its record; what others put beside them stays", () => {
		const step = { step: "test/data", files: [{ path: "/etc/made/a", content: "a\n" }], directories: [{ path: "/etc/made" }] };
		expect(runStep(host, step).status).toBe(0);
		write("etc/made/other", "");
		expect(undoStep(host, step)).toMatchObject({ status: 0, stderr: "" });
		expect(fs.readdirSync(at("etc/made"))).toEqual(["other"]);
		expect(fs.readdirSync(at(recordDirectory(owner)))).toEqual(["test-first"]);
	});

	test("not by scripts that do not know it: they would leave what is no file", () => {
		const { delete: undo, stdin } = commandsOf({ step: "test/gone" });
		expect(host.run(undo, stdin.replace("@step test/gone none", "@step test/gone 0a1b2c3d"))).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/^the scripts of this stack on the host do not know test\/gone: run pulumi up --refresh/),
		});
	});

	test("not where that fails, which it says", () => {
		write(`${kitDirectory(owner)}/test/first.undo.sh`, 'fail "it is in use"');
		expect(undoStep(host, { step: "test/first" })).toMatchObject({ status: 1, stderr: "it is in use\n" });
		expect(fs.existsSync(at(`${recordDirectory(owner)}/test-first`))).toBe(true);
	});
});
