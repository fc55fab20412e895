# SPDX-License-Identifier: MIT
"""samples/batch/slurm.sh as a job array of Slurm's own daemons on this machine: four tasks, of which
one is told to end and queued again, give the records of one process.

A cluster of one node is set up below a temporary folder, with no service of the system: slurmctld and
slurmd run as they are, as root, and trust whoever speaks to them from this machine. Skipped where
Slurm is not installed (Debian: apt-get install --no-install-recommends slurm-wlm).
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from batches import *

TASKS = 4
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo", "scancel")


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def configure(folder):
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "slurm.conf").write_text(f"""
ClusterName=winnow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
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
SelectTypeParameters=CR_CPU
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
""")
    return folder / "slurm.conf"


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.env = environment({"SLURM_CONF": str(configure(folder)), "WINNOW": str(TOOL)})
        self.env["PATH"] = os.environ["PATH"] + ":/usr/sbin:/sbin"
        self.daemons = []

    def __enter__(self):
        host = socket.gethostname().split(".")[0]
        for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
            self.daemons.append(subprocess.Popen([find(command[0]), *command[1:]], env=self.env, cwd=self.folder,
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self

    def __exit__(self, *ignored):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def ask(self, *command):
        done = subprocess.run([find(command[0]), *map(str, command[1:])], env=self.env, cwd=self.folder,
                              capture_output=True, text=True, timeout=120)
        return done.stdout.strip() if done.returncode == 0 else ""

    def ready(self):
        for _ in range(300):
            if self.ask("sinfo", "-h", "-o", "%T") in ("idle", "mixed", "allocated"):
                return True
            time.sleep(0.2)
        return False

    def logs(self):
        return "".join(p.read_text(errors="replace")[-1500:] for p in self.folder.glob("*.log"))

    def ended(self, job, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.ask("squeue", "-h", "-j", job, "-o", "%T"):
                return True
            time.sleep(0.3)
        return False


def shards(out):
    return read_records(*[out / f"records-{i:05d}-of-{TASKS:05d}.jsonl" for i in range(TASKS)])


def stop_one(cluster, job, out):
    """One task gets what a preempted one gets, and is queued again."""
    for _ in range(600):
        running = [line.split() for line in cluster.ask("squeue", "-h", "-r", "-j", job, "-o", "%K %T").splitlines()]
        begun = [task for task, state in running if state == "RUNNING" and
                 (out / f"records-{int(task):05d}-of-{TASKS:05d}.jsonl").exists()]
        if begun:
            cluster.ask("scancel", "--batch", "--signal=TERM", f"{job}_{begun[0]}")
            return begun[0]
        if not running:
            break
        time.sleep(0.1)
    return None


def array(cluster, folder, manifest, options):
    out = folder / "array"
    job = cluster.ask("sbatch", "--parsable", f"--array=0-{TASKS - 1}", ROOT / "samples/batch/slurm.sh", manifest, "-o",
                      out, *options)
    check(job, "sbatch takes the job array", cluster.logs())
    stopped = stop_one(cluster, job, out)
    check(cluster.ended(job, 600), "the array ends", cluster.ask("squeue"), cluster.logs())
    said = "".join(p.read_text(errors="replace") for p in cluster.folder.glob("winnow-*.log"))
    if stopped is not None and "terminated" in said:
        print(f"task {stopped} was told to end, and went on when it was queued again")
    return out, said


def main():
    missing = [p for p in PROGRAMS if not find(p)]
    if missing or os.geteuid() != 0:
        print("skipped: " + (f"Slurm is not installed ({', '.join(missing)})" if missing else
                             "Slurm's daemons are started as root"))
        raise SystemExit(77)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        manifest = folder / "items.jsonl"
        make_manifest(manifest, 32)
        options = ("-m", MODEL, "-q", "--tokens", "200", "-j", "1")
        run("batch", manifest, "-o", folder / "one", *options, limit=300)
        expected = read_records(folder / "one/records.jsonl")
        check(len(expected) == 32, "one process")
        (folder / "cluster").mkdir()
        with Cluster(folder / "cluster") as cluster:
            if check(cluster.ready(), "a node is up", cluster.logs()):
                out, said = array(cluster, folder, manifest, options)
                check(shards(out) == expected, "four tasks give the records of one process", said, cluster.logs())
    finish()


main()
