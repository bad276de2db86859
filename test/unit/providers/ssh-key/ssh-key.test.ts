import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { provider } from "../../../../providers/ssh-key/provider.ts";

test("a key pair is Ed25519, and its halves belong together", async () => {
	const { outs } = await provider.create({ keepers: { ami: "ami-0a" } });
	const key = ssh2.utils.parseKey(outs.privateKey) as ssh2.ParsedKey;
	expect(key.type).toBe("ssh-ed25519");
	expect(outs.publicKey).toContain(key.getPublicSSH().toString("base64"));
	expect(outs.keepers).toEqual({ ami: "ami-0a" });
});

test.each([
	["nothing", { ami: "ami-0a" }, { ami: "ami-0a" }, []],
	["a value", { ami: "ami-0a" }, { ami: "ami-0b" }, ["keepers"]],
	["one more value", { ami: "ami-0a" }, { ami: "ami-0a", subnet: "subnet-0" }, ["keepers"]],
	["no keepers at all", undefined, undefined, []],
])("when %s changed of what the key belongs to, replaces is right", async (_what, before, after, replaces) => {
	const olds = { keepers: before, privateKey: "p", publicKey: "q" };
	const { changes, replaces: found } = await provider.diff("id", olds, { keepers: after });
	expect(found).toEqual(replaces);
	expect(changes).toBe(replaces.length > 0);
});

test("a key is kept at a refresh", async () => {
	const state = { privateKey: "p", publicKey: "q" };
	expect(await provider.read("id", state)).toEqual({ id: "id", props: state });
});
