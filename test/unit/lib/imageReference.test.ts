import { expect, test } from "vitest";
import { byDigest, formatReference, parseReference, withoutTag } from "../../../lib/imageReference.ts";

const digest = `sha256:${"d".repeat(64)}`;

test.each([
	["was", { repository: "was" }],
	["was:1.4", { repository: "was", tag: "1.4" }],
	["2021babble/babble-was", { repository: "2021babble/babble-was" }],
	["registry.example.com:5000/was", { repository: "registry.example.com:5000/was" }],
	["registry.example.com:5000/team/was:1.4", { repository: "registry.example.com:5000/team/was", tag: "1.4" }],
	[`192.168.1.20:5000/was@${digest}`, { repository: "192.168.1.20:5000/was", digest }],
	[`192.168.1.20:5000/was:1.4@${digest}`, { repository: "192.168.1.20:5000/was", tag: "1.4", digest }],
])("%s is read, and written as it was", (text, reference) => {
	expect(parseReference(text)).toEqual({ tag: undefined, digest: undefined, ...reference });
	expect(formatReference(parseReference(text))).toBe(text);
});

test("a digest takes the place of a tag, and of another digest", () => {
	for (const text of ["r:5000/was", "r:5000/was:1.4", `r:5000/was:1.4@sha256:${"e".repeat(64)}`])
		expect(byDigest(text, digest)).toBe(`r:5000/was@${digest}`);
});

test("a tag counts where there is no digest", () => {
	expect(withoutTag(`r:5000/was:1.4@${digest}`)).toBe(`r:5000/was@${digest}`);
	expect(withoutTag("r:5000/was:1.4")).toBe("r:5000/was:1.4");
});
