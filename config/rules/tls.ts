import type { Fault } from "../../lib/fault.ts";
import { servicesOf, type Topology } from "../schema.ts";
import { dnsName } from "../sections/tls.ts";
import { publishing } from "./ports.ts";

/** Rules for HTTPS. Those for the certificate itself are in config/certificate.ts. */
export function tlsFaults(topology: Topology): Fault[] {
	const { nginx } = topology;
	const { tls } = nginx;
	if (!tls) return [];
	const faults: Fault[] = [];
	const given = (["certificate", "certificateFile", "key", "keyFile"] as const).filter((key) => tls[key] !== undefined);
	if (tls.acme) {
		for (const key of given)
			faults.push({ property: `nginx.tls.${key}`, remedy: "acme gets the certificate and its key: remove it, or acme" });
		faults.push(
			...nginx.sites.flatMap(({ serverName }, i) =>
				// A site for any name is served with the certificate of the others.
				serverName === "_" && nginx.sites.length > 1 ? [] : nameFaults(`nginx.sites[${i}].serverName`, serverName, tls.acme?.domains ?? []),
			),
		);
	} else if (given.length === 0) {
		faults.push({ property: "nginx.tls", remedy: "has no certificate: give certificateFile and keyFile, certificate and key, or acme" });
	} else {
		for (const part of ["certificate", "key"] as const) {
			const [text, file] = [tls[part] !== undefined, tls[`${part}File`] !== undefined];
			if (text && file) faults.push({ property: `nginx.tls.${part}File`, remedy: `nginx.tls.${part} is given as well: keep one` });
			if (!text && !file) faults.push({ property: `nginx.tls.${part}`, remedy: `is missing: give it here, or ${part}File` });
		}
	}
	const onNginxHost = servicesOf(topology).find(
		(service) =>
			service.publish.published === tls.httpsPort && publishing(topology, service).some((host) => host.roles.includes("balancer")),
	);
	if (tls.httpsPort === nginx.listen)
		faults.push({ property: "nginx.tls.httpsPort", value: tls.httpsPort, remedy: "is also nginx.listen: choose another" });
	else if (onNginxHost)
		faults.push({
			property: "nginx.tls.httpsPort",
			value: tls.httpsPort,
			remedy: `service ${onNginxHost.name} publishes this port on the same host: choose another`,
		});
	return faults;
}

/** HTTP-01 proves one name at a time, so wildcards are not possible. */
function nameFaults(property: string, serverName: string, domains: string[]): Fault[] {
	if (serverName === "_")
		return domains.length > 0 ? [] : [{ property, value: serverName, remedy: "acme needs the name of the site: give it here" }];
	if (!dnsName.safeParse(serverName).success || /^[\d.]+$/.test(serverName))
		return [{ property, value: serverName, remedy: "acme proves a DNS name in lower case, without wildcards: use one" }];
	if (domains.length > 0 && !domains.includes(serverName))
		return [{ property: "nginx.tls.acme.domains", value: domains, remedy: `lacks ${property} ${serverName}: add it` }];
	return [];
}
