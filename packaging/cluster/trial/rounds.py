"""One round of each trial. A round starts with a settled pair, and returns what it saw as a dict of numbers."""

import random
import threading
import time

from load import Load, compare, newest, sends
from pair import Pair

CUT_OFF = "! drbdadm cstate surveyd | grep -x Connected"


def verify(pair: Pair, load: Load, before: int) -> dict:
    """What the checks of a round find: sends that are lost or doubled, and callers who got no 200."""
    load.stop()
    lost, doubled = compare(load.acknowledged, sends(pair.admin, before))
    pair.check()
    return {"acknowledged": len(load.acknowledged), "lost": lost, "doubled": doubled, "failed": len(load.failed),
            "replayed": load.replayed()}


def under_load(pair: Pair) -> tuple[int, Load]:
    """Starts the callers. The newest send before them, and the load."""
    before = newest(pair.admin)
    load = Load(pair.token)
    time.sleep(random.uniform(1, 2.5))
    return before, load


def cut(pair: Pair) -> dict:
    """The active machine loses its power; the other one takes over by itself."""
    before, load = under_load(pair)
    active = pair.active()
    at = active.kill()
    back = load.wait_for(at) - at
    time.sleep(0.5)
    load.stop()
    # The next round needs both machines: the other one starts while the checks run.
    start = threading.Thread(target=active.start)
    start.start()
    seen = verify(pair, load, before)
    start.join()
    return {"back_s": back, **seen, "trouble": dict(load.trouble)}


def unfenced(pair: Pair) -> dict:
    """Without fencing: the link is cut, the active machine goes on and loses its power, and the stale copy serves."""
    before, load = under_load(pair)
    active = pair.active()
    pair.link(False)
    pair.other(active).wait(CUT_OFF)
    time.sleep(2)
    at = active.kill()
    pair.other(active).run("surveyd-cluster take-over")
    load.wait_for(at)
    seen = verify(pair, load, before)
    # The two copies have different sends now. An administrator drops those of the machine that was off.
    pair.link(True)
    pair.start()
    time.sleep(5)
    active.run("drbdadm disconnect surveyd; drbdadm secondary surveyd; drbdadm connect --discard-my-data surveyd")
    pair.other(active).run("drbdadm connect surveyd; true")
    return seen


def fenced(pair: Pair) -> dict:
    """The same with fencing: the standby is switched off, and is not promoted when it comes back alone."""
    before, load = under_load(pair)
    active = pair.active()
    standby = pair.other(active)
    at = time.monotonic()
    pair.link(False)
    while standby.running():
        assert time.monotonic() < at + 30, "the standby was not switched off"
        time.sleep(0.01)
    stall = load.wait_for(standby.off_at) - at
    time.sleep(2)
    active.kill()
    standby.start()
    refused = 0
    for command in ["surveyd-cluster take-over", "drbdadm primary surveyd"]:
        said = standby.refuses(command)
        refused += "Secondary" in standby.run("drbdadm role surveyd; true") and not pair.serves(standby)
    pair.link(True)
    active.start()
    at = time.monotonic()
    if not pair.pacemaker:
        active.wait("surveyd-cluster take-over")
    load.wait_for(at)
    return {"stall_s": stall, "refused": refused == 2, **verify(pair, load, before), "said": said.splitlines()[-1]}


def parted(pair: Pair, number: int) -> dict:
    """Only the link is cut, and both machines run. In every second round the fence device does not hear the active."""
    before, load = under_load(pair)
    active = pair.active()
    if number % 2:
        pair.power.deaf_to.add(active.name)
    fenced = len(pair.power.fenced)
    at = time.monotonic()
    pair.link(False)
    while len(pair.power.fenced) == fenced:
        assert time.monotonic() < at + 60, "no machine was switched off"
        time.sleep(0.01)
    back = load.wait_for(time.monotonic()) - at
    time.sleep(1)
    survivor = pair.active()
    return {"stall_s": back, "moved": survivor is not active, **verify(pair, load, before)}


def switch(pair: Pair) -> dict:
    """A planned switch-over."""
    before, load = under_load(pair)
    active = pair.active()
    at = time.monotonic()
    move(pair, active)
    back = load.wait_for(at + 0.01) - at
    time.sleep(0.5)
    answered = sorted(end for _, end, _, _ in load.acknowledged.values() if end > at)
    gap = max(later - earlier for earlier, later in zip([at, *answered], answered))
    assert pair.active() is not active
    return {"gap_s": max(gap, back), **verify(pair, load, before), "trouble": dict(load.trouble)}


def move(pair: Pair, active) -> None:
    """Makes the other machine the active one."""
    if pair.pacemaker:
        active.run(f"crm_resource --move --resource active --node {pair.other(active).name} > /dev/null"
                   " && crm_resource --wait --timeout 60; crm_resource --clear --resource active > /dev/null", 90)
    else:
        active.run("surveyd-cluster release")
        pair.other(active).run("surveyd-cluster take-over")


def upgrade(pair: Pair, number: int) -> dict:
    """Both machines get another binary, the standby first, with one switch-over under load."""
    path = "/opt/surveyd/surveyd" if number % 2 else "/usr/bin/surveyd"
    install = (f"printf '[Service]\\nExecStart=\\nExecStart={path} serve --config /etc/surveyd/settings.toml\\n'"
               " > /etc/systemd/system/surveyd.service.d/upgrade.conf && systemctl daemon-reload")
    active = pair.active()
    pair.other(active).run(install)
    seen = switch(pair)
    active.run(install)
    runs = pair.active().run("readlink /proc/$(systemctl show --property MainPID --value surveyd)/exe")
    assert runs == path, runs
    return seen

