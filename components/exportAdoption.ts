import { shellQuote } from "../lib/connection.ts";

/* What /etc/exports says of the directory was written by others: it is taken over where it says the same, and never overwritten. */

/** An export as it is to be: the client's file, and what stands in it, see exports(5). */
export interface OwnExport {
	client: string;
	file: string;
	line: string;
}

/** The wanted owner and group, by name or number, and mode, as chown and chmod take them. */
export interface DirectoryAccess {
	owner: string;
	mode: string;
}

/** Prints `client options` for each client of the directory's lines on standard input, the options in order. */
const clientsOf = (path: string) => `
clients() {
  sed 's/#.*//' | awk -v path=${shellQuote(path)} '$1 == path { for (i = 2; i <= NF; i++) print $i }' | while IFS= read -r client; do
    options=\${client#"\${client%%(*}"}
    printf '%s %s\\n' "\${client%%(*}" "$(tr -d '()' <<< "$options" | tr , '\\n' | sort | tr '\\n' , | sed 's/,$//')"
  done | sort
}`;

/** Refuses to go on beside lines of others that export `$path`. The lock of exports must be held. */
export const refuseOtherLines = `
if [ -e /etc/exports ] && awk -v path="$path" '$1 == path { found = 1 } END { exit !found }' /etc/exports; then
  echo "logs.path = \\"$path\\": /etc/exports exports it already: set logs.adopt to true to take that over, or remove it there" >&2
  exit 1
fi`.trim();

/**
 * Takes the directory's lines of /etc/exports over: what they export goes on without a moment's break, from the stack's own files. Refuses, with every
 * difference, when a client would lose something. Once done it finds nothing to do. The lock of exports must be held.
 */
export function adoptScript(path: string, exports: OwnExport[], { owner, mode }: DirectoryAccess): string {
	const format = /^\d/.test(owner) ? "%u:%g" : "%U:%G";
	const write = exports.map(
		({ file, line }) => `printf '%s' ${shellQuote(line)} > ${file}.new && chmod 644 ${file}.new && mv -f ${file}.new ${file}`,
	);
	return `
${clientsOf(path)}
theirs=$([ ! -e /etc/exports ] || clients < /etc/exports)
if [ -n "$theirs" ]; then
  ours=$(clients <<< ${shellQuote(exports.map(({ line }) => line).join(""))})
  differs() {
    comm -23 <(echo "$theirs") <(echo "$ours") | sed -E 's|^(\\S*) (.*)|  exported to \\1(\\2) there: such a client is not in the configuration|'
    [ "$(stat -c '${format}' ${path})" = ${owner} ] || echo "  owner of the directory is $(stat -c '${format}' ${path}) there, ${owner} in the configuration"
    [ "$(stat -c 0%a ${path})" = ${mode} ] || echo "  mode of the directory is $(stat -c 0%a ${path}) there, ${mode} in the configuration"
    ! grep -qE ${shellQuote(`^[[:space:]]*${path.replaceAll(".", "\\.")}[[:space:]].*\\\\$`)} /etc/exports || echo "  its line in /etc/exports goes on in the next: write it as one"
  }
  found=$(differs)
  if [ -n "$found" ]; then
    printf '%s\\n' ${shellQuote(`logs.adopt: what /etc/exports says of ${path} differs from the configuration:`)} "$found" ${shellQuote("configure what it has (logs.access, logs.clients, logs.exportOptions); what is to change can change once it is taken over")} >&2
    exit 1
  fi
  cp -a /etc/exports /etc/exports.new
  sed -i -E ${shellQuote(`s|^([[:space:]]*${path.replaceAll(".", "\\.")}[[:space:]].*)|# Taken over by Pulumi, see /etc/exports.d: \\1|`)} /etc/exports.new
${write.map((line) => `  ${line}`).join("\n")}
  mv -f /etc/exports.new /etc/exports
  exportfs -ra
fi`.trim();
}
