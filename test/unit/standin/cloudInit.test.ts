import { describe, expect, test } from "vitest";
import { userData } from "../../../components/sources/aws/userData.ts";
import { cloudInit, type InstanceSettings } from "../../standin/cloudInit.ts";

const settings: InstanceSettings = {
	userData: userData("worker1", { privateKey: "planted-private-key", publicKey: "ssh-ed25519 AAAA-host" }),
	address: "192.168.2.142/16",
	imageName: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261101",
	publicKey: "ssh-ed25519 AAAA-operator",
};

describe("cloud-init on a local machine", () => {
	test("does what the program's user data asks for", () => {
		const { hostname, seed } = cloudInit(settings);
		expect(hostname).toBe("worker1");
		expect(seed["etc/hostname"]).toBe("worker1\n");
		expect(seed["etc/ssh/ssh_host_ed25519_key"]).toEqual({ content: "planted-private-key", mode: 0o600 });
		expect(seed["etc/systemd/network/20-lan.network"]).toContain("Address=192.168.2.142/16");
	});

	test("gives the key pair to the image's user, and not to root", () => {
		const { seed } = cloudInit(settings);
		const key = { content: "ssh-ed25519 AAAA-operator\n", mode: 0o600, owner: 1000 };
		expect(seed["home/ubuntu/.ssh/authorized_keys"]).toEqual(key);
		expect(seed).not.toHaveProperty("root/.ssh/authorized_keys");
		expect(cloudInit({ ...settings, imageName: "debian-12-amd64-20261101-2281" }).seed["home/admin/.ssh/authorized_keys"]).toEqual(key);
	});

	test("without a host name is called by its address, as on EC2", () => {
		const unnamed = settings.userData.replace(/^hostname: .*\n/m, "");
		expect(cloudInit({ ...settings, userData: unnamed }).hostname).toBe("ip-192-168-2-142");
	});

	const refused: [name: string, change: Partial<InstanceSettings>, message: string][] = [
		["a key it does not do", { userData: `${settings.userData}runcmd: [reboot]\n` }, 'does not do "runcmd"'],
		["another format", { userData: "#!/bin/sh\nreboot\n" }, "reads only #cloud-config"],
		["no host key", { userData: "#cloud-config\nhostname: x\n" }, "ssh_keys must hold"],
		["passwords", { userData: settings.userData.replace("ssh_pwauth: false", "ssh_pwauth: true") }, "ssh_pwauth"],
		["an image whose user it does not know", { imageName: "al2023-ami" }, "login user of the image al2023-ami"],
	];
	test.each(refused)("refuses %s", (_name, change, message) => {
		expect(() => cloudInit({ ...settings, ...change })).toThrow(message);
	});
});
