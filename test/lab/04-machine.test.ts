import * as net from "node:net";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { rootImageDirectory } from "../../lib/cache.ts";
import { provider as machine } from "../../providers/machine/provider.ts";

describe("a local machine", () => {
	test("whose port is taken is refused, naming the port, and leaves nothing running", async () => {
		const server = net.createServer().listen(2498, "127.0.0.1");
		try {
			const inputs = {
				hostname: "taken",
				directory: path.join(".lab", "test", "taken"),
				imageDirectory: rootImageDirectory(),
				memoryMiB: 512,
				cpus: 1,
				address: "192.168.9.9/16",
				lanPort: 23499,
				sshPort: 2498,
				forwards: [],
				authorizedKey: "ssh-ed25519 AAAA",
				privateKey: "unused",
				disks: [],
			};
			await expect(machine.create(inputs)).rejects.toThrow(/port 2498 of 127\.0\.0\.1 is taken: choose another/);
			await machine.delete("taken", inputs);
		} finally {
			server.close();
		}
	});
});
