#!/usr/bin/env bash
# stop.sh DIR: ends the Slurm that start.sh started in DIR; its jobs end with it. The folder stays, for its logs.
set -uo pipefail
[ $# -eq 1 ] || { echo "Usage: $0 DIR" >&2; exit 2; }
dir=$1
if [ -e "$dir/slurmctld.pid" ]; then SLURM_CONF="$dir/slurm.conf" timeout 10 scancel --user="$(id -un)" 2>/dev/null; fi
for name in slurmd slurmctld munge/munged; do
  pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
  kill "$pid" 2>/dev/null
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null
  rm -f "$dir/$name.pid"
done
# What slurmd leaves of its memory groups; those of another cluster that runs are not empty.
find /sys/fs/cgroup/memory/slurm_* -depth -type d -exec rmdir {} + 2>/dev/null
exit 0
