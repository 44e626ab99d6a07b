#!/usr/bin/env bash
# start.sh DIR: a single-node Slurm in DIR for tests: munged, slurmctld and slurmd without systemd, with a key and
# ports of their own, so that several may run beside each other and beside a real cluster. Installs Debian's packages
# if root may. Then `export SLURM_CONF=DIR/slurm.conf`; `stop.sh DIR` ends it.
# Exit code 77: this machine cannot have it; the last line of the output is the reason.
set -euo pipefail

[ $# -eq 1 ] || { echo "Usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

cannot() { echo "$1"; exit 77; }

[ "$(id -u)" = 0 ] || cannot "Slurm's daemons are started by root, got $(id -un)"
need="munged mungekey slurmctld slurmd sbatch squeue scontrol runuser"
has() { local name; for name in $need; do command -v "$name" >/dev/null || return 1; done; }
export PATH="$PATH:/usr/sbin:/sbin"
if ! has; then
  command -v apt-get >/dev/null || cannot "Slurm is not installed, and there is no apt-get to install it"
  echo "Installing slurm-wlm and munge, once ..."
  export DEBIAN_FRONTEND=noninteractive
  # Nothing may be started: without systemd the packages' own start scripts fail.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
  install() { apt-get install -y -qq --no-install-recommends slurm-wlm munge >"$dir/apt.log" 2>&1; }
  install || { apt-get update -qq >"$dir/apt.log" 2>&1 && install; } || cannot "apt-get could not install slurm-wlm: $(tail -1 "$dir/apt.log")"
  has || cannot "slurm-wlm is installed, but not all of: $need"
fi

# A port that nobody listens on, from the process's number on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}
ctld_port=$(free_port $((20000 + $$ % 10000 * 2)))
slurmd_port=$(free_port $((ctld_port + 1)))

host=$(uname -n | cut -d. -f1)
node=node$ctld_port # the name of its groups in the kernel: another cluster's is another
memory=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
mkdir -p "$dir"/{munge,state,spool,log}
chmod 755 "$dir" "$dir/munge"
mungekey --create --keyfile "$dir/munge/munge.key" --force
chown -R munge "$dir/munge"

# Limits of memory are enforced where the kernel's groups (version 1) can be made.
task_plugin=task/none
group=/sys/fs/cgroup/memory/facehand-$$
if mkdir "$group" 2>/dev/null; then
  if (echo 64M >"$group/memory.limit_in_bytes") 2>/dev/null; then task_plugin=task/cgroup; fi
  rmdir "$group"
fi

cat >"$dir/slurm.conf" <<CONF
ClusterName=facehand
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=$task_plugin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=$((memory / 4))
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/none
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
MpiDefault=none
ReturnToService=2
KillWait=2
Prolog=$dir/prolog
MinJobAge=10
NodeName=$node NodeHostname=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
CONF
cat >"$dir/cgroup.conf" <<CONF
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
ConstrainRAMSpace=yes
CONF
export SLURM_CONF="$dir/slurm.conf"
# Tests make the node refuse jobs by the file `broken`.
printf '#!/bin/sh\n[ ! -e %q ]\n' "$dir/broken" >"$dir/prolog"
chmod +x "$dir/prolog"

fail() { echo "Slurm did not start: $1" >&2; tail -n 5 "$dir"/log/*.log "$dir"/munge/*.log >&2 || true; "$(dirname "$0")/stop.sh" "$dir"; exit 1; }
runuser -u munge -- munged --force --socket="$dir/munge/munge.socket" --key-file="$dir/munge/munge.key" \
  --pid-file="$dir/munge/munged.pid" --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/munge.seed" || fail munged
slurmctld || fail slurmctld
slurmd || fail slurmd
for _ in $(seq 100); do
  if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then echo "export SLURM_CONF=$SLURM_CONF"; exit 0; fi
  sleep 0.2
done
fail "the node is $(sinfo --noheader --format='%T %E' 2>&1)"
