/* Made from config/sections by `npm run docs`: change it there. */

/**
 * The NFS export that collects the logs.
 */
export interface LogsSettings {
	/**
	 * Exported directory on the log host.
	 *
	 * @default "/mnt/main-was-logs"
	 */
	path: string;
	/**
	 * `per-client`: exported to each app node's address, with all users squashed to one. `network`: exported to `clients`, with directory mode 0777, as in the source system.
	 *
	 * @default "per-client"
	 */
	access: "per-client" | "network";
	/**
	 * `network` only: client networks, such as 192.168.0.0/16.
	 *
	 * @default []
	 */
	clients: string[];
	/**
	 * Options of the export, see exports(5).
	 *
	 * @default ["rw","sync","no_subtree_check"]
	 */
	exportOptions: string[];
	/**
	 * `per-client` only: user id that owns everything in the export.
	 *
	 * @default 10001
	 */
	uid: number;
	/**
	 * `per-client` only: group id that owns everything in the export.
	 *
	 * @default 10001
	 */
	gid: number;
	/**
	 * Take over the entry for `path` in the log host's /etc/exports, see docs/existing.md. Otherwise such an entry is refused.
	 *
	 * @default false
	 */
	adopt: boolean;
	/**
	 * Mount options after `addr=`, see nfs(5). A change creates a new volume and starts a rollout.
	 *
	 * @default "nfsvers=4.2,hard,timeo=600,retrans=2,noatime"
	 */
	mountOptions: string;
	/**
	 * Keep the collected logs when the stack is destroyed. To change it, run `up` before the destroy.
	 *
	 * @default true
	 */
	keepOnDestroy: boolean;
	/**
	 * `aws` only: the CloudWatch agent on the log host sends each `*.log` file of `path` to a log stream of its own. Off by default; `{}` turns it on.
	 */
	shipping?: {
		/**
		 * Name of the log group. Default: `/<project>/<stack>/logs`. A change creates another one.
		 */
		logGroup?: string | undefined;
		/**
		 * Days until CloudWatch deletes an event.
		 *
		 * @default 30
		 */
		retentionDays:
			1 | 3 | 5 | 7 | 14 | 30 | 60 | 90 | 120 | 150 | 180 | 365 | 400 | 545 | 731 | 1096 | 1827 | 2192 | 2557 | 2922 | 3288 | 3653;
		/**
		 * Key that encrypts the log group; its policy must let CloudWatch Logs use it. Default: CloudWatch's own.
		 */
		kmsKeyArn?: string | undefined;
	} | undefined;
}
