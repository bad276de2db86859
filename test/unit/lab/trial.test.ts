import type * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { sshUrl } from "../../../lib/connection.ts";
import { connection } from "../fixtures.ts";

/* The trial without the engine makes what the plugins make, over the connections that the program has made. */

const asked: object[] = [];
vi.mock("../../../lib/docker.ts", async (original) => ({
	...(await original<object>()),
	dockerOn: (to: object) => {
		asked.push(to);
		throw new Error("no Docker here");
	},
}));
const { TrialRuntime } = await import("../../../lab/trial/runtime.ts");

test("an image is built over the host's own connection, through its bastion and with its pin", async () => {
	const runtime = new TrialRuntime();
	const behind = connection({ host: "10.0.0.5", proxy: connection({ host: "198.51.100.1" }) });
	const make = (type: string, name: string, inputs: object, provider = "") =>
		runtime.newResource({ type, name, inputs, provider, custom: true, id: "" } as pulumi.runtime.MockResourceArgs);
	await make("pulumi:providers:docker", "manager", { host: sshUrl(behind), sshOpts: [] });
	// A host's check comes before anything is done to it.
	await make("test:index:Check", "hosts-manager-bootstrap", { connection: behind }).catch(() => {});
	const reference = "urn:pulumi:lab::p::pulumi:providers:docker::manager::id";
	const image = make("docker:index/image:Image", "was", { imageName: "a:1", build: { context: ".", dockerfile: "Dockerfile" } }, reference);
	await expect(image).rejects.toThrow("no Docker here");
	expect(asked).toEqual([behind]);
});
