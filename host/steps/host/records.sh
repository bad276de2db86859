# shellcheck shell=bash
# Prints a host's records line by line: subject, state, and of a path its owner, group and mode, and content or checksum; with tabs between.
: "${records:?}"

cd "$records" || exit
sort -u ./*/outcome | while IFS=$'\t' read -r subject state; do
  facts=
  if [[ $subject = /* && -e $subject ]]; then
    mode=$(stat -c %04a "$subject")
    facts=$(stat -c '%u\t%g' "$subject")"\t$mode\t"
    if [ -d "$subject" ]; then facts+=directory
    elif [ $((0$mode & 4)) = 0 ]; then facts+=sha256:$(sha256sum "$subject" | cut -d ' ' -f 1)
    else facts+=base64:$(base64 -w 0 "$subject")
    fi
  fi
  printf '%s\t%s\t%b\n' "$subject" "$state" "$facts"
done
