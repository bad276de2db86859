/* Made from config/sections by `npm run docs`: change it there. */

export interface RegistrySettings {
	/**
	 * Registry host, with port when not 443. Default: the host with role `registry`, port 5000; without one, Docker Hub. `<account>.dkr.ecr.<region>.amazonaws.com` is ECR: login by short-lived tokens, which the managers renew.
	 */
	server?: string | undefined;
	/**
	 * User who may push and pull. Default on a registry of this stack: `pusher`. Not for ECR.
	 */
	username?: string | undefined;
	/**
	 * The user's password or access token. Default on a registry of this stack: generated, and kept in the state as a secret. Not for ECR. A change applies to tasks that start later, and restarts none.
	 */
	password?:
		| string
		| {
				fromEnvironment: string;
		  } | undefined;
	/**
	 * Certificate, in PEM form, of the CA that signed the registry's certificate. Every swarm node trusts it for this registry at once.
	 */
	ca?: string | undefined;
	/**
	 * The same as a file where `pulumi` runs.
	 */
	caFile?: string | undefined;
}
