"""Makes the cluster of two new machines, by script or by Pacemaker."""

import time

from machine import CommandFailed
from pair import Pair

FIRST = """
drbdadm create-md --force surveyd
drbdadm up surveyd
mkfs.ext4 -q /dev/vdc
"""


def by_script(pair: Pair) -> None:
    """The first start: both disks are empty and so the same, which spares the first copy. Machine a gets the data."""
    for machine in pair.both:
        machine.run(FIRST)
    pair.a.wait('test "$(drbdadm cstate surveyd)" = Connected')
    pair.a.run("drbdadm new-current-uuid --clear-bitmap surveyd/0 || drbdadm -- --clear-bitmap new-current-uuid surveyd")
    pair.a.wait('test "$(drbdadm dstate surveyd)" = UpToDate/UpToDate')
    pair.a.run("drbdadm primary surveyd && mkfs.ext4 -q /dev/drbd0 && mount /dev/drbd0 /var/lib/surveyd"
               " && cp /root/first.db /var/lib/surveyd/surveyd.db && chown -R surveyd: /var/lib/surveyd"
               " && umount /var/lib/surveyd && drbdadm secondary surveyd", 180)
    pair.a.run("surveyd-cluster take-over")
    for machine in pair.both:
        machine.run("systemctl enable --now drbd-surveyd surveyd-cluster && sync")


def fencing(pair: Pair, on: bool) -> None:
    """With or without fencing, and without the watch in the second case."""
    policy = "resource-and-stonith" if on else "dont-care"
    for machine in pair.both:
        machine.run(f"sed -i 's/fencing .*;/fencing {policy};/' /etc/drbd.d/surveyd.res && drbdadm adjust surveyd"
                    f" && systemctl {'enable' if on else 'disable'} --now surveyd-cluster; sync")


def by_pacemaker(pair: Pair) -> None:
    """Hands the running cluster over to Pacemaker."""
    pair.active().run("surveyd-cluster release")
    for machine in pair.both:
        machine.run("""systemctl disable --now surveyd-cluster drbd-surveyd
            sed -i '/handlers {/,/}/d' /etc/drbd.d/surveyd.res
            sed -i '$d' /etc/drbd.d/surveyd.res
            cat /root/surveyd-pacemaker.res >> /etc/drbd.d/surveyd.res
            echo '}' >> /etc/drbd.d/surveyd.res
            drbdadm dump surveyd > /dev/null && systemctl enable --now corosync pacemaker && sync""", 90)
    pair.a.wait("crm_mon -1 | grep 'Online:.*a b'", 120)
    pair.a.run("crm -F configure load update /root/pacemaker.crm", 120)
    pair.pacemaker = True
    deadline = time.monotonic() + 120
    while True:
        try:
            return print("--- " + pair.active().run("crm_mon -1 -r").replace("\n", "\n    "), flush=True)
        except (AssertionError, CommandFailed):
            if time.monotonic() > deadline:
                raise AssertionError(pair.a.run("crm_mon -1 -r")) from None
            time.sleep(1)
