/* Made from config/sections by `npm run docs`: change it there. */

export interface ServiceSettings {
	/**
	 * ID of a service made by other means that this stack may take over as it runs, see docs/existing.md.
	 */
	adopt?: string;
	/**
	 * Tasks. In `host` mode at most one an app node.
	 *
	 * @default 3
	 */
	replicas: number;
	publish: {
		/**
		 * `host`: each node's own task answers, at most one a node. `ingress`: Swarm's routing mesh.
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
	 * Environment. Swarm templates such as {{.Node.Hostname}} are filled in.
	 *
	 * @default {}
	 */
	env: {
		[k: string]: string;
	};
	/**
	 * Environment with secret values, as the source system passes its passwords. They stand in plain text in the service's spec, which managers store and show, and in the container's environment; prefer `secrets`. Braces in them are no templates. A change rolls the service.
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
	 * Docker secrets by file name: mounted at /run/secrets/<name>. A name with dots is a Spring property's, see docs/secrets.md. A changed value rolls the service; the old secret is removed afterwards.
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
	 * Where the log directory of the service lies.
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
				 * Volume name; a hash of its options is appended, so that a volume never keeps old ones.
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
				 * Directory on the node. It is made when missing.
				 *
				 * @default "/home/ubuntu/was-logs"
				 */
				source: string;
		  };
	/**
	 * User (and group) the service runs as. Default: the image's.
	 */
	user?: string;
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
		 * Host header of the request, for an application that answers to some names only.
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
		 * Seconds between two of Docker's health checks of a task that was healthy. A new one is checked each second.
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
		 * Health checks that may fail in a row before a task that was healthy is replaced.
		 *
		 * @default 5
		 */
		retries: number;
	};
	/**
	 * CPU limit of a task, in CPUs.
	 */
	cpus?: number;
	/**
	 * Memory limit of a task in MiB.
	 */
	memoryMiB?: number;
	/**
	 * Seconds between the stop signal of the image (SIGTERM where it names none) and SIGKILL. With the drain limit less than 60.
	 *
	 * @default 10
	 */
	stopGraceSeconds: number;
	/**
	 * Count it up to restart all tasks, by the same rollout.
	 *
	 * @default 0
	 */
	restart: number;
	/**
	 * How tasks are replaced.
	 */
	rollout: {
		/**
		 * `host` mode only. `lossless`: before a task stops, its node refuses new connections and requests in flight end. `swarm`: tasks are stopped as Swarm does it, and requests may fail.
		 *
		 * @default "lossless"
		 */
		strategy: "lossless" | "swarm";
		/**
		 * Nodes updated at a time. `lossless`: fewer than serve.
		 *
		 * @default 1
		 */
		parallelism: number;
		/**
		 * `lossless` only: app nodes that are updated first, in this order; the others follow. All go one at a time. Default: the order Swarm chooses.
		 *
		 * @default []
		 *
		 * Items: Host name, also the node's name in the swarm. A change makes another host.
		 */
		order: string[];
		/**
		 * Pause between two nodes.
		 *
		 * @default 0
		 */
		delaySeconds: number;
		/**
		 * A task that fails within this time after it first got healthy counts as a failed update.
		 *
		 * @default 15
		 */
		monitorSeconds: number;
		/**
		 * `lossless` only: a new task gets requests once it has been healthy for this long. One that crashes sooner has had none. Each node takes that much longer, less the second or two in which Swarm asks the next one.
		 *
		 * @default 3
		 */
		settleSeconds: number;
		/**
		 * `lossless` only: port at which the nodes' agents tell one another whether their node serves, so that never more than `parallelism` are closed at a time. Each service needs its own.
		 *
		 * @default 7947
		 */
		peerPort: number;
		/**
		 * `lossless` only: a task that is to stop goes on serving for up to this long while `parallelism` other nodes do not serve; then it is drained all the same. Not less than the drain limit, the grace and `settleSeconds` together.
		 *
		 * @default 1800
		 */
		turnLimitSeconds: number;
		/**
		 * Requests in flight, uploads and web sockets may take this long to end once their node is next; at the limit they are cut.
		 *
		 * @default 30
		 */
		drainLimitSeconds: number;
		/**
		 * When a new task fails: put the old version back the same way, or stop where it is.
		 *
		 * @default "rollback"
		 */
		failureAction: "rollback" | "pause";
		/**
		 * Asks the service through NGINX during a rollout and reports what it saw.
		 */
		prober: {
			/**
			 * Path that is asked through NGINX.
			 *
			 * @default "/"
			 */
			path: string;
			/**
			 * Requests a second during a rollout; 0 is off.
			 *
			 * @default 0
			 */
			ratePerSecond: number;
			/**
			 * A failed request fails the update, after it is complete.
			 *
			 * @default false
			 */
			failOnError: boolean;
		};
	};
	/**
	 * Seconds all tasks may take to run; then `up` fails, and the rollout goes on. Default: 900, or what the slowest good rollout takes where that is more: nodes x (`rollout.drainLimitSeconds` + `stopGraceSeconds` + `health.deadlineSeconds` + `rollout.settleSeconds` + `rollout.delaySeconds`), by `rollout.parallelism`, and `rollout.monitorSeconds` and a minute.
	 */
	convergeSeconds?: number;
}
