import { afterEach, expect, test, vi } from "vitest";
import type { Connection } from "../../../../lib/connection.ts";
import { wrongVolumes } from "../../../../providers/service/volumes.ts";
import { connection } from "../../fixtures.ts";
import { serviceInputs } from "./inputs.ts";

/* A node whose NFS server is gone: Docker there answers no question about its volume, however long one waits. */

const volume = { Options: { type: "nfs", device: ":/mnt/other" }, Labels: { "scaleout.owner": "swarm-scaleout/lab" } };
const dockerOn = ({ host }: Connection) =>
	({
		getVolume: () => ({ inspect: () => (host === "waits" ? new Promise(() => {}) : Promise.resolve(volume)) }),
	}) as never;

afterEach(() => void vi.useRealTimers());

test("is left out of a look at volumes, with a remark; the others are told", async () => {
	vi.useFakeTimers();
	const note = vi.fn();
	const nodes = ["waits", "answers"].map((host) => ({ name: host, nodeId: host, address: "", connection: connection({ host }) }));
	const looked = wrongVolumes(serviceInputs({ nodes }), { note, dockerOn });
	await vi.advanceTimersByTimeAsync(30_000);
	expect(await looked).toMatchObject([{ node: { name: "answers" }, isOwn: true }]);
	expect(note).toHaveBeenCalledExactlyOnceWith(
		expect.stringMatching(/^volume nfsvolume-\w+ of waits: not done after 30 s.*cannot be looked at now$/),
	);
});
