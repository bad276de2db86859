import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { newKeyPair } from "../../../lib/sshKeys.ts";

test("every key pair can be read, and its halves belong together", () => {
	const signs = ({ private: own, public: known }: ReturnType<typeof newKeyPair>) => {
		const [key, publicKey] = [own, known].map((text) => ssh2.utils.parseKey(text)) as [ssh2.ParsedKey, ssh2.ParsedKey];
		return publicKey.verify("data", key.sign("data")) === true;
	};
	const made = Array.from({ length: 1500 }, newKeyPair);
	expect(made.filter((pair) => !signs(pair))).toEqual([]);
	expect(new Set(made.map((pair) => pair.public)).size).toBe(made.length);
});
