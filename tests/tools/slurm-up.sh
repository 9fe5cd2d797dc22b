#!/bin/sh
# A Slurm of its own for a test: munged, slurmctld and a slurmd for each node, everything in one directory, stopped by
# recorded process numbers. Nothing in /etc, /run or /var is read or written.
#
#   slurm-up.sh DIR N PORT     node1 … nodeN on this machine, listening on 127.0.0.1, ports PORT … PORT+N+1
#   slurm-up.sh DIR N ENTER    host0 … host(N-1), each entered by the program ENTER (`ENTER host3 WORDS…`), at 10.77.0.1 …;
#                              slurmctld runs on host N
#   slurm-up.sh DIR stop
#
# CPUS: processors of a node (64). NODE: what nodes on this machine are called (node). TRACK=cgroup: Slurm knows the processes of a step
# by a control group of version 1 (slurm_NAME below the freezer), not by their parents.
#
# Then:  . DIR/env.sh; srun -N4 -l hostname        (with ENTER: ENTER hostN srun …)
# needs: root; slurmctld slurmd slurm-client munge slurm-wlm-basic-plugins
set -eu
dir=$1
cpus=${CPUS:-64} node=${NODE:-node} track=${TRACK:-linuxproc}

# Whether process $1 runs and is program $2: numbers are used again.
alive() {
  [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
wait_for() {
  i=0
  until eval "$2"; do
    i=$((i + 1))
    [ $i -lt 400 ] || { echo "timeout: $1" >&2; exit 1; }
    sleep 0.05
  done
}

if [ "$2" = stop ]; then
  . "$dir/env.sh"
  # Jobs first: what runs them outlives slurmd. A controller that does not answer has none.
  timeout 5 $FLUX_TEST_ENTER scancel -u root 2>/dev/null || true
  i=0
  while [ -n "$(timeout 5 $FLUX_TEST_ENTER squeue -h 2>/dev/null)" ] && [ $i -lt 40 ]; do i=$((i + 1)); sleep 0.1; done
  for file in "$dir"/run/slurmd.*.pid "$dir/run/slurmctld.pid" "$dir/run/munged.pid"; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    name=${file##*/}
    name=${name%%.*}
    alive "$pid" "$name" || continue
    kill "$pid"
    i=0
    while alive "$pid" "$name" && [ $i -lt 60 ]; do i=$((i + 1)); sleep 0.05; done
    if alive "$pid" "$name"; then kill -9 "$pid"; fi
  done
  # Slurm leaves the groups of its nodes.
  for group in $FLUX_TEST_GROUPS; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \; || true
  done
  exit 0
fi

n=$2
case $3 in
/*) # one network namespace a node
  enter=$3 first=0 name=host prefix="$3 host$n"
  control="host$n(10.77.0.$((n + 1)))" port=6817 bind=
  nodes=$(i=0; while [ $i -lt "$n" ]; do echo "NodeName=host$i NodeAddr=10.77.0.$((i + 1)) CPUs=$cpus State=UNKNOWN"; i=$((i + 1)); done)
  list="host[0-$((n - 1))]" ;;
*)
  enter= first=1 name=$node prefix=
  control="$(hostname -s)(127.0.0.1)" port=$3 bind="CommunicationParameters=NoInAddrAny,NoCtldInAddrAny"
  nodes="NodeName=$node[1-$n] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[$(($3 + 2))-$(($3 + n + 1))] CPUs=$cpus State=UNKNOWN"
  list="$node[1-$n]" ;;
esac

mkdir -p "$dir/run" "$dir/log" "$dir/munge" "$dir/spool" "$dir/state" "$dir/tmp"
chmod 755 "$dir" "$dir/run" "$dir/log" "$dir/munge" "$dir/spool" "$dir/state"
(umask 077; head -c 128 /dev/urandom > "$dir/munge/munge.key")
munged --force --num-threads=2 --key-file="$dir/munge/munge.key" --socket="$dir/munge/munge.socket" \
  --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/munge/munge.seed"
wait_for munged '[ -S "$dir/munge/munge.socket" ]'

: > "$dir/plugstack.conf"
groups=
if [ "$track" = cgroup ]; then
  groups=$(i=$first; while [ $i -lt $((first + n)) ]; do echo "/sys/fs/cgroup/freezer/slurm_$name$i"; i=$((i + 1)); done)
  printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\n' > "$dir/cgroup.conf"
fi
cat > "$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$control
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.socket
CredType=cred/munge
$bind
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
PlugStackConfig=$dir/plugstack.conf
ProctrackType=proctrack/$track
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
PropagateResourceLimits=NONE
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=60
InactiveLimit=0
KillWait=2
MinJobAge=5
WaitTime=0
$nodes
PartitionName=main Nodes=$list Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
cat > "$dir/env.sh" <<ENV
export SLURM_CONF=$dir/slurm.conf
export MUNGE_SOCKET=$dir/munge/munge.socket
export FLUX_TEST_ENTER="$prefix"
export FLUX_TEST_GROUPS="$groups"
ENV
. "$dir/env.sh"

$prefix slurmctld -c -f "$SLURM_CONF"
wait_for slurmctld '[ -s "$dir/run/slurmctld.pid" ]'
i=$first
while [ $i -lt $((first + n)) ]; do
  mkdir -p "$dir/spool/$name$i" "$dir/tmp/$name$i"
  $enter ${enter:+$name$i} slurmd -f "$SLURM_CONF" -N "$name$i"
  i=$((i + 1))
done
wait_for "all $n nodes idle" '[ "$($prefix sinfo -h -N -o "%N %t" 2>/dev/null | grep -c " idle$")" -eq '"$n"' ]'
