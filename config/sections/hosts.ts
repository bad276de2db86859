import { z } from "zod";
import { roles } from "../../lib/roles.ts";
import { imageRevision, instanceType } from "./aws.ts";
import { hostName, port } from "./values.ts";

const sshEndpoint = z.strictObject({
	host: z
		.string()
		.regex(/^[A-Za-z0-9:][A-Za-z0-9.:_-]*$/, "use an address or a DNS name")
		.optional()
		.describe("Address that `pulumi` (or the bastion) connects to. Default: the host's `address`."),
	port: port.default(22).describe("Port of sshd."),
	user: z
		.string()
		.regex(/^[A-Za-z_][\w.-]*$/, "use a login name of letters, digits and . _ -")
		.default("root")
		.describe("Login: root, or a user who may run `sudo -n`."),
	hostKey: z
		.string()
		.regex(/^(ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]+=*( .*)?$/, "use the line of /etc/ssh/ssh_host_ed25519_key.pub")
		.describe("Pinned public host key, the line of `/etc/ssh/ssh_host_ed25519_key.pub`."),
	privateKeyFile: z.string().min(1).optional().describe("Private key file where `pulumi` runs. Default: `existing.privateKeyFile`."),
	bastion: hostName.optional().describe("Name of the host in this inventory to connect through."),
});

export const host = z.strictObject({
	name: hostName,
	aliases: z
		.array(hostName)
		.default([])
		.describe(
			"Former names of the host, the latest first. With them a change of `name` recreates nothing. The machine keeps its first name.",
		),
	roles: z
		.array(z.enum(roles))
		.min(1)
		.describe(
			"`manager` or `worker` of the swarm, `app` runs the service, `log` exports the log directory, `balancer` runs NGINX, `registry` serves images.",
		),
	address: z.ipv4().describe("Private IPv4 address, at which the other hosts reach this one. A change recreates what is bound to it."),
	memoryMiB: z
		.int()
		.min(512)
		.optional()
		.describe("`local` only: memory in MiB. Default: `local.memoryMiB`. A change restarts the machine."),
	instanceType: instanceType
		.optional()
		.describe(
			"`aws` only: instance type. Default: `aws.instanceType`. A change replaces a node that the swarm can spare, and restarts any other host.",
		),
	imageRevision: imageRevision
		.optional()
		.describe("`aws` only: `aws.imageRevision` for this host alone, to replace hosts one after another."),
	lost: z
		.boolean()
		.default(false)
		.describe(
			"`existing` only: marks the host as permanently lost. Run `up`, then remove the host from the list; nothing is undone on it.",
		),
	ssh: sshEndpoint.optional().describe("`existing` only: how to log in."),
});

export const local = z.strictObject({
	imageDirectory: z
		.string()
		.min(1)
		.optional()
		.describe("Directory with root.ext4, vmlinuz and initrd.img. Default: where `npm run lab:prepare` caches them."),
	directory: z
		.string()
		.regex(
			/^(~\/)?[\p{L}\p{N}_./][\p{L}\p{N}_./ +@-]*$/u,
			"use a path of letters, digits, blanks and . _ / + @ -, not starting with - (~/ is the home directory)",
		)
		.default(".lab")
		.describe("Directory for the machines' files, relative to the project."),
	memoryMiB: z.int().min(512).default(1280).describe("Memory of a machine in MiB."),
	cpus: z.int().min(1).default(1).describe("Virtual CPUs of a machine."),
	prefixLength: z.int().min(8).max(30).default(16).describe("Prefix length of the private LAN."),
	lanPort: port.default(23400).describe("UDP port on the loopback interface that carries the private LAN. Each stack needs its own."),
	sshPortBase: port
		.default(2400)
		.describe(
			"Port of 127.0.0.1 for the first machine's sshd; each further machine gets the next port. So add machines at the end of `hosts`: if one is added or removed before others, those get another port and restart.",
		),
	endpointPort: port.default(8088).describe("Port of 127.0.0.1 that leads to NGINX."),
	httpsPort: port.default(8443).describe("Port of 127.0.0.1 that leads to NGINX's HTTPS. It is forwarded with and without `nginx.tls`."),
});

export const existing = z.strictObject({
	privateKeyFile: z.string().min(1).optional().describe("Private key file for all hosts without their own."),
});
