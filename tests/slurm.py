"""A Slurm of one node with two fake GPUs, from Debian's packages: Slurm only counts them, any device file will do."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

CONF = Path("/etc/slurm")  # elsewhere the plugin's inner srun does not find its controller
NAME = "ClusterName=onebox"
PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")


def missing():
    """Why no Slurm can be started here; None if one can."""
    if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        return "Snakemake's Slurm executor is not installed (make slurm)"
    if os.geteuid():
        return "only root can start a Slurm"
    if absent := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"{absent[0]} is not installed (apt-get install slurm-wlm munge)"
    conf = CONF / "slurm.conf"
    if conf.exists() and not conf.read_text().startswith(NAME):
        return f"{CONF}/slurm.conf exists: this machine has a Slurm of its own"
    return None


@contextlib.contextmanager
def running(folder):
    """Start munge, the controller and the node; stop what was started and remove its two files at the end."""
    host = socket.gethostname().split(".")[0]
    (folder / "state").mkdir()
    CONF.mkdir(exist_ok=True)
    slurm, gres = CONF / "slurm.conf", CONF / "gres.conf"
    slurm.write_text(f"""\
{NAME}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=600
MpiDefault=none
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
""")
    gres.write_text("".join(f"NodeName={host} Name=gpu Type=fake File=/dev/{name}\n" for name in ("zero", "full")))
    daemons = []
    try:
        if subprocess.run(["munge", "-n"], capture_output=True).returncode:
            subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge"], check=True)
            daemons.append(started("runuser", "-u", "munge", "--", shutil.which("munged"), "--foreground"))
        wait(lambda: not subprocess.run(["munge", "-n"], capture_output=True).returncode, "munged")
        daemons.append(started("slurmctld", "-c", "-D"))
        daemons.append(started("slurmd", "-N", host, "-D"))
        wait(lambda: call("sinfo", "--noheader", "--format=%t", "--partition=gpu") == "idle", "the node")
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], capture_output=True)
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)
        slurm.unlink()
        gres.unlink()


def wait(until, what):
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, f"{what} did not come up in a minute"
        time.sleep(0.2)


def started(*command):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def call(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()
