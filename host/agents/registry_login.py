#!/usr/bin/env python3
"""Gives a Swarm service a fresh token for its ECR registry, without touching its tasks.

Nodes pull with the login that came with the service's last update, and an ECR token ends after 12 hours: a task that Swarm places later,
on a node without the image, could not start. So a systemd timer on each manager runs this: the leader gets a token with its own role, and
updates the service with the spec it has. Swarm compares running tasks with the spec but for the login, so none is replaced; those that start
later, and those that wait for a pull, use the new one.

An update under way, or one that Swarm stopped, is left alone (exit status 75, and systemd tries again): another one would take its way back.

Not done by `docker service update --with-registry-auth`: the docker program puts the mounts in an order of its own, and that is another spec.

Standard library only; the token comes from docker-credential-ecr-login and is printed nowhere.
"""

import argparse
import base64
import json
import subprocess
import sys

from scaleout_docker import SOCKET, Docker

TRY_AGAIN = 75


def end(message, status=0):
    print(message, flush=True)
    sys.exit(status)


def token(server):
    """User and password for the registry, as the value of X-Registry-Auth."""
    helper = ["docker-credential-ecr-login", "get"]
    result = subprocess.run(helper, input=server, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
        end(f"no token for {server}: {' '.join(reason)}: may this host's role do ecr:GetAuthorizationToken?", 1)
    found = json.loads(result.stdout)
    login = {"serveraddress": server, "username": found["Username"], "password": found["Secret"]}
    return base64.urlsafe_b64encode(json.dumps(login).encode()).decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--docker", default=SOCKET)
    args = parser.parse_args()
    docker = Docker(args.docker, timeout=60)

    _, info = docker.request("GET", "/info")
    status, node = docker.request("GET", f"/nodes/{info['Swarm'].get('NodeID') or 'none'}")
    if status != 200 or not node.get("ManagerStatus", {}).get("Leader"):
        end("this host does not lead the swarm: nothing to do")
    status, service = docker.request("GET", f"/services/{args.service}")
    if status == 404:
        end(f"there is no service {args.service} yet: nothing to do")
    state = (service.get("UpdateStatus") or {}).get("State")
    if state in ("updating", "paused", "rollback_started", "rollback_paused"):
        end(f"an update of {args.service} is {state}: left alone", TRY_AGAIN)
    url = f"/services/{service['ID']}/update?version={service['Version']['Index']}"
    status, answer = docker.request("POST", url, json.dumps(service["Spec"]), {"X-Registry-Auth": token(args.server)})
    if status != 200:
        end(f"Swarm does not take the token: {(answer or {}).get('message', status)}", TRY_AGAIN)
    end(f"{args.service} has a fresh token for {args.server}")


if __name__ == "__main__":
    main()
