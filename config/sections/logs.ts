import { z } from "zod";
import { kmsKeyArn } from "./aws.ts";
import { absolutePath } from "./values.ts";

/** The days that CloudWatch Logs offers. */
const retention = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] as const;

const shipping = z.strictObject({
	logGroup: z
		.string()
		.regex(/^[\w./#-]{1,512}$/, "use at most 512 letters, digits and _ . / # -")
		.optional()
		.describe("Name of the log group. Default: `/<project>/<stack>/logs`. A change creates another one."),
	retentionDays: z.literal(retention).default(30).describe("Days until CloudWatch deletes an event."),
	kmsKeyArn: kmsKeyArn
		.optional()
		.describe("Key that encrypts the log group; its policy must let CloudWatch Logs use it. Default: CloudWatch's own."),
});

export const logs = z.strictObject({
	path: absolutePath.default("/mnt/main-was-logs").describe("Exported directory on the log host."),
	access: z
		.enum(["per-client", "network"])
		.default("per-client")
		.describe(
			"`per-client`: exported to each app node's address, with all users squashed to one. `network`: exported to `clients`, with directory mode 0777, as in the source system.",
		),
	clients: z
		.array(z.union([z.cidrv4(), z.ipv4()]))
		.default([])
		.describe("`network` only: client networks, such as 192.168.0.0/16."),
	exportOptions: z
		.array(z.string().regex(/^[a-z_]+(=[A-Za-z0-9.:/-]+)?$/, "use an option of exports(5), such as rw or fsid=0"))
		.default(["rw", "sync", "no_subtree_check"])
		.describe("Options of the export, see exports(5)."),
	uid: z.int().min(1).max(65534).default(10001).describe("`per-client` only: user id that owns everything in the export."),
	gid: z.int().min(1).max(65534).default(10001).describe("`per-client` only: group id that owns everything in the export."),
	adopt: z
		.boolean()
		.default(false)
		.describe("Take over the entry for `path` in the log host's /etc/exports, see docs/existing.md. Otherwise such an entry is refused."),
	mountOptions: z
		.string()
		.regex(/^[A-Za-z0-9=.,:_-]+$/, "use mount options of nfs(5) with commas between, such as nfsvers=4.2,hard")
		.default("nfsvers=4.2,hard,timeo=600,retrans=2,noatime")
		.describe("Mount options after `addr=`, see nfs(5). A change creates a new volume and starts a rollout."),
	keepOnDestroy: z
		.boolean()
		.default(true)
		.describe("Keep the collected logs when the stack is destroyed. To change it, run `up` before the destroy."),
	shipping: shipping
		.optional()
		.describe(
			"`aws` only: the CloudWatch agent on the log host sends each `*.log` file of `path` to a log stream of its own. Off by default; `{}` turns it on.",
		),
});
