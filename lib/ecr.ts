/** The parts of an ECR registry's host name. */
export interface EcrRegistry {
	accountId: string;
	region: string;
}

/** The parts of a private ECR registry's host name; undefined for any other registry. Pure. */
export function ecrRegistry(server: string | undefined): EcrRegistry | undefined {
	const [, accountId, region] = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(server ?? "") ?? [];
	return accountId && region ? { accountId, region } : undefined;
}
