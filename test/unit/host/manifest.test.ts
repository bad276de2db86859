import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { manifest, settingsIn } from "../../../host/manifest.ts";
import type { Drift } from "../../../lib/drift.ts";

const names = { step: "nfs/clients", version: "5d41402a", record: "logs-client" };
const text = (data: Parameters<typeof manifest>[1] = {}, drift?: Drift) => manifest(names, data, drift);

describe("what a step works with, as text", () => {
	test("is a line a thing: a preview's diff shows the ones that change", () => {
		const data = {
			settings: { path: "/mnt/logs", adopt: true, lines: ["a b", "c"] },
			packages: ["nfs-common"],
			directories: [{ path: "/etc/x y", owner: "10001:10001", mode: "0750" }],
			program: { directory: "/usr/local/lib/scaleout/unit", version: "0a1b2c3d", modules: ["one", "two"] },
			files: [
				{ path: "/etc/a", content: "first\n\n  third\n" },
				{ path: "/etc/b", content: "no line feed", mode: "0600", owner: "a:b", isStaged: true },
			],
			units: ["nfs-server"],
			checks: ["live-export /mnt/logs 10.0.0.1"],
			because: { options: "hard,nfsvers=4.2" },
		};
		expect(manifest(names, data)).toBe(
			`@step nfs/clients 5d41402a
@set path /mnt/logs
@set adopt true
@add lines a b
@add lines c
@package nfs-common
@directory 0750 10001:10001 /etc/x y
@program /usr/local/lib/scaleout/unit 0a1b2c3d one two
@file 0644 root:root /etc/a
  first
  
    third
@staged 0600 a:b /etc/b
  no line feed
@unit nfs-server
@check live-export /mnt/logs 10.0.0.1
@because options hard,nfsvers=4.2
@record logs-client
`,
		);
	});

	test("is neither JSON nor YAML, whatever it holds: the engine would take it apart and show what is not changed, too", () => {
		for (const settings of [{}, { a: "b" }] as Record<string, string>[]) {
			expect(() => JSON.parse(text({ settings }))).toThrow();
			expect(() => parse(text({ settings, files: [{ path: "/a", content: '{ "a": 1 }\n' }] }))).toThrow();
		}
	});

	test("has no place for a value that is more than a line", () => {
		expect(() => text({ settings: { a: "b\n@file 0644 root:root /etc/passwd" } })).toThrow(
			"no line of a step: a control character in @set a",
		);
		expect(() => text({ packages: ["a\x1b"] })).toThrow("no line of a step");
	});

	test("has no setting that would take the place of a variable of run.sh, or of the shell", () => {
		for (const name of ["kit", "step_version", "PATH", "a b", "a;b"])
			expect(() => text({ settings: { [name]: "x" } })).toThrow("no name for a setting");
	});

	test("gives its settings back", () => {
		expect(
			settingsIn(text({ settings: { path: "/mnt/a b", count: 2, empty: "" }, files: [{ path: "/x", content: "@set path no\n" }] })),
		).toEqual({
			path: "/mnt/a b",
			count: "2",
			empty: "",
		});
	});

	test("tells what a refresh found at the step, or at all steps, a line each whatever the host says", () => {
		const drift = {
			"logs-client": { seen: 2, differs: { "/etc/a\nb": "absent\u2028\x85 instead of\tthere" } },
			"*": { seen: 1, differs: { "records of the steps": "absent instead of there" } },
			other: { seen: 1, differs: { x: "y" } },
		};
		expect(text({}, drift).match(/^@drift .*$/gm)).toEqual([
			"@drift 1 records of the steps is absent instead of there",
			"@drift 2 /etc/a b is absent \\x85 instead of there",
		]);
	});
});
