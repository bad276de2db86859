import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { kit, kitDirectory } from "../../host/kit.ts";

/*
 * A host for scripts that want one: they run in a real bash, with a directory as their root and stand-ins for the programs that would change the
 * machine. Paths of the system are led into the directory in the script's text; a program that is given one outside of it does nothing and is noted.
 */

/** Programs that are what they are everywhere. */
const real =
	"bash sh awk basename cat chmod comm cp cut date df diff dirname env find grep head install ln mkdir mktemp mv openssl readlink rm rmdir sed seq sha256sum sort stat tail tar tee touch tr uname wc xargs";

/** Of these, the ones that write. */
const writing = "chmod cp find install ln mkdir mktemp mv rm rmdir sed tar tee touch";

/** Functions of bash in place of the other programs, in the words that scripts wait for. */
const standIns = `
guard() { local word; for word; do case $word in "$ROOT"/*|/dev/*|/proc/*) ;; /*) echo "$word" >> "$ROOT/.outside"; return 1 ;; esac; done; }
${writing
	.split(" ")
	.filter((name) => name !== "install")
	.map((name) => `${name}() { guard "$@" && command ${name} "$@"; }`)
	.join("\n")}
install() {
  guard "$@" || return
  local words=()
  while [ $# -gt 0 ]; do case $1 in -o|-g) shift ;; *) words+=("$1") ;; esac; shift; done
  command install "\${words[@]}"
}
said() { printf '%s\\0' "$@" >> "$ROOT/.said"; printf '\\n' >> "$ROOT/.said"; }
chown() { guard "$@" && said chown "$@"; }
certbot() { said certbot "$@"; }
docker() { said docker "$@"; }
usermod() { said usermod "$@"; }
htpasswd() { printf '%s:%s\\n' "$3" "$(cat)" > "$2"; }
openssl() { if [ "$1" = req ]; then command openssl "$@"; else echo "notAfter"; fi; }
sudo() { shift; "$@"; }
# Another shell takes no functions with it.
sh() { bash "$@"; }
curl() { echo 401; }
dpkg() { return 1; }
dpkg-query() { echo "install ok installed"; }
exportfs() { [ "$1" != -s ] || command sed "s,^,$ROOT," "$ROOT"/etc/exports.d/*; }
findmnt() { echo "$ROOT/dev/disk/by-id/disk"; }
journalctl() { echo "watching"; }
nginx() { echo "nginx version: nginx/1.24.0"; }
ps() { echo 1; }
systemctl() { case "$1 $*" in is-active*scaleout-drain-*) return 0 ;; esac; case $1 in is-active|is-enabled) echo inactive; return 3 ;; esac; }
# Time passes by waiting, and no other way.
sleep() { SECONDS=$((SECONDS + \${1%.*} + 1)); }
for name in apt-get blkid cloud-init flock gpg mkfs.ext4 mount mountpoint pgrep python3 resize2fs timeout umount unshare; do eval "$name() { :; }"; done
command_not_found_handle() { echo "$1" >> "$ROOT/.missing"; return 127; }
`;

/** A file or directory on the host. */
export interface HostFile {
	/** From the host's root. */
	path: string;
	/** Octal, such as `644`. */
	mode: string;
	isDirectory: boolean;
}

export class StandInHost {
	readonly root: string;

	constructor() {
		this.root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "scaleout-host-")));
		const bin = path.join(this.root, ".bin");
		for (const directory of [
			bin,
			...this.#paths(
				"tmp",
				"dev/disk/by-id",
				...["conf.d", "sites-enabled"].map((name) => `etc/nginx/${name}`),
				"etc/systemd/system",
				"etc/ssl/certs",
				"var/www",
				"var/tmp",
				"run",
			),
		])
			fs.mkdirSync(directory, { recursive: true });
		for (const name of real.split(" ")) {
			const file = ["/bin", "/usr/bin"].map((directory) => path.join(directory, name)).find((candidate) => fs.existsSync(candidate));
			if (file) fs.symlinkSync(file, path.join(bin, name));
		}
		// What a value that is not quoted would run.
		this.#program(".bin/hostile", 'echo "$*" >> "$ROOT/.hostile"');
		this.#program("opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", `echo '"status": "running"'`);
		fs.mkdirSync(path.join(this.root, "opt/aws/amazon-cloudwatch-agent/etc"));
		fs.writeFileSync(path.join(this.root, "dev/disk/by-id/disk"), "");
		fs.symlinkSync("disk", path.join(this.root, "dev/disk/by-id/nvme-idof-hosts-log-volume"));
		fs.writeFileSync(path.join(this.root, "etc/ssl/certs/ca-certificates.crt"), "");
		fs.writeFileSync(path.join(this.root, "etc/fstab"), "");
		fs.writeFileSync(path.join(this.root, ".stand-ins"), standIns);
	}

	/** Runs a command as sshd would, with another umask than a host's where one is given. */
	run(command: string, stdin: string | Buffer = "", umask = "022"): { status: number | null; stdout: string; stderr: string } {
		this.#installScripts(command);
		const env = {
			PATH: path.join(this.root, ".bin"),
			ROOT: this.root,
			TMPDIR: path.join(this.root, "tmp"),
			HOME: path.join(this.root, "root"),
		};
		const script = `set -a; . "$ROOT/.stand-ins"; export -f $(compgen -A function); set +a; umask ${umask}\n${this.#here(command)}`;
		// As a file, because a socket, which is what spawnSync makes, cannot be opened again as /dev/stdin.
		const input = path.join(this.root, ".stdin");
		// Of what a step is told, the headings name paths; content stays as it is.
		fs.writeFileSync(
			input,
			typeof stdin === "string" && stdin.startsWith("@") ? stdin.replace(/^@.*$/gm, (heading) => this.#here(heading)) : stdin,
		);
		const descriptor = fs.openSync(input, "r");
		try {
			return spawnSync("/bin/bash", ["--norc", "-c", script], {
				stdio: [descriptor, "pipe", "pipe"],
				encoding: "utf8",
				env,
				cwd: this.root,
			});
		} finally {
			fs.closeSync(descriptor);
		}
	}

	/** What went wrong since the host was made: values that ran, programs there are no stand-ins of, paths outside of its root. */
	get faults(): string[] {
		return ["hostile", "missing", "outside"].flatMap((kind) => this.#noted(`.${kind}`).map((line) => `${kind}: ${line}`));
	}

	/** The words of each call of a program that is noted. */
	calls(program: string): string[][] {
		const calls = this.#noted(".said", "\0\n").map((line) => line.split("\0"));
		return calls.filter(([name]) => name === program);
	}

	/** Everything that scripts have written. */
	files(since: HostFile[] = []): HostFile[] {
		const entries = fs.readdirSync(this.root, { recursive: true, withFileTypes: true });
		const known = new Set(since.map((file) => file.path));
		return entries
			.map((entry) => {
				const file = path.join(entry.parentPath, entry.name);
				const mode = (fs.lstatSync(file).mode & 0o7777).toString(8);
				return { path: file.slice(this.root.length), mode, isDirectory: entry.isDirectory() };
			})
			.filter((file) => !/^\/(\.|tmp\/|dev\/)/.test(file.path) && !known.has(file.path))
			.sort((a, b) => a.path.localeCompare(b.path));
	}

	remove(): void {
		fs.rmSync(this.root, { recursive: true });
	}

	/** The scripts of all steps, where a command carries one out. */
	#installScripts(command: string): void {
		const [, stack] = /\/usr\/local\/lib\/scaleout\/steps\/([\w.-]+)\/(?:run|undo)\.sh/.exec(command) ?? [];
		if (!stack) return;
		const directory = path.join(this.root, kitDirectory(stack));
		for (const [name, content] of fs.existsSync(directory) ? [] : kit().files) {
			const file = path.join(directory, name);
			fs.mkdirSync(path.dirname(file), { recursive: true });
			fs.writeFileSync(file, name.endsWith(".sh") ? this.#here(content) : content);
		}
	}

	/** The text with the system's paths led into the root. */
	#here(command: string): string {
		return command.replace(/(?<![\w}.)*$-])\/(?=(etc|var|usr\/local|run|opt|mnt|home|srv|root|dev\/disk)\b)/g, `${this.root}/`);
	}

	#paths(...names: string[]): string[] {
		return names.map((name) => path.join(this.root, name));
	}

	#program(name: string, script: string): void {
		const file = path.join(this.root, name);
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(file, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
	}

	#noted(name: string, separator = "\n"): string[] {
		const file = path.join(this.root, name);
		return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split(separator).filter(Boolean) : [];
	}
}
