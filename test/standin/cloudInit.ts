import { parse } from "yaml";
import { hostKeyFiles, type SeedFiles, seedFiles } from "../../providers/machine/seed.ts";

/*
 * What cloud-init does at an instance's first boot, for local machines, whose image has none: host name, host key, and the image's login
 * user with the key pair's public key. Keys of the user data that are not done here are refused, so that none goes by unnoticed.
 */

/** Keys of cloud-config that are done here, or hold anyway: the image has no host keys, and the host name stands in /etc/hosts. */
const done = ["hostname", "preserve_hostname", "manage_etc_hosts", "ssh_pwauth", "ssh_deletekeys", "ssh_keys"];

/** The first user's id, as on the images of Ubuntu and Debian. */
const userId = 1000;

export interface InstanceSettings {
	/** As given to the API, in plain text. */
	userData: string;
	/** Private address with prefix length. */
	address: string;
	/** Name of the machine image. */
	imageName: string;
	/** Public key of the instance's key pair; none when it was started without one. */
	publicKey?: string;
}

export interface InstanceFiles {
	hostname: string;
	seed: SeedFiles;
}

/** The files that make a local machine this instance. Pure. @throws Error naming what of the user data the stand-in does not do. */
export function cloudInit({ userData, address, imageName, publicKey }: InstanceSettings): InstanceFiles {
	if (userData && !userData.startsWith("#cloud-config\n")) throw new Error("user data: the stand-in reads only #cloud-config");
	const config = parse(userData) ?? {};
	const other = Object.keys(config).find((key) => !done.includes(key));
	if (other) throw new Error(`user data: the stand-in does not do "${other}" of cloud-config`);
	const { hostname: name, ssh_keys, ssh_pwauth } = config;
	if (ssh_pwauth) throw new Error("user data: the stand-in's machines take no passwords, as ssh_pwauth asks");
	const octets = address.split("/")[0]?.split(".") ?? [];
	const hostname = name ?? `ip-${octets.join("-")}`;
	if (!ssh_keys?.ed25519_private || !ssh_keys.ed25519_public)
		throw new Error("user data: ssh_keys must hold ed25519_private and ed25519_public");
	// Mounts stay as the image and whoever works on the machine leave them; root has no key.
	const {
		"root/.ssh/authorized_keys": _root,
		"etc/fstab": _mounts,
		...machine
	} = seedFiles({ hostname, address, authorizedKey: "", disks: [] });
	const key = { private: ssh_keys.ed25519_private, public: ssh_keys.ed25519_public };
	return { hostname, seed: { ...machine, ...hostKeyFiles(key), ...loginFiles(userOf(imageName), publicKey) } };
}

/** The user that the image's cloud-init is set to make. */
function userOf(imageName: string): string {
	if (imageName.includes("ubuntu")) return "ubuntu";
	if (imageName.startsWith("debian")) return "admin";
	throw new Error(`the stand-in does not know the login user of the image ${imageName}`);
}

function loginFiles(user: string, publicKey: string | undefined): SeedFiles {
	const home = `home/${user}`;
	return {
		[`etc/sysusers.d/${user}.conf`]: `u ${user} ${userId} "${user}" /home/${user} /bin/bash\n`,
		// Users are made at an image's first boot only, unless this condition goes.
		"etc/systemd/system/systemd-sysusers.service.d/": {},
		"etc/systemd/system/systemd-sysusers.service.d/always.conf": "[Unit]\nConditionNeedsUpdate=\n",
		[`etc/sudoers.d/${user}`]: { content: `${user} ALL=(ALL) NOPASSWD:ALL\n`, mode: 0o440 },
		[`${home}/`]: { owner: userId },
		[`${home}/.ssh/`]: { mode: 0o700, owner: userId },
		[`${home}/.ssh/authorized_keys`]: { content: publicKey ? `${publicKey.trim()}\n` : "", mode: 0o600, owner: userId },
	};
}
