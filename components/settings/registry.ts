/* Made from config/sections by `npm run docs`: change it there. */

export interface RegistrySettings {
	/**
	 * Registry host, with port when not 443. Default: the host with role `registry`, port 5000; without one, Docker Hub. `<account>.dkr.ecr.<region>.amazonaws.com` is ECR: login by short-lived tokens, which the managers renew.
	 */
	server?: string;
	/**
	 * User who may push and pull. Default on a registry of this stack: `pusher`. Not for ECR.
	 */
	username?: string;
	/**
	 * Its password or access token. Default on a registry of this stack: generated, kept in the state as a secret. Not for ECR. A change reaches tasks that start later and restarts none.
	 */
	password?:
		| string
		| {
				fromEnvironment: string;
		  };
	/**
	 * Certificate, in PEM form, of the CA that signed the registry's. Every swarm node is made to trust it for this registry, at once.
	 */
	ca?: string;
	/**
	 * File that holds `registry.ca`, where `pulumi` runs.
	 */
	caFile?: string;
}
