/** The parts of an ECR registry's host name. */
export interface EcrRegistry {
	accountId: string;
	region: string;
}

/** What the host name of a private ECR registry says; undefined for any other registry. Pure. */
export function ecrRegistry(server: string | undefined): EcrRegistry | undefined {
	const [, accountId, region] = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(server ?? "") ?? [];
	return accountId && region ? { accountId, region } : undefined;
}
