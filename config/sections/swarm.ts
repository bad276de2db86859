import { z } from "zod";

export const swarm = z.strictObject({
	defaultAddrPool: z
		.array(z.cidrv4())
		.default([])
		.describe("Address pools for overlay networks. Only at init: a change replaces the swarm."),
	subnetSize: z.int().min(16).max(29).default(24).describe("Prefix length of one overlay network. Only at init."),
	dataPathPort: z.int().min(1024).max(49151).default(4789).describe("UDP port of the overlay data path. Only at init."),
	dispatcherHeartbeatSeconds: z
		.int()
		.min(1)
		.max(30)
		.default(20)
		.describe(
			"Seconds between a node's reports to the managers. After three missed reports a node counts as down, and its tasks are restarted once it is back. So a manager that hangs for longer takes all nodes for lost. Docker's own default is 5.",
		),
	adopt: z.string().min(1).optional().describe("ID of a swarm made by other means. This stack may take it over."),
});
