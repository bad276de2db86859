/* Made from config/sections by `npm run docs`: change it there. */

export interface ServiceSettings {
	/**
	 * ID of a service made by other means. This stack may take it over as it runs, see docs/existing.md.
	 */
	adopt?: string | undefined;
	/**
	 * Number of tasks. In `host` mode at most one per app node.
	 *
	 * @default 3
	 */
	replicas: number;
	publish: {
		/**
		 * `host`: each node's own task answers, at most one per node. `ingress`: Swarm's routing mesh.
		 *
		 * @default "host"
		 */
		mode: "host" | "ingress";
		/**
		 * Port in the container.
		 *
		 * @default 8080
		 */
		target: number;
		/**
		 * Port on the nodes. Each service needs its own.
		 *
		 * @default 8080
		 */
		published: number;
	};
	/**
	 * Environment variables. Swarm templates such as {{.Node.Hostname}} are filled in.
	 *
	 * @default {}
	 */
	env: {
		[k: string]: string;
	};
	/**
	 * Environment variables with secret values, as the source system passes its passwords. They are in plain text in the service's spec, which managers store and show, and in the container's environment; prefer `secrets`. Braces in them are not templates. A change starts a rollout.
	 *
	 * @default {}
	 */
	secretEnv: {
		/**
		 * Secret: encrypted config (`pulumi config set --secret --path …`) or `{fromEnvironment: NAME}`.
		 */
		[k: string]:
			| string
			| {
					fromEnvironment: string;
			  };
	};
	/**
	 * Docker secrets by file name: mounted at /run/secrets/<name>. A name with dots sets a Spring property, see docs/secrets.md. A changed value starts a rollout; the old secret is removed afterwards.
	 *
	 * @default {}
	 */
	secrets: {
		/**
		 * Secret: encrypted config (`pulumi config set --secret --path …`) or `{fromEnvironment: NAME}`.
		 */
		[k: string]:
			| string
			| {
					fromEnvironment: string;
			  };
	};
	/**
	 * Where the service's log directory is.
	 */
	mount:
		| {
				type: "volume";
				/**
				 * Directory in the container.
				 *
				 * @default "/was-logs"
				 */
				target: string;
				/**
				 * Volume name. A hash of its options is appended, so that changed options create a new volume.
				 *
				 * @default "nfsvolume"
				 */
				name: string;
		  }
		| {
				type: "bind";
				/**
				 * @default "/was-logs"
				 */
				target: string;
				/**
				 * Directory on the node. It is created when missing.
				 *
				 * @default "/home/ubuntu/was-logs"
				 */
				source: string;
		  };
	/**
	 * User (and group) the service runs as. Default: the image's.
	 */
	user?: string | undefined;
	health: {
		/**
		 * Path that answers when a task can serve. A redirect is not followed.
		 *
		 * @default "/health"
		 */
		path: string;
		/**
		 * HTTP statuses that mean healthy.
		 *
		 * @default [200]
		 *
		 * @minItems 1
		 */
		status: number[];
		/**
		 * Host header of the request, for an application that answers only to certain names.
		 *
		 * @default "localhost"
		 */
		host: string;
		/**
		 * Seconds a new task may take to become healthy.
		 *
		 * @default 300
		 */
		deadlineSeconds: number;
		/**
		 * Seconds between Docker's health checks of a task that has been healthy. A new task is checked every second.
		 *
		 * @default 5
		 */
		intervalSeconds: number;
		/**
		 * Seconds an answer may take.
		 *
		 * @default 10
		 */
		timeoutSeconds: number;
		/**
		 * Health checks that may fail in a row before a task that has been healthy is replaced.
		 *
		 * @default 5
		 */
		retries: number;
	};
	/**
	 * CPU limit of a task, in CPUs.
	 */
	cpus?: number | undefined;
	/**
	 * Memory limit of a task in MiB.
	 */
	memoryMiB?: number | undefined;
	/**
	 * Seconds between the image's stop signal (SIGTERM if it names none) and SIGKILL. Together with the drain limit less than 60.
	 *
	 * @default 10
	 */
	stopGraceSeconds: number;
	/**
	 * Increase it to restart all tasks by a rollout.
	 *
	 * @default 0
	 */
	restart: number;
	/**
	 * How tasks are replaced.
	 */
	rollout: {
		/**
		 * `host` mode only. `lossless`: before a task stops, its node refuses new connections and requests in flight end. `swarm`: Swarm stops tasks without that, and requests may fail.
		 *
		 * @default "lossless"
		 */
		strategy: "lossless" | "swarm";
		/**
		 * Nodes updated at a time. `lossless`: must be fewer than the nodes that serve.
		 *
		 * @default 1
		 */
		parallelism: number;
		/**
		 * `lossless` only: app nodes to update first, in this order; the others follow. All are updated one at a time. Default: Swarm chooses the order.
		 *
		 * @default []
		 *
		 * Items: Host name, also the node's name in the swarm. A change creates another host.
		 */
		order: string[];
		/**
		 * Pause between two nodes.
		 *
		 * @default 0
		 */
		delaySeconds: number;
		/**
		 * A task that fails within this time after it first became healthy counts as a failed update.
		 *
		 * @default 15
		 */
		monitorSeconds: number;
		/**
		 * `lossless` only: a new task gets requests once it has been healthy for this long. A task that crashes sooner has received none. Each node takes that much longer, less the second or two that Swarm needs to turn to the next one.
		 *
		 * @default 3
		 */
		settleSeconds: number;
		/**
		 * `lossless` only: port at which the agents tell each other whether their nodes serve, so that at most `parallelism` are closed at a time. Each service needs its own.
		 *
		 * @default 7947
		 */
		peerPort: number;
		/**
		 * `lossless` only: while `parallelism` other nodes do not serve, a task that is to stop keeps serving for up to this long; then it is drained anyway. Not less than the drain limit, the stop grace and `settleSeconds` together.
		 *
		 * @default 1800
		 */
		turnLimitSeconds: number;
		/**
		 * Requests in flight, uploads and web sockets may take this long to end once it is their node's turn; at the limit they are cut.
		 *
		 * @default 30
		 */
		drainLimitSeconds: number;
		/**
		 * When a new task fails: `rollback` puts the old version back in the same way, `pause` stops the update there.
		 *
		 * @default "rollback"
		 */
		failureAction: "rollback" | "pause";
		/**
		 * Sends requests to the service through NGINX during a rollout, and reports the results.
		 */
		prober: {
			/**
			 * Path to request through NGINX.
			 *
			 * @default "/"
			 */
			path: string;
			/**
			 * Requests per second during a rollout; 0 is off.
			 *
			 * @default 0
			 */
			ratePerSecond: number;
			/**
			 * If a request failed, fail the update after it is complete.
			 *
			 * @default false
			 */
			failOnError: boolean;
		};
	};
	/**
	 * Seconds until all tasks must run. After that `up` fails, and the rollout continues. Default: 900, or the time of the slowest good rollout if that is more: nodes x (`rollout.drainLimitSeconds` + `stopGraceSeconds` + `health.deadlineSeconds` + `rollout.settleSeconds` + `rollout.delaySeconds`), divided by `rollout.parallelism`, plus `rollout.monitorSeconds` and a minute.
	 */
	convergeSeconds?: number | undefined;
}
