# shellcheck shell=bash
# Closes a node's published port to new connections, as its agent does (host/agents/scaleout_gate.py), once more to no effect: a chain of its own that new
# connections meet first, whether they come from elsewhere or from the node itself. They have been led on by Docker (DNAT); what containers send to the
# same port of others has not. The agent takes the chain away when it admits the next task.
: "${chain:?}" "${port:?}"

# Two matches, since the states of one match are alternatives.
rule=(-p tcp -m conntrack --ctstate NEW --ctorigdstport "$port" -m conntrack --ctstate DNAT -j REJECT --reject-with tcp-reset)
iptables -w 10 -N "$chain" 2> /dev/null || true
iptables -w 10 -C "$chain" "${rule[@]}" 2> /dev/null || iptables -w 10 -A "$chain" "${rule[@]}"
for hook in FORWARD OUTPUT; do
  iptables -w 10 -C "$hook" -j "$chain" 2> /dev/null || iptables -w 10 -I "$hook" -j "$chain"
done
