import type * as pulumi from "@pulumi/pulumi";

/** What HTTPS is served with. */
export type Certificate =
	/** One that is given. `id` names it: another one has another. `pem` is chain and key in one text, a secret. */
	| { id: string; pem: pulumi.Input<string>; acme?: undefined }
	/** Got by ACME on the host. `ca` is the CA of the ACME server, empty for a public one. */
	| { acme: { email: string; directoryUrl: string }; ca: string };

/** Name of a service's upstream: the one that is configured, or the service's. */
export function upstreamName(upstreams: Record<string, string>, service: string): string {
	return upstreams[service] ?? service.replaceAll("-", "_");
}

/** Name of the upstream that HTTPS has for the same nodes. */
export const tlsUpstream = (name: string) => `${name}_tls`;

/**
 * Seconds in which NGINX sends a GET, PUT or DELETE that was cut to another node, without `requestBuffering`: as long as it takes to find that
 * two nodes do not answer, where there are more.
 * @param nodes of the upstream
 */
export function sentAgainSeconds({ connectTimeoutSeconds }: { connectTimeoutSeconds: number }, nodes: number): number {
	return Math.min(2, Math.max(1, nodes - 1)) * connectTimeoutSeconds + 0.5;
}
