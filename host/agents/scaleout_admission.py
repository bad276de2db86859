"""How a new task gets its first requests: once it has been healthy for a while. Standard library only."""

import http.client
import time

from scaleout_health import look
from scaleout_task import addresses, log, pace, published

# A container that is healthy and has no published port for this long never gets any. A manager that has just become the leader even makes tasks that are
# to have none: swarmkit's allocator lets pass what the orchestrator made before it was ready. They start beside the old task, as they need no free port.
PORTLESS_SECONDS = 10
# A new leader hears of a task's start as late as this: nodes take their time to register again.
HEARD_SECONDS = 30


class Admission:
    """The start of one task, until requests are let in."""

    def __init__(self, agent, task):
        self.agent = agent
        self.task = task

    def run(self):
        """Lets requests in once the task has been healthy for a while."""
        task = self.task
        begun = time.monotonic()
        healthy_since = details = portless_since = None
        health = task.terms["health"]
        while not task.stopping and not task.ended.is_set():
            looked = time.monotonic()
            try:
                # Docker is asked once, not at each look: the application starts meanwhile, and needs the processor.
                if not details or not addresses(details):
                    details = self.agent.docker.inspect(task.id)
                if not details:
                    return
                now = time.monotonic()
                looks = [look(address, task.terms["target"], health) for address in addresses(details)]
                if not any(status in health["status"] for status, _ in looks):
                    healthy_since = None
                    task.reason = f"its task is not healthy yet: {', '.join(words for _, words in looks) or 'it has no address'}"
                elif healthy_since is None:
                    healthy_since = time.monotonic()
                    task.reason = f"its task is healthy, {'and has to be so for a while' if published(details) else 'and Docker has not published its port'}"
                elif not published(details):
                    details = self.agent.docker.inspect(task.id) or details
                    portless_since = portless_since or (now if has_passed(details) or task.ports else None)
                    # One that ends sooner is a failed update to Swarm, which takes the new version back.
                    limit = PORTLESS_SECONDS if task.ports else HEARD_SECONDS + task.terms.get("monitorSeconds", 0)
                    if portless_since and now - portless_since > limit and not published(details):
                        self.replace()
                        return
                if healthy_since and time.monotonic() - healthy_since >= task.terms["settleSeconds"] and published(details):
                    if self.agent.admit(task):
                        self.agent.settle()
                        log(f"{task}: healthy after {healthy_since - begun:.1f} s, for {time.monotonic() - healthy_since:.1f} s: new connections are accepted")
                    return
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                task.reason = f"its task cannot be asked: {error!r}"
            if not healthy_since:
                left = pace(0.25, time.monotonic() - looked, limit=2)
            elif published(details):
                left = min(0.5, task.terms["settleSeconds"] - (time.monotonic() - healthy_since))
            else:
                left = 0.5
            task.ended.wait(max(0.05, left))

    def replace(self):
        task = self.task
        task.reason = "its task is healthy, and Docker has not published its port: it is stopped, so that Swarm starts another one"
        log(f"{task}: {task.reason}")
        self.agent.docker.kill(task.id, "SIGKILL")


def has_passed(details):
    """Whether Docker's own check has ever passed, or there is none."""
    return (details["State"].get("Health") or {}).get("Status") != "starting"
