. /src/tests/../lab/guest/lib.sh
rxe_dummy 9000 
meas() { # name
 iscsi_login 10.9.0.1 iser >/dev/null || { echo login failed; return; }
 d=$(iscsi_disk); echo none > /sys/block/${d##*/}/queue/scheduler 2>/dev/null
 for c in "randread 4k 8 300" "randread 4k 1 600" "randread 4k 8 2000" "randread 4k 32 2000" "randwrite 4k 1 600" "randwrite 4k 8 2000" "randwrite 4k 32 2000" "read 128k 8 200" "write 128k 8 200" "read 1m 4 48" "write 1m 4 48"; do set -- $c
 fio --name=j --filename=$d --direct=1 --ioengine=libaio --rw=$1 --bs=$2 --iodepth=$3 --number_ios=$4 --size=64m --output-format=json 2>/dev/null | sed -n '/^{/,$p' | jq -r --arg n "$name $c" '"\($n): \([.jobs[0].read.iops,.jobs[0].write.iops]|add|floor)"'
 done
 iscsiadm -m session -u >/dev/null
}
for r in 1 2; do
for who in rsp stock; do name=$who
iscsi_target $who && iscsi_target_up && iscsi_initiator_up $who && meas; iscsi_initiator_down; iscsi_target_down; done; done
