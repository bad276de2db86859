import type * as pulumi from "@pulumi/pulumi";

/** The certificate for HTTPS. */
export type Certificate =
	/** A given certificate. `id` differs for each one. `pem` is chain and key in one text, a secret. */
	| { id: string; pem: pulumi.Input<string>; acme?: undefined }
	/** A certificate that the host gets by ACME. `ca` is the ACME server's CA, empty for a public one. */
	| { acme: { email: string; directoryUrl: string }; ca: string };

/** Name of a service's upstream: the configured one, or made from the service's. */
export function upstreamName(upstreams: Record<string, string>, service: string): string {
	return upstreams[service] ?? service.replaceAll("-", "_");
}

/** Name of the upstream with the same nodes in the file for HTTPS. */
export const tlsUpstream = (name: string) => `${name}_tls`;

/**
 * Seconds in which NGINX, without `requestBuffering`, sends a GET, PUT or DELETE that was cut to another node: the time to find that two nodes do not
 * answer; with fewer than three nodes, that one does not.
 * @param nodes of the upstream
 */
export function sentAgainSeconds({ connectTimeoutSeconds }: { connectTimeoutSeconds: number }, nodes: number): number {
	return Math.min(2, Math.max(1, nodes - 1)) * connectTimeoutSeconds + 0.5;
}
