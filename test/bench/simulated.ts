import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import type { Props } from "../support/mocks.ts";
import { deployedStack, sampleConfig } from "../support/sample.ts";
import type { TestStack } from "../support/stack.ts";
import { succeeded } from "./measure.ts";

/**
 * The configuration of a stack of `count` hosts that exist nowhere: three managers and workers, which all run the service, a log host and NGINX.
 * The image is pinned, so that no registry is asked.
 */
export function simulatedConfig(count: number): Props {
	if (!Number.isInteger(count) || count < 5) throw new Error(`${count} hosts: use 5 or more, for three managers, the log host and NGINX`);
	const nodes = Array.from({ length: count - 2 }, (_, i) => (i < 3 ? `manager${i + 1}` : `worker${i - 2}`));
	// Each with its role.
	const others: Record<string, string> = { log: "log", nginx: "balancer" };
	const hosts = [...nodes, ...Object.keys(others)].map((name, i) => ({
		name,
		roles: others[name] ? [others[name]] : [name.replace(/\d+$/, ""), "app"],
		// Set apart for measurements by RFC 2544: nobody is there.
		address: `198.18.${Math.floor(i / 250)}.${(i % 250) + 1}`,
		ssh: { hostKey: hostKeyOf(name) },
	}));
	const config = sampleConfig();
	config["swarm-scaleout:services"]["babble-was"].replicas = nodes.length;
	return { ...config, "swarm-scaleout:hosts": hosts };
}

/** A key of the right form, another one for each host. */
function hostKeyOf(name: string): string {
	const header = Buffer.from("0000000b7373682d6564323535313900000020", "hex");
	const key = createHash("sha256").update(name).digest();
	return `ssh-ed25519 ${Buffer.concat([header, key]).toString("base64")}`;
}

/** A stack of simulated hosts as a first `up` would have left it. */
export async function simulatedStack(count: number, directory: string): Promise<TestStack> {
	const { private: privateKey } = ssh2.utils.generateKeyPairSync("ed25519");
	return deployedStack("deployed", directory, simulatedConfig(count), privateKey);
}

/** An `up` that has nothing to do. @throws Error when it did not find every resource unchanged. */
export async function noopUp(stack: TestStack): Promise<{ seconds: number; resources: number }> {
	const { seconds, output } = await succeeded(stack.up("--expect-no-changes"));
	const unchanged = Number(/^ +(\d+) unchanged$/m.exec(output)?.[1] ?? 0);
	// The engine does not count the providers it makes itself.
	const resources = (await stack.resources()).filter(({ urn }) => !urn.includes("::default"));
	if (unchanged !== resources.length) throw new Error(`${unchanged} of ${resources.length} resources are unchanged:\n${output}`);
	return { seconds, resources: unchanged };
}
